"""What a claim expects of a contrast, and whether the interval of the contrast supports or refutes the expectation.

Conventions
-----------
`low`, `high` are the ends of the interval of a contrast; the margin `m`, declared before the runs, is the smallest
effect that counts. For example, a rise (`up`) holds if the whole interval lies above 0 and reaches the margin; it is
refuted if the whole interval lies below the margin. An expectation that neither holds nor is refuted is *open*:

    kind       holds                        refuted
    up         low > 0 and high >= m        high < m
    down       high < 0 and low <= -m       low > -m
    none       -m < low and high < m        low > m or high < -m
    not_up     high < m                     low > m
    not_down   low > -m                     high < -m
    at_least   low >= m                     high < m             of a value, not a difference; m is the bound
    at_most    high <= m                    low > m

`none` is a test of equivalence (two one-sided tests): a difference that is not significant is not an equivalence.
Without an interval (one seed) every expectation is open.

References
----------
Schuirmann, "A comparison of the two one-sided tests procedure and the power approach", J. Pharmacokinet. Biopharm. 15
(1987); Lakens, "Equivalence tests", Soc. Psychol. Personal. Sci. 8 (2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import Final

import numpy as np

from thinline.metrics.number_format import interval, number

EXPECTED: Final = ("up", "down", "none", "not_up", "not_down", "at_least", "at_most")
BOUNDS: Final = ("at_least", "at_most")
_TEXTS: Final = {
    "up": "a rise whose interval reaches {0}",
    "down": "a fall whose interval reaches -{0}",
    "none": "no change of {0} or more",
    "not_up": "no rise of {0} or more",
    "not_down": "no fall of {0} or more",
    "at_least": "{0} or more",
    "at_most": "{0} or less",
}


@dataclass(frozen=True)
class Expectation:
    """An expectation: its `kind`, one of `EXPECTED`, with its margin or bound `m` (see the table above)."""

    kind: str
    margin: float

    @property
    def text(self) -> str:
        """E.g. `no rise of .02 or more`, or `a rise whose interval reaches .02`."""
        return _TEXTS[self.kind].format(plain(self.margin))

    def holds(self, low: float, high: float) -> bool | None:
        """Whether the expectation holds for an interval (True), is refuted (False), or is open (None)."""
        if np.isnan(low) or np.isnan(high):
            return None
        m = self.margin
        supported, refuted = {
            "up": (low > 0 and high >= m, high < m),
            "down": (high < 0 and low <= -m, low > -m),
            "none": (-m < low and high < m, low > m or high < -m),
            "not_up": (high < m, low > m),
            "not_down": (low > -m, high < -m),
            "at_least": (low >= m, high < m),
            "at_most": (high <= m, low > m),
        }[self.kind]
        return True if supported else False if refuted else None

    def clearance(self, low: float, high: float) -> float:
        """Distance from a bound to one end of the interval, divided by the width of the interval.

        `distance` in the code gives the end and the bound of each kind. The bound of `up` and `down` is 0, not the
        margin. `none` has two bounds, and the smaller distance counts. The distance is positive if the end lies on the
        side of the bound where the expectation can hold, else negative. For an interval of width 0 the clearance is
        plus or minus infinity. It is rounded to nine decimals, so that findings with equal clearance keep their order.
        """
        m = self.margin
        distance = {
            "up": low,
            "down": -high,
            "none": min(low + m, m - high),
            "not_up": m - high,
            "not_down": low + m,
            "at_least": low - m,
            "at_most": m - high,
        }[self.kind]
        return round(distance / (high - low), 9) if high > low else float(np.copysign(np.inf, distance))


@dataclass(frozen=True)
class Finding:
    """The estimate of one contrast of one class over `seeds` seeds, and whether the expectation holds.

    `measure`: for example `test/iou`; `of`: the class; `contrast` and `expected`: in words; `holds`: True, False
    (refuted) or None (open); `clearance`: that of the expectation; `signed`: whether the effect is a difference, which
    is written with its sign.
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


def plain(value: float) -> str:
    """A number as it was declared, e.g. `.02` or `5`."""
    text = f"{value:g}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
