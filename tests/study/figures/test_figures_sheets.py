"""The best, median and worst sheet are chosen by IoU among those that have a picture, and shown pixel by pixel."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from figure_cases import small, tables, whole

from thinline.metrics.number_format import number
from thinline.study.design.study import StudyError
from thinline.study.figures.sheets import best_run, pictures_of, ranked_sheets, sheet_overlays, three_of, wanted_sheets
from thinline.study.figures.style import NotDrawn, png


@pytest.fixture(scope="module")
def results():
    return small()


@pytest.fixture(scope="module")
def cells(results):
    return tables(results).cells


def pictures(count, width=900):
    """Flat pictures, each of its own grey."""
    return {sheet: np.full((30, width, 3), 50 * sheet + 20, np.uint8) for sheet in range(count)}


def test_the_best_run_is_that_of_the_best_iou_at_the_first_seed(results, cells):
    iou = sum(whole(results, "iou", name).mean(axis=1) for name in results.classes)
    assert best_run(results, cells) == f"{iou.idxmax().replace('/', '-')}-s0"


def test_sheets_are_chosen_among_all_where_those_are_drawn_else_among_those_that_are(results, cells):
    """The worst of all is not there the second time: of the three others each is shown, and it says of what."""
    run = best_run(results, cells)
    table = results.sheets[(results.sheets["run"] == run) & (results.sheets["measure"] == "iou")]
    scores = table.groupby("sheet")["value"].mean().sort_values(ascending=False)
    three = list(scores.index[[0, 1, 3]])
    assert wanted_sheets(results, run) == three
    shown(
        sheet_overlays(results, cells, {sheet: pictures(4)[sheet] for sheet in three}), "4 test sheets", scores, three
    )
    others = list(scores.index[:3])
    assert ranked_sheets(results, run, [*others, 99]).to_dict() == pytest.approx(scores[others].to_dict())
    kept = {sheet: pictures(4)[sheet] for sheet in others}
    shown(sheet_overlays(results, cells, kept), "3 sheets drawn", scores, others)


def shown(figure, of, scores, sheets):
    """Best, median and worst are the pictures of `sheets`."""
    assert figure.get_suptitle() == f"Best, median, worst of the {of}"
    for axes, name, sheet in zip(figure.axes, ("best", "median", "worst"), sheets, strict=True):
        assert axes.get_title(loc="left") == f"{name}: sheet {sheet}, IoU {number(scores[sheet])}"
        assert (np.asarray(axes.images[0].get_array()) == 50 * sheet + 20).all()


def test_pixels_are_shown_one_to_one(results, cells):
    noise = 255 * np.random.default_rng(0).integers(0, 2, (30, 900, 3), dtype=np.uint8)
    drawn = cv2.imdecode(np.frombuffer(png(sheet_overlays(results, cells, {0: noise})), np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape[1] == 900
    (top,) = [row for row in range(len(drawn) - 30) if (drawn[row + 3, 5:50] == noise[3, 5:50, ::-1]).all()]
    actual = drawn[top : top + 30, :, ::-1]
    assert (actual[1:-1, 1:-1] == noise[1:-1, 1:-1]).all()


def test_median_and_fewer_than_three(results):
    scores = ranked_sheets(results, results.cells["run"].iloc[0], range(4))
    assert list(three_of(scores).values()) == [scores.index[0], scores.index[1], scores.index[3]]
    assert three_of(scores.iloc[:2]) == {"best": scores.index[0], "worst": scores.index[1]}
    assert three_of(scores.iloc[:1]) == {"best": scores.index[0]}


def test_a_sheet_without_curves_is_not_chosen(results, cells):
    run = best_run(results, cells)
    hit = (results.sheets["run"] == run) & (results.sheets["sheet"] == 2)
    sheets = results.sheets.assign(value=results.sheets["value"].mask(hit))
    assert set(ranked_sheets(replace(results, sheets=sheets), run, range(4)).index) == {0, 1, 3}


def test_pictures_are_found_by_their_names(tmp_path):
    for name in ("test_010.png", "test_002.png", "history.png", "test_x.png"):
        (tmp_path / name).write_bytes(b"")
    assert pictures_of(tmp_path.iterdir()) == {2: tmp_path / "test_002.png", 10: tmp_path / "test_010.png"}


def test_files_are_read_and_a_broken_one_is_named(results, cells, tmp_path: Path):
    picture = np.random.default_rng(0).integers(0, 256, (20, 300, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "test_001.png"), picture[..., ::-1])
    (axes,) = sheet_overlays(results, cells, pictures_of(tmp_path.iterdir())).axes
    assert np.rint(np.asarray(axes.images[0].get_array()) * 255) == pytest.approx(picture)
    (tmp_path / "test_001.png").write_bytes(b"no picture")
    with pytest.raises(StudyError, match=r"test_001\.png must be a PNG picture of a sheet"):
        sheet_overlays(results, cells, pictures_of(tmp_path.iterdir()))


def test_without_pictures_there_is_no_figure(results, cells):
    with pytest.raises(NotDrawn, match="has no picture of a test sheet"):
        sheet_overlays(results, cells, {})
