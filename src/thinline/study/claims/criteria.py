"""The criteria of a claim: nodes of claims.yaml, checked by pydantic models, and the comparisons that they ask for.

Kinds
-----
A measure is `split/name`: `test/iou`, `tuned/f1`, `oracle_jitter/nsd_1px`; `measure` may be a list, of which all
must be as expected. Levels are `{factor: level or levels}`: the mean over all conditions of the grid with one of them.
Every kind may have `classes` (default: all curves); kinds that expect something of a contrast may have `margin`
(default: that of the measure), `margin_of` (`us`, or `source` for a margin of the source text), `where` (levels that
all terms share) and `outside` (true: conditions outside of the grid count as well). A comparison is judged at each
level of the factors that it does not name (simple_effects.py).

    difference    measure, plus, minus, expect        levels `plus` less levels `minus`
    interaction   measure, of, expect                 of: two {plus, minus}; the first difference, at plus less at minus
                                                      of the second
    order         measure, factor, levels             each level less the one before: up, unless `expect` says otherwise
    trend         measure, factor, levels, expect     least-squares slope for a tenfold level; levels are numbers. A
                                                      step between two levels may be open, and refutes if it is refuted
    within        plus, minus, expect                 two measures of the same cells, or classes: {measure, class}
    contrast      measure, terms, expect              any sum of {times, where}
    level         measure, expect, bound              the value itself: at_least or at_most
    clears        thresholds, short, stack            no condition with as many families moved as `short` lists reaches
                                                      all thresholds; with `stack` (true), a stack of all does
    best          measure                             the best stack of all families above the best other condition
    beside        measure, pick                       no test: our value beside a number of the source. `pick: stack`
                                                      takes the stack with the best weakest IoU, else `where`

expectations.py explains `expect`, remedies.py the families. The context of validation is {groups: the options of each
group of conf/, margins: that of each measure}.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import log10
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, Strict, ValidationInfo, model_validator

from thinline.study.claims.comparisons import Comparison, Term, Where, words_of
from thinline.study.claims.expectations import DEFAULT_EFFECT, Expectation
from thinline.study.claims.nodes import (
    Beside,
    Best,
    Clears,
    Expect,
    Expecting,
    Levels,
    Measure,
    Measured,
    Measures,
    Texts,
    levels_of,
)
from thinline.study.design.yaml import check_known
from thinline.system.validation import Items, Node

Sum = tuple[str, Sequence[tuple[float, Where]]]
"""A comparison in words, and the factors and levels of its terms."""


class _Comparing(Expecting):
    """The keys of kinds that compare means over conditions."""

    where: Levels = Field(default_factory=dict)
    outside: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.comparisons()
        return self

    @property
    def at(self) -> str:
        """The levels that all terms share, in words."""
        return f", at {words_of(self.where)}" if self.where else ""

    @abstractmethod
    def comparisons(self) -> tuple[Comparison, ...]:
        """The comparisons that this criterion declares. Raises ValueError if its keys do not fit together."""


class _OfMeasures(_Comparing):
    """A kind with the same sums of conditions for each measure."""

    measure: Measures

    @abstractmethod
    def sums(self) -> list[Sum]:
        """The sums compared, without the levels that all terms share."""

    def comparisons(self) -> tuple[Comparison, ...]:
        of = self.classes[0] if len(self.classes) == 1 else ""
        return tuple(
            Comparison(
                f"{text}{self.at}",
                tuple(Term(measure.name, {**self.where, **where}, times, of, self.outside) for times, where in terms),
                self.expected(measure),
                self.classes,
            )
            for measure in self.measure
            for text, terms in self.sums()
        )


def _less(plus: Where, minus: Where) -> Sum:
    return f"{words_of(plus)} less {words_of(minus)}", [(1.0, plus), (-1.0, minus)]


class _Pair(Node):
    plus: Levels
    minus: Levels


class _Difference(_OfMeasures, _Pair):
    kind: Literal["difference"]

    def sums(self) -> list[Sum]:
        return [_less(self.plus, self.minus)]


class _Interaction(_OfMeasures):
    kind: Literal["interaction"]
    of: Annotated[tuple[_Pair, _Pair], Strict(False)]

    def sums(self) -> list[Sum]:
        (a, b), (c, d) = ((pair.plus, pair.minus) for pair in self.of)
        text = f"({words_of(a)} less {words_of(b)}) at {words_of(c)} less the same at {words_of(d)}"
        return [(text, [(1.0, {**a, **c}), (-1.0, {**b, **c}), (-1.0, {**a, **d}), (1.0, {**b, **d})])]


class _OfLevels(_OfMeasures):
    """A kind with an order of the levels of one factor."""

    factor: str
    levels: Annotated[tuple[str | int | float, ...], Strict(False)] = Field(min_length=2)

    @model_validator(mode="after")
    def _check_levels(self, info: ValidationInfo) -> Self:
        levels_of({self.factor: self.levels}, info)
        return self

    @property
    def steps(self) -> list[Where]:
        """Each level as levels of the factor."""
        return [{self.factor: (str(level),)} for level in self.levels]


class _Order(_OfLevels):
    kind: Literal["order"]
    expect: Expect = "up"

    def sums(self) -> list[Sum]:
        return [_less(higher, lower) for lower, higher in pairwise(self.steps)]


class _Trend(_OfLevels):
    kind: Literal["trend"]

    def sums(self) -> list[Sum]:
        x = np.array(self._decades())
        deviation = x - x.mean()
        text = f"slope for a tenfold {self.factor} from {self.levels[0]} to {self.levels[-1]}"
        return [(text, list(zip((deviation / (deviation**2).sum()).tolist(), self.steps, strict=True)))]

    def comparisons(self) -> tuple[Comparison, ...]:
        """The slope, and each step between two levels, which refutes the trend if it goes the other way.

        A step of a rise or a fall has no margin; its expected size is its share of the smallest slope that counts.
        """
        comparisons = list(super().comparisons())
        if self.expect not in ("up", "down", "not_up", "not_down"):
            return tuple(comparisons)
        ordered = sorted(zip(self._decades(), self.steps, strict=True), key=lambda level: level[0])
        for slope in tuple(comparisons):
            for (low, lower), (high, higher) in pairwise(ordered):
                text, pair = _less(higher, lower)
                terms = (replace(slope.terms[0], times=times, where={**self.where, **own}) for times, own in pair)
                expected = self._of_step(slope.expected, high - low)
                comparisons.append(
                    replace(slope, text=f"{text}{self.at}", terms=tuple(terms), expected=expected, step=True)
                )
        return tuple(comparisons)

    def _of_step(self, slope: Expectation | None, decades: float) -> Expectation | None:
        if slope is None or self.expect in ("not_up", "not_down"):
            return slope
        return replace(slope, margin=0.0, smallest=slope.assumed_size * decades)

    def _decades(self) -> list[float]:
        """The logarithm to base ten of every level."""
        try:
            return [log10(float(level)) for level in self.levels]
        except ValueError:
            levels = ", ".join(map(str, self.levels))
            raise ValueError(f"expected levels of a trend that are numbers above 0, got {levels}; see order") from None


class _Times(Node):
    times: float
    where: Levels


class _Contrast(_OfMeasures):
    kind: Literal["contrast"]
    terms: Items[_Times]

    def sums(self) -> list[Sum]:
        text = " ".join(f"{term.times:+g} ({words_of(term.where)})" for term in self.terms)
        return [(text, [(term.times, term.where) for term in self.terms])]


class _Level(_OfMeasures):
    kind: Literal["level"]
    expect: Literal["at_least", "at_most"]
    bound: float

    @property
    def at(self) -> str:
        return ""

    def expected(self, measure: Measured) -> Expectation:
        return Expectation(self.expect, self.bound, smallest=measure.margin or DEFAULT_EFFECT)

    def sums(self) -> list[Sum]:
        return [(f"mean of {words_of(self.where)}", [(1.0, {})])]


class _Side(Node):
    """A measure of one class, or its mean over several; without `class`, of the class that is compared."""

    measure: Measure
    of: Texts = Field(default=("",), alias="class")
    where: Levels = Field(default_factory=dict)

    @property
    def text(self) -> str:
        """The side in words, for example `test/iou of background`."""
        of = f" of {'|'.join(self.of)}" if self.of[0] else ""
        return f"{self.measure.name}{of}" + (f" at {words_of(self.where)}" if self.where else "")


Side = Annotated[_Side, BeforeValidator(lambda node: node if isinstance(node, Mapping) else {"measure": node})]


class _Within(_Comparing):
    kind: Literal["within"]
    plus: Side
    minus: Side

    def comparisons(self) -> tuple[Comparison, ...]:
        terms = tuple(
            Term(side.measure.name, {**self.where, **side.where}, times / len(side.of), name, self.outside)
            for side, times in ((self.plus, 1.0), (self.minus, -1.0))
            for name in side.of
        )
        text = f"{self.plus.text} less {self.minus.text}{self.at}"
        return (Comparison(text, terms, self.expected(self.plus.measure), self.classes),)


_KINDS: Final = (
    *("difference", "interaction", "order", "trend", "within", "contrast", "level"),
    *("clears", "best", "beside"),
)
_Kinds = _Difference | _Interaction | _Order | _Trend | _Within | _Contrast | _Level | Clears | Best | Beside
Criterion = Comparison | Clears | Best | Beside


def _check_kind(node: Any) -> Any:
    if not isinstance(node, Mapping) or "kind" not in node:
        raise ValueError(f"expected a mapping with `kind`, one of {', '.join(_KINDS)}, got {node!r}")
    check_known(str(node["kind"]), _KINDS, "a kind")
    return node


CriterionNode = Annotated[_Kinds, Field(discriminator="kind"), BeforeValidator(_check_kind)]


def criteria_of(nodes: Sequence[_Kinds]) -> tuple[Criterion, ...]:
    """The criteria of checked nodes: comparisons, and questions about stacks as they are."""
    return tuple(
        criterion for node in nodes for criterion in (node.comparisons() if isinstance(node, _Comparing) else (node,))
    )
