"""A finding: the estimate of one contrast of one class at one setting, with what was expected of it, as a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Final

import numpy as np

from thinline.metrics.number_format import interval, number
from thinline.study.claims.expectations import Expectation
from thinline.vocabulary import Float64

LEVEL: Final = "level"
AVERAGED: Final = "averaged"
STEP: Final = "step"

Setting = tuple[tuple[str, str], ...]
"""Levels of the factors that a comparison does not name, as (factor, level)."""


@dataclass(frozen=True, eq=False)
class Tested:
    """One test behind a finding: what is expected of a contrast of `measure`, the contrast of every seed (NaN where a
    seed lacks a cell), its standard error, and its weights [A] by measure and class."""

    measure: str
    expectation: Expectation
    by_seed: tuple[float, ...]
    error: float
    parts: Mapping[tuple[str, str], Float64]

    @property
    def seeds(self) -> tuple[float, ...]:
        """The contrasts of the seeds that have all cells."""
        return tuple(value for value in self.by_seed if np.isfinite(value))


@dataclass(frozen=True)
class Finding:
    """The estimate of one contrast of one class over `seeds` seeds, and whether the expectation holds.

    `measure`: for example `test/iou`; `of`: the class; `contrast` and `expected`: in words; `holds`: True, False
    (refuted) or None (open); `clearance`: that of the expectation; `signed`: whether the effect is a difference, which
    is written with its sign; `setting`: the levels of the other factors; `role`: `level` of one setting, `averaged`
    over all of them, which decides nothing, or `step` of a trend, which only refutes; `p_holds` and `p_refuted` as
    `Expectation.p_of`; `tests`: what the power is computed from; `asked`: the comparison that this is a finding of;
    `owner`: whose margin was applied.
    """

    measure: str
    of: str
    contrast: str
    expected: str
    effect: float
    low: float
    high: float
    p: float
    seeds: int
    holds: bool | None
    clearance: float = float("nan")
    signed: bool = True
    setting: Setting = ()
    role: str = "level"
    p_holds: float = float("nan")
    p_refuted: float = float("nan")
    tests: tuple[Tested, ...] = ()
    asked: str = ""
    owner: str = ""

    @property
    def text(self) -> str:
        """E.g. `test/iou of curve_1, loss=dice less loss=soft_ce: +.031 [.020, .042]`."""
        return f"{self.measure} of {self.of}, {self.contrast}: {self.value}"

    @property
    def value(self) -> str:
        """Effect and interval, e.g. `+.031 [.020, .042]`."""
        if not self.seeds:
            return "no value in any seed"
        decimals = decimals_of(self.effect, self.high - self.low)
        effect = number(self.effect, decimals, signed=self.signed)
        if np.isnan(self.low):
            return f"{effect} without interval"
        return f"{effect} {interval(self.low, self.high, decimals)}"


def decimals_of(value: float, width: float) -> int:
    """Decimals that show the `width` of an interval with two digits, or a `value` without interval with three."""
    scale, digits = (width, 1) if np.isfinite(width) and width > 0 else (abs(value), 2)
    if not np.isfinite(scale) or scale <= 0:
        return 3
    return int(np.clip(digits - magnitude(scale), 0, 5))


def magnitude(size: float) -> int:
    """The exponent of ten of the first digit of `size`, which is above 0: -2 for .03.

    A number that rounding errors put just below a power of ten counts as that power: -1 for .09999999999999999.
    """
    return floor(log10(size) + _ROUNDING)


_ROUNDING: Final = 1e-9
