"""Parse a printed score into the interval of values that round to it.

Conventions
-----------
    .41         0.41 +- half a unit of the last digit: .405 to .415, both ends included
    2.33%       a share in per cent: .02325 to .02335
    .41+-.02    the deviation that the author states replaces the half unit
    <.02, >.9   a bound: anything below, or above
    0, 1        a rate without decimals is exact; a class weight of 42 is 41.5 to 42.5

Values and bounds are fractions, so comparisons are exact. Intervals are at least 1e-12 wide on each side, because a
number that was computed in doubles and printed with all its digits is not exact. Names and their ranges:

    precision, recall, f1, iou   0..1
    area_ratio                   predicted pixels / true pixels, 0 or more
    prevalence                   share of the pixels that are true, between 0 and 1
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
"""Display name of each score."""

_FORM: Final = re.compile(r"([<>]?)\s*(\S+?\s*%?)(?:\s*(?:\+-|±)\s*(\S+?\s*%?))?")
_LEAST_ERROR: Final = Fraction(1, 10**12)


class ReportedError(ValueError):
    """A text that is not a valid value of its score."""


@dataclass(frozen=True)
class Reported:
    """One printed score: its `text`, its nominal `value`, and the interval `low` to `high` that rounds to the text."""

    name: str
    text: str
    value: Fraction
    low: Fraction
    high: Fraction

    @property
    def bound(self) -> bool:
        """Whether the text is a bound (`<.02`) and states no value."""
        return self.text.startswith(("<", ">"))

    @property
    def label(self) -> str:
        """Display name and text, as `F1 .37`."""
        return f"{LABELS[self.name]} {self.text}"

    def exact(self) -> Reported:
        """The same score without rounding: the interval shrinks to `value`. A bound stays a bound."""
        return self if self.bound else replace(self, low=self.value, high=self.value)


def reported(name: str, text: str, *, plus_minus: str | None = None) -> Reported:
    """Parse `text` as a value of `name`; `plus_minus` is the deviation to use where the text states none.

    Raises `ReportedError` for an unknown name, a text that is not a number, and a value outside the range of its name.
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
    half = max(unit / 2, _LEAST_ERROR)
    if stated := deviation or plus_minus:
        half = max(_number(name, text, stated)[0], _LEAST_ERROR)
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
    scale = Fraction(1, 100 if number.endswith("%") else 1)
    try:
        decimal = Decimal(number.removesuffix("%"))
    except InvalidOperation:
        decimal = Decimal("NaN")
    exponent = decimal.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ReportedError(f"{name} must be a finite number as .41 or 41%, got {text!r}; type it as printed")
    if decimal < 0:
        raise ReportedError(f"{name} must not be negative, got {text!r}; is it a typing error?")
    return Fraction(decimal) * scale, Fraction(10) ** exponent * scale


def _check_range(name: str, text: str, value: Fraction, top: Fraction | None) -> None:
    if top is not None and value > top:
        raise ReportedError(f"{name} must lie in 0..1, got {text}; write a share as .41 or with its sign, {text}%")
    if name in ("prevalence", "class_weight") and (value == 0 or value == top):
        raise ReportedError(f"{name} must be above 0{' and below 1' if top else ''}, got {text}; is a digit missing?")
