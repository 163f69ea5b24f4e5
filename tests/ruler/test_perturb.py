"""The ruler against closed forms of vertical lines, against the metrics, and against the definitions of degenerate."""

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from looped import looped

from thinline.metrics.overlay import FALSE_ALARM, HIT, MISS
from thinline.metrics.pixels import PixelCounts, confusion, rates
from thinline.metrics.structure.distances import BAND
from thinline.ruler.degenerate import degenerate, grouped
from thinline.ruler.figures import check_matplotlib, response_figure, shift_figure
from thinline.ruler.perturb import (
    AMOUNTS,
    COLUMNS,
    GAP_ROWS,
    WIDTHS_PX,
    disturbed,
    jittered,
    moved_across,
    respond,
    swapped,
    torn,
)
from thinline.ruler.scores import MEASURES
from thinline.ruler.shift_experiment import BLOB, SHIFTS, cells, moved, shift_experiment
from thinline.ruler.truth import MARGIN_PX, RulerError, drawn, of_courses, of_masks, of_sheets

ROWS = 40


def vertical(*columns, rows=ROWS):
    """Vertical lines from the top of a sheet to its bottom."""
    return of_courses(np.repeat(np.array([columns], float).T, rows, axis=1), 40)


def wavy(rows=512):
    """The log-like curve of FIELD_NOTES 1."""
    y = np.arange(rows)
    return of_courses((320 + 60 * np.sin(y / 60) + 10 * np.sin(y / 13))[None], 640)


@pytest.fixture(scope="module")
def straight():
    """Responses of one vertical line."""
    return respond([vertical(12)])


@pytest.fixture(scope="module")
def sheets():
    return of_sheets(2, px_per_mm=4)


@pytest.fixture(scope="module")
def responses(sheets):
    return respond(sheets, widths_px=(1, 3))


def value(table, width, perturbation, amount, measure):
    rows = (table["width_px"] == width) & (table["perturbation"] == perturbation) & (table["measure"] == measure)
    (number,) = table[rows & np.isclose(table["amount"], amount)]["value"]
    return number


def test_the_shift_experiment_against_its_closed_form():
    iou = shift_experiment().set_index(["shape", "shift_px"])["iou"]
    for shift in SHIFTS:
        assert iou["curve", shift] == (shift == 0)
        assert iou["blob", shift] == pytest.approx((BLOB - shift) / (BLOB + shift))
    shapes = cells()
    assert (shapes["curve"].sum(axis=1) == 1).all()
    assert cv2.connectedComponents(shapes["curve"].astype(np.uint8), connectivity=8)[0] == 2
    assert sorted(set(shapes["blob"].sum(axis=1).tolist())) == [0, BLOB]
    assert not moved(shapes["blob"], 24).any()
    np.testing.assert_array_equal(moved(shapes["curve"], 0), shapes["curve"])


def test_the_table_is_tidy_and_complete(straight):
    assert tuple(straight.columns) == COLUMNS
    amounts = sum(len(amounts) for name, amounts in AMOUNTS.items() if name != "swaps")  # they need two curves
    assert len(straight) == len(WIDTHS_PX) * amounts * len(MEASURES)
    assert not straight.duplicated(["width_px", "perturbation", "amount", "measure"]).any()


@looped("width", WIDTHS_PX)
@pytest.mark.parametrize("shift", AMOUNTS["shift"])
def test_a_vertical_line_moved_aside(straight, width, shift):
    def got(measure):
        return value(straight, width, "shift", shift, measure)

    kept = max(0, width - shift)
    assert got("iou") == pytest.approx(kept / (2 * width - kept))
    if kept:
        assert got("iou") == pytest.approx((width - shift) / (width + shift))
    for measure in ("precision", "recall", "f1"):
        assert got(measure) == pytest.approx(kept / width)
    assert got("iou_any") == got("iou")
    assert got("boundary_iou") == got("iou") or width > 2 * round(BAND * np.hypot(ROWS, 40 + 2 * MARGIN_PX))
    assert got("hd95_px") == shift
    assert got("mae_px") == pytest.approx(shift)
    assert np.isnan(got("r2"))  # a constant truth has no spread to explain
    for tolerance in (1, 2, 3):
        beyond = max(0, shift - tolerance)
        assert got(f"tol_f1_{tolerance}px") == pytest.approx(max(0, width - beyond) / width)
        if width == 1:
            assert got(f"nsd_{tolerance}px") == (shift <= tolerance)
    if width % 2:  # the skeleton of a wider bar bends towards its corners
        bent = 0 if width < 5 else 0.15
        assert got("cldice") == pytest.approx(float(shift <= (width - 1) / 2), abs=bent)
        assert got("tol_cldice_2px") == pytest.approx(float(shift <= (width - 1) / 2 + 2), abs=bent)


