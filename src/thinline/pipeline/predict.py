"""The prediction of a trained network on one image, and the scores of a prediction: part of the Python API.

    run = thinline.load_run("mlruns/runs/...")       # a LoadedRun, see load.py
    prediction = run.predict("scan.png")             # a Prediction
    thinline.evaluate(prediction, truth)             # every metric, one row for each metric and class

Conventions
    An image is grey uint8 [H,W], 0 black and 255 white. A file is read like the images of data_mix=folder: colours
    become grey, 12 and 16 bits are scaled to 8, transparent paper is white. Do not invert an image for a run with
    data_mix.invert=true: `predict` does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from thinline.curves.trace import Curve, trace
from thinline.data.folder.image_files import PictureError, read_image
from thinline.heads import Head
from thinline.metrics.thresholds import tuned_labels
from thinline.training.label_evaluation import evaluate_labels
from thinline.vocabulary import Float32, UInt8


@dataclass(frozen=True, eq=False)
class Prediction:
    """The classes that a network predicts on one image.

    `labels` uint8 [H,W] are positions in `classes` [C], 0 is the background. `probabilities` float32 [K,H,W] belong to
    the K = C - 1 classes after the background. `px_per_mm` is the scale of the image: that of the run, divided by the
    factor at which the image was read. `centre` float32 [H,W] is the probability of a centre line, for head=curves.
    `scale_reason` says why a network that comes with the package read the image at this scale, "" where it was given.
    """

    labels: UInt8
    probabilities: Float32
    classes: tuple[str, ...]
    px_per_mm: float
    centre: Float32 | None = None
    scale_reason: str = ""

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """The K curves, one column for each row; `thinline.trace` traces them at the first access."""
        return trace(self.probabilities, px_per_mm=self.px_per_mm)


def evaluate(
    prediction: Prediction | NDArray[Any],
    truth: NDArray[Any],
    classes: Sequence[str] | None = None,
    px_per_mm: float | None = None,
) -> pd.DataFrame:
    """Every metric of a prediction, or of predicted class ids [H,W], against the true ids `truth` [H,W].

    Columns, errors and the meaning of `classes` and `px_per_mm` are those of `evaluate_labels`. Without `classes`, a
    `Prediction` is scored for `Prediction.classes`.
    """
    if isinstance(prediction, Prediction):
        classes, prediction = classes or prediction.classes, prediction.labels
    return evaluate_labels(prediction, truth, classes=classes, px_per_mm=px_per_mm)


def grey_of(image: object) -> UInt8:
    """Grey levels uint8 [H,W] of an array or a file.

    Raises TypeError for an array of another dtype, ValueError for an array of another shape, PictureError for a file
    that cannot be read.
    """
    if isinstance(image, str | Path):
        return _from_file(Path(image))
    array = np.asarray(image)
    if array.ndim != 2:
        raise ValueError(
            f"`image` must be grey [H,W], got shape {list(array.shape)}; networks have one channel: turn colours to "
            "grey, drop other axes, or give the file itself"
        )
    if array.dtype != np.uint8:
        raise TypeError(
            f"`image` must be uint8, 0 black and 255 white, got {array.dtype}; scale it to 0..255 and convert it, or "
            "give the file itself"
        )
    if not array.size:
        raise ValueError(f"`image` must have a pixel or more, got shape {list(array.shape)}; was it cut to nothing?")
    return array


def _from_file(path: Path) -> UInt8:
    if not path.is_file():
        raise PictureError(f"{path}: expected an image file, got {'a folder' if path.is_dir() else 'no such file'}")
    try:
        return read_image(path)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error


def decided(head: Head, probabilities: Float32, thresholds: Sequence[float] | None) -> UInt8:
    """Labels uint8 [H,W] from `probabilities` [c,H,W], by the head or by a threshold for each of the K curves."""
    with torch.inference_mode():
        batch = torch.from_numpy(probabilities)[None]
        if thresholds is None:
            ids = head.decode(batch)
        else:
            ids = tuned_labels(head.scored(batch)[:, -len(thresholds) :], torch.tensor(thresholds, dtype=torch.float64))
        return np.asarray(ids[0].to(torch.uint8).numpy())
