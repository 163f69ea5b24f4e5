"""What effects are estimated on."""

from dataclasses import replace

import numpy as np
import pytest
from study_cases import THREE, planted

from thinline.study.stats.samples import samples
from thinline.study.stats.series import key_of, labelled, subjects_of, wanted


@pytest.fixture(scope="module")
def results():
    return planted(replace(THREE, primary=("test/recall", "tuned/f1", "test/breaks")), sheets=4)


def test_axes_the_tuned_threshold_and_what_the_study_is_judged_by(results):
    told = wanted(results)
    assert told[0] == ("test", "iou")
    assert told[-2:] == [("tuned", "f1"), ("test", "breaks")]
    assert len(told) == len(set(told))


def test_samples_are_those_of_the_whole_results(results):
    found, lacking = subjects_of(results)
    assert lacking == ["test/breaks/curve_1", "test/breaks/curve_2"]
    assert [it.told for it in found if it.primary] == [
        *("test/recall/curve_1", "test/recall/curve_2", "tuned/f1/curve_1", "tuned/f1/curve_2"),
    ]
    for it in found:
        whole = samples(results, it.data.measure, it.data.name, split=it.data.split)
        np.testing.assert_array_equal(it.data.parts, whole.parts)
        np.testing.assert_array_equal(it.data.whole, whole.whole)
    assert len({id(it.grid) for it in found}) == 1


def test_keys_and_labels(results):
    assert (key_of("test", "iou"), key_of("tuned", "f1")) == ("iou", "tuned/f1")
    it = subjects_of(results)[0][-1]
    table = labelled(results.cells[["seed"]].iloc[[5, 3]], it)
    assert list(table.columns) == ["split", "measure", "class", "seed"]
    assert table.iloc[1].tolist() == ["tuned", "f1", "curve_2", 0]
