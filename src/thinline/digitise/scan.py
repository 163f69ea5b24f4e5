"""A scan: one file of one or more pages, read as rows of grey.

Conventions
    Pages follow each other down the depth, in the order of the file; they must have one width and one resolution.
    What kind of file it is says its first bytes, not its name. Its declared size is checked before anything is decoded:
    `MOST_ROWS` rows over all pages, `MOST_COLUMNS` columns, and what `pages.py` says may be decoded at once.
    Which way is up is not looked for: a page that was scanned upside down is read upside down (its curves come out
    mirrored, most often at low confidence). Orientation tags of the file are obeyed.

Memory
    `rows` holds the rows asked for and the strips or the page they were decoded from; pages before are let go.
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

MOST_ROWS: Final = 200_000
MOST_COLUMNS: Final = 20_000
_SMALLEST: Final = 8
_RESOLUTIONS: Final = ("tag 282, XResolution", "tag 283, YResolution")
_SAME_DPI: Final = 1e-3  # resolutions are stored as fractions, and rounded

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
    """`height` x `width` px over all pages; `dpi` across and down as the file says it, 0 where it does not."""

    path: Path
    pages: tuple[Page, ...]
    height: int
    width: int
    dpi: tuple[float, float]
    left_out: tuple[str, ...] = ()

    def rows(self, start: int, stop: int) -> UInt8:
        """Grey levels [stop - start, W] of rows start..stop-1."""
        if not 0 <= start < stop <= self.height:
            raise ValueError(f"rows must lie in 0..{self.height} and not be none, got {start}..{stop}")
        parts, top = [], 0
        for page in self.pages:
            first, last = max(start - top, 0), min(stop - top, page.height)
            if first < last:
                parts.append(page.rows(first, last))
            else:
                page.forget()
            top += page.height
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def damage(self) -> tuple[Damage, ...]:
        """The rows that could not be decoded, in order; complete when all rows have been read once."""
        damage, top = [], 0
        for page in self.pages:
            damage += [Damage(top + first, top + last, page.number, reason) for first, last, reason in page.damage]
            top += page.height
        return tuple(damage)

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences on what a user must know though it could be read; complete when all rows have been read once."""
        return (*self.left_out, *(f"page {page.number} {text}" for page in self.pages for text in page.notices))

    def digest(self) -> str:
        """Sha256 of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def open_scan(path: Path) -> Scan:
    """The scan in a TIFF, PNG or JPEG file, nothing decoded yet.

    Raises ScanError for another kind of file, a damaged one, pages that do not belong together, and sizes outside the
    limits.
    """
    _check_image(path)
    opened = pages_of(path)
    pages = opened.pages
    if not pages:
        raise ScanError(f"{path}: expected at least one page, got none; save it anew from an image viewer")
    for page in pages:
        tags = _differing(pages[0], page)
        if tags:
            raise ScanError(
                f"{path}: expected pages of one width and resolution, got {_told(pages[0])} on page {pages[0].number} "
                f"and {_told(page)} on page {page.number} ({tags}); cut or scale the pages to one width, or digitise "
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


def _differing(one: Page, other: Page) -> str:
    """The tags in which two pages differ so that they cannot follow each other, nothing where they can."""
    tags = ["tag 256, ImageWidth"] if one.width != other.width else []
    for name, first, second in zip(_RESOLUTIONS, one.dpi, other.dpi, strict=True):
        if not math.isclose(first, second, rel_tol=_SAME_DPI):
            tags.append(name)
    return "; ".join(tags)


def _told(page: Page) -> str:
    return f"{page.width} px at {page.dpi[0]:g} dpi"


def _check_image(path: Path) -> None:
    if not path.is_file():
        raise ScanError(f"{path}: expected a scan (TIFF, PNG or JPEG), found no such file; check the path")
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(KNOWN):
        return
    told = next((text for magic, text in _FOREIGN.items() if start.startswith(magic)), None)
    if told is None:
        told = "an empty file; copy it again" if not start else "another kind of file; save the scan as one of these"
    raise ScanError(f"{path}: expected a TIFF, PNG or JPEG, got {told}")
