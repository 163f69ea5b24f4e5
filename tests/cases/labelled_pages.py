"""Pages with curves whose LAS files lie beside them, shifted by known lengths; independent of the code that labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import yaml
from scipy.ndimage import distance_transform_edt

from thinline.curves.las import LasCurve
from thinline.digitise import CurveScale, DepthScale, Frame, Job, Reader, open_scan
from thinline.heads import Curves
from thinline.sheets import Sheet, SheetSpec, render, sample
from thinline.sheets.spec import SkewSpec
from thinline.vocabulary import INK_AND_CENTRE

PX_PER_MM = 5.0
TOP = 1000.0
"""Depth at the top of every page; a mm of paper is a unit of depth."""


@dataclass(frozen=True, eq=False)
class Page:
    """A drawn page, and for each curve the edges of its track in px and (depth, position in track widths)."""

    sheet: Sheet
    edges: tuple[tuple[float, float], ...]
    readings: tuple[np.ndarray, ...]


def page(family: str, number: int, *, size_mm: tuple[float, float] = (120.0, 80.0)) -> Page:
    """An upright sheet of a family."""
    spec: SheetSpec = replace(sample(family, number, size_mm=size_mm), skew=SkewSpec())
    sheet = render(spec, px_per_mm=PX_PER_MM)
    edges, readings = [], []
    for curve, drawn in zip(spec.curves, sheet.curves, strict=True):
        track = spec.tracks[curve.track]
        left, right = (x * PX_PER_MM - 0.5 for x in (track.left_mm, track.right_mm))
        known = np.isfinite(drawn.x_px) & np.isfinite(drawn.y_px)
        depth = TOP + (drawn.y_px[known].astype(float) + 0.5) / PX_PER_MM
        position = (drawn.x_px[known] - left) / (right - left) + drawn.lap[known]
        order = np.argsort(depth, kind="stable")
        edges.append((left, right))
        readings.append(np.stack([depth[order], position[order]]))
    return Page(sheet, tuple(edges), tuple(readings))


def las_curves(drawn: Page, *, down_mm: float, right_mm: float, wave_mm: float = 0.0) -> tuple[LasCurve, ...]:
    """The curves as a LAS file has them whose depths are too large and whose values lie too far right."""
    curves = []
    for number, ((left, right), (depth, position)) in enumerate(zip(drawn.edges, drawn.readings, strict=True), 1):
        deeper = depth + down_mm + wave_mm * np.sin((depth - TOP) / 20)
        moved = position + right_mm * PX_PER_MM / (right - left)
        curves.append(LasCurve(f"C{number}", "", deeper, moved, "m", "drawn.las"))
    return tuple(curves)


def sees_coded(sheet: Sheet):
    """A network that knows the ink of a sheet, whose tile it gets whole."""
    import torch

    ink = torch.from_numpy(sheet.strokes.any(axis=0))

    def network(image: torch.Tensor) -> torch.Tensor:
        plane = torch.where(ink, 20.0, -20.0)[None, None].expand(len(image), 1, *ink.shape)
        return torch.cat([plane, plane], dim=1)

    return network


def job_of(drawn: Page, folder: Path) -> Job:
    """The job of the page, with a reader that knows its ink."""
    cv2.imwrite(str(folder / "page.png"), drawn.sheet.image)
    height, width = drawn.sheet.image.shape
    scales = [CurveScale(f"C{n}", "", *edges, 0.0, 1.0) for n, edges in enumerate(drawn.edges, 1)]
    return Job(
        scan=open_scan(folder / "page.png"),
        frame=Frame.of((0, height), (0, width), factors=(1.0, 1.0)),
        reader=Reader(sees_coded(drawn.sheet), Curves(INK_AND_CENTRE), 10_000),
        run="drawn",
        px_per_mm=PX_PER_MM,
        scales=tuple(scales),
        depth=DepthScale(TOP, TOP + height / PX_PER_MM, -0.5, height - 0.5, "m"),
        deskew=False,
    )


def write_case(drawn: Page, folder: Path, curves: tuple[LasCurve, ...], *, digits: int = 5) -> tuple[Path, Path]:
    """The scan, the job file and the LAS file of a page, resampled to equal steps; returns the latter two."""
    cv2.imwrite(str(folder / "page.png"), drawn.sheet.image)
    height, _ = drawn.sheet.image.shape
    tracks = sorted(set(drawn.edges))
    names = [curve.name for curve in curves]
    node = {
        "scan": "page.png",
        "dpi": 25.4 * PX_PER_MM,
        "rows": [0, height - 1],
        "tracks": [{"track": n, "left_px": left, "right_px": right} for n, (left, right) in enumerate(tracks, 1)],
        "curves": [
            {"track": tracks.index(edges) + 1, "name": name, "left": 0, "right": 1}
            for name, edges in zip(names, drawn.edges, strict=True)
        ],
        "depth": {
            "unit": "m",
            "first": {"row": -0.5, "depth": TOP},
            "second": {"row": height - 0.5, "depth": TOP + height / PX_PER_MM},
        },
    }
    (folder / "page.yaml").write_text(yaml.safe_dump(node))
    depth = np.arange(TOP, TOP + height / PX_PER_MM, 0.1)
    values = [np.interp(depth, each.depth, each.values, left=np.nan, right=np.nan) for each in curves]
    lines = ["~Version", "VERS. 2.0 : v", "WRAP. NO : w", "~Well", "NULL. -999.25 : n", "~Curve", "DEPT.M : d"]
    lines += [f"{name}. : c" for name in names] + ["~A"]
    for row in np.column_stack([depth, *values]):
        lines.append(" ".join(f"{value:.{digits}f}" if np.isfinite(value) else "-999.25" for value in row))
    (folder / "page.las").write_text("\n".join(lines) + "\n")
    return folder / "page.yaml", folder / "page.las"


def near(mask: np.ndarray, other: np.ndarray, px: float) -> float:
    """The share of the pixels of `mask` that lie within `px` of `other`."""
    return float((distance_transform_edt(~other)[mask] <= px).mean())
