"""Sheet cache: sheets are rendered once into a content-addressed, memory-mapped file that all cells share.

`<folder>/<key>.sheets` has the layout of `cached_sheets.py`. `key` is the SHA-256 of the file format, the version of
the renderer, px_per_mm and the digests of the specs in their order.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from thinline.data.cached_sheets import WHAT, CachedSheets, SheetHeader, fill, read
from thinline.data.record_file import FORMAT, Progress, write_records
from thinline.sheets import Sheet
from thinline.system.shared_file import CacheError, read_or_write
from thinline.system.worker_pool import pool_of
from thinline.vocabulary import UInt8


class Drawable(Protocol):
    """The source of a sheet: a SheetSpec, or a piece of a user's image."""

    @property
    def digest(self) -> str:
        """Hash of everything its pixels depend on, except the scale."""

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width."""


Render = Callable[[Any], Sheet]

__all__ = ["CacheError", "Progress", "Render", "content_key", "open_sheets"]

WORTH_PROCESSES: Final = 64
"""Fewer sheets are rendered faster than processes start."""

AT_ONCE: Final = 8
"""Sheets per task of a process."""


def open_sheets(
    specs: Sequence[Drawable],
    *,
    px_per_mm: float,
    folder: Path,
    render: Render,
    version: int | str,
    on_progress: Progress | None = None,
    processes: int = 0,
) -> CachedSheets:
    """The rendered `specs`, in their order; rendered now if `folder` holds no whole file of this content.

    `render` must be a function of the spec and of `px_per_mm` alone; raise `version` whenever its result changes. Other
    processes that need the file wait for the one that renders. It renders itself or in `processes` worker processes, to
    which `render` is pickled; the file is the same. Raises ValueError for no specs, sheets of different sizes, more
    than 8 curves that cross, or labels that are no class id; CacheError when the folder cannot be written or has no
    room.
    """
    _check_alike(specs)
    key = content_key(specs, px_per_mm=px_per_mm, version=version)
    path = Path(folder) / f"{key}.sheets"
    return read_or_write(
        path,
        lambda: read(path, key=key),
        lambda: _build(path, specs, partial(_rendered, render=render, processes=processes), on_progress),
        what=WHAT,
    )


def content_key(specs: Sequence[Drawable], *, px_per_mm: float, version: int | str) -> str:
    """SHA-256, in hex, of everything the pixels depend on."""
    head = json.dumps({"format": FORMAT, "version": version, "px_per_mm": float(px_per_mm)}, sort_keys=True)
    return hashlib.sha256("\n".join([head, *(spec.digest for spec in specs)]).encode()).hexdigest()


def _check_alike(specs: Sequence[Drawable]) -> None:
    """ValueError, before anything is rendered, for specs that cannot be in one file."""
    if len(specs) == 0:
        raise ValueError("`specs` must hold at least one sheet, got none; raise the count of this split")
    sizes = sorted({spec.size_mm for spec in specs})
    if len(sizes) > 1:
        raise ValueError(
            f"`specs` must have one size, expected all {specs[0].size_mm} mm as the first, got {sizes}; "
            "keep other sizes in a cache of their own"
        )


def _rendered(specs: Sequence[Drawable], *, render: Render, processes: int) -> Generator[Sheet]:
    """The sheets in the order of `specs`."""
    if processes == 0 or len(specs) < WORTH_PROCESSES:
        yield from map(render, specs)
        return
    with pool_of(processes) as pool:
        ahead: deque[Future[list[Sheet]]] = deque()
        for start in range(0, len(specs), AT_ONCE):
            ahead.append(pool.submit(_rendered_here, render, specs[start : start + AT_ONCE]))
            if len(ahead) > 2 * processes:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()


def _rendered_here(render: Render, specs: Sequence[Drawable]) -> list[Sheet]:
    return [render(spec) for spec in specs]


def _build(
    path: Path,
    specs: Sequence[Drawable],
    rendered: Callable[[Sequence[Drawable]], Generator[Sheet]],
    on_progress: Progress | None,
) -> None:
    """Render sheet by sheet into the file."""
    with closing(rendered(specs)) as sheets:
        first = next(sheets)
        height, width = first.image.shape
        header = SheetHeader(key=path.stem, sheets=len(specs), height=height, width=width, curves=len(first.strokes))
        write_records(path, header, _records(header, chain([first], sheets)), what=WHAT, on_progress=on_progress)


def _records(header: SheetHeader, sheets: Iterable[Sheet]) -> Iterator[tuple[UInt8, list[int]]]:
    """The record of each sheet, in one buffer that the next sheet overwrites, and its pixels per class."""
    record = np.zeros(header.stride, dtype=np.uint8)
    for row, sheet in enumerate(sheets):
        try:
            pixels = fill(record, sheet, header)
        except ValueError as error:
            error.add_note(f"this was sheet {row} of {header.sheets}")
            raise
        yield record, pixels.tolist()
