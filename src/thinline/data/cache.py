"""Sheets rendered once and shared by every cell: one content-addressed, memory-mapped file.

Conventions
    `<folder>/<key>.sheets` is laid out as `cached_sheets.py` says. `key` is the SHA-256 of the file format, the
    version of
    the renderer, px_per_mm and the digests of the specs in their order: another content has another name.

    Written and trusted as `system/shared_file.py` says.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import numpy as np

from thinline.data.cached_sheets import FORMAT, CachedSheets, Header, fill, read
from thinline.sheets import Sheet
from thinline.system.shared_file import HEADER, CacheError, read_or_write, whole_file
from thinline.system.worker_pool import pool_of

Progress = Callable[[int, int], None]
"""Called with (sheets done, sheets in all) after every rendered sheet."""


class Drawable(Protocol):
    """What a sheet is made from: a SheetSpec, or a piece of a user's image."""

    @property
    def digest(self) -> str:
        """Names everything its pixels depend on, but for the scale."""
        ...

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width."""
        ...


Render = Callable[[Any], Sheet]

__all__ = ["CacheError", "Progress", "Render", "content_key", "open_sheets"]

WHAT = "rendered sheets"

WORTH_PROCESSES: Final = 64
"""Fewer sheets are drawn sooner than processes have started."""

AT_ONCE: Final = 8
"""Sheets that go to a process, and come back, together."""


def open_sheets(
    specs: Sequence[Drawable],
    *,
    px_per_mm: float,
    folder: Path,
    render: Render,
    version: int,
    on_progress: Progress | None = None,
    processes: int = 0,
) -> CachedSheets:
    """The rendered `specs`, in their order; rendered now if `folder` holds no whole file of this content.

    `render` must be a function of the spec and of `px_per_mm` alone; raise `version` whenever it draws differently.
    Processes that ask at once wait for the one that renders, itself or in `processes` of its own, to which `render` is
    pickled; the file is the same. Sheets go to the disk as they come. Raises ValueError for no specs, sheets of
    different sizes, more than 8 curves that cross or labels that are no class id; CacheError when the folder cannot be
    written or has no room.
    """
    _check_alike(specs)
    key = content_key(specs, px_per_mm=px_per_mm, version=version)
    path = Path(folder) / f"{key}.sheets"
    return read_or_write(
        path,
        lambda: read(path, key=key),
        lambda: _build(path, specs, partial(_rendered, render=render, processes=processes), on_progress or _silent),
        what=WHAT,
    )


def content_key(specs: Sequence[Drawable], *, px_per_mm: float, version: int) -> str:
    """Name of the content: SHA-256, in hex, of everything its pixels depend on."""
    head = json.dumps({"format": FORMAT, "version": version, "px_per_mm": float(px_per_mm)}, sort_keys=True)
    return hashlib.sha256("\n".join([head, *(spec.digest for spec in specs)]).encode()).hexdigest()


def _silent(done: int, total: int) -> None:
    """Report nothing."""


def _check_alike(specs: Sequence[Drawable]) -> None:
    """Refuse, before anything is drawn, what cannot lie in one file."""
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
    on_progress: Progress,
) -> None:
    """Render sheet by sheet into the file."""
    with closing(rendered(specs)) as sheets:
        first = next(sheets)
        curves = len(first.strokes)
        height, width = first.image.shape
        header = Header(path.stem, len(specs), height, width, curves)
        with whole_file(path, header.size, what=WHAT) as file:
            _write(file, header, chain([first], sheets), on_progress)


def _write(file: BinaryIO, header: Header, sheets: Iterable[Sheet], on_progress: Progress) -> None:
    """Blank header, records, table, and at last the true header."""
    file.write(bytes(HEADER))
    record = np.zeros(header.stride, dtype=np.uint8)
    table = np.zeros((header.sheets, header.columns), dtype="<i8")
    for row, sheet in enumerate(sheets):
        try:
            table[row] = fill(record, sheet, header)
        except ValueError as error:
            error.add_note(f"this was sheet {row} of {header.sheets}")
            raise
        file.write(record.data)
        on_progress(row + 1, header.sheets)
    file.write(table.tobytes())
    file.seek(0)
    file.write(replace(header, table_crc=zlib.crc32(table.tobytes())).packed())
