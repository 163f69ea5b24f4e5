"""Every metric of one predicted class map against its truth, for any image: no sheet, run or scale is needed.

Conventions
    Both maps hold class ids [H,W] of any integer type, background 0. Pixels whose truth is 255 (ignore) are not
    counted. Grid and text of the image are not known, so no false positive is attributed to them. The true positions of
    the curves are not known, so no curve is traced and there are no curve errors (MAE, coverage). Without a scale there
    are no lengths in mm, and for distances that are defined in mm one pixel counts as the width of a nominal pen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from thinline.metrics.structure.sheet_scores import CurveTruth
from thinline.metrics.structure.truth import NOMINAL_PX_PER_MM, Truth
from thinline.training.evaluation import evaluate
from thinline.vocabulary import BACKGROUND, IGNORE, Float32, UInt8

ONLY_IGNORED: Final = (
    f"`truth` must hold the ids of classes, got only 0 and {IGNORE}, and {IGNORE} means ignored; for a mask of "
    "black and white pass (mask > 0), or name the values: --classes 0:background,255:NAME"
)

LabelledSheet = tuple[UInt8, Float32 | None, Truth, CurveTruth | None]
"""A sheet in the form that `thinline.training.evaluation.evaluate` takes."""


def evaluate_labels(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    *,
    classes: Sequence[str] | None = None,
    px_per_mm: float | None = None,
) -> pd.DataFrame:
    """Rows (measure, class, value, support, signature) of every metric, one for each metric and class.

    `classes` [C] name the ids, background first; without them the classes are background, class_1, ... up to the
    largest id. `support` is the number of true pixels. Metrics are those of `metrics/catalogue.py`.

    Raises TypeError for maps that are not integers, ValueError for other shapes, for maps of different size, for ids
    without a class, and for a scale that is not above 0.
    """
    if classes is None:
        check_truths([truth])
        classes = class_names([(prediction, truth)])
    sheet = labelled_sheet(prediction, truth, classes, px_per_mm=px_per_mm)
    rows, _ = evaluate([sheet], classes, px_per_mm=px_per_mm)
    return rows.drop(columns="split")


def labelled_sheet(
    prediction: NDArray[Any], truth: NDArray[Any], classes: Sequence[str], *, px_per_mm: float | None
) -> LabelledSheet:
    """Check both maps, and return them in the form that `evaluate` takes. Raises what `evaluate_labels` raises."""
    _check_classes(classes)
    predicted, true = label_map(prediction, "prediction"), label_map(truth, "truth")
    if predicted.shape != true.shape:
        raise ValueError(
            f"`prediction` and `truth` must have one size, got {_size(predicted)} and {_size(true)} px; was one of "
            "them resized or cut?"
        )
    _check_ids(predicted, "prediction", classes)
    _check_ids(np.where(true == IGNORE, np.uint8(0), true), "truth", classes)
    strokes = np.stack([true == number for number in range(1, len(classes))])
    scale = NOMINAL_PX_PER_MM if px_per_mm is None else px_per_mm
    return predicted, None, Truth(true, strokes, np.zeros_like(true), scale), None


def label_map(array: NDArray[Any], name: str) -> UInt8:
    """Class ids as uint8 [H,W]. Messages begin with `name`. Raises what `evaluate_labels` raises."""
    ids = np.asarray(array)
    if ids.ndim != 2 or not ids.size:
        raise ValueError(
            f"`{name}` must hold class ids [H,W], got shape {list(ids.shape)}; colours and probabilities are no ids: "
            "pass one number for each pixel"
        )
    if ids.dtype.kind not in "bui":
        raise TypeError(f"`{name}` must hold whole numbers, got {ids.dtype}; probabilities [C,H,W] are decoded first")
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high > IGNORE:
        raise ValueError(
            f"`{name}` must hold class ids from 0, or {IGNORE} for ignored pixels, got {low}..{high}; turn the values "
            "of the mask into ids first"
        )
    return ids.astype(np.uint8)


def class_names(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> tuple[str, ...]:
    """Names for the ids of (prediction, truth) of all images: background, class_1, ... up to the largest id.

    Raises ValueError if a prediction has 255: it is a mask of black and white.
    """
    largest = 1
    for prediction, truth in pairs:
        predicted, true = int(label_map(prediction, "prediction").max()), label_map(truth, "truth")
        if predicted == IGNORE:
            raise ValueError(
                f"`prediction` must hold the ids of classes, got {IGNORE}, which no class has; for a mask of black and "
                "white pass (mask > 0), or name the values: --prediction-classes 0:background,255:NAME"
            )
        largest = max(largest, predicted, int(true[true != IGNORE].max(initial=0)))
    return (BACKGROUND, *(f"class_{number}" for number in range(1, largest + 1)))


def check_truths(truths: Iterable[NDArray[Any]]) -> None:
    """Raise ValueError if the truths of all images together have only 0 and 255: these are black and white masks."""
    ignored = False
    for truth in truths:
        true = label_map(truth, "truth")
        if ((true > 0) & (true != IGNORE)).any():
            return
        ignored = ignored or bool((true == IGNORE).any())
    if ignored:
        raise ValueError(ONLY_IGNORED)


def _check_classes(classes: Sequence[str]) -> None:
    if isinstance(classes, str) or len(classes) < 2 or len(set(classes)) != len(classes):
        raise ValueError(
            f"`classes` must be two or more different names, background first, got {classes!r}; as [background, vessel]"
        )
    if BACKGROUND in classes[1:]:
        raise ValueError(
            f"`classes` must be the names of the ids 0, 1, ..., background first, got {list(classes)}; put "
            f"{BACKGROUND} first"
        )


def _check_ids(ids: UInt8, name: str, classes: Sequence[str]) -> None:
    largest = int(ids.max())
    if largest >= len(classes):
        raise ValueError(
            f"`{name}` must hold ids 0..{len(classes) - 1} of the classes {', '.join(classes)}, got {largest}; name "
            "every class, or turn the values of the mask into ids first"
        )


def _size(ids: UInt8) -> str:
    return f"{ids.shape[0]} x {ids.shape[1]}"
