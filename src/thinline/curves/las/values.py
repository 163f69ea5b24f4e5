"""Words of a LAS file as numbers, and which numbers mean "no value".

Conventions
    A **null** is a value that says that nothing was measured. It becomes NaN and is counted by its spelling:
    1. the value that the header declares, and the values of SENTINELS: files pass from program to program and keep
       the nulls of the one before (the header says -999.25 while the rows say -9999). A value is the null when it
       agrees within float32 (a relative 1e-6), or is the null rounded to one decimal or cut to a whole number;
    2. a magnitude of HUGE or more, which no tool measures: 1e30, the ends of float32, infinity;
    3. a word of NULL_WORDS, a row of asterisks (a number too wide for its field), or an empty field.
    Positive values such as 999.25 are nulls only when the header declares them. A reading of exactly -999 cannot be
    told from a null; the count in the report shows how many were taken for one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from thinline.curves.las.curve import SHORTEST
from thinline.vocabulary import Bool, Float64

SENTINELS = (
    *(-999.0, -999.25, -999.99, -9999.0, -9999.25, -9999.99, -99999.0, -99999.25, -999999.0, -999999.25),
    *(-9999999.0, -32767.0, -32768.0, -2147483647.0, -2147483648.0),
)
"""Values that mean "no value" in files whose header says otherwise. Negative only: +999 may be a resistivity."""

HUGE = 0.99e30
"""Magnitudes from here on are nulls."""

NULL_WORDS = frozenset({"nan", "na", "n/a", "#n/a", "null", "none", "-", "--", "---", "inf", "infinity", ""})
"""Words that mean "no value", in lower case, without a sign or brackets."""

FAR = 2.0
"""An extreme that is repeated and lies this many ranges of the other readings away looks like an undeclared null."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eEdD][+-]?\d+)?", re.ASCII)
_NUMBERS = re.compile(r"(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\n)*", re.ASCII)
_NULL = re.compile(r"\.?\*[*.]*|[+-]?1\.#[A-Za-z]+0*", re.ASCII)
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)


def as_number(word: str) -> str | None:
    """The word as lasio can read it, `nan` for a word that means null, None for text."""
    if _NUMBER.fullmatch(word):
        return word.replace("d", "e").replace("D", "e")
    bare = word.strip("()").lower()
    unsigned = bare[1:] if bare[:1] in ("+", "-") else bare
    return "nan" if _NULL.fullmatch(word) or bare in NULL_WORDS or unsigned in NULL_WORDS else None


def as_numbers(words: Sequence[str]) -> list[str | None]:
    """`as_number` of every word of a column, quick where all are plain numbers."""
    return list(words) if _NUMBERS.fullmatch("\n".join((*words, ""))) else [as_number(word) for word in words]


def point_decimals(rows: Sequence[Sequence[str]]) -> list[list[str]] | None:
    """Rows with decimal points in place of decimal commas, or None where they are not surely decimal commas.

    They are when each word with a comma is one number, no word has a point, and not all look like thousands.
    """
    commas = {word for row in rows for word in row if "," in word}
    points = any("." in word and _NUMBER.fullmatch(word) for row in rows for word in row)
    if points or not all(map(_COMMA.fullmatch, commas)) or all(map(_THOUSANDS.fullmatch, commas)):
        return None
    return [[word.replace(",", ".") for word in row] for row in rows]


def without_nulls(values: Float64, declared: Sequence[float]) -> tuple[Float64, Counter[str]]:
    """`values [P]` with NaN for every null, and the count of each; NaN that was there is not counted."""
    null = is_null(values, (*declared, *SENTINELS))
    counts = Counter({f"{value:.9g}": int(count) for value, count in zip(*_counted(values[null]), strict=True)})
    return np.where(null, np.nan, values), counts


def is_null(values: Float64, nulls: Sequence[float]) -> Bool:
    """Which of `values [P]` are one of `nulls`, rounded or not, or too large to be a reading."""
    null = np.abs(values) >= HUGE
    for value in dict.fromkeys(nulls):
        for spelling in _roundings(value):
            null |= np.isclose(values, spelling, rtol=1e-6, atol=0)
    return null


def suspect(values: Float64) -> str:
    """A sentence about an extreme of `values [P]` that looks like a null nobody declared, or nothing."""
    known = values[np.isfinite(values)]
    for extreme in (known.max(), known.min()) if len(known) else ():
        others = known[known != extreme]
        count = len(known) - len(others)
        if count < 3 or len(others) < SHORTEST:
            continue
        away = np.min(np.abs(others - extreme))
        if away > FAR * np.ptp(others) > 0:
            return (
                f"{count} readings of {extreme:g} lie far from the others ({others.min():g} to {others.max():g}); "
                "if they mean no value, declare it as NULL in the header"
            )
    return ""


def spelled(counts: Mapping[str, int]) -> str:
    """`58 of -999.25, 2 of ****`."""
    return ", ".join(f"{count} of {value}" for value, count in counts.items())


def _roundings(value: float) -> tuple[float, ...]:
    """A null as programs print it: as it is, and, for -999.25, as -999.2, -999.3 and -999."""
    if abs(value) < 900 or value == round(value):
        return (value,)
    tenths = {float(np.floor(value * 10) / 10), float(np.ceil(value * 10) / 10)}
    return (value, *(tenth for tenth in tenths if tenth != round(tenth)), float(np.trunc(value)))


def _counted(values: Float64) -> tuple[list[float], list[int]]:
    unique, counts = np.unique(values, return_counts=True)
    return unique.tolist(), counts.tolist()
