"""How numbers are written in a report: with the digits of their measure, and nothing at all where there is none.

Conventions
-----------
A share has 3 digits, an error of the curve in tracks 4; a leading 0 is left out (`.812`), minus is U+2212. What is NaN
is `-` as U+2013 in text and null in JSON, which has no NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

NOTHING: Final = "\u2013"
_MINUS: Final = "\u2212"
_FINE: Final = frozenset({"viterbi_bridged_mae_track", "viterbi_values_mae_track"})


def digits_of(measure: str) -> int:
    """Digits after the point in which a measure is written."""
    return 4 if measure in _FINE else 3


def number(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """`value` in so many digits, as `.812`; with `signed` a plus before what is above 0."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{abs(value):.{digits}f}"
    zero = float(text) == 0
    text = text.removeprefix("0") if "." in text else text
    sign = "" if zero else _MINUS if value < 0 else "+" if signed else ""
    return sign + text


def span(low: float | None, high: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """An interval as `[.80, .83]`; empty where there is none."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"[{number(low, digits, signed=signed)}, {number(high, digits, signed=signed)}]"


def plain(value: Any) -> Any:
    """`value` as JSON knows it: mappings and lists of texts, whole and finite numbers, truth values and null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return None if value is None or value is pd.NA or value is pd.NaT else str(value)


def text_of(value: Any) -> str:
    """A cell of a table as text; empty for what is missing, items of a list with commas."""
    if isinstance(value, list | tuple):
        return ", ".join(text_of(item) for item in value)
    told = plain(value)
    return "" if told is None else str(told)
