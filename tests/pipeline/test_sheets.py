"""Which truth the sheets of a configuration have: named curves, or ink and centre lines."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
from folder_cases import draw_folder
from skimage.morphology import skeletonize

from thinline.cli.main import main
from thinline.config.schema import ConfigError
from thinline.pipeline.cell import run_cell
from thinline.pipeline.locate import locate
from thinline.pipeline.sheets import plan_sheets, render_sheets
from thinline.pipeline.train import CONSOLE
from thinline.runs import FINISHED, RunFolder
from thinline.sheets.ink_and_centre import render_ink_and_centre

CURVES = ("head=curves", "classes=[background,ink,centre]")


def test_head_curves_has_the_images_of_named_curves_and_another_truth(tiny):
    named, unnamed = tiny()[0], tiny(*CURVES)[0]
    plans = plan_sheets(named), plan_sheets(unnamed)
    assert plans[0].digest != plans[1].digest  # another run, and another file of the cache
    one, other = (
        render_sheets(plan, conf, console=CONSOLE) for plan, conf in zip(plans, (named, unnamed), strict=True)
    )
    for first, second in zip(one[:3], other[:3], strict=True):
        assert np.array_equal(first.images, second.images)
        assert np.array_equal(first.labels > 0, (second.strokes & 1).astype(bool))  # bit 0 is the ink
        assert np.array_equal(second.labels == 2, second.strokes == 3)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["head=curves"], r"needs classes=\[background,ink,centre\], got \[background,curve_1,curve_2\]; add"),
        (["data_mix=field"], r"expected head=curves, got thinline\.heads\.Softmax; add head=curves classes="),
    ],
)
def test_a_truth_that_the_head_cannot_use_is_refused_before_anything_is_drawn(tiny, overrides, message):
    with pytest.raises(ConfigError, match=message):
        plan_sheets(tiny(*overrides)[0])


def test_own_masks_of_ink_get_the_skeleton_of_the_whole_image_as_centre_lines(tiny, tmp_path, capsys):
    """A broad cross with a dashed arm and an ignored corner; the image is cut into four pieces."""
    for number in range(6):
        image, mask = (np.full((100, 90), fill, np.uint8) for fill in (255, 0))
        mask[20 + number : 25 + number, :] = mask[:, 40:47] = 200
        mask[60:66, 40:47] = 0  # a gap: the user's ink has no course to continue
        mask[90:, 80:] = 7
        image[mask == 200] = 10
        for name, plane in (("images", image), ("masks", mask)):
            (tmp_path / "own" / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / "own" / name / f"{number}.png"), plane)
    table = "data_mix.class_map={0:background,200:ink,7:ignore}"
    keys = ("data_mix=folder", f"data_mix.root={tmp_path / 'own'}", table, "data_mix.piece_px=60", *CURVES)
    conf, choices = tiny(*keys, "budget.tile_px=[40,40]", "loss=dice_ce")
    planned = plan_sheets(conf)
    sheets = render_sheets(planned, conf, console=CONSOLE).train
    named, _ = tiny(*keys[:-2], "classes=[background,ink]", "budget.tile_px=[40,40]")
    assert planned.digest != plan_sheets(named).digest
    for index, piece in enumerate(planned.splits.train.specs):
        _, whole = piece.photo.load()
        part = (slice(piece.row, piece.row + piece.height), slice(piece.column, piece.column + piece.width))
        ink, line = ((sheets.strokes[index] & bit) > 0 for bit in (1, 2))
        assert np.array_equal(ink, whole[part] == 1)
        assert np.array_equal(line, skeletonize(whole == 1)[part])
        assert np.array_equal(sheets.labels[index] == 255, whole[part] == 255)
        assert np.array_equal(sheets.labels[index] == 2, line)
    assert run_cell(conf, choices).status == FINISHED
    assert "class centre has no pixel" not in " ".join(capsys.readouterr().out.split())


def test_sheets_of_any_number_of_curves_train_the_head_of_ink_and_centre_lines(tiny):
    """Sheets of the family `field` in every split, at the scale and with the loss of the experiment `reader`."""
    keys = ("data_mix=field", *CURVES, "loss=dice_ce", "class_weight=tuned_threshold", "resolution.px_per_mm=5.0")
    conf, choices = tiny(*keys, "budget.counts={archive:1,train:12,val:3,test:3}")
    splits = plan_sheets(conf).splits
    assert {spec.family for split in splits.by_name().values() for spec in split.specs} == {"field"}
    assert len({len(spec.curves) for spec in splits.train.specs}) > 1
    outcome = run_cell(conf, choices)
    assert outcome.status == FINISHED
    classes = set(pd.read_parquet(outcome.folder / "per_class.parquet").query("split == 'tuned'")["class"])
    assert classes == {"ink"}


@pytest.fixture
def of_ink(tmp_path):
    """The keys of a folder of six images with one line of ink each."""
    root = draw_folder(tmp_path / "own", [(80 + 8 * (n % 2), 72) for n in range(6)])
    table = "data_mix.class_map={0:background,255:ink}"
    return ("data_mix=folder", f"data_mix.root={root}", table, "data_mix.px_per_mm=5", *CURVES)


FRESH = (
    "data_mix.fresh=field",
    "budget.counts={archive:1,train:9}",
    "budget.sheet_mm=[16,20]",
    "budget.tile_px=[40,40]",
)


def test_own_images_are_mixed_with_drawn_sheets_at_their_scale(tiny, of_ink):
    conf, choices = tiny(*of_ink, *FRESH, "data_mix.fresh_share=0.75", "loss=dice_ce")
    planned = plan_sheets(conf)
    train = planned.splits.train
    assert [spec.family for spec in train.everything] == ["folder"] * len(train.specs) + ["field"] * 9
    assert not planned.splits.val.drawn + planned.splits.test.drawn
    sheets = render_sheets(planned, conf, console=CONSOLE).train
    assert len(sheets) == len(train.everything)
    for number, spec in enumerate(train.drawn, start=len(train.specs)):
        drawn = render_ink_and_centre(spec, px_per_mm=5.0)
        assert np.array_equal(sheets.images[number], drawn.image)
        assert np.array_equal(sheets.labels[number], drawn.labels)
        assert np.array_equal(sheets.strokes[number], drawn.strokes[0] + 2 * drawn.strokes[1])
    for number, piece in enumerate(train.specs):
        image, labels = piece.photo.load()
        assert np.array_equal(sheets.images[number], image)
        assert np.array_equal(sheets.strokes[number] & 1, labels == 1)
    ended = run_cell(conf, choices)
    assert ended.status == FINISHED
    records = RunFolder.open(ended.folder).manifest().cell.datasets
    assert records[0]["profile"]["families"] == {"folder": len(train.specs), "field": 9}


def test_without_drawn_sheets_a_run_keeps_its_name(tiny, of_ink):
    names = {}
    for label, more in {
        "none": (),
        "share alone": ("data_mix.fresh_share=0.5",),
        "fresh": FRESH[:1],
        "quarter": (*FRESH[:1], "data_mix.fresh_share=0.25"),
    }.items():
        names[label] = locate(*tiny(*of_ink, *FRESH[1:], *more)).folder.name.rpartition("-")[2]
    assert names["none"] == names["share alone"]
    assert len(set(names.values())) == 3
    conf, choices = tiny(*of_ink, *FRESH[1:])
    older = {key: value for key, value in conf.tree["data_mix"].items() if not key.startswith("fresh")}
    before = replace(conf, tree=conf.tree | {"data_mix": older})
    assert locate(before, choices).folder.name.rpartition("-")[2] == names["none"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("data_mix.fresh=feild",), r"data_mix\.fresh: expected a family of drawn sheets \(archive, .*got 'feild'"),
        (("data_mix.fresh_share=1.0",), r"data_mix\.fresh_share: expected .*less than 1, got 1\.0"),
        (("data_mix.fresh=field", "data_mix.px_per_mm=null"), r"fresh: expected data_mix\.px_per_mm with it"),
        (("data_mix.fresh=field", "head=softmax", "classes=[background,ink]"), "fresh=field needs head=curves"),
    ],
)
def test_drawn_sheets_that_do_not_fit_are_refused(tiny, of_ink, more, message):
    with pytest.raises(ValueError, match=message):
        plan_sheets(tiny(*of_ink, *more)[0])


def test_data_says_how_many_sheets_are_drawn(of_ink, capsys):
    assert main(["data", *of_ink[1:], *FRESH]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "training also sees 9 drawn sheets (field) at 5 px/mm, 50 % of its images" in text
