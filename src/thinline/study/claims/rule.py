"""The rule by which the findings of a claim give its verdict: at every setting, then over all of them.

Conventions
-----------
A claim has findings at *settings* (simple_effects.py). A finding without a setting belongs to all of them. At one
setting the claim

    holds        if all its findings hold
    is refuted   if one finding is refuted
    is open      otherwise

and over all settings it is

    supported       it holds at every setting
    refuted         it is refuted at a setting, and holds at none
    depends on X    it holds at some settings and is refuted at others; X is the smallest set of factors whose levels
                    separate the two, the first such set in the order in which the findings name them
    undecided       otherwise

A step of a trend may be open where the claim holds, and refutes the claim if it is refuted.

The published verdict is the one without a correction; verdicts.py shows that with Holm's beside it. Holm's correction
treats the findings of a claim as two families of tests, each at `ALPHA`: one with the p values for "this finding
holds", one with those for "this finding is refuted". A finding without p keeps its decision. A step that is refuted
only without the correction leaves the claim undecided, and not supported, since without it the claim was refuted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Final

import numpy as np

from thinline.study.claims.expectations import ALPHA
from thinline.study.claims.findings import AVERAGED, LEVEL, STEP, Finding, Setting
from thinline.study.stats.estimates import holm

SUPPORTED: Final = "supported"
REFUTED: Final = "refuted"
DEPENDS: Final = "depends"
UNDECIDED: Final = "undecided"


@dataclass(frozen=True)
class Decision:
    """`kind` SUPPORTED, REFUTED, DEPENDS or UNDECIDED; `factors` X of DEPENDS; `states` of every setting."""

    kind: str
    factors: tuple[str, ...] = ()
    states: tuple[tuple[Setting, bool | None], ...] = ()

    @property
    def verdict(self) -> str:
        """E.g. `supported`, or `depends on class_weight`."""
        return f"depends on {' and '.join(self.factors)}" if self.kind == DEPENDS else self.kind


def counted(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that decide: those that expect something, without averages."""
    return [finding for finding in findings if finding.expected and finding.role != AVERAGED]


def deciding_of(findings: Sequence[Finding]) -> list[Finding]:
    """The counted findings without the steps of a trend that are not refuted: these may be open."""
    return [finding for finding in counted(findings) if finding.role != STEP or finding.holds is False]


def decide(findings: Sequence[Finding]) -> Decision:
    """The decision on a claim with these findings, at least one of them counted."""
    deciding = counted(findings)
    states = tuple((setting, _state(own)) for setting, own in _by_setting(deciding))
    values = {state for _, state in states}
    if values == {True}:
        return Decision(SUPPORTED, (), states)
    if True in values and False in values:
        return Decision(DEPENDS, _separating(states), states)
    return Decision(REFUTED if False in values else UNDECIDED, (), states)


def corrected(findings: Sequence[Finding]) -> list[Finding]:
    """The counted findings as they are decided with Holm's correction within the claim."""
    deciding = counted(findings)
    p_holds = np.array([finding.p_holds if finding.role != STEP else np.nan for finding in deciding])
    p_refuted = np.array([finding.p_refuted for finding in deciding])
    family = [0] * len(deciding)
    adjusted = zip(deciding, holm(p_holds, family), holm(p_refuted, family), strict=True)
    return [_with_p(finding, holds, refuted) for finding, holds, refuted in adjusted]


def _with_p(finding: Finding, p_holds: float, p_refuted: float) -> Finding:
    if np.isnan(p_refuted) or finding.holds is None:
        return finding
    if finding.holds:
        return finding if np.isnan(p_holds) or p_holds < ALPHA else replace(finding, holds=None)
    return finding if p_refuted < ALPHA else replace(finding, holds=None, role=LEVEL)


def _by_setting(findings: Sequence[Finding]) -> list[tuple[Setting, list[Finding]]]:
    """Settings at which every comparison of the claim has a finding, each with its findings.

    A refuted finding of a setting at which another comparison did not run is a setting of its own: it refutes there.
    """
    levels: dict[str, dict[str, None]] = {}
    for finding in findings:
        for factor, level in finding.setting:
            levels.setdefault(factor, {})[level] = None
    asked = {finding.asked for finding in findings}
    known = [(set(finding.setting), finding) for finding in findings]
    groups = []
    for setting in product(*([(factor, level) for level in own] for factor, own in levels.items())):
        own = [finding for pairs, finding in known if pairs <= set(setting)]
        if {finding.asked for finding in own} == asked:
            groups.append((setting, own))
    grouped = [id(finding) for _, own in groups for finding in own]
    lost = [finding for finding in findings if finding.holds is False and id(finding) not in grouped]
    return [*groups, *((finding.setting, [finding]) for finding in lost)] if groups else [((), list(findings))]


def _state(findings: Sequence[Finding]) -> bool | None:
    if any(finding.holds is False for finding in findings):
        return False
    return True if all(finding.holds or finding.role == STEP for finding in findings) else None


def _separating(states: Sequence[tuple[Setting, bool | None]]) -> tuple[str, ...]:
    """The smallest set of factors whose levels separate the settings where a claim holds from those that refute it."""
    factors = [factor for factor, _ in states[0][0]]
    for size in range(1, len(factors)):
        for chosen in combinations(factors, size):
            sides = [
                {tuple(pair for pair in setting if pair[0] in chosen) for setting, state in states if state is side}
                for side in (True, False)
            ]
            if not sides[0] & sides[1]:
                return chosen
    return tuple(factors)
