"""Verdicts of studies on the claims of the source texts: supported, refuted, undecided, or untestable.

Conventions
-----------
A claim has one finding for each of its comparisons and each curve; expectations.py says when a finding holds, is
refuted, or is open. The verdict of a study on a claim is

    supported    all findings of the claim hold
    refuted      at least one finding is refuted
    undecided    no finding is refuted, and at least one is open
    untestable   the study does not vary or measure what the claim needs; the verdict gives the reason

If a claim is false, at least one of its findings is false. A false claim is supported only if this false finding holds,
so the probability of a false support is at most that of one finding. One refuted finding refutes the claim, so the
probability of a false refutation grows with the number of findings: by at most 2.5 % (one side of a 95 % interval) for
each. A number of the source that no study here can reproduce or contradict is untestable too; the verdict shows our
value beside it.

The sentence of a verdict quotes its key finding. The key finding of a supported claim is the one with the smallest
clearance (`Expectation.clearance`); of a refuted claim, the refuted finding with the smallest clearance; of an
undecided claim, the first open finding.

A claim lists studies in an order of preference. Its verdict is that of the first study that can test it; `elsewhere`
lists the verdicts of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from thinline.study.claims.claims import Claim
from thinline.study.claims.comparisons import Comparison, NotTestable, StudyData, findings_of
from thinline.study.claims.criteria import Beside, Clears, Criterion
from thinline.study.claims.expectations import Finding
from thinline.study.claims.stack_questions import beside, best, cleared
from thinline.study.design.results import Results

SUPPORTED: Final = "supported"
REFUTED: Final = "refuted"
UNDECIDED: Final = "undecided"
UNTESTABLE: Final = "untestable"
VERDICTS: Final = (SUPPORTED, REFUTED, UNDECIDED, UNTESTABLE)
COLUMNS: Final = (
    *("claim", "statement", "source", "standing", "sourced_numbers", "verdict", "study"),
    *("measure", "class", "contrast", "effect", "low", "high", "signed", "seeds", "sentence", "elsewhere", "caution"),
)
FINDING_COLUMNS: Final = (
    *("claim", "study", "measure", "class", "contrast", "expected"),
    *("effect", "low", "high", "p", "seeds", "holds"),
)


@dataclass(frozen=True)
class Verdict:
    """The verdict of a study on a claim, in one `sentence`, with its findings and the `key` finding.

    `elsewhere` has (study, verdict) for each other study.
    """

    claim: Claim
    study: str
    verdict: str
    sentence: str
    findings: tuple[Finding, ...] = ()
    key: Finding | None = None
    elsewhere: tuple[tuple[str, str], ...] = ()


def verdicts_of(claims: Iterable[Claim], results: Results) -> list[Verdict]:
    """The verdict of one study on every claim."""
    data = StudyData(results)
    return [_of_study(claim, data) for claim in claims]


def verdicts_of_studies(claims: Iterable[Claim], results: Mapping[str, Results]) -> list[Verdict]:
    """For every claim the verdict of the first study that can test it. `results` has each study that has run."""
    data = {study: StudyData(own) for study, own in results.items()}
    return [_of_first_study(claim, data) for claim in claims]


def table(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """One claim a row, columns COLUMNS; NaN if the verdict has no finding."""
    return pd.DataFrame([_row(verdict) for verdict in verdicts], columns=list(COLUMNS))


def findings_table(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """One finding a row, columns FINDING_COLUMNS; `holds` is yes, no (refuted), open, or empty without expectation."""
    words = {True: "yes", False: "no", None: "open"}
    rows = [
        [
            *(verdict.claim.id, verdict.study, each.measure, each.of, each.contrast, each.expected),
            *(each.effect, each.low, each.high, each.p, each.seeds, words[each.holds] if each.expected else ""),
        ]
        for verdict in verdicts
        for each in verdict.findings
    ]
    return pd.DataFrame(rows, columns=list(FINDING_COLUMNS))


def _of_first_study(claim: Claim, data: Mapping[str, StudyData]) -> Verdict:
    """The verdict of the first study that has one, with those of the other studies."""
    ran = [study for study in claim.studies if study in data]
    if not ran:
        return _untestable(claim, "", claim.untestable or f"needs {' or '.join(claim.studies)}, none of which has run")
    verdicts = [_of_study(claim, data[study]) for study in ran]
    decided = (each for each in verdicts if each.verdict != UNTESTABLE or (not claim.tested and each.findings))
    first = next(decided, verdicts[0])
    return replace(first, elsewhere=tuple((each.study, each.verdict) for each in verdicts if each is not first))


def _of_study(claim: Claim, data: StudyData) -> Verdict:
    study = data.study
    if not claim.tests:
        return _untestable(claim, study, claim.untestable)
    if study not in claim.tests:
        return _untestable(claim, study, f"{study} does not vary what is needed, {' or '.join(claim.studies)} does")
    try:
        findings = tuple(finding for criterion in claim.tests[study] for finding in _findings(criterion, data))
    except NotTestable as error:
        return _untestable(claim, study, str(error))
    expecting = [finding for finding in findings if finding.expected]
    if not expecting:
        return Verdict(claim, study, UNTESTABLE, _beside_sentence(findings), findings, findings[0])
    verdict = _verdict([finding.holds for finding in expecting])
    key = _key(expecting, verdict)
    return Verdict(claim, study, verdict, _sentence(verdict, key, expecting), findings, key)


def _findings(criterion: Criterion, data: StudyData) -> list[Finding]:
    if isinstance(criterion, Comparison):
        return findings_of(data, criterion)
    if isinstance(criterion, Clears):
        return cleared(data, criterion)
    return beside(data, criterion) if isinstance(criterion, Beside) else best(data, criterion)


def _verdict(holds: Sequence[bool | None]) -> str:
    if False in holds:
        return REFUTED
    return UNDECIDED if None in holds else SUPPORTED


def _key(findings: Sequence[Finding], verdict: str) -> Finding:
    """The key finding, as the docstring of the module defines it."""
    if verdict == UNDECIDED:
        return next(finding for finding in findings if finding.holds is None)
    deciding = [finding for finding in findings if verdict == SUPPORTED or finding.holds is False]
    return min(deciding, key=lambda finding: finding.clearance)


def _untestable(claim: Claim, study: str, reason: str) -> Verdict:
    return Verdict(claim, study, UNTESTABLE, f"Untestable: {reason}.")


def _sentence(verdict: str, key: Finding, findings: Sequence[Finding]) -> str:
    """One sentence with the verdict, the number of seeds, effect and interval of the key finding."""
    count = len(findings)
    if verdict == SUPPORTED:
        least, most = (end(finding.seeds for finding in findings) for end in (min, max))
        seeds = _seeds(key.seeds) if least == most else f"{least} to {most} seeds"
        text = key.text if count == 1 else f"all {count} findings hold, the narrowest being {key.text}"
        return f"Supported over {seeds}: {text} where {key.expected} was expected."
    if verdict == UNDECIDED and key.seeds == 1:
        return f"Undecided: one seed, no interval; {key.text} where {key.expected} was expected."
    same = sum(finding.holds is key.holds for finding in findings)
    text = f"{key.text} where {key.expected} was expected"
    if verdict == REFUTED:
        return f"Refuted over {_seeds(key.seeds)}: {text}{f' ({same} of {count} findings)' if count > 1 else ''}."
    over = f" over {_seeds(key.seeds)}" if key.seeds else ""
    return f"Undecided{over}: {text}{f' ({same} of {count} findings are open)' if count > 1 else ''}."


def _seeds(count: int) -> str:
    return "one seed" if count == 1 else f"{count} seeds"


def _beside_sentence(findings: Sequence[Finding]) -> str:
    ours = "; ".join(f"{finding.measure} of {finding.of} {finding.value}" for finding in findings)
    return (
        f"Untestable: a number of the source's own data; ours beside it over {_seeds(findings[0].seeds)}, "
        f"{findings[0].contrast}: {ours}."
    )


def _row(verdict: Verdict) -> list[object]:
    claim, key = verdict.claim, verdict.key
    subject = (key.measure, key.of, key.contrast) if key else ("", "", "")
    numbers = (key.effect, key.low, key.high, key.signed, key.seeds) if key else (float("nan"),) * 5
    elsewhere = "; ".join(f"{study}: {other}" for study, other in verdict.elsewhere)
    return [
        *(claim.id, claim.statement, claim.source, claim.standing, claim.sourced_numbers, verdict.verdict),
        *(verdict.study, *subject, *numbers, verdict.sentence, elsewhere, claim.caution),
    ]
