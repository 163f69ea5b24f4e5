"""Sheets per second on one core, beside a plain OpenCV script that draws grid, two curves, text, blur and noise.

Ours does more for a sheet: logarithmic, dotted and broken grids, skew, dashes, wraps, headers, marks, folds, clouds of
the paper, specks, one-bit sheets, and as truth strokes, layers and the course of each curve. The script draws new
noise for every sheet where ours reads a tile. Only `render` is timed; `sample`, which describes a sheet, has no peer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import cv2
import numpy as np

from thinline.sheets import render, sample
from thinline.vocabulary import UInt8

SHEETS = 120
REPEATS = 7


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


def main() -> list[tuple[str, float, str]]:
    """Rows (name, sheets per second over those of the plain script, comment)."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rows = [_row(family) for family in ("archive", "procedural")]
    finally:
        cv2.setNumThreads(threads)
    return rows


def _row(family: str) -> tuple[str, float, str]:
    specs = [sample(family, seed) for seed in range(SHEETS)]
    render(specs[0], px_per_mm=4)  # compiles the loops
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(REPEATS):  # turn by turn, so that a busy machine slows both
        seconds["ours"].append(_seconds(lambda i: render(specs[i], px_per_mm=4)))
        seconds["plain"].append(_seconds(plain))
    ours, peer = (SHEETS / median(seconds[who]) for who in ("ours", "plain"))
    return f"sheets, {family}", ours / peer, f"{ours:.0f} sheets/s with full wear, plain OpenCV script {peer:.0f}"


def _seconds(draw: Callable[[int], object]) -> float:
    start = time.perf_counter()
    for i in range(SHEETS):
        draw(i)
    return time.perf_counter() - start


if __name__ == "__main__":
    for name, ratio, comment in main():
        print(f"{name:28s} {ratio:6.2f}x  {comment}")
