"""`thinline transfer`: runs on tiles of another scale, and the sentences on tiles that cannot be scored."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from tested_sheets import sheets_of_test

from thinline import load_run
from thinline.cli.main import main
from thinline.runs import RunFolder, run_folders


@pytest.fixture
def folder(trained: Path) -> RunFolder:
    return next(folder for folder in run_folders(trained) if folder.finished)


@pytest.fixture
def tiles(folder: RunFolder, cache: Path, tmp_path: Path) -> Path:
    """The first two test sheets of the run, `fine_1` with four pixels for each of its own."""
    root = tmp_path / "tiles"
    root.mkdir()
    sheets = sheets_of_test(folder, cache)
    for index, name in enumerate(("own_0", "fine_1")):
        for kind, plane in (("gray", sheets.images[index]), ("mask", sheets.labels[index])):
            image = np.array(plane)
            cv2.imwrite(str(root / f"{name}_{kind}.png"), image.repeat(2, 0).repeat(2, 1) if index else image)
    (root / "tiles.csv").write_text("tile,px_per_mm\nown_*,4\nfine_*,8\n")
    return root


def transfer(folder: RunFolder, tiles: Path, *words: object) -> int:
    given = {"--images": "*_gray", "--masks": "*_mask", "--px-per-mm": tiles / "tiles.csv", "--out": tiles / "out.csv"}
    given |= dict(zip(words[::2], words[1::2], strict=True))  # type: ignore[arg-type]
    pairs = [str(word) for pair in given.items() for word in pair]
    return main(["transfer", folder.name, "--store", str(folder.root), "--tiles", str(tiles), *pairs])


def test_tiles_are_read_at_the_scale_of_the_run_and_at_half_of_it(folder, tiles, cache, capsys):
    assert transfer(folder, tiles) == 0
    rows = pd.read_csv(tiles / "out.csv")
    assert list(rows.columns) == ["run", "tile", "scale", "measure", "value"]
    values = rows.set_index(["scale", "tile", "measure"])["value"]
    run, sheets = load_run(folder.name, folder.root), sheets_of_test(folder, cache)
    assert set(rows["run"]) == {run.name}
    counts = []
    for index, name in enumerate(("own_0", "fine_1")):
        image, truth = np.array(sheets.images[index]), np.array(sheets.labels[index])
        half = tuple(side // 2 for side in image.shape[::-1])
        small = cv2.resize(cv2.imread(str(tiles / f"{name}_gray.png"), 0), half, interpolation=cv2.INTER_AREA)
        for scale, labels in (
            (1.0, run.predict(image).labels),
            (0.5, run.predict(small).labels.repeat(2, 0).repeat(2, 1)),
        ):
            both, mine, true = (labels > 0) & (truth > 0), labels > 0, truth > 0
            assert values[scale, name, "ink/precision"] == pytest.approx(both.sum() / mine.sum())
            assert values[scale, name, "ink/recall"] == pytest.approx(both.sum() / true.sum())
            ious = [
                [((labels == j) & (truth == k)).sum() / ((labels == j) | (truth == k)).sum() for k in (1, 2)]
                for j in (1, 2)
            ]
            assert values[scale, name, "swapped/iou/curve_1"] == pytest.approx(ious[1][0])
            better = max(ious[0][0] + ious[1][1], ious[1][0] + ious[0][1])
            assert values[scale, name, "better/iou/curve_1"] + values[
                scale, name, "better/iou/curve_2"
            ] == pytest.approx(better)
            if scale == 1:
                counts.append(np.array([both.sum(), true.sum()]) * (4 if index else 1))
    both, true = np.sum(counts, axis=0)
    assert values[1.0, "all", "ink/recall"] == pytest.approx(both / true)
    text = capsys.readouterr().out
    assert "2 tiles, all together" in text
    assert "scoring runs" not in text  # this output is not a terminal
    assert f"{folder.name.rpartition('-')[2]}" in text


def test_a_run_on_own_images_needs_their_scale(folder, tiles, tmp_path, capsys):
    copy = tmp_path / "own"
    (copy / "checkpoints").mkdir(parents=True)
    (copy / "checkpoints/last.ckpt").touch()
    config = OmegaConf.load(folder.config_path)
    config.data_mix = {"name": "folder", "px_per_mm": None}
    OmegaConf.save(config, copy / "config.yaml")
    words = ["--images", "*_gray", "--masks", "*_mask", "--px-per-mm", "4", "--out", str(tiles / "out.csv")]
    assert main(["transfer", str(copy), "--tiles", str(tiles), *words]) == 1
    assert (
        "expected the scale of its images, got none; train it with data_mix.px_per_mm=NUMBER" in capsys.readouterr().out
    )


def test_tiles_that_cannot_be_scored_are_named(folder, tiles, capsys):
    def said(*words: object) -> str:
        assert transfer(folder, tiles, *words) == 1
        return capsys.readouterr().out

    assert "--px-per-mm: expected numbers above 0" in said("--px-per-mm", "many")
    assert "expected one * in the name of the files" in said("--masks", "mask.png")
    assert "own_0_gray.png: image without a mask *_maks" in said("--masks", "*_maks")
    assert "expected a file that ends in .csv" in said("--out", tiles / "out.txt")
    (tiles / "tiles.csv").write_text("tile,px_per_mm\nown_*,4\n")
    assert "fine_1_gray.png: expected its scale in the file of --px-per-mm, got none" in said()
    (tiles / "tiles.csv").write_text("name,scale\n")
    assert "expected two columns under the header tile,px_per_mm" in said()
    mask = cv2.imread(str(tiles / "own_0_mask.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(tiles / "own_0_mask.png"), mask[1:])
    cv2.imwrite(str(tiles / "fine_1_mask.png"), np.full((128, 128), 200, np.uint8))
    text = said("--px-per-mm", "4")
    assert f"own_0_gray.png: {mask.shape[0]} x {mask.shape[1]} px, but its mask {mask.shape[0] - 1} x" in text
    assert "expected class ids of curves in its mask, got values up to 200; or --classes" in text
    assert not (tiles / "out.csv").exists()
