"""What a nearly perfect answer would score: the truth itself, disturbed in a known way. Scores are read beside it.

    oracle_exact    the truth: what the measures themselves cost, as tracing does
    oracle_jitter   every row moved by -1, 0 or +1 px, each as likely: a perfect trace with a pixel of jitter
    oracle_shift    everything moved 1 px to the right
    oracle_thick    the centreline of every curve drawn 3 px thick; where two would lie on one pixel the true label has
                    it, elsewhere the later curve

Labels are class ids uint8 `[H,W]`; ignored pixels become background, as no answer says 255. Pixels that leave the sheet
are lost, and what comes in is background.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from skimage.morphology import skeletonize

from thinline.vocabulary import IGNORE, UInt8

PERTURBATIONS: Final = ("oracle_exact", "oracle_jitter", "oracle_shift", "oracle_thick")

_SQUARE: Final = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


def perturbed(name: str, labels: UInt8, *, seed: int) -> UInt8:
    """The perturbed truth `name` on a sheet with true `labels`; `seed` is that of the jitter.

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
    raise ValueError(f"`name` must be one of {', '.join(PERTURBATIONS)}, got {name!r}")


def moved(labels: UInt8, by: np.ndarray[tuple[int], np.dtype[np.int64]]) -> UInt8:
    """Each row of `labels [H,W]` moved to the right by so many of `by [H]` pixels."""
    columns = np.arange(labels.shape[1]) - by[:, None]
    inside = (columns >= 0) & (columns < labels.shape[1])
    taken = np.take_along_axis(labels, np.where(inside, columns, 0), axis=1)
    return np.asarray(np.where(inside, taken, 0), np.uint8)


def _thick(labels: UInt8) -> UInt8:
    found = np.zeros_like(labels)
    for k in range(1, int(labels.max(initial=0)) + 1):
        line = skeletonize(labels == k).view(np.uint8)
        wide = cv2.dilate(line, _SQUARE) > 0
        found[wide] = k
        found[wide & (labels > 0)] = labels[wide & (labels > 0)]
    return found
