"""The tables of a report: the decision matrix, the effects and the verdicts, with every number as text.

Conventions
-----------
A *view* of the matrix has one row for each condition, or for each level of a factor: then its cells are means over the
conditions of the grid with that level, paired by seed, with the rank among the levels (ranks.py) where the effects have
it. Where the grid has holes, levels are compared over the same conditions of all other factors (contrasts.py). Columns
are measures by class; the best cell of a column is marked, or all of them where several are equal to the last digit.

The contrasts are those of one and two factors. A contrast *differs* from 0 at p < .05 after Holm's correction, as in
the forest plot. A main effect also has the probability that its first level is the better one, which is not corrected
for the number of contrasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import label, less_is_better, metric
from thinline.metrics.number_format import MISSING, interval, number, probability
from thinline.study.claims.verdicts import VERDICTS, kind_of
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.effects import SIGNIFICANT
from thinline.study.figures.style import words
from thinline.study.figures.tables import short_labels, varied
from thinline.study.stats.detectable import smallest_of
from thinline.study.stats.samples import AXES

if TYPE_CHECKING:
    from thinline.study.stats.effects import Effects

ORDERS: Final = 2
"""Main effects and interactions of up to so many factors are in the page."""

VERDICT_COLUMNS: Final = (
    *("claim", "statement", "source", "standing", "sourced_numbers", "verdict", "study"),
    *("measure", "class", "effect", "low", "high", "signed", "seeds", "sentence"),
)
NOTES: Final = ("elsewhere", "caution", "averaged", "holm", "holding", "findings", "power", "assumed")
"""Optional columns, shown below the sentence or the verdict: the verdicts of other studies, contradictions, the average
over other factors; the verdict with Holm's correction, how many findings hold, and the power."""

_SHADES: Final = 5
_SMALL: Final = 0.02


@dataclass(frozen=True)
class Measure:
    """A measure of a split; `key` is its name in tables and scripts."""

    split: str
    measure: str

    @property
    def key(self) -> str:
        """`split/measure`."""
        return f"{self.split}/{self.measure}"

    @property
    def name(self) -> str:
        """The label with the split and unit."""
        unit = metric(self.measure).unit
        return label(self.measure, self.split) + (f" [{unit}]" if unit else "")

    @property
    def lower(self) -> bool:
        """Whether less is better."""
        return less_is_better(self.measure)

    @property
    def digits(self) -> int:
        """Digits after the point."""
        return metric(self.measure).digits


def measures_of(cells: pd.DataFrame) -> list[Measure]:
    """The measures of a table of conditions that a report has, in the order of `AXES`; tuned F1 after F1."""
    stored = set(zip(cells["split"], cells["measure"], strict=True))
    wanted = [("test", name) for name in AXES]
    wanted.insert(AXES.index("f1") + 1, ("tuned", "f1"))
    return [Measure(*measure) for measure in wanted if measure in stored]


def matrix(
    results: Results, values: Mapping[str, Mapping[str, Any]], tables: Effects, measures: Sequence[Measure]
) -> dict[str, Any]:
    """Columns, the smallest difference of two conditions that the seeds can tell, and views: the conditions, and the
    levels of each factor that the grid varies."""
    ranks = tables.ranks
    columns = [(measure, name) for measure in measures for name in results.classes]
    names = short_labels(results)
    of_conditions = [[values[name][measure.key].get(condition) for measure, name in columns] for condition in names]
    views = [_view("conditions", "condition", list(names), list(names.values()), columns, of_conditions)]
    factors = varied(results)
    means = _level_means(tables.levels, factors, columns)
    for factor, levels in factors.items():
        view = _view(factor, words(factor), levels, levels, columns, means[factor])
        _add_ranks(view, ranks[ranks["factor"] == factor], columns)
        views.append(view)
    smallest = [smallest_of(results, measure.measure, name, split=measure.split) for measure, name in columns]
    differences = [number(value, measure.digits) for value, (measure, _) in zip(smallest, columns, strict=True)]
    return {"columns": [_column(measure, name) for measure, name in columns], "views": views, "smallest": differences}


