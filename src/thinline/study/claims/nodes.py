"""The nodes of claims.yaml that criteria share: measures, levels, expectations; and the criteria on single conditions.

criteria.py explains their keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import Field, PlainValidator, ValidationInfo, model_validator

from thinline.metrics.catalogue import signature
from thinline.study.claims.comparisons import COUNTED, Where
from thinline.study.claims.expectations import DEFAULT_EFFECT, Expectation
from thinline.study.design.yaml import check_levels
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


def levels_of(node: Any, info: ValidationInfo) -> Where:
    """The levels of each factor of a node. Raises ValueError for a factor or level that conf/ does not have."""
    if not isinstance(node, Mapping):
        raise ValueError(f"expected levels as a mapping {{loss: dice}}, got {node!r}")
    levels = {str(factor): _texts(own) for factor, own in node.items()}
    check_levels(levels, (info.context or {})["groups"])
    return levels


Texts = Annotated[tuple[str, ...], PlainValidator(_texts)]
Levels = Annotated[Where, PlainValidator(levels_of)]
Measure = Annotated[Measured, PlainValidator(_measure)]
Measures = Annotated[tuple[Measured, ...], PlainValidator(_measures)]
Expect = Literal["up", "down", "none", "not_up", "not_down", "at_least", "at_most"]


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


class Expecting(Node):
    """The keys of kinds that expect something of a contrast."""

    expect: Expect
    margin: float | None = None
    margin_of: Literal["us", "source"] = "us"
    classes: Texts = ()

    def expected(self, measure: Measured) -> Expectation:
        """The expectation of a measure. Raises ValueError without a margin."""
        margin = measure.margin if self.margin is None else self.margin
        if margin is None:
            raise ValueError(f"expected a `margin`, got none, and none is declared for {measure.name}; add one")
        smallest = measure.margin or DEFAULT_EFFECT
        return Expectation(self.expect, margin, smallest=smallest, source=self.margin_of == "source")


class Best(Expecting):
    """Whether the best condition by each `measure` is a stack, by as much as is expected."""

    kind: Literal["best"]
    measure: Measures
    expect: Expect = "up"

    @model_validator(mode="after")
    def _check(self) -> Self:
        for measure in self.measure:
            self.expected(measure)
        return self
