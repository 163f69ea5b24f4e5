"""Runs on the user's own images, of several sizes and numbers of classes."""

import logging
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from folder_cases import FOUR, draw_folder

from thinline import load_run
from thinline.config.schema import CONF, ConfigError
from thinline.pipeline.cell import run_cell
from thinline.pipeline.locate import locate
from thinline.pipeline.sheets import plan_sheets
from thinline.pipeline.user_images import photos_of
from thinline.runs import FINISHED, RunFolder, read
from thinline.sweep.tables import class_tables

SHARED = CONF.parent / "../shared/data"
SIZES = [(90, 70), (64, 200), (90, 70), (80, 80), (75, 66), (64, 64)]
HEADS = sorted(path.stem for path in (CONF / "head").glob("*.yaml") if path.stem != "curves")


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


def test_each_test_set_has_rows_of_its_own(own, capsys):
    """Two sets of the same images have equal rows, also equal to those of `test` with these images."""
    root = Path(own(FOUR)[0].data_mix["root"])
    parts = ["train", "train", "val", "test", "test", "test"]
    lines = [f"p{number},{part}\n" for number, part in enumerate(parts)]
    (root / "splits.csv").write_text("file,split\n" + "".join(lines))
    keys = ["data_mix.split.file=splits.csv", "data_mix.groups='p([0-9])'", "head=sigmoid_stack"]

    def rows_of(tests):
        ended = run_cell(*own(FOUR, *keys, f"data_mix.split.tests={{{tests}}}", root=root))
        tables = [pd.read_parquet(ended.folder / f"per_{kind}.parquet") for kind in ("class", "sheet")]
        assert len(list((ended.folder / "overlays").glob("*.png"))) == 1
        return [dict(list(table.drop(columns="split").groupby(table["split"]))) for table in tables], ended

    (per_class, per_sheet), ended = rows_of("test:['3'],test_dark:['4','5'],test_again:['5','4']")
    assert set(per_class) >= {"val", "test", "test_dark", "test_again", "tuned", "oracle_exact"}
    for table in (per_class, per_sheet):
        pd.testing.assert_frame_equal(*(table[name].reset_index(drop=True) for name in ("test_dark", "test_again")))
    alone, _ = rows_of("test:['4','5'],test_other:['3']")
    for mine, theirs in zip((per_class, per_sheet), alone, strict=True):
        pd.testing.assert_frame_equal(*(rows.reset_index(drop=True) for rows in (mine["test_dark"], theirs["test"])))
        pd.testing.assert_frame_equal(*(rows.reset_index(drop=True) for rows in (mine["test"], theirs["test_other"])))
    assert "own images, test_dark: pairs 2" in capsys.readouterr().out
    titles = [table.title for table in class_tables(read(ended.folder.parents[1]), order=[ended.name])]
    assert [title for title in titles if "vessel: further test sets" in title]
    assert {each["split"] for each in RunFolder.open(ended.folder).begun().cell.datasets} > {"test_dark", "test_again"}


def test_a_fold_is_part_of_the_name_and_each_image_is_tested_once(own):
    tested, names = [], set()
    for fold in range(3):
        conf, choices = own(FOUR, "data_mix.split.folds=3", f"fold={fold}")
        run = locate(conf, choices)
        tested += [photo.name for photo in photos_of(run.planned.splits)["test"]]
        names.add(run.folder.name)
        assert f"-fold{fold}-" in run.folder.name
        assert run.factors["fold"] == str(fold)
    assert sorted(tested) == [f"p{number}" for number in range(6)]
    assert len(names) == 3


def test_keys_newer_than_a_run_do_not_rename_it(own):
    """A configuration of a version without folds, test sets, groups and scale has the digest of today."""
    conf, choices = own(FOUR)
    name = locate(conf, choices).folder.name
    older = {key: value for key, value in conf.data_mix.items() if key not in ("groups", "scale")}
    older["split"] = {key: value for key, value in older["split"].items() if key not in ("folds", "tests")}
    tree = {key: value for key, value in conf.tree.items() if key != "fold"} | {"data_mix": older}
    assert locate(replace(conf, tree=tree), choices).folder.name == name
    assert locate(*own(FOUR, "data_mix.scale=0.5")).folder.name != name


