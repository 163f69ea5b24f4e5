"""Questions about single remedies and the stack of all that no sum over conditions answers: who is usable, who is best.

Conventions
-----------
Families and what counts as moved are those of families.py; a *stack* is a condition in which all have moved, in the
grid or beside it. A condition *clears* when every measure of every curve reaches its threshold: shown where every
interval lies above, ruled out where one lies below, open otherwise. Of a condition the weakest axis is told: the value
furthest below its threshold, or least above it.

    clears   a condition that is said not to clear holds when that is ruled out, and is refuted when it is shown to
             clear. Stacks hold when one is shown to clear and are refuted when all are ruled out; told of the stack
             whose weakest axis is best
    best     the best stack less the best other condition, both chosen by their means, of each curve. The choice makes
             the better of many look better than it is, on both sides
    beside   the value of a stack, or of a mean of conditions; nothing is expected of it

Only what was chosen by the same numbers is open to that optimism: a stack among few, with five seeds, by little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from thinline.study.claims.comparisons import Comparison, Numbers, found, summed
from thinline.study.claims.contrast_terms import NotTestable, Term, words_of
from thinline.study.claims.expectations import Expectation, Finding, plain
from thinline.study.claims.question_types import Beside, Best, Clears
from thinline.study.claims.remedies import FAMILIES, families_of
from thinline.study.stats.estimates import Estimate, rounded, size_of

WEAKEST = "test/iou"
"""The measure whose weakest curve chooses the stack that is shown beside the source's numbers."""

_DECIMALS = 12


@dataclass(frozen=True)
class _Axis:
    """One measure of one curve in one condition, and its threshold."""

    measure: str
    of: str
    told: Estimate
    threshold: float

    @property
    def above(self) -> float:
        """How far the mean lies above the threshold; axes that are equally far keep their order."""
        return round(self.told.effect - self.threshold, _DECIMALS)


def cleared(numbers: Numbers, clears: Clears) -> list[Finding]:
    """A finding for each condition of the families in `short`, and one for the stacks. Raises `NotTestable`."""
    families = moved(numbers)
    wanted = {label: len(its) for label, its in families.items() if len(its) in clears.short}
    lacking = [str(count) for count in clears.short if count not in wanted.values()]
    if lacking:
        raise NotTestable(f"no cells with {' or '.join(lacking)} of {len(FAMILIES)} families moved")
    findings = [_short(label, _axes(numbers, clears, label)) for label in wanted]
    if clears.stack:
        findings.append(_stack({label: _axes(numbers, clears, label) for label in stacks_of(families)}))
    return findings


def best(numbers: Numbers, question: Best) -> list[Finding]:
    """The best stack less the best of all others, for each curve. Raises `NotTestable`."""
    families = moved(numbers)
    stacks = stacks_of(families)
    findings = []
    for name in question.classes or numbers.classes:
        means = _means(numbers, question.measure, name)
        sides = [{it: means[it] for it in means if (it in stacks) == stacked} for stacked in (True, False)]
        if not all(sides):
            continue
        stack, other = (max(side, key=side.__getitem__) for side in sides)
        terms = tuple(
            Term(question.measure, {"condition": (label,)}, times, outside=True)
            for label, times in ((stack, 1.0), (other, -1.0))
        )
        comparison = Comparison(f"{stack} less {other}", terms, question.expected, (name,))
        findings += found(numbers, comparison)
    if not findings:
        raise NotTestable(f"no value of {question.measure} for stacks and others")
    return findings


def beside(numbers: Numbers, question: Beside) -> list[Finding]:
    """The value of each class, of which nothing is expected. Raises `NotTestable`."""
    if question.stack:
        label = chosen_stack(numbers)
        terms = (Term(question.measure, {"condition": (label,)}, outside=True),)
        text = label
    else:
        terms = (Term(question.measure, question.where),)
        text = f"mean of {words_of(question.where)}"
    return found(numbers, Comparison(text, terms, None, question.classes))


