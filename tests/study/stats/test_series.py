"""The measures and classes of which effects are estimated."""

from dataclasses import replace

import numpy as np
import pytest
from study_cases import THREE, planted

from thinline.study.stats.samples import samples
from thinline.study.stats.series import labelled, measures_of, series_of


@pytest.fixture(scope="module")
def results():
    return planted(replace(THREE, primary=("test/recall", "tuned/f1", "test/breaks")), sheets=2)


def test_measures_are_the_axes_the_tuned_f1_and_the_primary_ones(results):
    measures = measures_of(results)
    assert measures[0] == ("test", "iou")
    assert measures[-2:] == [("tuned", "f1"), ("test", "breaks")]
    assert len(measures) == len(set(measures))


def test_samples_are_those_of_the_whole_results(results):
    every, lacking = series_of(results)
    assert lacking == ["test/breaks/curve_1", "test/breaks/curve_2"]
    assert [series.name for series in every if series.primary] == [
        *("test/recall/curve_1", "test/recall/curve_2", "tuned/f1/curve_1", "tuned/f1/curve_2"),
    ]
    for series in every:
        data = samples(results, series.data.measure, series.data.name, split=series.data.split)
        np.testing.assert_array_equal(series.data.parts, data.parts)
        np.testing.assert_array_equal(series.data.whole, data.whole)
    assert len({id(series.grid) for series in every}) == 1


def test_keys_and_labels(results):
    every, _ = series_of(results)
    assert (every[0].key, every[-1].key) == ("iou", "tuned/f1")
    table = labelled(results.cells[["seed"]].iloc[[5, 3]], every[-1])
    assert list(table.columns) == ["split", "measure", "class", "seed"]
    assert table.iloc[1].tolist() == ["tuned", "f1", "curve_2", 0]
