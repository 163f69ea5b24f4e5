"""`thinline predict`: label images of a trained run, which are those of its test pass."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from tested_sheets import check_labels, in_fp32, sheets_of_test

from thinline import load_run
from thinline.cli.main import main
from thinline.data.folder.image_files import read_mask
from thinline.runs import RunFolder, run_folders


@pytest.fixture
def folder(trained: Path) -> RunFolder:
    return next(folder for folder in run_folders(trained) if folder.finished)


@pytest.fixture
def images(folder: RunFolder, cache: Path, tmp_path: Path) -> Path:
    """The test sheets of the run as files."""
    root = tmp_path / "images"
    root.mkdir()
    for index, image in enumerate(sheets_of_test(folder, cache).images):
        cv2.imwrite(str(root / f"sheet_{index}.png"), np.array(image))
    return root


def predict(folder: RunFolder, *words: object) -> int:
    return main(["predict", folder.name, *map(str, words), "--store", str(folder.root)])


def test_label_images_are_those_of_the_test_pass(folder, images, cache, tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    assert predict(folder, images, "--out", out, "--probabilities") == 0
    text = capsys.readouterr().out
    files = sorted(out.glob("*.png"))
    assert [path.name for path in files] == [path.name for path in sorted(images.iterdir())]
    labels = [read_mask(path) for path in files]
    run = load_run(folder.name, folder.root)
    if in_fp32(folder):
        check_labels(folder, sheets_of_test(folder, cache), labels, run.head.classes)
    for file, ids in zip(files, labels, strict=True):
        prediction = run.predict(images / file.name)
        assert np.array_equal(prediction.labels, ids)
        with np.load(file.with_suffix(".npz")) as stored:
            assert tuple(stored["classes"]) == prediction.classes
            assert np.abs(stored["probabilities"] - prediction.probabilities).max() < 1e-3
        share = 100 * (ids == 1).mean()
        assert f"{file.name}  {ids.shape[0]} x {ids.shape[1]} px: curve_1 {share:.2f} %" in text
    assert f"{len(files)} of {len(files)} images predicted with {run.name}" in text


def test_an_unreadable_image_is_named_and_the_others_are_predicted(folder, images, tmp_path, capsys):
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert predict(folder, images, "--out", tmp_path / "out") == 1
    text = capsys.readouterr().out
    assert "error:" in text
    assert "broken.png: cannot be read" in text
    assert len(list((tmp_path / "out").glob("*.png"))) == len(list(images.iterdir())) - 1


@pytest.mark.parametrize("word", ["none.png", "empty"])
def test_a_path_without_images_is_refused_before_anything_is_loaded(folder, images, tmp_path, capsys, word):
    (tmp_path / "empty").mkdir()
    assert predict(folder, images, tmp_path / word, "--out", tmp_path / "out") == 1
    expected = {
        "none.png": "got no such file",
        "empty": "expected a folder of images, found none with a suffix of .png",
    }
    assert expected[word] in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_no_file_is_replaced_without_force(folder, images, tmp_path, capsys):
    file = images / "sheet_0.png"
    before = file.read_bytes()
    for force in ([], ["--force"]):
        assert predict(folder, file, "--out", images, *force) == 1
        assert "expected --out to be another folder than that of the images" in capsys.readouterr().out
    assert file.read_bytes() == before
    out = tmp_path / "out"
    out.mkdir()
    (out / "sheet_0.png").write_text("older")
    assert predict(folder, file, "--out", out) == 1
    assert "got an older one; give another --out, or --force" in capsys.readouterr().out
    assert (out / "sheet_0.png").read_text() == "older"
    assert predict(folder, file, file, images / ".." / "images" / file.name, "--out", out, "--force") == 0
    assert "1 of 1 images" in capsys.readouterr().out
    assert read_mask(out / "sheet_0.png").max() <= 2
    (tmp_path / "sheet_0.png").write_bytes(before)
    assert predict(folder, file, tmp_path / "sheet_0.png", "--out", tmp_path / "other") == 1
    assert "expected images of different names, got a second 'sheet_0'" in capsys.readouterr().out


def test_an_unknown_run_and_device_are_a_sentence(folder, images, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert main(["predict", "nonsense", str(images), *out, "--store", str(folder.root)]) == 1
    assert "run nonsense: expected a run folder, a checkpoint, or the name" in capsys.readouterr().out
    assert predict(folder, images, *out, "--device", "abacus") == 1
    assert "device 'abacus': expected a device of torch" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