def moved(numbers: Numbers) -> Mapping[str, frozenset[str]]:
    """The families of every condition. Raises `NotTestable` where the study has no stack of all."""
    families = families_of(numbers.conditions)
    if not stacks_of(families):
        lacking = [it.factor for letter, it in FAMILIES.items() if not any(letter in its for its in families.values())]
        told = f": no move of {', '.join(lacking)}" if lacking else " in one condition"
        raise NotTestable(f"no cells with all {len(FAMILIES)} families moved{told}")
    return families


def stacks_of(families: Mapping[str, frozenset[str]]) -> list[str]:
    """The labels of the conditions in which all families have moved."""
    return [label for label, its in families.items() if len(its) == len(FAMILIES)]


def chosen_stack(numbers: Numbers) -> str:
    """The stack whose weakest curve has the best mean IoU. Raises `NotTestable`."""
    stacks = stacks_of(moved(numbers))
    means = [_means(numbers, WEAKEST, name) for name in numbers.classes]
    weakest = {label: min(of_class.get(label, np.inf) for of_class in means) for label in stacks}
    known = {label: value for label, value in weakest.items() if np.isfinite(value)}
    if not known:
        raise NotTestable(f"no value of {WEAKEST} for a stack")
    return max(known, key=known.__getitem__)


def _means(numbers: Numbers, measure: str, name: str) -> dict[str, float]:
    """The mean over seeds of each condition that has every seed."""
    data = numbers.of(measure, name)
    if data is None:
        return {}
    values = rounded(data.values.mean(1), size_of(data.values))  # equal means keep their order
    means = dict(zip(data.conditions, values.tolist(), strict=True))
    return {str(label): mean for label, mean in means.items() if np.isfinite(mean)}


def _axes(numbers: Numbers, clears: Clears, label: str) -> list[_Axis]:
    """All axes of a condition that have a value; a network that finds no pixel of a curve has no precision there.

    Raises `NotTestable` for a measure that was not taken, and for a value that is lacking in a condition which the
    other axes do not rule out.
    """
    axes, lacking = [], ""
    for measure, threshold in clears.thresholds.items():
        for name in clears.classes or numbers.classes:
            told = summed(numbers, [Term(measure, {"condition": (label,)}, outside=True)], name)
            if told is None or not told.seeds:
                lacking = lacking or f"no value of {measure} of {name} in {label}"
            else:
                axes.append(_Axis(measure, name, told, threshold))
    if lacking and _reaches(axes) is not False:
        raise NotTestable(lacking)
    return axes


def _reaches(axes: list[_Axis]) -> bool | None:
    """Whether a condition is shown to clear (True), cannot (False), or neither."""
    if any(axis.told.high < axis.threshold for axis in axes):
        return False
    return True if all(axis.told.low >= axis.threshold for axis in axes) else None


def _short(label: str, axes: list[_Axis]) -> Finding:
    """Told of an axis that rules it out, where there is one."""
    reaches = _reaches(axes)
    below = [axis for axis in axes if axis.told.high < axis.threshold]
    return _of_axis(label, below or axes, "at_most", holds=None if reaches is None else not reaches)


def _stack(axes: Mapping[str, list[_Axis]]) -> Finding:
    reached = {label: _reaches(its) for label, its in axes.items()}
    holds = True if True in reached.values() else False if set(reached.values()) == {False} else None
    candidates = [label for label in axes if not holds or reached[label]]
    label = max(candidates, key=lambda it: min(axis.above for axis in axes[it]))
    return _of_axis(label, axes[label], "at_least", holds=holds)


def _of_axis(label: str, axes: list[_Axis], kind: str, *, holds: bool | None) -> Finding:
    weakest = min(axes, key=lambda axis: axis.above)
    told, bound = weakest.told, plain(weakest.threshold)
    return Finding(
        weakest.measure,
        weakest.of,
        f"weakest axis of {label}",
        f"below {bound} on one axis" if kind == "at_most" else f"{bound} or more on every axis",
        told.effect,
        told.low,
        told.high,
        told.p,
        told.seeds,
        holds,
        room=Expectation(kind, weakest.threshold).room(told.low, told.high),
        signed=False,
    )
