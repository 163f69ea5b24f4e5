"""Printed numbers are read from an image, without a download; without the package a sentence names the extra."""

from __future__ import annotations

import importlib.util
import socket

import cv2
import numpy as np
import pytest

from thinline.digitise.text import recogniser
from thinline.digitise.text.recogniser import TextReader, TextReaderError, ocr_installed, open_text_reader

NEEDS_OCR = pytest.mark.skipif(not ocr_installed(), reason="the extra `ocr` (rapidocr) is not installed")
NUMBERS = {"1250": (100, 120), "8400": (500, 300), "17600": (300, 640)}


@pytest.fixture(scope="module")
def reader() -> TextReader:
    with pytest.MonkeyPatch.context() as patch:

        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("expected no connection, a model was looked for on the network")

        patch.setattr(socket.socket, "connect", refuse)
        return open_text_reader()


def drawn() -> np.ndarray:
    image = np.full((960, 960), 255, np.uint8)
    for text, at in NUMBERS.items():
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 2, cv2.LINE_AA)
    return image


@NEEDS_OCR
def test_upright_numbers_are_read_where_they_are(reader: TextReader) -> None:
    found = {text.text: text for text in reader(drawn())}
    assert set(found) == set(NUMBERS)
    for text, (left, bottom) in NUMBERS.items():
        (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.9, 2)
        box = found[text]
        assert (box.left + box.right) / 2 == pytest.approx(left + wide / 2, abs=6)
        assert (box.top + box.bottom) / 2 == pytest.approx(bottom - high / 2, abs=6)


@NEEDS_OCR
@pytest.mark.parametrize("turns", [1, 3])
def test_turned_numbers_are_read(turns: int, reader: TextReader) -> None:
    texts = {text.text for text in reader(np.ascontiguousarray(np.rot90(drawn(), turns)))}
    assert texts == set(NUMBERS)


@NEEDS_OCR
def test_an_empty_image_has_no_texts(reader: TextReader) -> None:
    assert reader(np.full((960, 960), 255, np.uint8)) == []


@pytest.mark.parametrize("missing", ["rapidocr", "onnxruntime"])
def test_without_the_package_the_extra_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find_spec(name))
    with pytest.raises(TextReaderError, match=r"pip install 'thinline\[ocr\]'"):
        open_text_reader()


@NEEDS_OCR
def test_a_package_without_its_models_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recogniser, "_MODELS", {"Det": "none.onnx"})
    with pytest.raises(TextReaderError, match=r"the model none\.onnx in the package rapidocr, found no such file"):
        open_text_reader()
