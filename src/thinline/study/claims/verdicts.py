"""Verdicts of studies on the claims of the source texts: supported, refuted, depends on, undecided, or untestable.

Conventions
-----------
A claim has one finding for each of its comparisons, each curve, and each setting of the factors that the comparison
does not name (simple_effects.py). expectations.py decides for each finding whether it holds, is refuted, or is open;
rule.py decides by the findings whether the claim is supported, refuted, depends on a factor, or stays undecided; this
module collects findings, verdicts and power in a table. A claim that a study does not vary or measure is untestable,
and the verdict gives the reason. So is a number of the source that no study here can reproduce or contradict; the
verdict shows our value beside it.

If a claim is false, at least one of its findings is false. The claim is supported only if all findings hold, this one
too, and a false finding holds with a probability of at most 2.5 %. So a false claim is supported with a probability of
at most 2.5 %, without a correction. The probability that some finding is refuted by chance grows with their number, by
at most 2.5 % for each; `holm` is the verdict with Holm's correction within the claim. `holding` of `findings` findings
hold. `power` is the probability that a true claim would have been supported (power.py), for the true effects `assumed`.

The sentence of a verdict quotes its key finding. The key finding of a supported claim is the finding with the smallest
clearance (`Expectation.clearance`). If a claim is refuted or depends on a factor, it is the refuted finding with the
smallest clearance. If a claim is undecided, it is the first open finding. Of a claim that depends on a factor the
sentence also quotes the same contrast where the claim holds.

A claim lists studies in an order of preference. Its verdict over all studies is that of the first study that can test
it (`table_of_studies`); the column `elsewhere` lists the verdicts of the others, and is empty for one study.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from thinline.study.claims.claims import Claim
from thinline.study.claims.comparisons import Comparison, NotTestable, StudyData
from thinline.study.claims.criteria import Criterion
from thinline.study.claims.findings import AVERAGED, Finding
from thinline.study.claims.nodes import Beside, Clears
from thinline.study.claims.power import DRAWS, assumed_words, power_of
from thinline.study.claims.rule import (
    DEPENDS,
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    corrected,
    counted,
    decide,
    deciding_of,
)
from thinline.study.claims.sentences import beside_sentence, key_of, other_level, sentence_of
from thinline.study.claims.simple_effects import findings_of
from thinline.study.claims.stack_questions import beside, best, cleared
from thinline.study.design.results import Results

UNTESTABLE: Final = "untestable"
VERDICTS: Final = (SUPPORTED, REFUTED, DEPENDS, UNDECIDED, UNTESTABLE)
"""The kinds of verdict; a verdict of the kind DEPENDS names the factors, as `depends on class_weight`."""

COLUMNS: Final = (
    *("claim", "statement", "source", "standing", "sourced_numbers", "verdict", "holm", "holding", "findings", "power"),
    *("assumed", "study", "measure", "class", "contrast", "effect", "low", "high", "signed", "seeds", "averaged"),
    *("other", "sentence", "elsewhere", "caution"),
)
INTEGERS: Final = {"holding": "Int64", "findings": "Int64"}
"""The columns of counts, empty for a claim without findings."""

FINDING_COLUMNS: Final = (
    *("claim", "study", "measure", "class", "contrast", "setting", "role", "expected", "effect", "low", "high", "p"),
    *("p_holds", "p_refuted", "seeds", "holds", "holm"),
)


def kind_of(verdict: str) -> str:
    """The kind of a verdict, one of `VERDICTS`, or the text itself if there is none."""
    return DEPENDS if verdict.startswith(f"{DEPENDS} on ") else verdict


@dataclass(frozen=True)
class Verdict:
    """The verdict of a study on a claim, in one `sentence`, with its findings and the `key` finding.

    `other` is the value at levels where a claim that depends on a factor holds.
    `holm`, `power` and `assumed` are defined in the docstring of the module.
    """

    claim: Claim
    study: str
    verdict: str
    sentence: str
    findings: tuple[Finding, ...] = ()
    key: Finding | None = None
    holm: str = ""
    power: float = float("nan")
    assumed: str = ""
    other: str = ""

    @property
    def kind(self) -> str:
        """The kind of the verdict, one of `VERDICTS`."""
        return kind_of(self.verdict)

    @property
    def deciding(self) -> list[Finding]:
        """The findings that the verdict counts: those of levels that expect something, and steps that are refuted."""
        return deciding_of(self.findings)


def verdicts_of(claims: Iterable[Claim], results: Results, *, draws: int = DRAWS) -> list[Verdict]:
    """The verdict of one study on every claim; its power is simulated with `draws` studies, NaN with 0."""
    data = StudyData(results)
    return [_of_study(claim, data, draws) for claim in claims]


def table_of_studies(claims: Iterable[Claim], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """For every claim the row of the first study that can test it, as `table` gives it; `elsewhere` has the others.

    `tables` has the verdicts of each study that has run.
    """
    rows = {study: {str(row["claim"]): row for row in own.to_dict("records")} for study, own in tables.items()}
    return _frame([_of_first_study(claim, rows) for claim in claims])


def table(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """One claim a row, columns COLUMNS; NaN if the verdict has no finding."""
    return _frame([_row(verdict) for verdict in verdicts])


def _frame(rows: Sequence[object]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(INTEGERS)


def findings_table(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """One finding a row, columns FINDING_COLUMNS.

    `holds` is yes, no (refuted), open, or empty without expectation; `holm` the same with Holm's correction, empty for
    averages, which decide nothing.
    """
    rows = [row for verdict in verdicts for row in _finding_rows(verdict)]
    return pd.DataFrame(rows, columns=list(FINDING_COLUMNS))


def _finding_rows(verdict: Verdict) -> list[list[object]]:
    words = {True: "yes", False: "no", None: "open"}
    after = iter(corrected(verdict.findings)) if counted(verdict.findings) else iter(())
    rows = []
    for each in verdict.findings:
        counts = bool(each.expected) and each.role != AVERAGED
        setting = ", ".join(f"{factor}={level}" for factor, level in each.setting)
        rows.append(
            [
                *(verdict.claim.id, verdict.study, each.measure, each.of, each.contrast, setting, each.role),
                *(each.expected, each.effect, each.low, each.high, each.p, each.p_holds, each.p_refuted, each.seeds),
                *(words[each.holds] if each.expected else "", words[next(after).holds] if counts else ""),
            ]
        )
    return rows


def _of_first_study(claim: Claim, rows: Mapping[str, Mapping[str, Mapping[Hashable, object]]]) -> object:
    """The row of the first study that has a verdict, or a number beside one of the source, for a claim."""
    ran = [study for study in claim.studies if study in rows]
    if not ran:
        reason = claim.untestable or f"needs {' or '.join(claim.studies)}, none of which has run"
        return dict(zip(COLUMNS, _row(_untestable(claim, "", reason)), strict=True))
    own = {study: rows[study][claim.id] for study in ran}
    decided = (
        study for study, row in own.items() if row["verdict"] != UNTESTABLE or (not claim.tested and row["measure"])
    )
    first = next(decided, ran[0])
    elsewhere = "; ".join(f"{study}: {row['verdict']}" for study, row in own.items() if study != first)
    return {**own[first], "elsewhere": elsewhere}


def _of_study(claim: Claim, data: StudyData, draws: int) -> Verdict:
    study = data.study
    if not claim.tests:
        return _untestable(claim, study, claim.untestable)
    if study not in claim.tests:
        return _untestable(claim, study, f"{study} does not vary what is needed, {' or '.join(claim.studies)} does")
    try:
        findings = tuple(finding for criterion in claim.tests[study] for finding in _findings(criterion, data))
    except NotTestable as error:
        return _untestable(claim, study, str(error))
    if not counted(findings):
        return Verdict(claim, study, UNTESTABLE, beside_sentence(findings), findings, findings[0])
    return _decided(claim, data, findings, draws)


def _decided(claim: Claim, data: StudyData, findings: tuple[Finding, ...], draws: int) -> Verdict:
    decision = decide(findings)
    key = key_of(findings, decision)
    power = power_of(findings, data, draws=draws) if draws else float("nan")
    holm = decide(corrected(findings)).verdict
    sentence = sentence_of(findings, decision, key, holm=holm, power=power)
    return Verdict(
        claim,
        data.study,
        decision.verdict,
        sentence,
        findings,
        key,
        holm=holm,
        power=power,
        assumed=assumed_words(findings),
        other=other_level(findings, decision, key),
    )


def _findings(criterion: Criterion, data: StudyData) -> list[Finding]:
    if isinstance(criterion, Comparison):
        return findings_of(data, criterion)
    if isinstance(criterion, Clears):
        return cleared(data, criterion)
    return beside(data, criterion) if isinstance(criterion, Beside) else best(data, criterion)


def _untestable(claim: Claim, study: str, reason: str) -> Verdict:
    return Verdict(claim, study, UNTESTABLE, f"Untestable: {reason}.")


def _row(verdict: Verdict) -> list[object]:
    claim, key, nan = verdict.claim, verdict.key, float("nan")
    subject = (key.measure, key.of, key.contrast) if key else ("", "", "")
    numbers = (key.effect, key.low, key.high, key.signed, key.seeds) if key else (nan,) * 5
    deciding = verdict.deciding
    counts = (sum(finding.holds is True for finding in deciding), len(deciding)) if deciding else (nan, nan)
    return [
        *(claim.id, claim.statement, claim.source, claim.standing, claim.sourced_numbers, verdict.verdict),
        *(verdict.holm, *counts, verdict.power, verdict.assumed, verdict.study, *subject, *numbers),
        *(_averaged(verdict), verdict.other, verdict.sentence, "", claim.caution),
    ]


def _averaged(verdict: Verdict) -> str:
    """The contrast of the key finding averaged over all settings, e.g. `+.133 [.124, .142], averaged over data_mix`."""
    key = verdict.key
    for finding in verdict.findings:
        if key and finding.role == AVERAGED and (finding.asked, finding.of) == (key.asked, key.of):
            return f"{finding.value}, averaged over {finding.contrast.rpartition(', averaged over ')[2]}"
    return ""
