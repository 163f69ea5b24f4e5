"""The specification curve has a dot for each analysis, in order, and marks of its choices."""

from dataclasses import replace

import numpy as np
import pytest
from study_cases import THREE, planted

from thinline.study.figures.specification import specification_curve
from thinline.study.figures.style import NotDrawn
from thinline.study.stats.specification import specifications, summary

MAIN = ({"loss": ("dice",), "data_mix": ("fresh",)}, {"loss": ("soft_ce",), "data_mix": ("fresh",)})


def test_every_analysis_is_a_dot_above_the_marks_of_its_choices():
    results = planted(replace(THREE, main=MAIN), sheets=4)
    table = specifications(results)
    upper, lower = specification_curve(results).axes
    dots = np.concatenate([line.get_xydata() for line in upper.lines[:3]])
    assert np.allclose(dots[np.argsort(dots[:, 0]), 1], table["ratio"])
    marks = {
        label.get_text(): line.get_xdata() for label, line in zip(lower.get_yticklabels(), lower.lines, strict=True)
    }
    assert np.array_equal(marks["threshold: tuned"], np.flatnonzero(table["threshold"] == "tuned"))
    assert np.array_equal(marks["other factors: measured"], np.flatnonzero(table["where"] == "measured"))
    assert np.array_equal(marks["metric: IoU"], np.flatnonzero(table["measure"] == "iou"))


def test_the_title_says_how_many_analyses_agree():
    results = planted(replace(THREE, main=MAIN), sheets=4)
    count, better, worse = summary(specifications(results))
    title = specification_curve(results).get_suptitle()
    assert title == f"dice with fresh less soft ce with fresh: better in {better} of {count} analyses, worse in {worse}"


def test_without_a_contrast_or_an_interval_there_is_no_figure():
    with pytest.raises(NotDrawn, match="no main contrast"):
        specification_curve(planted(sheets=2))
    with pytest.raises(NotDrawn, match="one seed"):
        specification_curve(planted(replace(THREE, main=MAIN, seeds=("0",)), sheets=2))
