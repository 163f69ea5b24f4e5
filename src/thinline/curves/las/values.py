"""Parse words of a LAS file as numbers, and recognise the numbers that mean "no value".

Conventions
    A **null** means that nothing was measured. It becomes NaN and is counted by its spelling. Nulls are
    1. the values that the header declares, and the SENTINELS: files keep the nulls of earlier programs (the header has
       -999.25 while rows have -9999). A value equals a null within float32 (relative 1e-6), or equals it rounded to one
       decimal or truncated to a whole number;
    2. magnitudes of HUGE or more, which no tool measures: 1e30, the ends of float32, infinity;
    3. words of NULL_WORDS, a row of asterisks (a number too wide for its field), and empty fields.
    Positive values such as 999.25 are nulls only if the header declares them. A reading of exactly -999 cannot be
    distinguished from a null; the report shows how many values were treated as nulls.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from thinline.curves.las.curve import SHORTEST
from thinline.vocabulary import Bool, Float64

SENTINELS = (
    *(-999.0, -999.25, -999.99, -9999.0, -9999.25, -9999.99, -99999.0, -99999.25, -999999.0, -999999.25),
    *(-9999999.0, -32767.0, -32768.0, -2147483647.0, -2147483648.0),
)
"""Nulls of common programs, used whatever the header declares. Negative only: +999 may be a resistivity."""

HUGE = 0.99e30
"""Magnitudes of this and above are nulls."""

NULL_WORDS = frozenset({"nan", "na", "n/a", "#n/a", "null", "none", "-", "--", "---", "inf", "infinity", ""})
"""Words that mean "no value", in lower case, without a sign or brackets."""

FAR = 2.0
"""A repeated extreme that lies this many ranges of the other readings away may be an undeclared null."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eEdD][+-]?\d+)?", re.ASCII)
_NUMBERS = re.compile(r"(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\n)*", re.ASCII)
_NULL = re.compile(r"\.?\*[*.]*|[+-]?1\.#[A-Za-z]+0*", re.ASCII)
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)


def as_number(word: str) -> str | None:
    """The word as Python can parse it, `nan` for a null word, None for text."""
    if _NUMBER.fullmatch(word):
        return word.replace("d", "e").replace("D", "e")
    bare = word.strip("()").lower()
    unsigned = bare[1:] if bare[:1] in ("+", "-") else bare
    return "nan" if _NULL.fullmatch(word) or bare in NULL_WORDS or unsigned in NULL_WORDS else None


def as_numbers(words: Sequence[str]) -> list[str | None]:
    """`as_number` of every word of a column, with a fast path for columns of plain numbers."""
    return list(words) if _NUMBERS.fullmatch("\n".join((*words, ""))) else [as_number(word) for word in words]


def point_decimals(rows: Sequence[Sequence[str]]) -> list[list[str]] | None:
    """Rows with decimal points in place of decimal commas, or None if the commas are ambiguous.

    They are not if each word with a comma is one number, no word has a point, and not all look like thousands.
    """
    commas = {word for row in rows for word in row if "," in word}
    points = any("." in word and _NUMBER.fullmatch(word) for row in rows for word in row)
    if points or not all(map(_COMMA.fullmatch, commas)) or all(map(_THOUSANDS.fullmatch, commas)):
        return None
    return [[word.replace(",", ".") for word in row] for row in rows]


def without_nulls(values: Float64, declared: Sequence[float]) -> tuple[Float64, Counter[str]]:
    """`values [P]` with NaN for every null, and the count of each null; existing NaNs are not counted."""
    null = is_null(values, (*declared, *SENTINELS))
    unique, counts = np.unique(values[null], return_counts=True)
    spelled = {f"{value:.9g}": int(count) for value, count in zip(unique, counts, strict=True)}
    return np.where(null, np.nan, values), Counter(spelled)


def is_null(values: Float64, nulls: Sequence[float]) -> Bool:
    """Which of `values [P]` equal one of `nulls`, rounded or not, or are too large to be a reading."""
    null = np.abs(values) >= HUGE
    for value in dict.fromkeys(nulls):
        for spelling in _roundings(value):
            null |= np.isclose(values, spelling, rtol=1e-6, atol=0)
    return null


def suspect(values: Float64) -> str:
    """A warning if an extreme of `values [P]` looks like an undeclared null, else an empty string."""
    known = values[np.isfinite(values)]
    for extreme in (known.max(), known.min()) if len(known) else ():
        others = known[known != extreme]
        count = len(known) - len(others)
        if count < 3 or len(others) < SHORTEST:
            continue
        distance = np.min(np.abs(others - extreme))
        if distance > FAR * np.ptp(others) > 0:
            return (
                f"{count} readings of {extreme:g} lie far from the others ({others.min():g} to {others.max():g}); "
                "if they mean no value, declare it as NULL in the header"
            )
    return ""


def _roundings(value: float) -> tuple[float, ...]:
    """The spellings of a null: itself and, for -999.25, also -999.2, -999.3 and -999."""
    if abs(value) < 900 or value == round(value):
        return (value,)
    tenths = {float(np.floor(value * 10) / 10), float(np.ceil(value * 10) / 10)}
    return (value, *(tenth for tenth in tenths if tenth != round(tenth)), float(np.trunc(value)))
