"""The sentence of a verdict, and the finding that it quotes; verdicts.py explains both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinline.metrics.number_format import number
from thinline.study.claims.findings import AVERAGED, STEP, Finding
from thinline.study.claims.rule import DEPENDS, REFUTED, SUPPORTED, UNDECIDED, Decision, counted, deciding_of


def key_of(findings: Sequence[Finding], decision: Decision) -> Finding:
    """The key finding of a decided claim."""
    deciding = counted(findings)
    if decision.kind == UNDECIDED:
        open_ones = [finding for finding in deciding if finding.holds is None]
        return next((finding for finding in open_ones if finding.role != STEP), open_ones[0])
    if decision.kind == SUPPORTED:
        return min((finding for finding in deciding if finding.role != STEP), key=lambda finding: finding.clearance)
    refuted = [finding for finding in deciding if finding.holds is False]
    if decision.kind == REFUTED:
        return min(refuted, key=lambda finding: finding.clearance)
    pairs = [finding for finding in refuted if _counterpart(findings, decision, finding)]
    return min(pairs or refuted, key=lambda finding: finding.clearance)


def _counterpart(findings: Sequence[Finding], decision: Decision, key: Finding) -> Finding | None:
    """The finding of the same contrast and class where a claim holds: of those that differ from `key` in the factors of
    the verdict alone, else of all, that with the largest clearance."""
    holding = [set(setting) for setting, state in decision.states if state]
    same = [
        finding
        for finding in counted(findings)
        if (finding.asked, finding.of) == (key.asked, key.of)
        and finding.holds
        and any(set(finding.setting) <= setting for setting in holding)
    ]
    others = {(factor, level) for factor, level in key.setting if factor not in decision.factors}
    beside = [finding for finding in same if others <= set(finding.setting)]
    return max(beside or same, key=lambda finding: finding.clearance, default=None)


def sentence_of(findings: Sequence[Finding], decision: Decision, key: Finding, *, holm: str, power: float) -> str:
    """One sentence: the verdict, the number of seeds, effect and interval of the key finding with its margin, how many
    findings hold, the verdict with Holm's correction if it differs, and the power."""
    if key.seeds == 1 and decision.kind == UNDECIDED:
        return f"Undecided: one seed, no interval; {_expected(key)}."
    deciding = deciding_of(findings)
    head = decision.verdict.capitalize() if decision.kind != DEPENDS else f"D{decision.verdict[1:]}"
    parts = [_numbers(findings, decision, key, deciding), _counts(deciding), _averages(findings, decision, key)]
    if holm != decision.verdict:
        parts.append(f"with Holm's correction {holm}")
    if np.isfinite(power):
        parts.append(f"power {number(power, 2)}")
    over = _seeds(deciding) if decision.kind == SUPPORTED else _count(key.seeds) if key.seeds else ""
    return f"{head}{f' over {over}' if over else ''}: {'; '.join(part for part in parts if part)}."


def _numbers(findings: Sequence[Finding], decision: Decision, key: Finding, deciding: Sequence[Finding]) -> str:
    if decision.kind == SUPPORTED and len(deciding) > 1:
        return f"all {len(deciding)} findings hold; nearest to its bound is {_expected(key)}"
    other = other_level(findings, decision, key)
    return f"{_expected(key)}, but {other}" if other else _expected(key)


def other_level(findings: Sequence[Finding], decision: Decision, key: Finding) -> str:
    """E.g. `+.325 [.312, .339] at class_weight=measured`, where a claim that depends on a factor holds; else empty."""
    other = _counterpart(findings, decision, key) if decision.kind == DEPENDS else None
    return f"{other.value} at {_words(other)}" if other else ""


def _words(finding: Finding) -> str:
    return ", ".join(f"{factor}={level}" for factor, level in finding.setting) or "other levels"


def _expected(key: Finding) -> str:
    owner = f" ({key.owner})" if key.owner else ""
    expected = f"{key.expected} in each step" if key.role == STEP else key.expected
    return f"{key.text} where {expected} was expected{owner}"


def _counts(deciding: Sequence[Finding]) -> str:
    """E.g. `3 of 8 findings hold, 4 are refuted`; empty for one finding and where all hold."""
    holding, refuted = (sum(finding.holds is side for finding in deciding) for side in (True, False))
    if len(deciding) == 1 or holding == len(deciding):
        return ""
    lost = f", {refuted} {'is' if refuted == 1 else 'are'} refuted" if refuted else ""
    return f"{holding} of {len(deciding)} findings hold{lost}"


def _averages(findings: Sequence[Finding], decision: Decision, key: Finding) -> str:
    """The average of the key finding over all settings, for a claim that depends on a factor."""
    for finding in findings:
        if finding.role == AVERAGED and decision.kind == DEPENDS and (finding.asked, finding.of) == (key.asked, key.of):
            return f"{finding.value} averaged over {finding.contrast.rpartition(', averaged over ')[2]}"
    return ""


def _seeds(findings: Sequence[Finding]) -> str:
    least, most = (end(finding.seeds for finding in findings) for end in (min, max))
    return _count(least) if least == most else f"{least} to {most} seeds"


def _count(seeds: int) -> str:
    return "one seed" if seeds == 1 else f"{seeds} seeds"


def beside_sentence(findings: Sequence[Finding]) -> str:
    """Our values beside a number of the source, of which nothing is expected."""
    ours = "; ".join(f"{finding.measure} of {finding.of} {finding.value}" for finding in findings)
    return (
        f"Untestable: a number of the source's own data; ours beside it over {_count(findings[0].seeds)}, "
        f"{findings[0].contrast}: {ours}."
    )
