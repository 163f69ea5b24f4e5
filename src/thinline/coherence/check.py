"""Find the reported scores that cannot come from one confusion matrix, and the size of the contradiction.

Conventions
-----------
A reported score is an interval (rounding.py). A set of scores is *coherent* when one operating point lies inside all
its intervals (operating_points.py). This is decided in fractions, without a tolerance.

    conflict   a smallest incoherent set: each of its proper subsets is coherent
    account    a largest coherent set: no other reported score can be added. Rates and shares (prevalence, weight) have
               separate accounts unless a conflict contains both
    implied    the values that an account leaves for a score: without rounding (`exact`) and with it (`range`)
    off        distance of the reported value from `exact`; `beyond` is the distance of its interval from `range`

A mean over classes is not an operating point; `mean_of_classes` detects a reported value that is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Final

from thinline.coherence.operating_points import ENDLESS, Span, feasible, spans
from thinline.coherence.rounding import NAMES, Reported, ReportedError

Range = tuple[float, float]
Scores = tuple[Reported, ...]
_ZERO: Final = Fraction(0)
_SHARES: Final = ("prevalence", "class_weight")


@dataclass(frozen=True)
class Implied:
    """The values that an account leaves for `name`; `off` and `beyond` are NaN where `name` was not reported."""

    name: str
    exact: Range
    range: Range
    off: float
    beyond: float


@dataclass(frozen=True)
class Account:
    """A largest coherent set of scores, and what it implies for all others."""

    kept: Scores
    implied: tuple[Implied, ...]


@dataclass(frozen=True)
class Answer:
    """The smallest incoherent sets, `conflicts`, and the `accounts`; one account holds all scores if no conflict."""

    conflicts: tuple[Scores, ...]
    accounts: tuple[Account, ...]

    @property
    def coherent(self) -> bool:
        """Whether one operating point can have all reported scores."""
        return not self.conflicts


def check(scores: Sequence[Reported], *, inverse: bool = False) -> Answer:
    """Conflicts and accounts of `scores`; `inverse` reads a class weight as 1 / prevalence.

    Raises ValueError for a name that comes twice, and `ReportedError` for an inverse prevalence below 1.
    """
    names = [score.name for score in scores]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(
            f"each number may be given once, got {', '.join(sorted(twice))} twice; check each run by itself"
        )
    for score in scores:
        if not feasible([score], inverse=inverse):
            raise ReportedError(
                f"1 / prevalence is 1 or more, got {score.label}; is it background : foreground, a ratio?"
            )
    conflicts = conflicts_of(scores, inverse=inverse)
    groups = [[score for score in scores if (score.name in _SHARES) == shares] for shares in (False, True)]
    if any(not set(conflict) <= set(group) for conflict in conflicts for group in groups if set(conflict) & set(group)):
        groups = [list(scores)]  # otherwise independent scores would be listed in every combination
    kept = [subset for group in groups for subset in _largest_without(conflicts, group)]
    return Answer(conflicts, tuple(_account(subset, scores, inverse=inverse) for subset in kept))


def conflicts_of(scores: Sequence[Reported], *, inverse: bool = False) -> tuple[Scores, ...]:
    """The smallest incoherent subsets of `scores`, smallest first."""
    conflicts: list[Scores] = []
    for subset in _subsets(scores):
        if not _contains_any(subset, conflicts) and not feasible(subset, inverse=inverse):
            conflicts.append(subset)
    return tuple(conflicts)


def mean_of_classes(score: Reported, classes: Sequence[Reported]) -> str:
    """A sentence if `score` is the mean over `classes` (background first) within rounding; otherwise empty."""
    if len(classes) < 2:
        return ""
    low = sum((each.low for each in classes), _ZERO) / len(classes)
    high = sum((each.high for each in classes), _ZERO) / len(classes)
    if low > score.high or high < score.low:
        return ""
    mean, curves = (float(sum(each.value for each in part) / len(part)) for part in (classes, classes[1:]))
    texts = ", ".join(each.text for each in classes)
    return (
        f"{score.label} is the mean of {texts} ({mean:.3f}), background included; of the others alone it is "
        f"{curves:.3f}. A mean over classes is no operating point."
    )


def _account(kept: Scores, scores: Sequence[Reported], *, inverse: bool) -> Account:
    rounded = spans(kept, inverse=inverse)
    exact = spans([score.exact() for score in kept], inverse=inverse) or rounded  # exact values may be incoherent
    others = {score.name: score for score in scores if score not in kept}
    names = [name for name in NAMES if name in rounded and name not in {score.name for score in kept}]
    return Account(kept, tuple(_implied(name, exact[name], rounded[name], others.get(name)) for name in names))


def _implied(name: str, exact: Span, rounded: Span, other: Reported | None) -> Implied:
    off = beyond = float("nan")
    if other:
        stated = other.exact()
        off = float(max(exact[0] - stated.high, stated.low - exact[1], _ZERO))
        beyond = float(max(rounded[0] - other.high, other.low - rounded[1], _ZERO))
    return Implied(name, _floats(exact), _floats(rounded), off, beyond)


def _floats(ends: Span) -> Range:
    low, high = (float("inf") if end >= ENDLESS - 1 else float(end) for end in ends)
    return low, high


def _subsets(scores: Sequence[Reported]) -> list[Scores]:
    """All non-empty subsets, smallest first."""
    return [subset for size in range(1, len(scores) + 1) for subset in combinations(scores, size)]


def _contains_any(subset: Scores, smaller: Iterable[Scores]) -> bool:
    return any(set(each) <= set(subset) for each in smaller)


def _largest_without(conflicts: Iterable[Scores], scores: Sequence[Reported]) -> list[Scores]:
    """The largest subsets of `scores` that contain no conflict, smallest first."""
    largest: list[Scores] = []
    for subset in reversed(_subsets(scores)):
        if not _contains_any(subset, conflicts) and not any(set(subset) <= set(each) for each in largest):
            largest.insert(0, subset)
    return largest
