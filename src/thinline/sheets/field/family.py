"""Sample the spec of a `field` sheet from a generator."""

from __future__ import annotations

import numpy as np

from thinline.sheets.field.damage import LOOKS, skew_of, wear_of
from thinline.sheets.field.draws import Draws
from thinline.sheets.field.layout import lay_out
from thinline.sheets.field.prints import print_of
from thinline.sheets.field.rulings import rulings
from thinline.sheets.field.traces import Samples, traces
from thinline.sheets.spec import FieldSpec, SheetSpec

CUE = "none"
"""Curves of these sheets have no number that a cue tells: most pairs share one pen."""
_FACES = (0, 0, 1, 1, 2, 2, 3, 4, 5)


def sample_field(rng: np.random.Generator, seed: int, size_mm: tuple[float, float], samples: Samples = ()) -> SheetSpec:
    """The spec of a window of `size_mm` (height, width); `seed` is only recorded."""
    draws = Draws(rng)
    look = draws.weighted(LOOKS)
    digital = look.startswith("plot")
    header_mm = draws.uniform(0.1, 0.3) * size_mm[0] if draws.chance(0.07) else 0.0
    layout = lay_out(draws, size_mm[1], digital=digital)
    curves = traces(draws, layout, (header_mm, size_mm[0]), samples)
    order = list(range(len(curves)))
    if draws.chance(0.5):
        order.reverse()
    printed = print_of(draws, layout, header_mm, size_mm, curves, digital=digital)
    wear, scan = wear_of(draws, look)
    return SheetSpec(
        family="field",
        seed=seed,
        size_mm=size_mm,
        cue=CUE,
        tracks=layout.tracks,
        curves=curves,
        order=tuple(order),
        texts=printed.texts,
        marks=printed.marks,
        header_mm=round(header_mm, 2),
        skew=skew_of(draws, digital=digital),
        wear=wear,
        field=FieldSpec(
            scan=scan,
            fills=printed.fills,
            hands=printed.hands,
            bars=printed.bars,
            blanks=printed.blanks,
            crossing_mm=layout.crossing_mm,
            dot_mm=layout.dot_mm,
            face=draws.pick(_FACES),
            upright=layout.upright,
            rulings=rulings(draws, layout.areas),
        ),
    )
