"""Sheets per second, beside a plain OpenCV script that draws grid, two curves, text, blur and noise.

Ours does more for a sheet: logarithmic, dotted and broken grids, skew, dashes, wraps, headers, marks, folds, clouds of
the paper, specks, one-bit sheets, and as truth strokes, layers and the course of each curve. The script draws new
noise for every sheet where ours reads a tile. Only `render` is timed; `sample`, which describes a sheet, has no peer.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from rows import Row, compared
from turns import compare

from thinline.sheets import render, sample
from thinline.vocabulary import UInt8

SHEETS = 40


def plain(seed: int) -> UInt8:
    """What one writes first: 256x256, linear grid, two curves, a few words, GaussianBlur and NumPy's normal noise."""
    rng = np.random.default_rng(seed)
    image = np.full((256, 256), 240, np.uint8)
    labels = np.zeros((256, 256), np.uint8)
    for at in range(0, 256, 8):
        grey = 90 if at % 40 == 0 else 170
        cv2.line(image, (at, 0), (at, 255), grey, 1)
        cv2.line(image, (0, at), (255, at), grey, 1)
    rows = np.arange(256)
    for k in range(2):
        course = 128 + 60 * np.sin(rows / rng.uniform(8, 30)) + rng.normal(0, 3, 256)
        points = np.stack([course, rows], 1).astype(np.int32)
        cv2.polylines(image, [points], False, 20, 1)
        cv2.polylines(labels, [points], False, k + 1, 1)
    for at in range(20, 256, 40):
        cv2.putText(image, str(1000 + at), (4, at), cv2.FONT_HERSHEY_SIMPLEX, 0.35, 30, 1)
    image = cv2.GaussianBlur(image, (3, 3), 0.6)
    return np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)


def main() -> Iterator[Row]:
    """Rows: the plain script's time for a sheet over ours."""
    for family in ("archive", "procedural"):
        specs = [sample(family, seed) for seed in range(SHEETS)]
        comparison = compare(
            lambda specs=specs: [render(spec, px_per_mm=4) for spec in specs],
            lambda: [plain(seed) for seed in range(SHEETS)],
            units=(SHEETS, SHEETS),
        )
        ours, peer = (1 / seconds for seconds in comparison.seconds)
        comment = f"{ours:.0f} sheets/s with full wear, plain OpenCV script {peer:.0f}"
        yield compared(f"sheets, {family}", comparison, comment)
