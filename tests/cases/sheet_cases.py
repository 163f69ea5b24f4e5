"""Sheet specs that tests start from: an invisible form, and curves through given values."""

from __future__ import annotations

import dataclasses
from typing import Any

from thinline.sheets.families import sample
from thinline.sheets.spec import CurveSpec, LineSpec, PenSpec, ShapeSpec, SheetSpec, SkewSpec, TrackSpec, WearSpec

BLANK = LineSpec(0.1, 0.0)
STRAIGHT = SkewSpec()
TRACK = TrackSpec(4.0, 60.0, 10, 5, 0, 2.0, 5, 0.0, BLANK, BLANK, BLANK)


def curve(*values: float, **changed: Any) -> CurveSpec:
    """A solid nominal pen through evenly spaced values, top to bottom of the sheet and 4 mm beyond."""
    shape = ShapeSpec("samples", 0, 0.5, 0.0, 0.0, 10.0, 0.0, 0.25, 0.0, values)
    plain = CurveSpec(0, shape, PenSpec(1.0, 1.0, 0.0), (), "wrap", 0.0, 1.0, -10.0, 1000.0)
    return dataclasses.replace(plain, **changed)


def bare(*curves: CurveSpec, skew: SkewSpec = STRAIGHT, **changed: Any) -> SheetSpec:
    """A sheet of 64x64 mm with an invisible form, so that curves are its only ink, and no wear."""
    spec = sample("archive", 0)
    spec = dataclasses.replace(
        spec,
        tracks=(TRACK,),
        curves=curves,
        order=tuple(range(len(curves))),
        texts=(),
        marks=(),
        header_mm=0.0,
        skew=skew,
        wear=WearSpec(0, paper=255, ink=0),
    )
    return dataclasses.replace(spec, **changed)