@looped("width", WIDTHS_PX)
@pytest.mark.parametrize("pen", AMOUNTS["thickness"])
def test_a_vertical_line_drawn_with_another_pen(straight, width, pen):
    def got(measure):
        return value(straight, width, "thickness", pen, measure)

    assert got("iou") == pytest.approx(min(width, pen) / max(width, pen))
    assert got("precision") == pytest.approx(min(1, width / pen))
    assert got("recall") == pytest.approx(min(1, pen / width))
    assert (got("mae_px"), got("coverage"), got("breaks")) == (0, 1, 0)


@pytest.mark.parametrize("share", AMOUNTS["gaps"])
def test_missing_rows_lower_recall_and_coverage_and_have_the_error_of_a_sheet(straight, share):
    kept = 1 - round(share * ROWS / GAP_ROWS) * GAP_ROWS / ROWS
    assert value(straight, 1, "gaps", share, "recall") == pytest.approx(kept)
    assert value(straight, 1, "gaps", share, "coverage") == pytest.approx(kept)
    assert value(straight, 1, "gaps", share, "precision") == 1
    width = 40 + 2 * MARGIN_PX
    assert value(straight, 1, "gaps", share, "mae_px") == pytest.approx((1 - kept) * width)


def test_two_lines_swapped_keep_their_union():
    """Over half of the rows: IoU of each is .5 / 1.5, and the error is their distance in half of the rows."""
    table = respond([vertical(5, 25)], widths_px=(1,))
    assert value(table, 1, "swaps", 0.5, "iou") == pytest.approx(1 / 3)
    assert value(table, 1, "swaps", 0.5, "iou_any") == 1
    assert value(table, 1, "swaps", 0.5, "mae_px") == pytest.approx(10)
    assert value(table, 1, "swaps", 0, "iou") == 1


def test_the_curve_of_the_field_notes():
    """FIELD_NOTES 1: overlap falls with the pen, boundary IoU equals IoU, NSD and R2 do not see a shift of 1 px."""
    table = respond([wavy()], widths_px=(1, 3, 7))
    ious = [value(table, width, "shift", 1, "iou") for width in (1, 3, 7)]
    assert ious == sorted(ious)
    assert ious[0] < 0.4
    assert ious[2] > 0.7
    for width, iou in zip((1, 3, 7), ious, strict=True):
        assert value(table, width, "shift", 1, "boundary_iou") == iou
        assert value(table, width, "shift", 1, "nsd_1px") == 1
        assert value(table, width, "shift", 1, "r2") > 0.999
    assert value(table, 1, "shift", 3, "r2") == pytest.approx(1 - 9 / np.var(wavy().x_px[0]))
    assert value(table, 1, "shift", 3, "mae_px") == pytest.approx(3)


def test_pixel_scores_are_those_of_the_metrics(sheets, responses):
    counts = np.zeros((2, 2), np.int64)
    for i, truth in enumerate(sheets):
        prediction = disturbed(truth, "jitter", 2, seed=i)
        for predicted, true in zip(drawn(prediction.lines, 3), drawn(truth.lines, 3), strict=True):
            pair = (torch.from_numpy(mask.astype(np.int64))[None] for mask in (predicted, true))
            counts += confusion(*pair, classes=2).sum(0).numpy()
    expected = rates(PixelCounts.from_confusion(torch.from_numpy(counts)))
    for measure in ("iou", "precision", "recall", "f1"):
        assert value(responses, 3, "jitter", 2, measure) == pytest.approx(float(expected[measure][1]))


def test_amount_0_gives_perfect_scores(responses):
    for perturbation, amount in [(name, 3 if name == "thickness" else 0) for name in AMOUNTS]:
        for measure, scale in MEASURES.items():
            assert value(responses, 3, perturbation, amount, measure) == pytest.approx(scale.perfect), measure