def _column(measure: Measure, name: str) -> dict[str, Any]:
    return {
        "key": f"{measure.key}/{name}",
        "measure": measure.name,
        "class": name,
        "class_name": words(name),
        "lower": measure.lower,
    }


def _view(
    key: str,
    head: str,
    labels: Sequence[str],
    names: Sequence[str],
    columns: Sequence[tuple[Measure, str]],
    values: Sequence[Sequence[Any]],
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {
            "label": row,
            "name": name,
            "cells": [_cell(measure, value) for (measure, _), value in zip(columns, own, strict=True)],
        }
        for row, name, own in zip(labels, names, values, strict=True)
    ]
    for index, (measure, _) in enumerate(columns):
        _shade([row["cells"][index] for row in rows], lower=measure.lower)
    return {"key": key, "head": head, "rows": rows}


def _cell(measure: Measure, value: Sequence[float] | None) -> dict[str, Any]:
    mean, low, high = (value or (np.nan, np.nan, np.nan))[:3]
    return {
        "value": float(mean) if np.isfinite(mean) else None,
        "text": number(mean, measure.digits),
        "span": interval(low, high, measure.digits),
        "rank": "",
    }


def _shade(cells: Sequence[dict[str, Any]], *, lower: bool) -> None:
    """How good each cell of a column is among the others, 0 to 4, and which is the best; none where all are equal."""
    known = [cell["value"] for cell in cells if cell["value"] is not None]
    ends = (min(known), max(known)) if known else (0.0, 0.0)
    worst, best = ends[::-1] if lower else ends
    for cell in cells:
        differs = best != worst and cell["value"] is not None
        share = (cell["value"] - worst) / (best - worst) if differs else 0.0
        cell["shade"] = min(int(share * _SHADES), _SHADES - 1)
        cell["best"] = differs and cell["value"] == best


def _level_means(
    levels: pd.DataFrame, factors: Mapping[str, Sequence[str]], columns: Sequence[tuple[Measure, str]]
) -> dict[str, list[list[Any]]]:
    """By factor, the mean of each level by column, from the table `levels` of the effects; None where there is none."""
    keys = ["factor", "level", "split", "measure", "class"]
    known = {tuple(row): mean for *row, mean in zip(*(levels[key] for key in keys), _intervals(levels), strict=True)}
    return {
        factor: [
            [known.get((factor, level, measure.split, measure.measure, name)) for measure, name in columns]
            for level in own
        ]
        for factor, own in factors.items()
    }


def _intervals(table: pd.DataFrame) -> list[tuple[float, float, float]]:
    return list(zip(table["mean"], table["low"], table["high"], strict=True))


def _add_ranks(view: dict[str, Any], ranks: pd.DataFrame, columns: Sequence[tuple[Measure, str]]) -> None:
    known = ranks.set_index(["split", "measure", "class", "level"])[["rank", "low_rank", "high_rank"]]
    table = {key: row for key, *row in known.itertuples()}
    for row in view["rows"]:
        for (measure, name), cell in zip(columns, row["cells"], strict=True):
            rank = table.get((measure.split, measure.measure, name, row["label"]))
            if rank is not None:
                cell["rank"] = f"rank {rank[0]:g} ({rank[1]:g} to {rank[2]:g})"


def report_contrasts(contrasts: pd.DataFrame, measures: Sequence[Measure], classes: Sequence[str]) -> pd.DataFrame:
    """The contrasts of order 1 and 2 of the report's measures and classes, by order and then by measure."""
    keys = contrasts["split"] + "/" + contrasts["measure"]
    order = {measure.key: index for index, measure in enumerate(measures)}
    kept = contrasts[(contrasts["order"] <= ORDERS) & keys.isin(list(order)) & contrasts["class"].isin(list(classes))]
    return kept.assign(_of=keys.map(order)).sort_values(["order", "_of"], kind="stable").drop(columns="_of")


