"""What a claim expects of a contrast, and whether the interval of the contrast supports or refutes the expectation.

Conventions
-----------
`low`, `high` are the ends of the 95 % interval of a contrast; the margin `m`, declared before the runs, is the smallest
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

Each comparison of one end with one bound is a one-sided test at `ALPHA`, 2.5 %: an end of a two-sided 95 % interval is
a one-sided 97.5 % bound. `up` and `down` are tested in the direction claimed alone, `not_up` and `not_down` are tests
of non-superiority and non-inferiority, `none` is a test of equivalence (two one-sided tests): a difference that is not
significant is not an equivalence. Without an interval (one seed) every expectation is open.

`p_of` gives the p values of these tests, from Student's t: `holds` of the test that shows the expectation, `refuted` of
the test that refutes it. `assumed` is the true effect for which the power of a claim is computed.

References
----------
Schuirmann, "A comparison of the two one-sided tests procedure and the power approach", J. Pharmacokinet. Biopharm. 15
(1987); Lakens, "Equivalence tests", Soc. Psychol. Personal. Sci. 8 (2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from thinline.vocabulary import Bool, Float64

ALPHA: Final = 0.025
"""The level of each one-sided test."""

DEFAULT_EFFECT: Final = 0.02
"""The effect assumed for the power of a test of a measure without a declared margin."""

EXPECTED: Final = ("up", "down", "none", "not_up", "not_down", "at_least", "at_most")
BOUNDS: Final = ("at_least", "at_most")
_TEXTS: Final = {
    "up": "a rise with an upper end of {0} or more",
    "down": "a fall with a lower end of -{0} or less",
    "none": "no change of {0} or more",
    "not_up": "no rise of {0} or more",
    "not_down": "no fall of {0} or more",
    "at_least": "{0} or more",
    "at_most": "{0} or less",
}

_DIRECTIONS: Final = {"up": "a rise", "down": "a fall"}


@dataclass(frozen=True)
class Expectation:
    """An expectation: its `kind`, one of `EXPECTED`, with its margin or bound `m` (see the table above).

    `smallest` is the smallest effect of the measure that counts, and `source` whether the margin is one of the source
    texts; all other margins are of this project.
    """

    kind: str
    margin: float
    smallest: float = DEFAULT_EFFECT
    source: bool = False

    @property
    def text(self) -> str:
        """E.g. `no rise of .02 or more`, or `a rise with an upper end of .02 or more`."""
        if self.margin == 0 and self.kind in _DIRECTIONS:
            return _DIRECTIONS[self.kind]
        return _TEXTS[self.kind].format(plain(self.margin))

    @property
    def owner(self) -> str:
        """Whose margin is applied, e.g. `margin .02, ours`; empty for a bound and for a margin of 0."""
        if self.kind in BOUNDS or self.margin == 0:
            return ""
        return f"margin {plain(self.margin)}, {'of the source' if self.source else 'ours'}"

    @property
    def assumed_size(self) -> float:
        """The size of an assumed rise or fall: the margin, or `smallest` where there is none."""
        return self.margin if self.margin > 0 and self.kind not in BOUNDS else self.smallest

    @property
    def assumed(self) -> float:
        """The true effect for which the power is computed.

        A rise or fall of the margin, of `smallest` where the margin is 0; a value as far beyond its bound; else 0.
        """
        size = self.assumed_size
        effects = {"up": size, "down": -size, "at_least": self.margin + size, "at_most": self.margin - size}
        return effects.get(self.kind, 0.0)

    def holds(self, low: float, high: float) -> bool | None:
        """Whether the expectation holds for an interval (True), is refuted (False), or is open (None)."""
        if np.isnan(low) or np.isnan(high):
            return None
        supported, refuted = self.decided(np.array([low]), np.array([high]))
        return True if supported[0] else False if refuted[0] else None

    def decided(self, low: Float64, high: Float64) -> tuple[Bool, Bool]:
        """Whether the expectation holds, and whether it is refuted, for each interval `low [.]`, `high [.]`."""
        m = self.margin
        return {
            "up": lambda: ((low > 0) & (high >= m), high < m),
            "down": lambda: ((high < 0) & (low <= -m), low > -m),
            "none": lambda: ((-m < low) & (high < m), (low > m) | (high < -m)),
            "not_up": lambda: (high < m, low > m),
            "not_down": lambda: (low > -m, high < -m),
            "at_least": lambda: (low >= m, high < m),
            "at_most": lambda: (high <= m, low > m),
        }[self.kind]()

    def p_of(self, effect: float, error: float, freedom: float) -> tuple[float, float]:
        """The one-sided p that the expectation holds, and that it is refuted; NaN without a standard `error`.

        Of `none` the larger p of the two tests of equivalence, and the smaller of a rise and a fall beyond the margin.
        """

        def above(bound: float) -> float:
            return _p_above(effect - bound, error, freedom)

        def below(bound: float) -> float:
            return _p_above(bound - effect, error, freedom)

        m = self.margin
        if not np.isfinite(error):
            return float("nan"), float("nan")
        return {
            "up": (above(0), below(m)),
            "down": (below(0), above(-m)),
            "none": (max(above(-m), below(m)), min(above(m), below(-m))),
            "not_up": (below(m), above(m)),
            "not_down": (above(-m), below(-m)),
            "at_least": (above(m), below(m)),
            "at_most": (below(m), above(m)),
        }[self.kind]

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


def _p_above(difference: float, error: float, freedom: float) -> float:
    """One-sided p of a true difference of 0 or less; 0, .5 or 1 by the sign of a difference without error."""
    if error == 0:
        return 0.5 - 0.5 * float(np.sign(difference))
    return float(special.stdtr(freedom, -difference / error))


def plain(value: float) -> str:
    """A number as it was declared, e.g. `.02` or `5`."""
    text = f"{value:g}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
