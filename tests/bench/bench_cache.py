"""Cached sheets per second on one core, image and labels of 256x256, beside the decoding of the same sheets from PNG.

views    two arrays over the mapped file per sheet, and one byte of each row of both read through them
copies   both planes copied into a batch of 8, in a random order of sheets
batches  whole training batches of 8 tiles of 256x256: cut, flipped, toned, as tensors with strokes
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import torch

from thinline.data.cache import open_sheets
from thinline.data.cached_sheets import CachedSheets
from thinline.data.tiles import Change, Plan, TrainingTiles
from thinline.sheets import DRAWING_VERSION, render, sample
from thinline.vocabulary import Int64

SHEETS = 256
BATCH = 8
REPEATS = 9


def main() -> list[tuple[str, float, str]]:
    """Rows (name, sheets per second over those of PNG decoding, comment)."""
    threads = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = _rows(_sheets(Path(folder)))
    finally:
        cv2.setNumThreads(threads[0])
        torch.set_num_threads(threads[1])
    return rows


def _sheets(folder: Path) -> CachedSheets:
    specs = [sample("archive", seed) for seed in range(SHEETS)]
    draw = partial(render, px_per_mm=4.0)
    return open_sheets(specs, px_per_mm=4.0, folder=folder, render=draw, version=DRAWING_VERSION)


def _rows(sheets: CachedSheets) -> list[tuple[str, float, str]]:
    order = np.random.default_rng(0).permutation(SHEETS)
    tiles = TrainingTiles(sheets, np.arange(SHEETS), Plan(0, 10**6, BATCH, (256, 256), Change()))
    packed = [tuple(cv2.imencode(".png", plane[i])[1] for plane in (sheets.images, sheets.labels)) for i in order]
    batch = np.empty((2, BATCH, *sheets.images.shape[1:]), np.uint8)
    ways: dict[str, Callable[[], object]] = {
        "png": lambda: [cv2.imdecode(file, cv2.IMREAD_GRAYSCALE) for files in packed for file in files],
        "views": lambda: _read_views(sheets, order),
        "copies": lambda: _copy_pairs(sheets, order, batch),
        "batches": lambda: [tiles[step] for step in range(SHEETS // BATCH)],
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):  # turn by turn, so that a busy machine slows all
        for name, way in ways.items():
            seconds[name].append(_seconds(way))
    rate = {name: SHEETS / median(values) for name, values in seconds.items()}
    return [
        (f"cache, {name}", rate[name] / rate["png"], f"{rate[name]:,.0f} sheets/s, decoding PNG {rate['png']:,.0f}")
        for name in ways
        if name != "png"
    ]


def _read_views(sheets: CachedSheets, order: Int64) -> int:
    total = 0
    for index in order.tolist():
        total += int(sheets.images[index][::16, 0].sum()) + int(sheets.labels[index][::16, 0].sum())
    return total


def _copy_pairs(sheets: CachedSheets, order: Int64, batch: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    for number, index in enumerate(order.tolist()):
        batch[0, number % BATCH] = sheets.images[index]
        batch[1, number % BATCH] = sheets.labels[index]


def _seconds(way: Callable[[], object]) -> float:
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


if __name__ == "__main__":
    for name, ratio, comment in main():
        print(f"{name:28s} {ratio:6.2f}x  {comment}")