@given(st.lists(st.integers(0, 60), min_size=2, max_size=30), st.integers(0, 3), st.integers(0, 99))
def test_lines_are_connected_and_one_pixel_wide_also_after_jitter(columns, most, seed):
    truth = of_courses(np.array([columns], float), 61)
    (line,) = truth.lines
    ink = len(columns) + np.maximum(np.abs(np.diff(columns)) - 1, 0).sum()
    assert line.sum() == ink if columns == sorted(columns) else line.sum() <= ink  # runs may overlap where it turns
    assert line[np.arange(len(columns)), np.array(columns) + MARGIN_PX].all()
    moved_truth = jittered(truth, most, np.random.default_rng(seed))
    for mask in (line, moved_truth.lines[0]):
        assert cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] == 2
    assert np.abs(moved_truth.x_px - truth.x_px).max() <= most
    assert moved_truth.lines[0][np.arange(len(columns)), np.rint(moved_truth.x_px[0]).astype(int)].all()


def test_jitter_moves_every_row_independently():
    truth = vertical(12, rows=300)
    answer = disturbed(truth, "jitter", 2, seed=3)
    moves = (answer.x_px - truth.x_px)[0]
    assert set(moves.tolist()) == {-2, -1, 0, 1, 2}
    np.testing.assert_array_equal(disturbed(truth, "jitter", 2, seed=3).lines, answer.lines)
    assert (disturbed(truth, "jitter", 2, seed=4).lines != answer.lines).any()


@pytest.mark.parametrize("amount", AMOUNTS["shift_normal"])
def test_a_vertical_line_moves_along_its_normal_as_along_the_rows(straight, amount):
    for measure in MEASURES:
        along_rows, across = (value(straight, 3, name, amount, measure) for name in ("shift", "shift_normal"))
        assert across == pytest.approx(along_rows, nan_ok=True), measure


@pytest.mark.parametrize("amount", [1, 3])
def test_a_slanted_line_is_read_as_far_off_as_its_slope_says(amount):
    """Moved by a along the normal, a line of slope s = dx/dy is off by a * sqrt(1 + s^2) in each row."""
    for slope in (0.437, 2.11):
        truth = of_courses((20 + slope * np.arange(120.0))[None], 300)
        answer = disturbed(truth, "shift_normal", amount)
        off = (answer.x_px - truth.x_px)[0]
        assert off[10:-10].mean() == pytest.approx(amount * np.hypot(1, slope), rel=0.05)
        assert np.isfinite(off).all()  # rows that the line leaves are off as the nearest row that it keeps
        assert set(off[:2]) <= set(off[:8])


def test_moved_across_needs_no_row_in_common():
    truth = of_courses(np.where(np.arange(30) == 15, 10.0, np.nan)[None], 40)
    lying = replace(truth, lines=np.zeros_like(truth.lines))
    lying.lines[0, 15, 20:50] = True
    answer = moved_across(lying, lambda points: np.full(points, 2.0))
    np.testing.assert_array_equal(answer.lines[0], np.roll(lying.lines[0], 2, axis=0))
    np.testing.assert_array_equal(answer.x_px, lying.x_px)


def test_jitter_along_the_normal_is_random_connected_and_reproducible(sheets):
    truth = vertical(12, rows=300)
    answer = disturbed(truth, "jitter_normal", 2, seed=3)
    assert set((answer.x_px - truth.x_px)[0].tolist()) >= {-2, -1, 0, 1, 2}  # halves where rows are joined
    np.testing.assert_array_equal(disturbed(truth, "jitter_normal", 2, seed=3).lines, answer.lines)
    for line, moved_line in zip(sheets[0].lines, disturbed(sheets[0], "jitter_normal", 3).lines, strict=True):
        before, after = (
            cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] for mask in (line, moved_line)
        )
        assert after <= before


def test_gaps_and_swaps_change_only_their_rows():
    truth = vertical(5, 25, rows=100)
    answer = torn(truth, 0.4, np.random.default_rng(0))
    gone = ~answer.lines.any(axis=(0, 2))
    assert gone.sum() == pytest.approx(40, abs=GAP_ROWS)
    np.testing.assert_array_equal(gone, np.isnan(answer.x_px[0]))
    whole = swapped(truth, 1)
    np.testing.assert_array_equal(whole.lines, truth.lines[::-1])
    np.testing.assert_array_equal(swapped(whole, 1).x_px, truth.x_px)
    half = swapped(truth, 0.5)
    np.testing.assert_array_equal(half.lines[:, :25], truth.lines[:, :25])
    np.testing.assert_array_equal(half.lines[:, 25:75], truth.lines[::-1, 25:75])


@pytest.mark.parametrize("width", range(1, 8))
def test_a_pen_has_its_width(width):
    assert (drawn(vertical(12).lines, width)[0].sum(axis=1) == width).all()


def test_an_unknown_perturbation_and_no_truth_are_refused():
    with pytest.raises(RulerError, match="must be one of shift, jitter"):
        disturbed(vertical(3), "rotation", 1)
    with pytest.raises(RulerError, match="at least one truth"):
        respond([])


