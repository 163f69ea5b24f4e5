"""Windows of the image files of a folder, at the scale of drawn sheets, for statistics.

Conventions
    A window covers `size_mm` square and has `px_per_mm`: a scan with a resolution is reduced (mean over the area) or
    enlarged (linear). A file without a resolution is cut into windows of as many px as a drawn sheet, unscaled.
    Windows are spread evenly down the middle of each file, at most `most` a file. Those with less than LEAST_INK of ink
    are left out. A file that cannot be read is left out with a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from thinline.digitise.page.statistics import ink_mask
from thinline.digitise.scan import Scan, ScanError, open_scan
from thinline.vocabulary import UInt8

LEAST_INK: Final = 0.002
_MM_PER_INCH: Final = 25.4
_SUFFIXES: Final = {".tif", ".tiff", ".png", ".jpg", ".jpeg"}


@dataclass(frozen=True, eq=False)
class FolderWindows:
    """Grey windows uint8 [H,W] of the files of a folder, and a sentence for each file that was left out."""

    windows: tuple[UInt8, ...]
    files: int
    left_out: tuple[str, ...]


def folder_windows(folder: Path, *, size_mm: float, px_per_mm: float, most: int) -> FolderWindows:
    """The windows of all images of a folder and its subfolders. Raises ScanError for a folder without a window."""
    if not folder.is_dir():
        raise ScanError(f"{folder}: expected a folder of scans, found none; check the path")
    windows: list[UInt8] = []
    left_out: list[str] = []
    files = 0
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES):
        try:
            scan = open_scan(path)
            found = list(_windows(scan, size_mm, px_per_mm, most))
        except ScanError as error:
            left_out.append(f"{error}; left out")
            continue
        if found:
            files += 1
            windows += found
        else:
            left_out.append(f"{path}: no window of {size_mm:g} mm with ink; left out")
    if not windows:
        more = f" ({left_out[0]})" if left_out else ""
        raise ScanError(f"{folder}: expected scans (TIFF, PNG or JPEG) with ink, found none{more}; check the path")
    return FolderWindows(tuple(windows), files, tuple(left_out))


def _windows(scan: Scan, size_mm: float, px_per_mm: float, most: int) -> Iterator[UInt8]:
    size_px = round(size_mm * px_per_mm)
    known = min(scan.dpi) > 0
    wide, high = (round(size_mm * dpi / _MM_PER_INCH) if known else size_px for dpi in scan.dpi)
    if scan.height < high or scan.width < wide:
        return
    left = (scan.width - wide) // 2
    for top in np.unique(np.linspace(0, scan.height - high, min(most, scan.height // high)).astype(int)).tolist():
        grey = scan.rows(top, top + high)[:, left : left + wide]
        if grey.shape != (size_px, size_px):
            smaller = high >= size_px
            grey = cv2.resize(grey, (size_px, size_px), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        if ink_mask(grey).mean() >= LEAST_INK:
            yield np.ascontiguousarray(grey)
