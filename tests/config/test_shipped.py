"""Every network that comes with the package: whole, small, loaded without a connection, and it predicts as stored."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import pytest
from PIL import Image

import thinline
from thinline.config import shipped
from thinline.config.shipped import CARD, EXAMPLE, EXAMPLE_INK, FOLDER, WEIGHTS, is_whole, shipped_folder, shipped_names
from thinline.config.trained_run import config_of
from thinline.sheets import render, sample

NAMES = shipped_names()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_network_predicts_the_ink_that_is_stored_beside_it(name, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("socket.socket", partial(pytest.fail, "opened a connection"))
    run = thinline.load_run(name, tmp_path)
    grey, ink = (cv2.imread(str(FOLDER / name / file), cv2.IMREAD_GRAYSCALE) for file in (EXAMPLE, EXAMPLE_INK))
    predicted = run.predict(np.asarray(grey, np.uint8), factor=1).labels > 0
    assert (predicted == (np.asarray(ink) > 0)).mean() >= 0.999
    assert predicted.any()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_network_is_small_whole_and_has_its_card(name) -> None:
    weights = FOLDER / name / WEIGHTS
    assert weights.stat().st_size <= 4_000_000
    config = config_of(FOLDER / name / "config.yaml")
    assert is_whole(weights, config)
    assert config.shipped.sha256 in (FOLDER / name / CARD).read_text()


def test_a_name_that_is_no_network_has_no_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    assert shipped_names() == ()
    assert shipped_folder("reader") is None
    (tmp_path / "reader").mkdir()
    assert shipped_folder("reader") is None  # a folder without weights
    (tmp_path / "reader" / WEIGHTS).write_bytes(b"")
    assert shipped_folder("reader") == tmp_path / "reader"
    assert shipped_folder("..") is None


def test_the_reader_chooses_the_scale_of_an_image_and_says_it(tmp_path) -> None:
    """A sheet at 15 px/mm is not read at its own pixels, and its ink is found."""
    run = thinline.load_run("reader", tmp_path)
    sheet = render(sample("field", 2, size_mm=(51.2, 51.2)), px_per_mm=15)
    fine, true = sheet.image, sheet.strokes.any(axis=0)
    file = tmp_path / "fine.png"
    Image.fromarray(fine).save(file, dpi=(3 * 127, 3 * 127))
    for image in (fine, file):
        prediction = run.predict(image)
        assert 6 < prediction.px_per_mm < 20
        assert "factor" in prediction.scale_reason
        found = prediction.labels > 0
        assert (found & true).sum() / (found | true).sum() > 0.75
    assert run.predict(fine, px_per_mm=15).scale_reason == run.predict(fine, factor=1 / 3).scale_reason == ""
