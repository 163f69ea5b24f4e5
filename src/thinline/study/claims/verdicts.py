"""Claims of the source texts judged by studies that ran: supported, refuted, undecided, or untestable.

Conventions
-----------
A claim is *supported* by a study when all its findings hold, *refuted* when one of them is refuted, *undecided*
otherwise, for every curve: expectations.py says what an interval decides. That all must hold makes a false support
rarer
than the level of one interval; that one is enough makes a false refutation more frequent, up to one in forty for each
finding. *Untestable* it is where the study does not vary or measure what is needed, with the reason.

A verdict tells its key finding: of a supported claim the narrowest, of a refuted one the clearest, of an undecided one
the first that is open. Numbers of the source that nothing here could reproduce or contradict are untestable as well,
and ours stand beside them.

Of several studies the verdict is that of the first, in the order that the claim declares, which can test it; what the
others say is noted, whatever it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from thinline.study.claims.claims import Claim
from thinline.study.claims.comparisons import Comparison, Numbers, found
from thinline.study.claims.contrast_terms import NotTestable
from thinline.study.claims.criteria import Criterion
from thinline.study.claims.expectations import Finding
from thinline.study.claims.question_types import Beside, Clears
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
    """What a study says of a claim, in one `sentence`, and of what; `elsewhere` is what other studies say."""

    claim: Claim
    study: str
    verdict: str
    sentence: str
    findings: tuple[Finding, ...] = ()
    key: Finding | None = None
    elsewhere: tuple[tuple[str, str], ...] = ()


def verdicts_of(claims: Iterable[Claim], results: Results) -> list[Verdict]:
    """The verdict of one study on every claim."""
    numbers = Numbers(results)
    return [_judged(claim, numbers) for claim in claims]


def verdicts_of_studies(claims: Iterable[Claim], results: Mapping[str, Results]) -> list[Verdict]:
    """The verdict on every claim of the first study that can test it, of those that ran: `results` by study."""
    numbers = {study: Numbers(its) for study, its in results.items()}
    return [_of_studies(claim, numbers) for claim in claims]


def table(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """One claim a row, columns COLUMNS; numbers of the source in a column of their own. NaN where nothing was found."""
    return pd.DataFrame([_row(it) for it in verdicts], columns=list(COLUMNS))


def findings_table(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """One finding a row, columns FINDING_COLUMNS; `holds` is yes, no or open, or empty where nothing was expected."""
    words = {True: "yes", False: "no", None: "open"}
    rows = [
        [
            *(verdict.claim.id, verdict.study, it.measure, it.of, it.contrast, it.expected),
            *(it.effect, it.low, it.high, it.p, it.seeds, words[it.holds] if it.expected else ""),
        ]
        for verdict in verdicts
        for it in verdict.findings
    ]
    return pd.DataFrame(rows, columns=list(FINDING_COLUMNS))


def _of_studies(claim: Claim, numbers: Mapping[str, Numbers]) -> Verdict:
    """The first verdict that is one, with those of the other studies beside it."""
    ran = [study for study in claim.studies if study in numbers]
    if not ran:
        return _untestable(claim, "", claim.untestable or f"needs {' or '.join(claim.studies)}, none of which has run")
    told = [_judged(claim, numbers[study]) for study in ran]
    first = next((it for it in told if it.verdict != UNTESTABLE or (not claim.judged and it.findings)), told[0])
    others = tuple((it.study, it.verdict) for it in told if it is not first)
    return Verdict(claim, first.study, first.verdict, first.sentence, first.findings, first.key, others)


def _judged(claim: Claim, numbers: Numbers) -> Verdict:
    study = numbers.study
    if not claim.tests:
        return _untestable(claim, study, claim.untestable)
    if study not in claim.tests:
        return _untestable(claim, study, f"{study} does not vary what is needed, {' or '.join(claim.studies)} does")
    try:
        findings = tuple(it for criterion in claim.tests[study] for it in _found(criterion, numbers))
    except NotTestable as error:
        return _untestable(claim, study, str(error))
    expecting = [it for it in findings if it.expected]
    if not expecting:
        return Verdict(claim, study, UNTESTABLE, _beside_sentence(findings), findings, findings[0])
    verdict = _verdict([it.holds for it in expecting])
    key = _key(expecting, verdict)
    return Verdict(claim, study, verdict, _sentence(verdict, key, expecting), findings, key)


def _found(criterion: Criterion, numbers: Numbers) -> list[Finding]:
    if isinstance(criterion, Comparison):
        return found(numbers, criterion)
    if isinstance(criterion, Clears):
        return cleared(numbers, criterion)
    return beside(numbers, criterion) if isinstance(criterion, Beside) else best(numbers, criterion)


def _verdict(holds: Sequence[bool | None]) -> str:
    if False in holds:
        return REFUTED
    return UNDECIDED if None in holds else SUPPORTED


def _key(findings: Sequence[Finding], verdict: str) -> Finding:
    """The finding that a verdict is told by."""
    if verdict == UNDECIDED:
        return next(it for it in findings if it.holds is None)
    if verdict == REFUTED:
        return min((it for it in findings if it.holds is False), key=lambda it: it.room)
    return min(findings, key=lambda it: it.room)


def _untestable(claim: Claim, study: str, reason: str) -> Verdict:
    return Verdict(claim, study, UNTESTABLE, f"Untestable: {reason}.")


def _sentence(verdict: str, key: Finding, findings: Sequence[Finding]) -> str:
    """One sentence with effect, interval and number of seeds."""
    seeds = "one seed" if key.seeds == 1 else f"{key.seeds} seeds"
    count = len(findings)
    if verdict == SUPPORTED:
        least, most = (end(it.seeds for it in findings) for end in (min, max))
        seeds = seeds if least == most else f"{least} to {most} seeds"
        told = f"{key.told}" if count == 1 else f"all {count} findings hold, the narrowest being {key.told}"
        return f"Supported over {seeds}: {told} where {key.expected} was expected."
    if verdict == REFUTED:
        against = sum(it.holds is False for it in findings)
        told = "" if count == 1 else f" ({against} of {count} findings)"
        return f"Refuted over {seeds}: {key.told} where {key.expected} was expected{told}."
    if key.seeds == 1:
        return f"Undecided: one seed, no interval; {key.told} where {key.expected} was expected."
    still = sum(it.holds is None for it in findings)
    told = "" if count == 1 else f" ({still} of {count} findings are open)"
    over = f" over {seeds}" if key.seeds else ""
    return f"Undecided{over}: {key.told} where {key.expected} was expected{told}."


def _beside_sentence(findings: Sequence[Finding]) -> str:
    seeds = findings[0].seeds
    ours = "; ".join(f"{it.measure} of {it.of} {it.value}" for it in findings)
    count = "one seed" if seeds == 1 else f"{seeds} seeds"
    return (
        f"Untestable: a number of the source's own data; ours beside it over {count}, {findings[0].contrast}: {ours}."
    )


def _row(verdict: Verdict) -> list[object]:
    claim, key = verdict.claim, verdict.key
    what = (key.measure, key.of, key.contrast) if key else ("", "", "")
    numbers = (key.effect, key.low, key.high, key.signed, key.seeds) if key else (float("nan"),) * 5
    elsewhere = "; ".join(f"{study}: {told}" for study, told in verdict.elsewhere)
    return [
        *(claim.id, claim.statement, claim.source, claim.standing, claim.sourced_numbers, verdict.verdict),
        *(verdict.study, *what, *numbers, verdict.sentence, elsewhere, claim.caution),
    ]
