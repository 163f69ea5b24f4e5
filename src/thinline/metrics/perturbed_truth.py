"""Perturbed truth: the truth with a known small error. Its score is the reference for the score of a prediction.

    oracle_exact          the truth itself: the cost of the metric alone, as of tracing
    oracle_jitter         every row moved by -1, 0 or +1 px with equal probability
    oracle_shift          everything moved 1 px to the right
    oracle_thick          the centreline of every curve drawn 3 px thick. A pixel with a true label keeps it; another
                          pixel that several curves cover has the label of the last of them
    oracle_jitter_normal  every pixel of the centreline of a curve moved along the normal of the curve by -1, 0 or
                          +1 px with equal probability. The rest of the mask follows, and a line joins what touched
    oracle_shift_normal   every curve moved 1 px along its normal; where two curves overlap the later one has the pixel

The first shift and jitter move along the rows of the sheet. They say what a wrong value costs, as a curve is read row
by row. They move a curve that runs across the rows along its own ink, so it keeps much of its overlap. The `_normal`
ones move across the line whichever way it runs (normal_moves.py), and are the reference for overlap.

Labels are class ids uint8 `[H,W]`; ignored pixels become background. Pixels moved beyond the sheet are lost, and
background comes in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from skimage.morphology import skeletonize

from thinline.metrics.normal_moves import centreline, moved_along_normal
from thinline.vocabulary import IGNORE, Float64, UInt8

PERTURBATIONS: Final = (
    *("oracle_exact", "oracle_jitter", "oracle_shift", "oracle_thick"),
    *("oracle_jitter_normal", "oracle_shift_normal"),
)

_SQUARE: Final = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


def perturbed(name: str, labels: UInt8, *, seed: int) -> UInt8:
    """The perturbed truth `name` of a sheet with true `labels`; `seed` is that of the jitter.

    Raises ValueError for an unknown name.
    """
    clean = np.where(labels == IGNORE, 0, labels).astype(np.uint8)
    if name == "oracle_exact":
        return clean
    if name == "oracle_shift":
        return moved(clean, np.ones(len(clean), np.int64))
    if name == "oracle_jitter":
        return moved(clean, np.random.default_rng(seed).integers(-1, 2, len(clean)))
    if name == "oracle_thick":
        return _thick(clean)
    if name == "oracle_shift_normal":
        return _along_normals(clean, lambda points: np.ones(points))
    if name == "oracle_jitter_normal":
        rng = np.random.default_rng(seed)
        return _along_normals(clean, lambda points: rng.integers(-1, 2, points).astype(np.float64))
    raise ValueError(f"`name` must be one of {', '.join(PERTURBATIONS)}, got {name!r}")


def moved(labels: UInt8, by: np.ndarray[tuple[int], np.dtype[np.int64]]) -> UInt8:
    """Each row of `labels [H,W]` moved to the right by `by [H]` pixels."""
    columns = np.arange(labels.shape[1]) - by[:, None]
    inside = (columns >= 0) & (columns < labels.shape[1])
    taken = np.take_along_axis(labels, np.where(inside, columns, 0), axis=1)
    return np.asarray(np.where(inside, taken, 0), np.uint8)


def _thick(labels: UInt8) -> UInt8:
    thick = np.zeros_like(labels)
    for k in range(1, int(labels.max(initial=0)) + 1):
        line = skeletonize(labels == k).view(np.uint8)
        wide = cv2.dilate(line, _SQUARE) > 0
        thick[wide] = k
        thick[wide & (labels > 0)] = labels[wide & (labels > 0)]
    return thick


def _along_normals(labels: UInt8, by_px: Callable[[int], Float64]) -> UInt8:
    """Each curve of `labels [H,W]` moved along its normal by `by_px(P)` [P], px of the P pixels of its centreline."""
    moved_labels = np.zeros_like(labels)
    for k in range(1, int(labels.max(initial=0)) + 1):
        mask = labels == k
        line = centreline(mask)
        moved_labels[moved_along_normal(mask, line, by_px(len(line.normals)))] = k
    return moved_labels
