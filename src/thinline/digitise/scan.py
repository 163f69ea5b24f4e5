"""Open a scan, a file of one or more pages, and read its rows as grey levels.

Conventions
    Pages follow each other down the depth, in the order of the file; they must have equal width and resolution.
    The first bytes of a file, not its name, give its format. Its declared size is checked before decoding: at most
    MOST_ROWS rows over all pages, MOST_COLUMNS columns, and the limit of `thinline.images` on bytes decoded at once.
    Orientation tags of the file are applied. The orientation of the print is not detected: the curves of a page that
    was scanned upside down come out reversed, usually with a low confidence.

Memory
    The requested rows, and the strips or the page that they were decoded from; earlier pages are released.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from thinline.images import KNOWN, LEAST_DPI, MOST_BYTES, MOST_DPI, Damage, Page, ScanError, pages_of
from thinline.vocabulary import UInt8

__all__ = ["LEAST_DPI", "MOST_BYTES", "MOST_COLUMNS", "MOST_DPI", "MOST_ROWS", "Scan", "ScanError", "open_scan"]

MOST_ROWS: Final = 300_000
MOST_COLUMNS: Final = 20_000
_SMALLEST: Final = 8
_RESOLUTIONS: Final = ("tag 282, XResolution", "tag 283, YResolution")
_SAME_DPI: Final = 1e-3  # resolutions are stored as rounded fractions

_FOREIGN: Final = {
    b"%PDF": "a PDF; export its pages as TIFF, for example with `pdftoppm -tiff -r 200 FILE.pdf page`",
    b"GIF8": "a GIF; save it as PNG",
    b"BM": "a BMP; save it as PNG",
    b"PK\x03\x04": "a ZIP archive; unpack it and give the image inside",
    b"\x1f\x8b": "a gzip archive; unpack it and give the image inside",
    b"~V": "a LAS file; it holds curves already",
    b"~v": "a LAS file; it holds curves already",
}


@dataclass(frozen=True, eq=False)
class Scan:
    """`height` x `width` px over all pages; `dpi` across and down from the file, 0 where it has none."""

    path: Path
    pages: tuple[Page, ...]
    height: int
    width: int
    dpi: tuple[float, float]
    left_out: tuple[str, ...] = ()

    def rows(self, start: int, stop: int) -> UInt8:
        """Grey levels uint8 [stop - start, W] of rows start..stop-1."""
        if not 0 <= start < stop <= self.height:
            raise ValueError(f"rows must lie in 0..{self.height} and not be empty, got {start}..{stop}")
        parts, top = [], 0
        for page in self.pages:
            first, last = max(start - top, 0), min(stop - top, page.height)
            if first < last:
                parts.append(page.rows(first, last))
            else:
                page.forget()
            top += page.height
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def forget(self) -> None:
        """Release the decoded pixels of all pages; they are decoded again where they are needed."""
        for page in self.pages:
            page.forget()

    def damage(self) -> tuple[Damage, ...]:
        """The rows that could not be decoded, in order. Complete once all rows have been read."""
        damage, top = [], 0
        for page in self.pages:
            damage += [Damage(top + first, top + last, page.number, reason) for first, last, reason in page.damage]
            top += page.height
        return tuple(damage)

    @property
    def notices(self) -> tuple[str, ...]:
        """Warnings about a readable file. Complete once all rows have been read."""
        return (*self.left_out, *(f"page {page.number} {text}" for page in self.pages for text in page.notices))

    def digest(self) -> str:
        """Sha256 of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def open_scan(path: Path) -> Scan:
    """Open a TIFF, PNG or JPEG file without decoding its pixels.

    Raises ScanError for other formats, damaged files, pages of different width or resolution, and sizes outside the
    limits.
    """
    _check_image(path)
    opened = pages_of(path)
    pages = opened.pages
    if not pages:
        raise ScanError(f"{path}: expected at least one page, got none; save it again from an image viewer")
    for page in pages:
        tags = _differing(pages[0], page)
        if tags:
            raise ScanError(
                f"{path}: expected pages of one width and resolution, got {_size(pages[0])} on page {pages[0].number} "
                f"and {_size(page)} on page {page.number} ({tags}); cut or scale the pages to one width, or digitise "
                "them one by one"
            )
    height, width = sum(page.height for page in pages), pages[0].width
    for name, size, most in (("rows", height, MOST_ROWS), ("columns", width, MOST_COLUMNS)):
        if not _SMALLEST <= size <= most:
            raise ScanError(
                f"{path}: expected {_SMALLEST} to {most:,} {name}, the file declares {size:,}; "
                f"{'cut it into parts, or scan it at fewer dpi' if size > most else 'this is no scan of a log'}"
            )
    return Scan(path, pages, height, width, pages[0].dpi, opened.left_out)


def _differing(first: Page, second: Page) -> str:
    """The tags of width and resolution in which two pages differ; empty if they can follow each other."""
    tags = ["tag 256, ImageWidth"] if first.width != second.width else []
    for name, *dpi in zip(_RESOLUTIONS, first.dpi, second.dpi, strict=True):
        if not math.isclose(*dpi, rel_tol=_SAME_DPI):
            tags.append(name)
    return "; ".join(tags)


def _size(page: Page) -> str:
    return f"{page.width} px at {page.dpi[0]:g} dpi"


def _check_image(path: Path) -> None:
    if not path.is_file():
        raise ScanError(f"{path}: expected a scan (TIFF, PNG or JPEG), found no such file; check the path")
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(KNOWN):
        return
    unknown = "another kind of file; save the scan as one of these" if start else "an empty file; copy it again"
    kind = next((text for magic, text in _FOREIGN.items() if start.startswith(magic)), unknown)
    raise ScanError(f"{path}: expected a TIFF, PNG or JPEG, got {kind}")
