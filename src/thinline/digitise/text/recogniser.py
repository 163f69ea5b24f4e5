"""Read printed text with the package rapidocr (extra `ocr`), whose wheel holds its three models: nothing is downloaded.

Conventions
    Coordinates are those of pixel centres of the image. A text is printed level, upside down, or turned by 90 degrees:
    a box at least 1.5 times as high as wide is turned before it is read, and a small network tells upside-down text.
    `score` is the mean probability of the characters, 0..1.
    The models are read from files of the installed package by their paths, so that a missing file is an error, and not
    a reason to look for it on the network.

References
    PaddleOCR, models PP-OCRv6 (detection and recognition, small), converted to ONNX by the authors of rapidocr;
    Apache 2.0.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from thinline.vocabulary import UInt8

PACKAGE: Final = "rapidocr"
EXTRA: Final = "ocr"
LEAST_SCORE: Final = 0.5

_THREADS: Final = "OMP_NUM_THREADS"
_MODELS: Final = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}


class TextReaderError(ValueError):
    """The package that reads text is not installed, or lacks a model."""


@dataclass(frozen=True)
class PrintedText:
    """A text and the box around it."""

    text: str
    score: float
    left: float
    top: float
    right: float
    bottom: float


TextReader = Callable[[UInt8], list[PrintedText]]
"""The texts of a grey image uint8 [h,w]."""


def ocr_installed() -> bool:
    """Whether the packages of the extra are installed."""
    return all(importlib.util.find_spec(name) is not None for name in (PACKAGE, "onnxruntime"))


def open_text_reader() -> TextReader:
    """Load the models. Raises TextReaderError, with the name of the extra, where they are not installed."""
    if not ocr_installed():
        raise TextReaderError(
            f"expected the package {PACKAGE}, which reads printed numbers, found that it is not installed; install the "
            f"extra with `pip install 'thinline[{EXTRA}]'`, or type the depths of two rows"
        )
    try:
        import rapidocr
    except ImportError as error:
        raise TextReaderError(
            f"expected the package {PACKAGE} to load, got {' '.join(str(error).split())}; install the versions of "
            f"requirements.lock, with `pip install 'thinline[{EXTRA}]'`"
        ) from error

    folder = Path(rapidocr.__file__).parent / "models"
    missing = [name for name in _MODELS.values() if not (folder / name).is_file()]
    if missing:
        raise TextReaderError(
            f"expected the model {missing[0]} in the package {PACKAGE}, found no such file; install the version of "
            f"requirements.lock, with `pip install 'thinline[{EXTRA}]'`"
        )
    paths = {f"{task}.model_path": str(folder / name) for task, name in _MODELS.items()}
    shared: dict[str, Any] = {"Global.log_level": "critical", "Global.text_score": LEAST_SCORE}
    threads = os.environ.get(_THREADS, "")
    if threads.isdecimal():
        shared["EngineConfig.onnxruntime.intra_op_num_threads"] = int(threads)
    engine = rapidocr.RapidOCR(params={**shared, **paths})

    def read(image: UInt8) -> list[PrintedText]:
        found = engine(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
        return _texts(found)

    return read


def _texts(found: Any) -> list[PrintedText]:
    """The texts of a result of rapidocr, which has None in place of empty lists."""
    boxes, texts, scores = (getattr(found, name, None) for name in ("boxes", "txts", "scores"))
    if boxes is None or texts is None or scores is None:
        return []
    printed = []
    for box, text, score in zip(boxes, texts, scores, strict=True):
        (left, top), (right, bottom) = np.min(box, axis=0).tolist(), np.max(box, axis=0).tolist()
        printed.append(PrintedText(str(text), float(score), left, top, right, bottom))
    return printed
