"""The first screen of a report: three sentences with intervals that answer the question, and one figure.

Conventions
-----------
All numbers are those of the tables of effects. The measure is the first declared one of the study. In order:

    1  the largest main effect, of all factors
    2  the largest interaction, if it differs from 0 and is half as large as that effect or larger: then the effect of
       one factor depends on the other, and is given at both levels of the other (simple effects, means over the
       remaining factors of the grid). Else the largest main effect of the next factor, or of the next measure
    3  the verdict on the claim that answers the question (`answer` of the study), or the number of verdicts; and the
       condition with the best mean over curves, those that predict most curves first

A study without contrasts has its best condition by the first and second measure, and the verdicts. The size of a
contrast is the largest of its absolute effects on a curve; the levels of a main effect are in the order in which that
effect is positive, as `tversky less soft_ce: +.128`. The figure has the largest contrast of each factor and the
largest interactions, or without contrasts the measures of the best condition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import label
from thinline.metrics.number_format import interval, number
from thinline.study.claims.usable import most_curves_first
from thinline.study.design.results import Results
from thinline.study.figures.effects import SIGNIFICANT
from thinline.study.figures.style import words
from thinline.study.figures.tables import short_labels
from thinline.study.report.tables import Measure
from thinline.study.stats.contrasts import grid_of, matched_means
from thinline.study.stats.estimates import estimate
from thinline.study.stats.samples import samples

if TYPE_CHECKING:
    from thinline.study.stats.effects import Effects

_JOINED: Final = "\N{NO-BREAK SPACE}"
_TESTED: Final = {
    "supported": "supported",
    "refuted": "refuted",
    "depends": "that depend on a factor",
    "undecided": "undecided",
}
_MOST_ROWS: Final = 5
_MOST_MAINS: Final = 4


@dataclass(frozen=True)
class Value:
    """A number of one curve with its interval, NaN without one; `differs`: from 0, after Holm's correction."""

    name: str
    value: float
    low: float
    high: float
    differs: bool = True

    @property
    def turned(self) -> Value:
        """The value of the contrast with its levels exchanged."""
        return Value(self.name, -self.value, -self.high, -self.low, self.differs)


@dataclass(frozen=True)
class Row:
    """What is compared or measured, in words, its factors, and its value on every curve."""

    label: str
    term: str
    measure: Measure
    values: tuple[Value, ...]
    order: int = 0

    @property
    def size(self) -> float:
        """The largest absolute value of a curve."""
        return max(abs(each.value) for each in self.values)

    @property
    def differs(self) -> bool:
        """Whether the value of any curve differs from 0."""
        return any(each.differs for each in self.values)

    @property
    def text(self) -> str:
        """E.g. `+.128 [+.118, +.139] on curve 1 and +.168 [+.163, +.172] on curve 2`."""
        numbers = [(*_numbers(self, each), words(each.name).replace(" ", _JOINED)) for each in self.values]
        return _listed([f"{value} {span.replace(' ', _JOINED)} on {name}" for value, span, name in numbers])