def test_a_run_at_a_smaller_scale_predicts_images_of_full_size(own):
    """Its test sheets are those of its test pass, and a whole image gets the probabilities of the smaller one."""
    conf, choices = own(FOUR, "data_mix.scale=0.5", "data_mix.px_per_mm=8", "trainer.precision=fp32")
    ended = run_cell(conf, choices)
    run = load_run(ended.folder)
    small = replace(run, scale=1.0)
    (photo,) = photos_of(plan_sheets(conf).splits)["test"]
    image, labels = photo.load()
    ids = small.predict(image).labels
    both = [((ids == k) & (labels == k)).sum() / max(1, ((ids == k) | (labels == k)).sum()) for k in range(4)]
    assert scores(ended).tolist() == pytest.approx(both)
    whole = run.predict(photo.image)
    assert whole.labels.shape == cv2.imread(str(photo.image), 0).shape == tuple(2 * side for side in image.shape)
    expected = [cv2.resize(plane, whole.labels.shape[::-1]) for plane in small.predict(image).probabilities]
    assert np.abs(whole.probabilities - np.stack(expected)).max() < 1e-6
    names = set(pd.read_parquet(ended.folder / "per_class.parquet")["measure"])
    assert "nsd_0.25mm" in names  # 1 px at 4 px per mm


TOPOMORTAR = SHARED / "topomortar"


@pytest.mark.skipif(not TOPOMORTAR.is_dir(), reason="the TopoMortar images are not beside this checkout")
def test_topomortar_runs_with_weights_and_scores_each_test_set(tiny, tmp_path):
    """Few of its images, in the folders of its authors; a quarter of their size."""
    few = {"train": ["001", "002", "003"], "val": ["051", "052"], "test": ["071", "072", "121", "171", "221", "271"]}
    few["test"] += ["321", "371"]
    for part, names in few.items():
        for kind in ("images", "accurate" if part == "test" else "noisy"):
            (tmp_path / part / kind).mkdir(parents=True)
            for name in names:
                (tmp_path / part / kind / f"{name}.png").symlink_to(
                    (TOPOMORTAR / part / kind / f"{name}.png").resolve()
                )
    (tmp_path / "dataset_types.txt").symlink_to((TOPOMORTAR / "dataset_types.txt").resolve())
    keys = [f"data_mix.root={tmp_path}", "data_set=topomortar", "data_set.labels=noisy", "data_mix.scale=0.25"]
    conf, choices = tiny("data_mix=folder", *keys, "class_weight=measured", "loss=soft_ce", "head=binary")
    ended = run_cell(conf, choices | {"data_set": "topomortar"})
    assert "topomortar" in ended.name
    rows = pd.read_parquet(ended.folder / "per_class.parquet").query("measure == 'iou' and `class` == 'mortar'")
    kinds = ("angles", "colors", "graffiti", "objects", "occlusion", "shadows")
    assert {*rows["split"]} > {"test", *(f"test_{kind}" for kind in kinds)}
    assert rows["value"].between(0, 1).all()
    record = RunFolder.open(ended.folder).begun().cell.datasets[0]
    assert (record["name"], record["profile"]["licence"]) == ("topomortar", "MIT")


@pytest.mark.skipif(not (SHARED / "octa").is_dir(), reason="the OCTA images are not beside this checkout")
def test_octa_runs(tiny, tmp_path):
    """Vessels in bright on dark, two classes; images of 304 px, masks of 1216; three of the thirteen."""
    for path in [*sorted((SHARED / "octa/images").iterdir())[:3], *sorted((SHARED / "octa/labels").iterdir())[:3]]:
        (tmp_path / "octa" / path.parent.name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "octa" / path.parent.name / path.name).symlink_to(path.resolve())
    keys = ["data_set=octa", f"data_mix.root={tmp_path / 'octa'}", "data_mix.piece_px=304"]
    keys += [
        "data_mix.split.folds=3",
        "fold=1",
        "network.widths=[4,8,8,8]",
        "budget.validate_every=6",
        "mirrored=false",
    ]
    ended = run_cell(*tiny("data_mix=folder", *keys))
    iou = scores(ended)
    assert iou.index.tolist() == ["background", "vessel"]
    assert iou["vessel"] > 0


@pytest.mark.skipif(not (SHARED / "ecg").is_dir(), reason="the ECG strips are not beside this checkout")
def test_ecg_runs(tiny):
    """Dark traces on a green grid; the masks are anti-aliased and hold the frame of the page."""
    keys = ["data_set=ecg", f"data_mix.root={SHARED / 'ecg'}"]
    keys += ["network.widths=[4,8,8,8,8]", "budget.validate_every=6", "mirrored=false"]
    ended = run_cell(*tiny("data_mix=folder", *keys))
    rows = pd.read_parquet(ended.folder / "per_class.parquet")
    support = rows.query("split == 'test' and measure == 'support'").set_index("class")["value"]
    assert support.sum() == (1700 - 4) * (2200 - 4)
    assert 0.003 < support["trace"] / support.sum() < 0.007
    assert np.isfinite(scores(ended)).all()