def effects(
    contrasts: pd.DataFrame, pairs: pd.DataFrame, measures: Sequence[Measure], classes: Sequence[str]
) -> list[dict[str, Any]]:
    """The contrasts as rows; `reach` is the half width of the axis of their measure's interval bars."""
    by_key = {measure.key: measure for measure in measures}
    keys = ["split", "measure", "class", "factor", "level_a", "level_b"]
    better = {tuple(row): p for *row, p in pairs[[*keys, "p_better"]].itertuples(index=False)}
    rows = [
        _effect(row, by_key[f"{row['split']}/{row['measure']}"], better)
        for row in report_contrasts(contrasts, measures, classes).to_dict("records")
    ]
    reach: dict[str, float] = {}
    for row in rows:
        ends = [abs(row[name]) for name in ("value", "low", "high") if np.isfinite(row[name])]
        reach[row["measure"]] = max([reach.get(row["measure"], 0.0), *ends])
    return [row | {"reach": reach[row["measure"]] or 1.0} for row in rows]


def _effect(row: Mapping[Any, Any], measure: Measure, better: Mapping[Any, float]) -> dict[str, Any]:
    effect, low, high = (float(row[name]) for name in ("effect", "low", "high"))
    first, _, second = str(row["contrast"]).partition(" - ")
    factor = (measure.split, measure.measure, row["class"], row["term"])
    chance = better.get((*factor, first, second), 1 - better.get((*factor, second, first), np.nan))
    return {
        **{
            "measure": measure.key,
            "measure_name": measure.name,
            "class": row["class"],
            "class_name": words(row["class"]),
        },
        **{"order": int(row["order"]), "term": row["term"], "contrast": row["contrast"]},
        **{"value": effect, "low": low, "high": high, "primary": bool(row["primary"])},
        "known": bool(np.isfinite(low) and np.isfinite(high)),
        "differs": bool(row["p_holm"] < SIGNIFICANT),
        "text": number(effect, measure.digits, signed=True),
        "span": interval(low, high, measure.digits, signed=True),
        "better": probability(chance) if row["order"] == 1 else "",
        "p": probability(row["p"]),
        "p_holm": probability(row["p_holm"]),
        "seeds": text_of(row["seeds"]),
        "detectable": number(row["detectable"], measure.digits),
    }


def verdicts(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of the verdict table. Raises `StudyError` for a missing column and an unknown verdict."""
    lacking = [name for name in VERDICT_COLUMNS if name not in table]
    if lacking:
        raise StudyError(
            f"expected verdicts with the columns {', '.join(VERDICT_COLUMNS)}, lacking {', '.join(lacking)}"
        )
    unknown = sorted(verdict for verdict in set(table["verdict"]) if kind_of(verdict) not in VERDICTS)
    if unknown:
        raise StudyError(f"expected verdicts {', '.join(VERDICTS)}, got {', '.join(map(repr, unknown))}")
    return [_verdict(row) for row in table.to_dict("records")]


def _verdict(row: Mapping[Any, Any]) -> dict[str, Any]:
    texts = {name: text_of(row.get(name)) for name in (*VERDICT_COLUMNS, *NOTES)}
    effect, low, high = (pd.to_numeric(row[name], errors="coerce") for name in ("effect", "low", "high"))
    seeds = pd.to_numeric(row["seeds"], errors="coerce")
    known, signed = bool(np.isfinite(effect)), str(row["signed"]) != "False"  # a text where the table was read from csv
    digits = 4 if np.nanmax(np.abs([effect, low, high, 0])) < _SMALL else 3
    power = pd.to_numeric(row.get("power", np.nan), errors="coerce")
    return texts | {
        "kind": kind_of(str(row["verdict"])),
        "power": number(power, 2) if np.isfinite(power) else "",
        "effect": number(effect, digits, signed=signed) if known else MISSING,
        "span": interval(low, high, digits, signed=signed) if known else "",
        "seeds": f"{int(seeds)} seed{'s' if seeds != 1 else ''}" if known and np.isfinite(seeds) else "",
    }


def text_of(value: Any) -> str:
    """A cell of a table as text, empty for a missing value; items of a list are separated by commas."""
    if isinstance(value, list | tuple):
        return ", ".join(text_of(item) for item in value)
    return "" if value is None or pd.isna(value) else str(value)
