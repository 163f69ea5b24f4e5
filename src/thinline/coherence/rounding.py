"""Numbers as they were printed: the text of a score and the interval of values that would have been printed so.

Conventions
-----------
    .41         0.41 give or take half a unit of the last digit: .405 to .415, both ends included
    2.33%       a share in per cent: .02325 to .02335
    .41+-.02    with the deviation its author states, instead of half a unit
    <.02        anything below, or >.9 anything above
    1           a rate without decimals, 0 or 1, is meant exactly; a weight of 42 is 41.5 to 42.5

Values and bounds are fractions, so that nothing is lost in a comparison. No number is trusted beyond 1e-12: what was
computed in doubles and printed with all its digits is not exact. Names and what they may hold:

    precision, recall, f1, iou   0..1
    area_ratio                   0 and above; predicted pixels / true pixels
    prevalence                   between 0 and 1; share of the pixels that are true
    class_weight                 above 0
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

RATES: Final = ("precision", "recall", "f1", "iou")
NAMES: Final = (*RATES, "area_ratio", "prevalence", "class_weight")
LABELS: Final = dict(
    zip(NAMES, ("precision", "recall", "F1", "IoU", "area ratio", "prevalence", "weight"), strict=True)
)
"""How each is called in sentences and tables."""

_FORM: Final = re.compile(r"([<>]?)\s*(\S+?\s*%?)(?:\s*(?:\+-|±)\s*(\S+?\s*%?))?")
_DOUBLES: Final = Fraction(1, 10**12)


class ReportedError(ValueError):
    """A text that is no value of its name."""


@dataclass(frozen=True)
class Reported:
    """One printed number: `text` as typed, and the exact values `low` to `high` it may stand for."""

    name: str
    text: str
    value: Fraction
    low: Fraction
    high: Fraction

    @property
    def bound(self) -> bool:
        """Whether the text is a bound, `<.02`, and names no value."""
        return self.text.startswith(("<", ">"))

    @property
    def told(self) -> str:
        """Name and text, as `F1 .37`."""
        return f"{LABELS[self.name]} {self.text}"

    def exact(self) -> Reported:
        """The same taken at its word, without rounding; a bound stays a bound."""
        return self if self.bound else replace(self, low=self.value, high=self.value)


def reported(name: str, text: str, *, plus_minus: str | None = None) -> Reported:
    """Read `text` as the value of `name`; `plus_minus` is the deviation where the text itself states none.

    Raises `ReportedError` for an unknown name, for what is no number and for a value outside the range of its name.
    """
    if name not in NAMES:
        raise ReportedError(
            f"`name` must be one of {', '.join(NAMES)}, got {name!r}; other scores have no identity here"
        )
    text = text.strip()
    form = _FORM.fullmatch(text)
    if not form:
        raise ReportedError(f"{name} must be a number as .41, 41%, .41+-.02 or <.02, got {text!r}; type it as printed")
    sign, number, deviation = form.groups()
    value, unit = _number(name, text, number)
    half = max(unit / 2, _DOUBLES)
    if stated := deviation or plus_minus:
        half = max(_number(name, text, stated)[0], _DOUBLES)
    elif name in RATES and number in ("0", "1"):
        half = Fraction(0)
    top = None if name in ("area_ratio", "class_weight") else Fraction(1)
    _check_range(name, text, value, top)
    low, high = max(Fraction(0), value - half), value + half
    if sign:
        low, high = (Fraction(0), value) if sign == "<" else (value, top or Fraction(10**12))
    return Reported(name, text, value, low, high if top is None else min(top, high))


def _number(name: str, text: str, number: str) -> tuple[Fraction, Fraction]:
    """The number and one unit of its last digit."""
    share = Fraction(1, 100 if number.endswith("%") else 1)
    try:
        decimal = Decimal(number.removesuffix("%"))
    except InvalidOperation:
        decimal = Decimal("NaN")
    exponent = decimal.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ReportedError(f"{name} must be a finite number as .41 or 41%, got {text!r}; type it as printed")
    if decimal < 0:
        raise ReportedError(f"{name} must not be negative, got {text!r}; is there a slip of the pen?")
    return Fraction(decimal) * share, Fraction(10) ** exponent * share


def _check_range(name: str, text: str, value: Fraction, top: Fraction | None) -> None:
    if top is not None and value > top:
        raise ReportedError(f"{name} must lie in 0..1, got {text}; write a share as .41 or with its sign, {text}%")
    if name in ("prevalence", "class_weight") and (value == 0 or value == top):
        raise ReportedError(f"{name} must be above 0{' and below 1' if top else ''}, got {text}; is a digit missing?")
