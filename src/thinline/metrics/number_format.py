"""How numbers are written in tables, figures and reports: `.812`, `-.050`, `[.80, .83]`, `-` for a missing value.

The zero before the point is left out. The digits of a metric are in the catalogue.
"""

from __future__ import annotations

import math
from typing import Final

MISSING: Final = "-"
_SMALLEST: Final = 0.001
"""Probabilities nearer than this to 0 or 1 are written as a bound."""


def number(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """`value` with `digits` after the point; with `signed` a plus before what is above 0. What rounds to 0 has no sign.

    Values are rounded to 12 figures first, so that .0625 and .06249999999999999 are written alike.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{float(f'{value:.12g}'):.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    elif signed and value > 0:
        text = f"+{text}"
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def interval(low: float | None, high: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """An interval as `[.80, .83]`; empty where an end is missing."""
    ends = [number(end, digits, signed=signed) for end in (low, high)]
    return "" if MISSING in ends else f"[{', '.join(ends)}]"


def probability(value: float | None) -> str:
    """A probability as `.012`; `<.001` and `>.999` near the ends, `1.000` for exactly 1."""
    if value is None or not math.isfinite(value) or value == 1:
        return number(value)
    if value < _SMALLEST:
        return "<.001"
    return ">.999" if value > 1 - _SMALLEST else number(value)
