"""`thinline data`: the summary of a user's images, with the settings of train.py."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from folder_cases import draw_folder

from thinline.cli.main import main

WORDS = ["data_mix.class_map={0:background,255:vessel}", "classes=[background,vessel]"]


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinline.cli.main.CONSOLE._width", 80)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return draw_folder(tmp_path / "own images", [(60, 50), (40, 64), (60, 50), (70, 40), (60, 50)])


def output(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["data", *words]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["data", *words]) == 1
    return capsys.readouterr().out


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_pairs_sizes_shares_and_greys_are_those_of_the_files(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by = "file,split\np0,train\np1,train\np2,train\np3,val\np4,test\n"
    (root / "splits.csv").write_text(by)
    text = output(capsys, str(root), *WORDS, "data_mix.split.file=splits.csv", "data_mix.piece_px=48")
    images, masks = (
        [cv2.imread(str(root / f"{name}/p{number}.png"), cv2.IMREAD_GRAYSCALE) for number in range(3)]
        for name in ("images", "masks")
    )
    grey, vessel = (np.concatenate([plane.ravel() for plane in planes]) for planes in (images, masks))
    lines = cells(text)
    assert ["train", "3", str(2 * 2 + 2 + 2 * 2), "40..60", "50..64"] in lines
    assert ["val", "1", "2", "70", "40"] in lines
    on, off = grey[vessel > 0].mean(), grey[vessel == 0].mean()
    share = f"{100 * (vessel > 0).mean():.2f}"
    assert ["vessel", "train", "3", f"{(vessel > 0).sum():,}", share, f"{on:.0f}", f"{off:.0f}"] in lines
    assert "warning" not in text
    assert max(map(len, text.splitlines()[1:])) <= 80


def test_settings_can_be_copied_from_train(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by_root = output(capsys, str(root), *WORDS, "seed=3")
    pasted = ["budget=smoke", "loss=tversky", "data_mix=folder", f"data_mix.root='{root}'", *WORDS, "seed=3"]
    assert output(capsys, *pasted) == by_root


@pytest.mark.parametrize("where", [1, 3])
def test_a_contact_sheet_shows_images_of_each_split_beside_their_classes(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], where: int
) -> None:
    picture = tmp_path / "sheet.png"
    words = [str(root), *WORDS]
    output(capsys, *words[:where], "--preview", str(picture), *words[where:])
    page = cv2.imread(str(picture))
    assert page is not None
    blue = (page == (150, 80, 0)).all(axis=2)
    for number in range(5):  # enlarged to about 240 px: each line of the masks is there, in its colour
        mask = cv2.imread(str(root / f"masks/p{number}.png"), cv2.IMREAD_GRAYSCALE)
        scale = 240 // max(mask.shape)
        line = (mask > 0).repeat(scale, axis=0).repeat(scale, axis=1)
        assert any(
            np.array_equal(blue[top : top + len(line), left : left + line.shape[1]], line)
            for left in [line.shape[1] + 8]
            for top in range(page.shape[0] - len(line) + 1)
        )


def test_a_long_image_is_shrunk_and_keeps_its_thin_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = draw_folder(tmp_path / "long", [(1500, 64)] * 3)
    for number in range(3):
        mask = np.zeros((1500, 64), np.uint8)
        mask[:, 20 + number] = 255
        cv2.imwrite(str(root / f"masks/p{number}.png"), mask)
    picture = tmp_path / "sheet.png"
    output(capsys, str(root), *WORDS, "--preview", str(picture))
    page = cv2.imread(str(picture))
    assert page.shape[0] < 1600
    assert (page == (150, 80, 0)).all(axis=2).any(axis=1).sum() >= 3 * 1500 // 4


def test_suspicious_files_are_warnings(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "masks/old.bmp").touch()
    text = " ".join(output(capsys, str(root), *WORDS, "data_mix.invert=true").split())
    assert "set data_mix.invert=false" in text
    assert "warning: left out: masks/old.bmp; neither data_mix.images=images/*" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone", *WORDS], "gone: expected a folder of images and masks, found none"),
        (WORDS, "data_mix.root: expected the folder of your images, got null"),
        (["one", "two", *WORDS], "expected one ROOT, got one, two"),
        (["one", "images=x"], "Could not override 'images'"),
        (["one", "loss=dice,focal"], "as for train.py"),
        (["one", "data_mix=fresh"], "expected data_mix=folder, got 'fresh'"),
        (["one"], "data_mix.class_map: expected the class of every value"),
    ],
)
def test_invalid_settings_are_refused(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refused(capsys, *words)


def test_unreadable_files_are_reported(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "images/p1.png").write_bytes(b"")
    assert "images/p1.png: cannot be read" in refused(capsys, str(root), *WORDS)
