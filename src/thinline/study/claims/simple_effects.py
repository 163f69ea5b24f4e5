"""Simple effects: the findings of a comparison at each setting of the factors that it does not name.

Conventions
-----------
A *setting* is one combination of levels of the factors of the grid that no term names. A main effect averages over
the settings, so it can be large although it is there in some of them alone. A claim is therefore judged at each
setting, and the average is kept beside as a finding that decides nothing. A factor that a term names is fixed by it:
several levels named at once are averaged. A setting at which a compared level never ran is left out. If all are, as in
a fraction, where no two conditions differ in one factor alone, the average decides.

A measure that has the same values at all settings, as those of the perturbed truth, has one finding. So has a
comparison of named conditions, or of conditions outside of the grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from thinline.study.claims.comparisons import (
    Comparison,
    NotTestable,
    StudyData,
    Term,
    estimate_of_terms,
    summed_weights,
    words_of,
)
from thinline.study.claims.expectations import BOUNDS
from thinline.study.claims.findings import AVERAGED, LEVEL, STEP, Finding, Setting, Tested

_SAME = 1e-12


def findings_of(data: StudyData, comparison: Comparison) -> list[Finding]:
    """The findings of a comparison: at each setting of each class, and averaged over the settings if there are several.

    A finding is open if no seed has all its cells. Raises `NotTestable` if that is so of every finding.
    """
    settings = settings_of(data, comparison.terms) if comparison.expected else [()]
    names = comparison.classes or data.classes
    if all(term.of for term in comparison.terms):
        names = (" and ".join(dict.fromkeys(term.of for term in comparison.terms)),)
    findings = [finding for name in names for finding in _of_class(data, comparison, name, settings)]
    if not any(finding.seeds for finding in findings):
        curves, where = ", ".join(names) or "any curve", _without_value(data, comparison, names)
        raise NotTestable(f"no value of {comparison.measure} for {curves} in {where}")
    return findings


def settings_of(data: StudyData, terms: Sequence[Term]) -> list[Setting]:
    """The settings at which all terms ran, in the order of the levels; one empty setting if the average decides.

    Raises `NotTestable` naming what the study lacks.
    """
    if any(term.outside or "condition" in term.where for term in terms):
        return [()]
    named = {name for term in terms for name in term.where}
    levels = [[(name, level) for level in own] for name, own in data.grid.levels.items() if name not in named]
    settings = [setting for setting in product(*levels) if _ran(data, at(terms, setting))]
    if not settings:
        data.weights(terms)
    return settings or [()]


def _ran(data: StudyData, terms: Sequence[Term]) -> bool:
    try:
        data.weights(terms)
    except NotTestable:
        return False
    return True


def at(terms: Sequence[Term], setting: Setting) -> tuple[Term, ...]:
    """The `terms` at a setting."""
    levels = {name: (level,) for name, level in setting}
    return tuple(replace(term, where={**term.where, **levels}) for term in terms)


def _of_class(data: StudyData, comparison: Comparison, name: str, settings: Sequence[Setting]) -> list[Finding]:
    """The findings of one class, the average last; none of a class that the runs do not have."""
    findings = []
    for setting in settings:
        terms = at(comparison.terms, setting)
        finding = _finding(data, comparison, name, setting)
        if finding is not None and (finding.seeds or _has(data, terms, name, alone=len(settings) == 1)):
            findings.append(finding)
    if len(findings) < 2:
        return findings
    try:
        average = _finding(data, comparison, name, ())
    except NotTestable:  # no condition has all levels of the other factors
        return findings
    if average is None or not average.seeds:
        return findings
    if _equal(findings):
        return [average]
    factors = ", ".join(factor for factor, _ in settings[0])
    return [*findings, replace(average, role=AVERAGED, contrast=f"{average.contrast}, averaged over {factors}")]


def _has(data: StudyData, terms: Sequence[Term], name: str, *, alone: bool) -> bool:
    """Whether the runs have a class, and its measure in the study, in all cells of each term.

    A class that a head does not predict has no number at all. Of a setting that is `alone` some cells are enough.
    """
    for term, weights in zip(terms, data.weights(terms).of_terms, strict=True):
        own = data.samples(term.measure, term.of or name)
        if own is None or not np.isfinite(own.values).any():
            return False
        partly = alone and bool(np.isfinite(own.values[weights != 0]).any())
        if not partly and not data.predicted(term.of or name)[weights != 0].all():
            return False
    return True


def _equal(findings: Sequence[Finding]) -> bool:
    values = np.array([finding.tests[0].by_seed for finding in findings if finding.tests])
    return len(values) == len(findings) and bool((np.abs(values - values[0]) <= _SAME).all())


def _finding(data: StudyData, comparison: Comparison, name: str, setting: Setting) -> Finding | None:
    """The finding at a setting; None if no run has one of the measures."""
    terms = at(comparison.terms, setting)
    matched = ", matched" if data.weights(terms).matched else ""
    where = f", at {words_of({factor: (level,) for factor, level in setting})}" if setting else ""
    estimated = estimate_of_terms(data, terms, name)
    if estimated is None:
        return None
    expected, low, high = comparison.expected, estimated.low, estimated.high
    finding = Finding(
        comparison.measure,
        name,
        f"{comparison.text}{where}{matched}",
        expected.text if expected else "",
        estimated.effect,
        low,
        high,
        estimated.p,
        estimated.seeds,
        None,
        signed=expected is not None and expected.kind not in BOUNDS,
        setting=setting,
        role=STEP if comparison.step else LEVEL,
        asked=f"{comparison.measure}|{comparison.text}",
    )
    if expected is None:
        return finding
    p_holds, p_refuted = expected.p_of(estimated.effect, estimated.error, estimated.freedom)
    parts = summed_weights(data, terms, name)
    tested = Tested(comparison.measure, expected, estimated.by_seed, estimated.error, parts)
    return replace(
        finding,
        holds=expected.holds(low, high),
        clearance=expected.clearance(low, high),
        p_holds=p_holds,
        p_refuted=p_refuted,
        tests=(tested,),
        owner=expected.owner,
    )


def _without_value(data: StudyData, comparison: Comparison, names: Sequence[str]) -> str:
    """Compared conditions in which the first curve lacks a value, or else all levels compared."""
    for term, weights in zip(comparison.terms, data.weights(comparison.terms).of_terms, strict=True):
        own = data.samples(term.measure, term.of or names[0]) if term.of or names else None
        if own is not None:
            lacking = (weights != 0) & ~np.isfinite(own.values).all(1)
            if lacking.any():
                return ", ".join(data.conditions.index[lacking][:3])
    return "; ".join(dict.fromkeys(words_of(term.where) for term in comparison.terms))