def test_a_branched_mask_has_no_columns(tmp_path):
    mask = np.zeros((60, 60), np.uint8)
    mask[:, [10, 40]] = 255
    assert cv2.imwrite(str(tmp_path / "tree.png"), mask)
    (truth,) = of_masks(str(tmp_path), count=1)
    assert np.isnan(truth.x_px).all()
    table = respond([truth], widths_px=(3,))
    assert np.isnan(value(table, 3, "shift", 1, "mae_px"))
    assert value(table, 3, "shift", 1, "iou") == pytest.approx(1 / 2)
    assert not any(row.measure in ("mae_px", "r2", "coverage") for row in degenerate(table))


def shift_table(**measures):
    """A table of shifts 0, 1, 2, 3 at 1 px."""
    rows = [(1, "shift", float(n), name, v) for name, values in measures.items() for n, v in enumerate(values)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.mark.parametrize(
    ("measure", "values", "expected"),
    [
        ("nsd_1px", (1, 1, 1, 0.99), "saturated"),  # two of three: .99 counts as a change
        ("nsd_1px", (1, 1, 0.9, 0.8), None),  # one of three
        ("r2", (1, 0.9999, 0.999, 0.9951), "blind"),
        ("f1", (1, 0.05, 0.02, 0), "cliff"),
        ("f1", (1, 0.06, 0.02, 0), None),
        ("mae_px", (0, 0.05, 0.05, 0.09), "blind"),
        ("mae_px", (0, 1, 2, 3), None),
        ("breaks", (0, 0, 0, 4), "saturated"),
        ("r2", (np.nan,) * 4, None),
    ],
)
def test_the_definitions_of_degenerate(measure, values, expected):
    rows = degenerate(shift_table(**{measure: values}))
    assert [row.kind for row in rows] == ([expected] if expected else [])


def test_a_copy_is_reported_once_as_copy_of_the_earlier_metric():
    rows = degenerate(shift_table(iou=(1, 0.5, 0.2, 0.1), boundary_iou=(1, 0.5, 0.2, 0.1), cldice=(1, 0.5, 0.2, 0.11)))
    assert [(row.measure, row.kind, row.detail) for row in rows] == [("boundary_iou", "copy", "is IoU")]


def test_thickness_is_unperturbed_at_the_width_of_the_truth():
    rows = [(3, "thickness", float(pen), "iou", v) for pen, v in zip(range(1, 6), (0.3, 0.6, 1, 0.7, 0.6), strict=True)]
    assert degenerate(pd.DataFrame(rows, columns=list(COLUMNS))) == []


def test_degenerate_metrics_of_a_vertical_line_and_of_sheets(straight, responses):
    kinds = {(row.width_px, row.perturbation, row.measure): row.kind for row in degenerate(straight)}
    assert kinds[1, "shift", "iou"] == "cliff"
    assert (3, "shift", "iou") not in kinds
    assert kinds[1, "all", "iou_any"] == "copy"  # of a single line
    drawn_sheets = degenerate(responses)
    kinds = {(row.width_px, row.perturbation, row.measure): row.kind for row in drawn_sheets}
    assert kinds[3, "swaps", "iou_any"] == "blind"
    assert kinds[1, "shift", "nsd_3px"] == "saturated"
    assert kinds[1, "all", "boundary_iou"] == "copy"
    assert ("boundary_iou", "is IoU", "all", "1 3") in grouped(drawn_sheets)


def picture(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


def test_figures_show_the_curves_and_are_reproducible(responses):
    page = response_figure(responses, "shift", degenerate(responses), truth="two sheets")
    pixels = picture(page)
    assert pixels.shape[1] == 1500
    vermilion = (np.abs(pixels.astype(int) - [0, 94, 213]).sum(axis=2) < 30).sum()
    assert vermilion > 1000  # the line of the thinnest truth, in every panel
    experiment = shift_figure()
    assert experiment == shift_figure()
    experiment = picture(experiment)
    assert (np.abs(experiment.astype(int) - HIT[::-1]).sum(axis=2) < 30).sum() > 5000  # the overlap of the blob
    for colour in (MISS, FALSE_ALARM):  # a row of the blob and the curve each
        assert (np.abs(experiment.astype(int) - colour[::-1]).sum(axis=2) < 30).sum() > 500


def test_without_matplotlib_the_error_names_the_next_step(monkeypatch):
    check_matplotlib()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RulerError, match=r'pip install "thinline\[report\]"'):
        check_matplotlib()
