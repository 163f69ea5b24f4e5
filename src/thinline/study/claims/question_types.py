"""Questions of claims that are no sum over conditions: who is usable, who is best, what stands beside a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from thinline.study.claims.contrast_terms import Where
from thinline.study.claims.expectations import Expectation


@dataclass(frozen=True)
class Clears:
    """Whether conditions reach all `thresholds`, by measure: no one with as many families moved as `short` lists does.

    With `stack` it is also asked whether a stack of all families does.
    """

    thresholds: Mapping[str, float]
    short: tuple[int, ...]
    stack: bool
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Best:
    """Whether the best condition by `measure` is a stack, by more than `expected` says."""

    measure: str
    expected: Expectation
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Beside:
    """What is shown beside a number of the source: the mean of `measure` over `where`, or of the best stack."""

    measure: str
    where: Where
    stack: bool
    classes: tuple[str, ...] = ()
