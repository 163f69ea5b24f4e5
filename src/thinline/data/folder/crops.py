"""Photos as sheets: cut into pieces of bounded size and kept in the sheet cache.

Why pieces
    A scan may have 100,000 rows, too many for a network with attention over the whole image. A side longer than
    `piece_px` is cut into the fewest possible parts, whose sizes differ by one pixel at most. A piece is a sheet of its
    own in training and in every table; all pieces of a photo are in one split. A structure across a cut has less
    context; `piece_px=null` keeps photos whole.

Several sizes
    One file of the cache holds sheets of one size, so each size has its own file; `joined` combines them. Training cuts
    tiles of one size from all of them, evaluation takes whole sheets, of one size in a batch. Nothing is padded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from skimage.morphology import skeletonize

from thinline.data.cache import Progress, open_sheets
from thinline.data.cached_sheets import CachedSheets, joined
from thinline.data.folder.image_folder import Photo
from thinline.data.folder.keys import FOLDER
from thinline.sheets import Sheet
from thinline.sheets.ink_and_centre import VERSION, planes_of
from thinline.vocabulary import IGNORE, Float64

READING_VERSION: Final = 1
"""Raise it with every change of the pixels of a piece that the digest of its photo does not contain."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Part of a photo: its top left corner and size in pixels. `curves` is the number of classes but the background."""

    photo: Photo
    row: int
    column: int
    height: int
    width: int

    family = FOLDER

    @property
    def digest(self) -> str:
        """SHA-256 of the photo's content and of the position of the piece in it."""
        text = f"{self.photo.digest}:{self.row}:{self.column}:{self.height}:{self.width}:{self.curves}"
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def curves(self) -> int:
        """Classes but the background."""
        return len(self.photo.folder.class_map.classes) - 1

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width; in pixels where the folder has no scale."""
        scale = self.photo.folder.read_px_per_mm or 1.0
        return self.height / scale, self.width / scale

    @property
    def courses(self) -> dict[str, Float64]:
        """Curve truth on this piece, float64 [height] by class name: x from the left edge of the piece, NaN off it."""
        courses = {}
        for name, whole in self.photo.courses.items():
            x = whole[self.row : self.row + self.height] - self.column
            on = (x >= -0.5) & (x < self.width - 0.5)
            if on.any():
                courses[name] = np.where(on, x, np.nan)
        return courses


def cut(photos: Sequence[Photo], piece_px: int | None) -> tuple[Piece, ...]:
    """The pieces of all photos, photo by photo, in rows from the top left."""
    return tuple(
        Piece(photo, top, left, bottom - top, right - left)
        for photo in photos
        for top, bottom in _spans(photo.height, piece_px)
        for left, right in _spans(photo.width, piece_px)
    )


def render_piece(piece: Piece) -> Sheet:
    """The piece as a sheet without printed layers. Raises FolderError when its files have changed."""
    image, labels = piece.photo.load()
    part = (slice(piece.row, piece.row + piece.height), slice(piece.column, piece.column + piece.width))
    ids = labels[part]
    strokes = np.stack([ids == number for number in range(1, piece.curves + 1)])
    return Sheet(image[part], ids, strokes, np.zeros_like(ids), ())


def render_lines(piece: Piece) -> Sheet:
    """The piece with `strokes [2,H,W]` = (ink, centre lines): the skeleton of the ink of the whole image, cut.

    Where the ink is ignored there is no centre line. Raises FolderError as `render_piece`.
    """
    image, whole = piece.photo.load()
    ink = (whole > 0) & (whole != IGNORE)
    part = (slice(piece.row, piece.row + piece.height), slice(piece.column, piece.column + piece.width))
    labels, strokes = planes_of(ink[part], np.asarray(skeletonize(ink), np.bool_)[part])
    labels[whole[part] == IGNORE] = IGNORE
    return Sheet(image[part], labels, strokes, np.zeros_like(labels), ())


def reading_version(*, lines: bool) -> int | str:
    """The version of what is read from a piece, part of the key of the cache."""
    return f"{READING_VERSION} ink and centre {VERSION}" if lines else READING_VERSION


def open_pieces(
    pieces: Sequence[Piece], *, folder: Path, on_progress: Progress | None = None, lines: bool = False
) -> CachedSheets:
    """The pieces in their order, from the cache in `folder` or read now. Raises what `open_sheets` raises.

    With `lines` they have ink and centre lines in place of classes.
    """
    sizes = [(piece.height, piece.width) for piece in pieces]
    rows = {size: [row for row, own in enumerate(sizes) if own == size] for size in dict.fromkeys(sizes)}
    groups: list[CachedSheets] = []
    for numbers in rows.values():
        before = sum(map(len, groups))

        def report(done: int, _: int, before: int = before) -> None:
            if on_progress is not None:
                on_progress(before + done, len(pieces))

        groups.append(
            open_sheets(
                [pieces[row] for row in numbers],
                px_per_mm=pieces[0].photo.folder.read_px_per_mm or 1.0,
                folder=folder,
                render=render_lines if lines else render_piece,
                version=reading_version(lines=lines),
                on_progress=report,
            )
        )
    return groups[0] if len(groups) == 1 else joined(groups, list(rows.values()))


def _spans(length: int, most: int | None) -> list[tuple[int, int]]:
    """Half-open ranges that cut `length` into the fewest parts of at most `most`."""
    parts = 1 if most is None else -(-length // most)
    edges = [length * part // parts for part in range(parts + 1)]
    return list(pairwise(edges))
