"""Build the truths that the ruler perturbs: one-pixel-wide curves from drawn sheets, LAS files or the user's masks.

Conventions
-----------
    lines   bool [K,H,W], each curve one pixel wide, 8-connected where it is continuous; curves may overlap
    x_px    float64 [K,H], the column of each curve in each row; NaN where it has none, and in all rows of a line that
            has two strands in more than a tenth of its rows (a vessel tree is not a function of depth)

Sheets are drawn without skew, so a row of the sheet is one depth. A horizontal run is shared between the two rows that
it joins. An empty margin of `MARGIN_PX` on the left and right keeps shifted curves on the sheet. A mask is thinned by
scikit-image's `skeletonize`, one curve per value other than 0; of a large mask, the window of `WINDOW_PX` with the most
ink is used. `drawn` draws a line with a pen of whole pixels, as the sheets are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import skeletonize

from thinline.curves.las import read_las_dir
from thinline.data.folder.image_files import SUFFIXES, PictureError, read_mask
from thinline.sheets import DrawnCurve, sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.spec import SkewSpec
from thinline.vocabulary import Bool, Float64

MARGIN_PX: Final = 20
WINDOW_PX: Final = 512
MOST_CURVES: Final = 8
"""A mask with more values is refused as a picture: smoothed edges have many grey values."""

_ONE_STRAND: Final = 0.9
Indices = NDArray[np.intp]


class RulerError(ValueError):
    """A truth, or an option, that cannot be used to test metrics."""


@dataclass(frozen=True, eq=False)
class Truth:
    """The curves of one sheet: `lines` and `x_px` as in the conventions of the module."""

    name: str
    lines: Bool
    x_px: Float64


def of_courses(x_px: Float64, width: int, *, name: str = "") -> Truth:
    """Truth of curves with columns `x_px [K,H]` (NaN: none) on a sheet `width` px wide plus margins."""
    lines = np.zeros((*x_px.shape, width + 2 * MARGIN_PX), np.bool_)
    moved = x_px + MARGIN_PX
    for line, x in zip(lines, moved, strict=True):
        rows = np.flatnonzero(np.isfinite(x))
        columns = np.rint(x[rows]).astype(np.intp)
        line[rows, columns] = True
        adjacent = np.flatnonzero(np.diff(rows) == 1)
        bridge(line, rows[adjacent], columns[adjacent], columns[adjacent + 1])
    return Truth(name, lines, moved)


def bridge(line: Bool, rows: Indices, start: Indices, end: Indices) -> None:
    """Set the pixels of `line [H,W]` between column `start` of each of `rows` and column `end` of the row below."""
    between = np.maximum(np.abs(end - start) - 1, 0)
    which = np.repeat(np.arange(len(rows)), between)
    step = np.arange(len(which)) - np.repeat(np.cumsum(between) - between, between) + 1
    lower = 2 * step > between[which] + 1
    columns = start[which] + np.sign(end - start)[which] * step
    line[rows[which] + lower, columns] = True


def of_sheets(count: int, *, px_per_mm: float, seed: int = 0, las_dir: Path | None = None) -> list[Truth]:
    """Truths of `count` archive sheets from `seed` on, with curves from the LAS files of `las_dir` if given."""
    if count < 1:
        raise RulerError(f"--count must be 1 or more, got {count}; 4 sheets take seconds")
    values = tuple(run for curve in read_las_dir(las_dir) for run in curve.runs()) if las_dir else ()
    truths = []
    for number in range(seed, seed + count):
        sheet = draw(replace(sample("archive", number, samples=values), skew=SkewSpec()), px_per_mm=px_per_mm)
        x_px = np.stack([_without_wraps(curve) for curve in sheet.curves])
        truths.append(of_courses(x_px, sheet.labels.shape[1], name=f"archive sheet {number}"))
    return truths


def _without_wraps(curve: DrawnCurve) -> Float64:
    """The column in each row, NaN in the first row after each wrap round the track."""
    x = curve.x_px.astype(np.float64)
    x[1:][np.diff(curve.lap) != 0] = np.nan
    return x


def of_masks(where: str, *, count: int) -> list[Truth]:
    """Truths of the first `count` masks of a folder or a pattern, in order of their names, thinned.

    RulerError if nothing matches, a mask cannot be read, or no mask has ink.
    """
    folder = Path(where)
    paths = sorted(folder.iterdir()) if folder.is_dir() else sorted(Path(folder.anchor or ".").glob(_relative(folder)))
    paths = [path for path in paths if path.suffix.lower() in SUFFIXES][:count]
    if not paths:
        raise RulerError(
            f"--masks must be a folder or a quoted pattern of {', '.join(SUFFIXES)} files, got none at {where}"
        )
    truths = [truth for path in paths for truth in _of_mask(path)]
    if not truths:
        raise RulerError(f"masks must have values other than 0, got none in {len(paths)} files of {where}")
    return truths


def _relative(pattern: Path) -> str:
    return str(pattern.relative_to(pattern.anchor)) if pattern.anchor else str(pattern)


def _of_mask(path: Path) -> Iterator[Truth]:
    try:
        values = _window(read_mask(path))
    except PictureError as error:
        raise RulerError(f"{path}: {error}") from error
    classes = [value for value in np.unique(values).tolist() if value]
    if len(classes) > MOST_CURVES:
        raise RulerError(
            f"{path}: a mask must hold at most {MOST_CURVES} values besides 0, got {len(classes)}; save class values, "
            "without smoothing and not as JPEG"
        )
    if classes:
        wide = np.pad(values, ((0, 0), (MARGIN_PX, MARGIN_PX)))
        lines = np.stack([skeletonize(wide == value) for value in classes]).astype(np.bool_)
        yield Truth(path.name, lines, np.stack([_columns(line) for line in lines]))


def _window(values: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The window of at most `WINDOW_PX` a side with the most ink; candidates lie half a window apart."""
    half = WINDOW_PX // 2
    corners = [
        (top, left)
        for top in range(0, max(1, values.shape[0] - half), half)
        for left in range(0, max(1, values.shape[1] - half), half)
    ]
    parts = [values[top : top + WINDOW_PX, left : left + WINDOW_PX] for top, left in corners]
    return max(parts, key=np.count_nonzero)


def _columns(line: Bool) -> Float64:
    """Centre of the run of ink in each row of `line [H,W]`; NaN for rows with none or several runs."""
    runs = np.count_nonzero(np.diff(line.astype(np.int8), axis=1, prepend=0) == 1, axis=1)
    ink = np.maximum(np.count_nonzero(line, axis=1), 1)
    middle = np.where(runs == 1, (line * np.arange(line.shape[1])).sum(1) / ink, np.nan)
    if np.count_nonzero(runs == 1) < _ONE_STRAND * np.count_nonzero(runs):
        middle[:] = np.nan
    return np.asarray(middle, np.float64)


def drawn(lines: Bool, width_px: int) -> Bool:
    """`lines [K,H,W]` drawn with a pen of `width_px`: a vertical line becomes that many pixels wide."""
    if width_px == 1:
        return lines
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT if width_px == 2 else cv2.MORPH_ELLIPSE, (width_px, width_px))
    anchor = (width_px // 2, width_px // 2)
    return np.stack([cv2.dilate(line.view(np.uint8), kernel, anchor=anchor) for line in lines]).view(np.bool_)


def names_of(truths: Sequence[Truth]) -> str:
    """Names of the truths as one phrase."""
    names = [truth.name for truth in truths]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]} ({len(names)})"
