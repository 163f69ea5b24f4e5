"""Runs on the user's own images, of several sizes and numbers of classes."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from folder_cases import FOUR, draw_folder

from thinline.config.schema import CONF, ConfigError
from thinline.pipeline.cell import run_cell
from thinline.pipeline.locate import locate
from thinline.pipeline.sheets import plan_sheets
from thinline.pipeline.user_images import photos_of
from thinline.runs import FINISHED, RunFolder, read
from thinline.sweep.tables import class_tables

SHARED = CONF.parent / "../shared/data"
SIZES = [(90, 70), (64, 200), (90, 70), (80, 80), (75, 66), (64, 64)]
HEADS = sorted(path.stem for path in (CONF / "head").glob("*.yaml"))


@pytest.fixture
def own(tiny, tmp_path):
    """`own(values, "loss=dice")`: a configuration on a drawn folder with these classes."""

    def make(table, *overrides, root=None, sizes=SIZES):
        root = root or draw_folder(tmp_path / f"own{len(table)}", sizes, list(table))
        pairs = ",".join(f"{value}:{name}" for value, name in table.items())
        names = ",".join(table.values())
        keys = [
            f"data_mix.root={root}",
            f"data_mix.class_map={{{pairs}}}",
            "data_mix.piece_px=96",
            f"classes=[{names}]",
        ]
        return tiny("data_mix=folder", *keys, *overrides)

    return make


def scores(ended):
    rows = pd.read_parquet(ended.folder / "per_class.parquet")
    return rows.query("split == 'test' and measure == 'iou'").set_index("class")["value"]


@pytest.mark.parametrize("table", [{0: "background", 255: "vessel"}, FOUR], ids=["two", "four"])
@pytest.mark.parametrize("head", HEADS)
def test_any_number_of_classes_runs_to_its_tables(own, table, head):
    conf, choices = own(table, f"head={head}", "loss=soft_ce", "class_weight=measured")
    ended = run_cell(conf, choices)
    assert ended.status == FINISHED
    curves = list(table.values())[1:] if head != "binary" or len(table) == 2 else ["curve"]
    iou = scores(ended)
    assert iou.index.tolist() == ["background", *curves]
    assert iou.between(0, 1).all()
    first = RunFolder.open(ended.folder).history()[0].metrics
    assert {name.rsplit("/", 1)[1] for name in first if "measured_ratio" in name} == set(list(table.values())[1:])
    tables = class_tables(read(Path(conf.paths.store)), order=[ended.name])
    assert len(tables) == 2 * len(curves) + 1
    assert len(list((ended.folder / "overlays").glob("*.png"))) == 1


def test_splits_share_no_image(own):
    for seed in range(3):
        splits = plan_sheets(own(FOUR, f"seed={seed}")[0]).splits
        pixels = [{piece.photo.pixels for piece in split.specs} for split in (splits.train, splits.val, splits.test)]
        assert sum(map(len, pixels)) == len(set.union(*pixels)) == len(SIZES)


def test_a_cell_is_its_content_and_not_its_path(own, tmp_path):
    name = locate(*own(FOUR)).folder.name
    moved = tmp_path / "moved"
    (tmp_path / "own4").rename(moved)
    (moved / "images").rename(moved / "photos")
    assert locate(*own(FOUR, "data_mix.images=photos/*", root=moved)).folder.name == name
    path = moved / "masks/p1.png"
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    mask[0, 0] = 50 - mask[0, 0] // 50 * 50
    cv2.imwrite(str(path), mask)
    assert locate(*own(FOUR, "data_mix.images=photos/*", root=moved)).folder.name != name  # another truth


def test_classes_and_map_must_agree(own):
    with pytest.raises(ValueError, match="must name the same classes") as error:
        run_cell(*own(FOUR, "classes=[background,curve_1,curve_2]"))
    assert "['background', 'curve_1', 'curve_2']" in str(error.value)
    assert "classes=[background,vessel,crack,road]" in str(error.value)


def test_a_folder_cannot_be_rendered_at_another_resolution(own):
    with pytest.raises(ConfigError, match=r"resolution=pen2 needs sheets at another scale.*Scan again"):
        run_cell(*own(FOUR, "resolution=pen2"))


def test_small_images_shrink_the_tiles_and_say_so(own, caplog):
    with caplog.at_level(logging.WARNING):
        plan_sheets(own(FOUR, sizes=[(40, 50)] * 5)[0])
    assert "training tiles have 40 rows, not 64 as budget.tile_px" in caplog.text


def test_a_run_prints_its_data_before_its_first_step(own, capsys, tmp_path):
    conf, choices = own(FOUR)
    (tmp_path / "own4/images/p9.bmp").touch()
    ended = run_cell(conf, choices)
    text = capsys.readouterr().out
    lines = [line for line in text.splitlines() if line.startswith("own images, ")]
    assert [line.split(":")[0] for line in lines] == ["own images, train", "own images, val", "own images, test"]
    photos = photos_of(plan_sheets(conf).splits)
    for line, (part, mine) in zip(lines, photos.items(), strict=True):
        labels = np.concatenate([photo.load()[1].ravel() for photo in mine])
        grey = np.concatenate([photo.load()[0].ravel() for photo in mine])
        crack = labels == 2
        assert line.startswith(f"own images, {part}: pairs {len(mine)}, pieces ")
        share = f"crack {100 * crack.mean():.2f} % (grey {grey[crack].mean():.0f} on it"
        assert f"{share}, {grey[~crack].mean():.0f} off it)" in line
    rows = pd.read_parquet(ended.folder / "per_class.parquet")
    support = rows.query("split == 'test' and measure == 'support'")["value"].sum()
    assert support == sum(photo.height * photo.width for photo in photos["test"])  # no pixel is scored twice
    assert "warning: left out: images/p9.bmp; " in text
    assert text.index("own images, train") < text.index("step 3/6")


def test_no_message_advises_a_class_weight_for_a_class_without_pixels(own, capsys):
    """A class of the test split alone, and a background that no training image shows, train without weights."""
    root = Path(own(FOUR)[0].data_mix["root"])
    lines = [f"p{number},{part}\n" for number, part in enumerate(["train", "train", "train", "train", "val", "test"])]
    (root / "splits.csv").write_text("file,split\n" + "".join(lines))
    for number in range(5):
        mask = cv2.imread(str(root / f"masks/p{number}.png"), cv2.IMREAD_GRAYSCALE)
        mask[(mask == 200) | ((mask == 0) & (number < 4))] = 50
        cv2.imwrite(str(root / f"masks/p{number}.png"), mask)
    ended = run_cell(*own(FOUR, "data_mix.split.file=splits.csv", "loss=soft_ce", root=root))
    assert ended.status == FINISHED
    text = capsys.readouterr().out
    assert "class road has no pixel in train and val: it cannot be learned" in text
    assert "class background has no pixel in train: it cannot be learned; 2 images have it" in text
    assert "class_weight=" not in text


def test_images_smaller_than_any_network_takes_are_padded_by_it(own):
    ended = run_cell(*own({0: "background", 255: "vessel"}, "data_mix.allow_empty=true", sizes=[(1, 1)] * 5))
    assert ended.status == FINISHED


@pytest.mark.skipif(not (SHARED / "octa").is_dir(), reason="the OCTA images are not beside this checkout")
def test_octa_runs(tiny, tmp_path):
    """Vessels in bright on dark, two classes; images of 304 px, masks of 1216; three of the thirteen."""
    for path in [*sorted((SHARED / "octa/images").iterdir())[:3], *sorted((SHARED / "octa/labels").iterdir())[:3]]:
        (tmp_path / "octa" / path.parent.name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "octa" / path.parent.name / path.name).symlink_to(path.resolve())
    keys = [
        "images=images/G_*",
        "masks=labels/*",
        "invert=true",
        "resize_images=true",
        "class_map={0:background,255:vessel}",
    ]
    keys = [f"data_mix.{key}" for key in (f"root={tmp_path / 'octa'}", "piece_px=304", *keys)]
    keys += ["classes=[background,vessel]", "network.widths=[4,8,8,8]", "budget.validate_every=6", "mirrored=false"]
    ended = run_cell(*tiny("data_mix=folder", *keys))
    iou = scores(ended)
    assert iou.index.tolist() == ["background", "vessel"]
    assert iou["vessel"] > 0


@pytest.mark.skipif(not (SHARED / "ecg").is_dir(), reason="the ECG strips are not beside this checkout")
def test_ecg_runs(tiny):
    """Dark traces on a green grid; the masks are anti-aliased and hold the frame of the page."""
    keys = ["images=*", "masks=*-gt", "margin_px=2", "class_map={0-127:trace,128-255:background}"]
    keys = [f"data_mix.{key}" for key in (f"root={SHARED / 'ecg'}", *keys)]
    keys += ["classes=[background,trace]", "network.widths=[4,8,8,8,8]", "budget.validate_every=6", "mirrored=false"]
    ended = run_cell(*tiny("data_mix=folder", *keys))
    rows = pd.read_parquet(ended.folder / "per_class.parquet")
    support = rows.query("split == 'test' and measure == 'support'").set_index("class")["value"]
    assert support.sum() == (1700 - 4) * (2200 - 4)
    assert 0.003 < support["trace"] / support.sum() < 0.007
    assert np.isfinite(scores(ended)).all()
