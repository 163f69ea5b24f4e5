"""The criteria of a claim: nodes of claims.yaml, checked by pydantic models, and the comparisons that they ask for.

Kinds
-----
A measure is `split/name`: `test/iou`, `tuned/f1`, `oracle_jitter/nsd_1px`; `measure` may be a list, of which all
must be as expected. Levels are `{factor: level or levels}`: the mean over all conditions of the grid with one of them.
Every kind may have `classes` (default: all curves); kinds that expect something of a contrast may have `margin`
(default: that of the measure), `where` (levels that all terms share) and `outside` (true: conditions outside of the
grid count as well).

    difference    measure, plus, minus, expect        levels `plus` less levels `minus`
    interaction   measure, of, expect                 of: two {plus, minus}; the first difference, at plus less at minus
                                                      of the second
    order         measure, factor, levels             each level less the one before: up, unless `expect` says otherwise
    trend         measure, factor, levels, expect     least-squares slope for a tenfold level; levels are numbers
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

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log10
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

import numpy as np
from pydantic import BeforeValidator, Field, PlainValidator, Strict, ValidationInfo, model_validator

from thinline.metrics.catalogue import signature
from thinline.study.claims.comparisons import COUNTED, Comparison, Term, Where, words_of
from thinline.study.claims.expectations import Expectation
from thinline.study.design.yaml import check_known, check_levels
from thinline.system.validation import Items, Node

_MEASURE: Final = re.compile(
    r"(val|test|tuned|oracle_exact|oracle_jitter(?:_normal)?|oracle_shift(?:_normal)?|oracle_thick)/([\w.]+)"
)
_OTHERS: Final = ("threshold", "claimed_twice", "claimed_none", *COUNTED)


class Measured(NamedTuple):
    """A measure `split/name`, and its declared margin, if any."""

    name: str
    margin: float | None


def _texts(node: Any) -> tuple[str, ...]:
    return tuple(map(str, node)) if isinstance(node, list | tuple) else (str(node),)


def _measure(node: Any, info: ValidationInfo) -> Measured:
    form = _MEASURE.fullmatch(str(node))
    if not form:
        raise ValueError(f"expected `split/name` as test/iou, tuned/f1 or oracle_jitter/iou, got {node!r}")
    if form[2] not in _OTHERS:
        try:
            signature(form[2])
        except ValueError as error:
            raise ValueError(f"expected a measure of metrics/catalogue.py, got {node!r}: {error}") from None
    return Measured(form[0], (info.context or {})["margins"].get(form[2]))


def _measures(node: Any, info: ValidationInfo) -> tuple[Measured, ...]:
    return tuple(_measure(each, info) for each in (node if isinstance(node, list) else [node]))


def _levels(node: Any, info: ValidationInfo) -> Where:
    if not isinstance(node, Mapping):
        raise ValueError(f"expected levels as a mapping {{loss: dice}}, got {node!r}")
    levels = {str(factor): _texts(own) for factor, own in node.items()}
    check_levels(levels, (info.context or {})["groups"])
    return levels


Texts = Annotated[tuple[str, ...], PlainValidator(_texts)]
Levels = Annotated[Where, PlainValidator(_levels)]
Measure = Annotated[Measured, PlainValidator(_measure)]
Measures = Annotated[tuple[Measured, ...], PlainValidator(_measures)]
Expect = Literal["up", "down", "none", "not_up", "not_down", "at_least", "at_most"]
Sum = tuple[str, Sequence[tuple[float, Where]]]
"""A comparison in words, and the factors and levels of its terms."""


class Clears(Node):
    """Whether conditions reach all `thresholds`, by measure; see the module."""

    kind: Literal["clears"]
    thresholds: dict[str, float] = Field(min_length=1)
    short: Items[int]
    stack: bool = True
    classes: Texts = ()

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        _measures(list(self.thresholds), info)
        return self


class Beside(Node):
    """A value beside a number of the source: the mean of each `measure` over `where`, or that of the best stack."""

    kind: Literal["beside"]
    measure: Measures
    where: Levels = Field(default_factory=dict)
    pick: Literal["stack"] | None = None
    classes: Texts = ()


class _Expecting(Node):
    """The keys of kinds that expect something of a contrast."""

    expect: Expect
    margin: float | None = None
    classes: Texts = ()

    def expected(self, measure: Measured) -> Expectation:
        """The expectation of a measure. Raises ValueError without a margin."""
        margin = measure.margin if self.margin is None else self.margin
        if margin is None:
            raise ValueError(f"expected a `margin`, got none, and none is declared for {measure.name}; add one")
        return Expectation(self.expect, margin)


class Best(_Expecting):
    """Whether the best condition by each `measure` is a stack, by as much as is expected."""

    kind: Literal["best"]
    measure: Measures
    expect: Expect = "up"

    @model_validator(mode="after")
    def _check(self) -> Self:
        for measure in self.measure:
            self.expected(measure)
        return self


class _Comparing(_Expecting):
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
        _levels({self.factor: self.levels}, info)
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
        try:
            x = np.array([log10(float(level)) for level in self.levels])
        except ValueError:
            levels = ", ".join(map(str, self.levels))
            raise ValueError(f"expected levels of a trend that are numbers above 0, got {levels}; see order") from None
        deviation = x - x.mean()
        text = f"slope for a tenfold {self.factor} from {self.levels[0]} to {self.levels[-1]}"
        return [(text, list(zip((deviation / (deviation**2).sum()).tolist(), self.steps, strict=True)))]


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
        return Expectation(self.expect, self.bound)

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