def answer(
    results: Results, tables: Effects, measures: Sequence[Measure], verdict_rows: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """The sentences and the figure; see the module. `verdict_rows` are those of the report (`tables.verdicts`)."""
    by_key = {measure.key: measure for measure in measures}
    declared = [by_key[key] for key in results.study.primary if key in by_key] or list(measures)
    if not declared:
        return {"sentences": [], "figure": None}
    contrasts = _contrasts(tables.contrasts, declared[0], results.classes)
    best, tested = _best(results, tables.cells, declared), _verdict(verdict_rows, results.study.answer)
    if not contrasts:
        return _without_contrasts(results, best, tested)
    others = [_mains(_contrasts(tables.contrasts, measure, results.classes)) for measure in declared[1:2]]
    second = _second_sentence(results, contrasts, [mains[0] for mains in others if mains])
    mains = _mains(contrasts)
    sentences = [_first_sentence(mains[0], alone=len(mains) == 1), *second]
    sentences += [_best_sentence(results, row, tested) for row in best[:1]]
    return {"sentences": sentences, "figure": _figure(_shown(contrasts), _title(declared[0], mains))}


def _title(measure: Measure, mains: Sequence[Row]) -> str:
    averaged = ", averaged over the other factors" if len(mains) > 1 else ""
    return f"Largest effects on {measure.name}{averaged}"


def _without_contrasts(results: Results, best: Sequence[Row], tested: str) -> dict[str, Any]:
    sentences = [_best_sentence(results, row) for row in best[:1]]
    sentences += [f"Of the same condition {row.measure.name} is {row.text}." for row in best[1:2]]
    sentences += [f"{tested}."] if tested else []
    return {"sentences": sentences, "figure": _figure(best, f"{best[0].label}, by measure") if best else None}


def _contrasts(table: pd.DataFrame, measure: Measure, classes: Sequence[str]) -> list[Row]:
    """The contrasts of one and two factors, the largest first."""
    own = table[(table["split"] == measure.split) & (table["measure"] == measure.measure)]
    own = own[own["class"].isin(classes) & (own["order"] <= 2) & np.isfinite(own["effect"].astype(np.float64))]
    rows = []
    for (order, term, contrast), part in own.groupby(["order", "term", "contrast"], sort=False):
        columns = part[["class", "effect", "low", "high", "p_holm"]].itertuples(index=False, name=None)
        values = [Value(name, effect, low, high, p < SIGNIFICANT) for name, effect, low, high, p in columns]
        rows.append(_oriented(str(contrast), str(term), measure, values, order=int(str(order))))
    return sorted(rows, key=lambda row: -row.size)


def _oriented(contrast: str, term: str, measure: Measure, values: Sequence[Value], *, order: int) -> Row:
    """A contrast in words; a main effect with its levels so that its largest value is positive."""
    first, _, second = contrast.partition(" - ")
    if order > 1:
        return Row(contrast.replace(" - ", " less "), term, measure, tuple(values), order)
    if max(values, key=lambda each: abs(each.value)).value < 0:
        first, second, values = second, first, [each.turned for each in values]
    return Row(f"{first} less {second}", term, measure, tuple(values), order)


def _mains(rows: Sequence[Row]) -> list[Row]:
    """The largest main effect of each factor."""
    mains: dict[str, Row] = {}
    for row in rows:
        if row.order == 1:
            mains.setdefault(row.term, row)
    return list(mains.values())


def _interactions(rows: Sequence[Row]) -> list[Row]:
    """The largest interaction of each two factors that differs from 0."""
    largest: dict[str, Row] = {}
    for row in rows:
        if row.order > 1 and row.differs:
            largest.setdefault(row.term, row)
    return list(largest.values())


def _shown(rows: Sequence[Row]) -> list[Row]:
    mains, interactions = _mains(rows)[:_MOST_MAINS], _interactions(rows)
    return [*mains, *interactions[: _MOST_ROWS - len(mains)]]


def _first_sentence(row: Row, *, alone: bool) -> str:
    doubt = "" if row.differs else " None differs from 0 after Holm's correction."
    subject = "The largest effect" if alone else "Averaged over the other factors, the largest effect"
    return f"{subject} on {row.measure.name} is of {words(row.term)}, {row.label}: {row.text}.{doubt}"


def _second_sentence(results: Results, rows: Sequence[Row], others: Sequence[Row]) -> list[str]:
    mains, interactions = _mains(rows), _interactions(rows)
    if interactions and interactions[0].size >= mains[0].size / 2:
        return [_simple_effects(results, interactions[0], of=mains[0].term)]
    if mains[1:]:
        row = mains[1]
        doubt = "" if row.differs else ", which does not differ from 0 after Holm's correction"
        return [f"Next is {words(row.term)}, {row.label}: {row.text}{doubt}."]
    return [_first_sentence(row, alone=True) for row in others]


def _simple_effects(results: Results, row: Row, *, of: str) -> str:
    """The two simple effects behind an interaction: of the factor `of`, or else its second, at each level of the other.

    `row` has two factors and a label as `(measured less none) x (dice less soft_ce)`.
    """
    names = row.term.split(":")
    contrasts = [part.strip("()").split(" less ") for part in row.label.split(" x ")]
    inner = names.index(of) if of in names else 1
    (own, other), (plus, minus) = (names[inner], names[1 - inner]), contrasts[inner]
    levels, texts = contrasts[1 - inner][::-1], []
    cells = [(side, level) for level in levels for side in (plus, minus)]
    weights = matched_means(grid_of(results), (own, other), cells)
    for level, first, second in zip(levels, weights[::2], weights[1::2], strict=True):
        values = []
        for each in row.values:
            data = samples(results, row.measure.measure, each.name, split=row.measure.split)
            estimated = estimate(data, first - second)
            values.append(Value(each.name, estimated.effect, estimated.low, estimated.high))
        texts.append(f"{replace(row, values=tuple(values)).text} at {level}")
    return f"The effect of {words(own)} depends on {words(other)}: {plus} less {minus} is {'; '.join(texts)}."


def _best(results: Results, cells: pd.DataFrame, measures: Sequence[Measure]) -> list[Row]:
    """The best condition by the first of the `measures`, and its values of all of them."""
    labels, rows = short_labels(results), []
    condition = ""
    for measure in measures:
        own = cells[(cells["split"] == measure.split) & (cells["measure"] == measure.measure)]
        own = own[own["class"].isin(results.classes)].set_index("condition")
        if not condition:
            table = own.reset_index().pivot(index="condition", columns="class", values="mean")
            table = table.reindex(results.conditions.index).astype(np.float64)
            ordered = table.mean(axis=1).sort_values(ascending=measure.lower, kind="stable")
            condition = str(most_curves_first(ordered, table).index[0])
        columns = own.loc[own.index == condition, ["class", "mean", "low", "high"]]
        values = [Value(*row) for row in columns.itertuples(index=False, name=None) if np.isfinite(row[1])]
        if values:
            rows.append(Row(labels[condition], "", measure, tuple(values)))
    return rows


def _best_sentence(results: Results, row: Row, tested: str = "") -> str:
    first = "The condition with the highest mean" if len(results.conditions) > 1 else "The condition"
    first = first.replace("highest", "lowest") if row.measure.lower else first
    start = f"{tested}; {first[0].lower()}{first[1:]}" if tested else first
    return f"{start}, {row.label}, has {row.measure.name} {row.text}."


def _verdict(rows: Sequence[Mapping[str, str]], answer: str) -> str:
    """The verdict on the claim `answer`, else how many claims the study supports, refutes, and leaves undecided."""
    tested = [row for row in rows if row["kind"] in _TESTED]
    for row in (row for row in tested if row["claim"] == answer):
        split, _, measure = row["measure"].partition("/")
        name = row["measure"] if " " in row["measure"] else label(measure, split)
        numbers = f"{row['effect']} {row['span']}".strip().replace(", ", f",{_JOINED}")
        verdict = row["verdict"] if row["kind"] == "depends" else f"is {row['verdict']}"
        caution = f"; caution: {row['caution'].rstrip('.')}" if row["caution"] else ""
        return f'"{row["statement"].rstrip(".")}" {verdict} ({name} of {words(row["class"])}: {numbers}{caution})'
    counts = Counter(row["kind"] for row in tested)
    named = _listed([f"{counts[kind]} {text}" for kind, text in _TESTED.items() if counts[kind]])
    return f"Verdicts on {len(tested)} claims: {named}" if named else ""


def _figure(rows: Sequence[Row], title: str) -> dict[str, Any]:
    """The rows with positions in percent of the axis, which has 0 on it and is at `zero`."""
    ends = [end for row in rows for each in row.values for end in (each.value, each.low, each.high)]
    low, high = (float(end) for end in (np.nanmin([*ends, 0.0]), np.nanmax([*ends, 0.0])))
    reach = (high - low) or 1.0

    def at(value: float) -> float:
        return round(2 + 96 * (value - low) / reach, 1)

    drawn = []
    for row in rows:
        label = row.label if row.order else row.measure.name
        bars = []
        for each in row.values:
            effect, span = _numbers(row, each)
            left, right = (at(end if np.isfinite(end) else each.value) for end in (each.low, each.high))
            bars.append(
                {"class": words(each.name), "text": effect, "span": span, "differs": each.differs}
                | {"left": left, "width": round(right - left, 1), "at": at(each.value)}
            )
        term = " x ".join(words(name) for name in row.term.split(":")) if row.term else ""
        drawn.append({"label": label, "term": term, "bars": bars})
    return {"title": title, "rows": drawn, "zero": at(0.0), "effects": any(row.order for row in rows)}


def _numbers(row: Row, each: Value) -> tuple[str, str]:
    """The value and the interval as texts, the second empty without one."""
    signed, digits = row.order > 0, row.measure.digits
    return number(each.value, digits, signed=signed), interval(each.low, each.high, digits, signed=signed)


def _listed(texts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
