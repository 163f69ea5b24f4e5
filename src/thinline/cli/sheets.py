"""Draw synthetic sheets beside their truth (--preview), or measure how much truth resizing loses (--resolution).

--compare DIR measures the print of drawn sheets and of the scans in a folder (ink width, ink a row, lines of the grid,
tilt, share of ink) and prints both with the distance of the two samples.

--preview also prints the share of pixels of each class and of each kind of background print. --resolution compares
truth that is resized from one scale to another with truth that is rendered at the target scale, on the families whose
sheets have two curves.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from omegaconf import OmegaConf
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.config.schema import CONF
from thinline.curves.las import read_las_folder
from thinline.sheets import FAMILIES, FROZEN, Sheet, SheetSpec, render, sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.preview import composition, contact_sheet
from thinline.sheets.resized import WAYS, Remains, remains_of, resize_labels
from thinline.system.atomic_files import write_bytes
from thinline.vocabulary import LOG_CLASSES, Float64, UInt8

COARSE_PX_PER_MM: Final = 2.0
"""Half the scale of pen1: the scale of a user who shrinks a scan with curves 1 px wide."""
_COLOURS: Final = np.array([(255, 255, 255), (213, 94, 0), (0, 114, 178)], np.uint8)
_CUTOUT_MM: Final = 16.0
_PANEL_PX: Final = 384
_TITLE_PX: Final = 18


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--preview", type=Path, metavar="PNG", help="draw sheets beside their truth into this picture")
    parser.add_argument(
        "--resolution",
        type=Path,
        nargs="?",
        const=Path("resolution.png"),
        metavar="PNG",
        help="measure how much truth resizing loses, with a picture (resolution.png)",
    )
    parser.add_argument("--compare", type=Path, metavar="DIR", help="compare drawn sheets with the scans in DIR")
    parser.add_argument("--family", help="family of the sheets that are compared (field, or the first one)")
    parser.add_argument("--windows", type=int, default=40, help="windows of each scan that are compared at most (40)")
    parser.add_argument("--count", type=int, default=8, help="sheets of each family to draw, or to resize (8)")
    parser.add_argument("--measured", type=int, default=200, help="sheets of each family in the table (200)")
    parser.add_argument("--px-per-mm", type=float, default=4.0, help="scale: 4, 8, 12 for pens of 1, 2, 3 px (4)")
    parser.add_argument("--seed", type=int, default=0, help="number of the first sheet (0)")
    parser.add_argument("--las-dir", type=Path, help="draw archive and field sheets from the curves of these LAS files")


def run(options: argparse.Namespace, console: Console) -> int:
    """Draw the pictures and print their tables."""
    if options.preview is None and options.resolution is None and options.compare is None:
        raise ValueError("expected --preview PNG, --resolution or --compare DIR, got none of them; see --help")
    if options.compare is not None:
        from thinline.cli.pages.compare import run_compare  # imports torch, which takes seconds

        run_compare(options, console)
    if options.preview is not None:
        _preview(options, console)
    if options.resolution is not None:
        _resolution(options, console)
    return 0


def write_png(path: Path, picture: UInt8) -> None:
    """Write an RGB picture [H,W,3] as PNG, atomically."""
    encoded, png = cv2.imencode(".png", picture[..., ::-1])
    if not encoded:
        height, width = picture.shape[:2]
        raise ValueError(f"{path}: a picture of {height} x {width} px cannot be coded as PNG; draw fewer images")
    write_bytes(path, png.tobytes())


def _preview(options: argparse.Namespace, console: Console) -> None:
    """Write the contact sheet and print the composition of each family."""
    if options.count < 1 or options.measured < options.count:
        raise ValueError(
            f"--measured must be at least --count, and both above 0, got {options.measured} and {options.count}"
        )
    las_runs = _las_runs(options.las_dir, console) if options.las_dir else ()
    drawn: list[Sheet] = []
    shares: dict[str, dict[str, float]] = {}
    for family in FAMILIES:
        samples = () if family == "procedural" else las_runs
        numbers = range(options.seed, options.seed + options.measured)
        sheets = [render(sample(family, n, samples=samples), px_per_mm=options.px_per_mm) for n in numbers]
        drawn += sheets[: options.count]
        shares[family] = composition(sheets)
    write_png(options.preview, contact_sheet(drawn))
    console.print(_composition_table(shares, options.measured))
    console.print(f"{options.preview}: {options.count} sheets of each family beside their truth")


def _las_runs(folder: Path, console: Console) -> tuple[Float64, ...]:
    """The unbroken runs of every curve of a folder of LAS files; prints what was left out."""
    las = read_las_folder(folder).checked()
    for line in (*las.left_out(), las.summary()):
        console.print(line, soft_wrap=True)
    return tuple(run for curve in las.curves for run in curve.runs())


def _composition_table(shares: Mapping[str, Mapping[str, float]], measured: int) -> Table:
    """One line for each class, and for each kind of print on the background."""
    title = f"composition of {measured} sheets of each family, % of the pixels"
    table = Table("", title=title, title_justify="left", box=SIMPLE_HEAD)
    for family in shares:
        table.add_column(family, justify="right")
    for name in max(shares.values(), key=len):  # the family with most curves has all lines
        line = name.replace(f"{LOG_CLASSES[0]}/", "  of the background: ")
        table.add_row(line, *(f"{100 * share[name]:.2f}" if name in share else "" for share in shares.values()))
    return table


def _resolution(options: argparse.Namespace, console: Console) -> None:
    """Print the loss of each resizing step, and write a picture of three of them."""
    numbers = range(options.seed, options.seed + options.count)
    specs = [sample(family, number) for family in FROZEN for number in numbers]
    scales = _scales()
    title = f"truth resized instead of rendered anew, {len(specs)} sheets"
    table = Table("from -> to", "way", "class", title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("lost %", "far %", "area", "parts"):
        table.add_column(heading, justify="right")
    for source, target, way in _steps(scales):
        remains = remains_of(specs, (scales[source], scales[target]), way)
        for name, part in zip(LOG_CLASSES[1:], remains, strict=True):
            table.add_row(f"{source} -> {target}", way, name, *_cells(part))
    console.print(table)
    write_png(options.resolution, _comparison(specs[0], scales))
    console.print(f"{options.resolution}: truth of one sheet, rendered at each scale and resized to it")


def _scales() -> dict[str, float]:
    """Pixels per millimetre of every level of `resolution`, and of half the coarsest level."""
    levels = {path.stem: float(OmegaConf.load(path).px_per_mm) for path in sorted((CONF / "resolution").glob("*.yaml"))}
    return {"half of pen1": COARSE_PX_PER_MM} | levels


def _steps(scales: dict[str, float]) -> list[tuple[str, str, str]]:
    """(from, to, way): every level to pen1 and pen1 to half of it in both ways; pen1 to finer levels by nearest."""
    down = [("pen1", "half of pen1"), ("pen2", "pen1"), ("pen3", "pen1")]
    up = [("pen1", name) for name in scales if scales[name] > scales["pen1"]]
    return [(*pair, way) for pair in down for way in WAYS] + [(*pair, "nearest") for pair in up]


def _cells(remains: Remains) -> list[str]:
    return [f"{100 * remains.lost:.1f}", f"{100 * remains.far:.1f}", f"{remains.area:.2f}", f"{remains.parts:.2f}"]


def _comparison(spec: SheetSpec, scales: dict[str, float]) -> UInt8:
    """RGB picture with a row for each pair of scales: truth rendered at the target, and resized to it both ways."""
    pairs = [("pen1", "half of pen1"), ("pen3", "pen1"), ("pen1", "pen3")]
    corner = _busiest_corner(draw(spec, px_per_mm=scales["pen1"]).labels, scales["pen1"])
    rows = []
    for source, target in pairs:
        fine, rendered = (draw(spec, px_per_mm=scales[name]).labels for name in (source, target))
        shape = (rendered.shape[0], rendered.shape[1])
        panels = {f"rendered at {target}": rendered}
        panels |= {f"{source} resized, {way}": resize_labels(fine, shape, way) for way in WAYS}
        top, left, side = (round(length * scales[target]) for length in (*corner, _CUTOUT_MM))
        cut = {title: labels[top : top + side, left : left + side] for title, labels in panels.items()}
        rows.append(np.hstack([_panel(title, labels) for title, labels in cut.items()]))
    return np.vstack(rows)


def _busiest_corner(labels: UInt8, px_per_mm: float) -> tuple[float, float]:
    """Top left corner, in mm, of the cut-out in which the rarest curve has most pixels."""
    side = round(_CUTOUT_MM * px_per_mm)
    sums = np.stack([cv2.integral((labels == k).astype(np.uint8)) for k in range(1, len(LOG_CLASSES))])
    inside = sums[:, side:, side:] - sums[:, :-side, side:] - sums[:, side:, :-side] + sums[:, :-side, :-side]
    top, left = np.unravel_index(inside.min(axis=0).argmax(), inside.shape[1:])
    return float(top) / px_per_mm, float(left) / px_per_mm


def _panel(title: str, labels: UInt8) -> UInt8:
    """A cut-out enlarged by whole pixels, under its title."""
    enlarged = cv2.resize(_COLOURS[labels], (_PANEL_PX, _PANEL_PX), interpolation=cv2.INTER_NEAREST_EXACT)
    strip = np.full((_TITLE_PX, _PANEL_PX, 3), 255, np.uint8)
    cv2.putText(strip, title, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
    framed = np.vstack([strip, enlarged])
    framed[:, -2:] = framed[-2:] = 150
    return np.asarray(framed, np.uint8)
