"""Criteria on single conditions: which are usable, which is best, and which value is beside a number of the source.

Conventions
-----------
remedies.py defines the families of remedy and when one has moved. A *stack* is a condition in which all have moved, in
the grid or outside of it. A condition *clears* if every measure of every curve reaches its threshold: shown if all
intervals lie above, ruled out if one lies below, open otherwise. Its weakest axis is the value furthest below its
threshold, or least above it.

    clears   a condition expected not to clear holds if clearing is ruled out, and is refuted if it is shown to clear.
             Stacks hold if one is shown to clear and are refuted if all are ruled out; the finding is that of the
             stack with the best weakest axis
    best     the best stack less the best other condition of each curve, both selected by their means. The selection
             makes the best of many look better than it is, on both sides
    beside   the value of a stack, or a mean of conditions; nothing is expected of it

This optimism of `best` matters if a stack is selected among many, with few seeds, by a small difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from thinline.metrics.catalogue import less_is_better
from thinline.study.claims.comparisons import (
    Comparison,
    NotTestable,
    StudyData,
    Term,
    estimate_of_terms,
    words_of,
)
from thinline.study.claims.expectations import Expectation, plain
from thinline.study.claims.findings import Finding, Tested
from thinline.study.claims.nodes import Beside, Best, Clears
from thinline.study.claims.remedies import FAMILIES, families_of
from thinline.study.claims.simple_effects import findings_of
from thinline.study.stats.estimates import Estimate, rounded, size_of
from thinline.vocabulary import Float64

WEAKEST = "test/iou"
"""The measure whose weakest curve selects the stack beside the numbers of the source."""

_DECIMALS = 12


@dataclass(frozen=True)
class _Axis:
    """The estimate of one measure of one curve in one condition, and its threshold."""

    measure: str
    of: str
    estimated: Estimate
    threshold: float
    weights: Float64

    @property
    def above(self) -> float:
        """How far the mean is above the threshold, rounded: axes with equal values keep their order."""
        return round(self.estimated.effect - self.threshold, _DECIMALS)

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Value, standard error and degrees of freedom."""
        return self.estimated.effect, self.estimated.error, self.estimated.freedom

    def expected(self, kind: str) -> Expectation:
        """`at_least` or `at_most` the threshold."""
        return Expectation(kind, self.threshold)

    def tested(self, kind: str) -> Tested:
        """The test of this axis, for the power."""
        own = self.estimated
        parts = {(self.measure, self.of): self.weights}
        return Tested(self.measure, self.expected(kind), own.by_seed, own.error, parts)


def cleared(data: StudyData, clears: Clears) -> list[Finding]:
    """A finding for each condition with as many families as in `short`, and one for the stacks. Raises
    `NotTestable`."""
    families = _families(data)
    conditions = {label: len(own) for label, own in families.items() if len(own) in clears.short}
    lacking = [str(count) for count in clears.short if count not in conditions.values()]
    if lacking:
        raise NotTestable(f"no cells with {' or '.join(lacking)} of {len(FAMILIES)} families moved")
    findings = [_of_single(label, _axes(data, clears, label)) for label in conditions]
    if clears.stack:
        findings.append(_of_stacks({label: _axes(data, clears, label) for label in _stacks(families)}))
    return findings


def best(data: StudyData, question: Best) -> list[Finding]:
    """The best stack less the best of all others, for each measure and curve. Raises `NotTestable`."""
    stacks = _stacks(_families(data))
    findings = []
    for measure in question.measure:
        of_measure = []
        choose = min if less_is_better(measure.name.partition("/")[2]) else max
        for name in question.classes or data.classes:
            means = _means(data, measure.name, name)
            sides = [
                {label: means[label] for label in means if (label in stacks) == stacked} for stacked in (True, False)
            ]
            if all(sides):
                stack, other = (choose(side, key=side.__getitem__) for side in sides)
                terms = (_condition(measure.name, stack), _condition(measure.name, other, times=-1.0))
                comparison = Comparison(f"{stack} less {other}", terms, question.expected(measure), (name,))
                of_measure += findings_of(data, comparison)
        if not of_measure:
            raise NotTestable(f"no value of {measure.name} for stacks and others")
        findings += of_measure
    return findings


def beside(data: StudyData, question: Beside) -> list[Finding]:
    """The value of each measure and class, of which nothing is expected. Raises `NotTestable`."""
    findings = []
    for measure in question.measure:
        if question.pick:
            text = _selected_stack(data)
            term = _condition(measure.name, text)
        else:
            text, term = f"mean of {words_of(question.where)}", Term(measure.name, question.where)
        findings += findings_of(data, Comparison(text, (term,), None, question.classes))
    return findings


def _condition(measure: str, label: str, *, times: float = 1.0) -> Term:
    return Term(measure, {"condition": (label,)}, times, outside=True)


