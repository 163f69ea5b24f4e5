"""Roof: `python -m thinline sheets --resolution`: the share of truth that resizing loses, as a table and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from omegaconf import OmegaConf
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.config.schema import CONF
from thinline.sheets import FAMILIES, SheetSpec, sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.resized import WAYS, Remains, remains_of, resize_labels
from thinline.system.atomic_files import write_bytes
from thinline.vocabulary import LOG_CLASSES, UInt8

COARSE_PX_PER_MM: Final = 2.0
"""Half of pen1: what a user gets who shrinks a scan with truth 1 px wide."""
_COLOURS: Final = np.array([(255, 255, 255), (213, 94, 0), (0, 114, 178)], np.uint8)
_SHOWN_MM: Final = 16.0
_PANEL_PX: Final = 384
_TITLE_PX: Final = 18


def scales() -> dict[str, float]:
    """Pixels per millimetre of every level of `resolution`, and of half the coarsest."""
    levels = {path.stem: float(OmegaConf.load(path).px_per_mm) for path in sorted((CONF / "resolution").glob("*.yaml"))}
    return {"half of pen1": COARSE_PX_PER_MM} | levels


def show_resolutions(count: int, *, seed: int, picture: Path, console: Console) -> None:
    """Measure `count` sheets of each family, print the table, write the picture."""
    specs = [sample(family, number) for family in FAMILIES for number in range(seed, seed + count)]
    named = scales()
    table = _table(len(specs))
    for source, target, way in steps(named):
        found = remains_of(specs, (named[source], named[target]), way)
        for name, one in zip(LOG_CLASSES[1:], found, strict=True):
            table.add_row(f"{source} -> {target}", way, name, *_cells(one))
    console.print(table)
    done, png = cv2.imencode(".png", compared(specs[0], named)[..., ::-1])
    if not done:
        raise ValueError(f"the picture of {specs[0].size_mm} mm could not be coded as PNG; report the seed {seed}")
    write_bytes(picture, png.tobytes())
    console.print(f"{picture}: truth of one sheet, rendered at each scale and resized to it", highlight=False)


def steps(named: dict[str, float]) -> list[tuple[str, str, str]]:
    """(from, to, way): every level down to pen1 and pen1 to half in both ways; pen1 up by nearest."""
    down = [("pen1", "half of pen1"), ("pen2", "pen1"), ("pen3", "pen1")]
    up = [("pen1", name) for name in named if named[name] > named["pen1"]]
    return [(*pair, way) for pair in down for way in WAYS] + [(*pair, "nearest") for pair in up]


def compared(spec: SheetSpec, named: dict[str, float]) -> UInt8:
    """RGB uint8: rows of targets, each the truth rendered there beside what resizing makes of it, both ways."""
    pairs = [("pen1", "half of pen1"), ("pen3", "pen1"), ("pen1", "pen3")]
    corner = _busiest(draw(spec, px_per_mm=named["pen1"]).labels, named["pen1"])
    rows = []
    for source, target in pairs:
        fine, rendered = (draw(spec, px_per_mm=named[name]).labels for name in (source, target))
        shape = (rendered.shape[0], rendered.shape[1])
        shown = {f"rendered at {target}": rendered}
        shown |= {f"{source} resized, {way}": resize_labels(fine, shape, way) for way in WAYS}
        top, left, side = (round(length * named[target]) for length in (*corner, _SHOWN_MM))
        rows.append(np.hstack([_panel(t, found[top : top + side, left : left + side]) for t, found in shown.items()]))
    return np.vstack(rows)


def _busiest(labels: UInt8, px_per_mm: float) -> tuple[float, float]:
    """Top left corner, in mm, of the cut-out in which the rarest of the curves has most pixels."""
    side = round(_SHOWN_MM * px_per_mm)
    found = np.stack([cv2.integral((labels == k).astype(np.uint8)) for k in range(1, len(LOG_CLASSES))])
    inside = found[:, side:, side:] - found[:, :-side, side:] - found[:, side:, :-side] + found[:, :-side, :-side]
    top, left = np.unravel_index(inside.min(axis=0).argmax(), inside.shape[1:])
    return float(top) / px_per_mm, float(left) / px_per_mm


def _panel(title: str, labels: UInt8) -> UInt8:
    """A cut-out enlarged by whole pixels under its title."""
    size = (_PANEL_PX, _PANEL_PX)
    enlarged = cv2.resize(_COLOURS[labels], size, interpolation=cv2.INTER_NEAREST_EXACT)
    strip = np.full((_TITLE_PX, _PANEL_PX, 3), 255, np.uint8)
    cv2.putText(strip, title, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
    framed = np.vstack([strip, enlarged])
    framed[:, -2:] = framed[-2:] = 150
    return np.asarray(framed, np.uint8)


def _table(sheets: int) -> Table:
    title = f"truth resized instead of rendered anew, {sheets} sheets"
    table = Table("from -> to", "way", "class", title=title, title_justify="left", box=SIMPLE_HEAD)
    for measure in ("lost %", "far %", "area", "parts"):
        table.add_column(measure, justify="right")
    return table


def _cells(found: Remains) -> list[str]:
    return [f"{100 * found.lost:.1f}", f"{100 * found.far:.1f}", f"{found.area:.2f}", f"{found.parts:.2f}"]
