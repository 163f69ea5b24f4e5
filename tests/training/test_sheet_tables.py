import numpy as np
import pytest

from thinline.curves.trace import ink_of
from thinline.metrics.structure.sheet_rates import rates_of_sheets
from thinline.metrics.structure.sheet_scores import CurveTruth, score_sheet
from thinline.metrics.structure.truth import Truth
from thinline.training.sheet_tables import sheet_score_tables

CURVES = ("curve_1", "curve_2")


def one(shift, courses=True):
    """A sheet with two upright lines, found `shift` px to the right."""
    labels = np.zeros((40, 60), np.uint8)
    labels[:, 15], labels[:, 40] = 1, 2
    strokes = np.stack([labels == 1, labels == 2])
    truth = Truth(labels, strokes, np.zeros_like(labels), 4.0)
    found = np.roll(labels, shift, axis=1)
    known = CurveTruth(np.array([[15.0] * 40, [40.0] * 40]), np.array([[0.0, 50.0]] * 2)) if courses else None
    return score_sheet(found, ink_of(found, curves=2), truth, known)


@pytest.fixture(scope="module")
def judged():
    return {7: one(0), 3: one(2)}


def value(table, **where):
    for column, wanted in where.items():
        table = table[table[column] == wanted]
    assert len(table) == 1
    return table["value"].item()


def test_rows_of_the_split_and_of_its_sheets(judged):
    whole, each = sheet_score_tables(judged, CURVES, split="test", px_per_mm=4.0)
    assert set(each["sheet"]) == {3, 7}
    assert set(whole["split"]) == set(each["split"]) == {"test"}
    assert value(each, sheet=3, measure="viterbi_mae_px", **{"class": "curve_1"}) == pytest.approx(2)
    assert value(whole, measure="viterbi_mae_px", **{"class": "curve_2"}) == pytest.approx(1)
    assert value(each, sheet=3, measure="nsd_1px", **{"class": "curve_2"}) == 0
    assert value(each, sheet=7, measure="nsd_1px", **{"class": "curve_2"}) == 1
    assert value(whole, measure="nsd_1px", **{"class": "curve_2"}) == 0.5
    rates = rates_of_sheets(list(judged.values()), px_per_mm=4.0)
    assert len(whole) == 2 * len(rates)
    assert len(each) == 2 * len(whole)


def test_support_is_pixels_for_masks_and_rows_for_curves(judged):
    whole, _ = sheet_score_tables(judged, CURVES, split="test", px_per_mm=4.0)
    assert set(whole.loc[whole["measure"] == "nsd_1px", "support"]) == {80}
    assert set(whole.loc[whole["measure"] == "viterbi_bridged_r2", "support"]) == {80}
    assert (whole["signature"].str.split("|").str[0] == whole["measure"]).all()


def test_without_a_scale_there_are_no_millimetres():
    whole, _ = sheet_score_tables({0: one(1, courses=False)}, CURVES, split="test", px_per_mm=None)
    assert not whole["measure"].str.contains("mm").any()
    assert "hd95_px" in set(whole["measure"])


def test_a_sheet_without_courses_does_not_hide_those_of_the_others():
    for order in ((0, 1), (1, 0)):
        judged = dict(zip(order, (one(0, courses=False), one(2)), strict=True))
        whole, _ = sheet_score_tables(judged, CURVES, split="test", px_per_mm=4.0)
        assert set(whole.loc[whole["measure"] == "viterbi_mae_track", "support"]) == {40}
        assert set(whole.loc[whole["measure"] == "nsd_1px", "support"]) == {80}