def _families(data: StudyData) -> Mapping[str, frozenset[str]]:
    """The families of every condition. Raises `NotTestable` if the study has no stack."""
    families = families_of(data.conditions)
    if not _stacks(families):
        moved = frozenset().union(*families.values())
        lacking = [family.factor for family in FAMILIES.values() if family.letter not in moved]
        reason = f": no move of {', '.join(lacking)}" if lacking else " in one condition"
        raise NotTestable(f"no cells with all {len(FAMILIES)} families moved{reason}")
    return families


def _stacks(families: Mapping[str, frozenset[str]]) -> list[str]:
    """The labels of the conditions in which all families have moved."""
    return [label for label, own in families.items() if len(own) == len(FAMILIES)]


def _selected_stack(data: StudyData) -> str:
    """The stack whose weakest curve has the best mean IoU. Raises `NotTestable`."""
    stacks = _stacks(_families(data))
    means = [_means(data, WEAKEST, name) for name in data.classes]
    weakest = {label: min(of_class.get(label, np.inf) for of_class in means) for label in stacks}
    known = {label: value for label, value in weakest.items() if np.isfinite(value)}
    if not known:
        raise NotTestable(f"no value of {WEAKEST} for a stack")
    return max(known, key=known.__getitem__)


def _means(data: StudyData, measure: str, name: str) -> dict[str, float]:
    """The mean over seeds of each condition that has every seed, rounded: equal means keep their order."""
    read = data.samples(measure, name)
    if read is None:
        return {}
    means = rounded(read.values.mean(1), size_of(read.values)).tolist()
    return {str(label): mean for label, mean in zip(read.conditions, means, strict=True) if np.isfinite(mean)}


def _axes(data: StudyData, clears: Clears, label: str) -> list[_Axis]:
    """All axes of a condition that have a value; if a network finds no pixel of a curve it has no precision there.

    Raises `NotTestable` for a measure that no run has, and for a missing value in a condition that the other axes do
    not rule out."""
    axes, lacking = [], ""
    for measure, threshold in clears.thresholds.items():
        for name in clears.classes or data.classes:
            term = _condition(measure, label)
            estimated = estimate_of_terms(data, [term], name)
            if estimated is None or not estimated.seeds:
                lacking = lacking or f"no value of {measure} of {name} in {label}"
            else:
                axes.append(_Axis(measure, name, estimated, threshold, data.weights([term]).of_terms[0]))
    if lacking and _reaches(axes) is not False:
        raise NotTestable(lacking)
    return axes


def _reaches(axes: list[_Axis]) -> bool | None:
    """Whether a condition is shown to clear (True), is ruled out (False), or neither (None)."""
    if any(axis.estimated.high < axis.threshold for axis in axes):
        return False
    return True if all(axis.estimated.low >= axis.threshold for axis in axes) else None


def _of_single(label: str, axes: list[_Axis]) -> Finding:
    """The finding of a condition expected not to clear: of an axis that rules it out, if there is one."""
    reaches = _reaches(axes)
    below = [axis for axis in axes if axis.estimated.high < axis.threshold]
    finding = _of_axis(label, below or axes, "at_most", holds=None if reaches is None else not reaches)
    weakest = min(below or axes, key=lambda axis: axis.above)
    p_short, p_reaches = min(_p_below(axes)), max(_p_reaching(axes))
    return replace(finding, p_holds=p_short, p_refuted=p_reaches, tests=(weakest.tested("at_most"),))


def _of_stacks(axes: Mapping[str, list[_Axis]]) -> Finding:
    reached = {label: _reaches(own) for label, own in axes.items()}
    holds = True if True in reached.values() else False if set(reached.values()) == {False} else None
    candidates = [label for label in axes if not holds or reached[label]]
    label = max(candidates, key=lambda label: min(axis.above for axis in axes[label]))
    finding = _of_axis(label, axes[label], "at_least", holds=holds)
    p_reaches = min(max(_p_reaching(own)) for own in axes.values())
    p_short = max(min(_p_below(own)) for own in axes.values())
    tests = tuple(axis.tested("at_least") for axis in axes[label])
    return replace(finding, p_holds=p_reaches, p_refuted=p_short, tests=tests)


def _p_reaching(axes: list[_Axis]) -> list[float]:
    """One-sided p that each axis reaches its threshold."""
    return [axis.expected("at_least").p_of(*axis.numbers)[0] for axis in axes]


def _p_below(axes: list[_Axis]) -> list[float]:
    """One-sided p that each axis is below its threshold."""
    return [axis.expected("at_least").p_of(*axis.numbers)[1] for axis in axes]


def _of_axis(label: str, axes: list[_Axis], kind: str, *, holds: bool | None) -> Finding:
    """The finding of the weakest of `axes`."""
    weakest = min(axes, key=lambda axis: axis.above)
    estimated, bound = weakest.estimated, plain(weakest.threshold)
    return Finding(
        weakest.measure,
        weakest.of,
        f"weakest axis of {label}",
        f"below {bound} on one axis" if kind == "at_most" else f"{bound} or more on every axis",
        estimated.effect,
        estimated.low,
        estimated.high,
        estimated.p,
        estimated.seeds,
        holds,
        clearance=weakest.expected(kind).clearance(estimated.low, estimated.high),
        signed=False,
        asked=label,
    )
