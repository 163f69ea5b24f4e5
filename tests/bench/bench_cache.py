"""Cached sheets per second, image and labels of 256x256, beside the decoding of the same sheets from PNG.

views    two arrays over the mapped file per sheet, and one byte of each row of both read through them
copies   both planes copied into a batch of 8, in a random order of sheets
batches  whole training batches of 8 tiles of 256x256: cut, flipped, toned, as tensors with strokes
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rows import Row, compared
from turns import compare

from thinline.data.cache import open_sheets
from thinline.data.cached_sheets import CachedSheets
from thinline.data.tiles import Change, Plan, TrainingTiles
from thinline.sheets import DRAWING_VERSION, render, sample
from thinline.vocabulary import Int64

SHEETS = 256
DECODED = 64
BATCH = 8


def main() -> Iterator[Row]:
    """Rows: the time to decode a sheet from PNG over ours."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _rows(_sheets(Path(folder)))


def _sheets(folder: Path) -> CachedSheets:
    specs = [sample("archive", seed) for seed in range(SHEETS)]
    draw = partial(render, px_per_mm=4.0)
    return open_sheets(specs, px_per_mm=4.0, folder=folder, render=draw, version=DRAWING_VERSION)


def _rows(sheets: CachedSheets) -> Iterator[Row]:
    order = np.random.default_rng(0).permutation(SHEETS)
    tiles = TrainingTiles(sheets, np.arange(SHEETS), Plan(0, 10**6, BATCH, (256, 256), Change()))
    packed = [tuple(cv2.imencode(".png", plane[i])[1] for plane in (sheets.images, sheets.labels)) for i in order]
    batch = np.empty((2, BATCH, *sheets.images.shape[1:]), np.uint8)
    ways: dict[str, Callable[[], object]] = {
        "views": lambda: _read_views(sheets, order),
        "copies": lambda: _copy_pairs(sheets, order, batch),
        "batches": lambda: [tiles[step] for step in range(SHEETS // BATCH)],
    }

    def decode() -> None:
        for file in (file for files in packed[:DECODED] for file in files):
            cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)

    for name, way in ways.items():
        comparison = compare(way, decode, units=(SHEETS, DECODED))
        ours, peer = (1 / seconds for seconds in comparison.seconds)
        yield compared(f"cache, {name}", comparison, f"{ours:,.0f} sheets/s, decoding PNG {peer:,.0f}")


def _read_views(sheets: CachedSheets, order: Int64) -> int:
    total = 0
    for index in order.tolist():
        total += int(sheets.images[index][::16, 0].sum()) + int(sheets.labels[index][::16, 0].sum())
    return total


def _copy_pairs(sheets: CachedSheets, order: Int64, batch: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    for number, index in enumerate(order.tolist()):
        batch[0, number % BATCH] = sheets.images[index]
        batch[1, number % BATCH] = sheets.labels[index]
