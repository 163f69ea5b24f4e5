"""The tables of a report, ready to be written down: the decision matrix and the verdicts.

Conventions
-----------
A *view* of the matrix has one row for each condition, or for each level of a factor (then the mean over the conditions
of the grid with that level, paired by seed, and the rank among the levels (ranks.py) where the effects have it; over
the same conditions of all other factors where the grid has holes, see contrasts.py). Its columns are measures by class.
Of each column the best is marked, all of them where several are equal to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.style import words
from thinline.study.figures.tables import short_labels, varied
from thinline.study.report.board import Shown
from thinline.study.report.numbers import NOTHING, digits_of, number, span, text_of
from thinline.study.stats.contrasts import grid_of, level_weights
from thinline.study.stats.estimates import estimate
from thinline.study.stats.samples import samples
from thinline.vocabulary import Bool, Float64

VERDICTS: Final = ("supported", "refuted", "undecided", "untestable")
VERDICT_COLUMNS: Final = (
    *("claim", "statement", "source", "standing", "sourced_numbers", "verdict", "study"),
    *("measure", "class", "effect", "low", "high", "signed", "seeds", "sentence"),
)
ASIDE: Final = ("elsewhere", "caution")
"""What other studies say of a claim, and what does not fit together: shown below the sentence, if the table has it."""

_SHADES: Final = 5
_SMALL: Final = 0.02


def matrix(
    results: Results, values: Mapping[str, Mapping[str, Any]], ranks: pd.DataFrame, measures: Sequence[Shown]
) -> dict[str, Any]:
    """Columns, and the views: conditions, and each factor of which the grid has several levels."""
    columns = [(it, name) for it in measures for name in results.classes]
    names = short_labels(results)
    of_conditions = [[values[name][it.key].get(label) for it, name in columns] for label in names]
    views = [_view("conditions", "condition", list(names), list(names.values()), columns, of_conditions)]
    of_levels = varied(results)
    means = _of_levels(results, of_levels, columns)
    for factor, levels in of_levels.items():
        view = _view(factor, words(factor), levels, levels, columns, means[factor])
        _add_ranks(view, ranks[ranks["factor"] == factor], columns)
        views.append(view)
    return {"columns": [_column(it, name) for it, name in columns], "views": views}


def _column(it: Shown, name: str) -> dict[str, Any]:
    return {"key": f"{it.key}/{name}", "measure": it.name, "class": name, "class_name": words(name), "lower": it.lower}


def _view(
    key: str,
    head: str,
    labels: Sequence[str],
    names: Sequence[str],
    columns: Sequence[tuple[Shown, str]],
    values: Sequence[Sequence[Any]],
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {"label": label, "name": name, "cells": [_cell(it, value) for (it, _), value in zip(columns, own, strict=True)]}
        for label, name, own in zip(labels, names, values, strict=True)
    ]
    for place, (it, _) in enumerate(columns):
        _shade([row["cells"][place] for row in rows], lower=it.lower)
    return {"key": key, "head": head, "rows": rows}


def _cell(it: Shown, value: Sequence[float] | None) -> dict[str, Any]:
    mean, low, high = (value or (np.nan, np.nan, np.nan))[:3]
    digits = digits_of(it.measure)
    return {
        "value": float(mean) if np.isfinite(mean) else None,
        "text": number(mean, digits),
        "span": span(low, high, digits),
        "rank": "",
    }


def _shade(cells: Sequence[dict[str, Any]], *, lower: bool) -> None:
    """How good each cell of a column is among the others, 0 to 4, and which is the best; none where all are equal."""
    known = [cell["value"] for cell in cells if cell["value"] is not None]
    ends = (min(known), max(known)) if known else (0.0, 0.0)
    worst, best = ends[::-1] if lower else ends
    for cell in cells:
        spread = best != worst and cell["value"] is not None
        share = (cell["value"] - worst) / (best - worst) if spread else 0.0
        cell["shade"] = min(int(share * _SHADES), _SHADES - 1)
        cell["best"] = spread and cell["value"] == best


def _of_levels(
    results: Results, told: Mapping[str, Sequence[str]], columns: Sequence[tuple[Shown, str]]
) -> dict[str, list[list[Any]]]:
    """By factor, the mean of each level over the grid, by column; None where it cannot be told."""
    quick = replace(results, sheets=results.sheets.astype(dict.fromkeys(("split", "measure", "class"), "category")))
    found: dict[str, list[list[Any]]] = {factor: [[] for _ in levels] for factor, levels in told.items()}
    weights: dict[bytes, dict[str, dict[str, Float64]]] = {}
    for it, name in columns:
        try:
            data = samples(quick, it.measure, name, split=it.split)
        except StudyError:
            data = None
        known = np.zeros(len(results.conditions), np.bool_)
        if data is not None:
            known = np.asarray(np.isfinite(data.values).any(1))
        if known.tobytes() not in weights:
            weights[known.tobytes()] = _level_weights(results, known)
        own = weights[known.tobytes()]
        for factor, levels in told.items():
            for place, level in enumerate(levels):
                weight = own.get(factor, {}).get(level)
                mean = None if data is None or weight is None else estimate(data, weight)
                found[factor][place].append(None if mean is None else (mean.effect, mean.low, mean.high))
    return found


def _level_weights(results: Results, known: Bool) -> dict[str, dict[str, Float64]]:
    """By factor and level, the weights of the conditions of the grid that are `known` [A] (have the measure)."""
    grid = grid_of(results, known)
    found = {name: dict(zip(grid.levels[name], level_weights(grid, name), strict=False)) for name in grid.names}
    for name in set(results.factors) - set(grid.names):  # one level alone has the measure
        found[name] = {
            str(level): grid.inside / grid.inside.sum() for level in results.conditions[name][grid.inside].unique()
        }
    return found


def _add_ranks(view: dict[str, Any], ranks: pd.DataFrame, columns: Sequence[tuple[Shown, str]]) -> None:
    known = ranks.set_index(["split", "measure", "class", "level"])[["rank", "low_rank", "high_rank"]]
    table = {key: row for key, *row in known.itertuples()}
    for row in view["rows"]:
        for (it, name), cell in zip(columns, row["cells"], strict=True):
            rank = table.get((it.split, it.measure, name, row["label"]))
            if rank is not None:
                cell["rank"] = f"rank {rank[0]:g} ({rank[1]:g} to {rank[2]:g})"


def verdicts(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of the verdict table. Raises `StudyError` for a missing column and for a verdict that is none."""
    lacking = [name for name in VERDICT_COLUMNS if name not in table]
    if lacking:
        raise StudyError(
            f"expected verdicts with the columns {', '.join(VERDICT_COLUMNS)}, lacking {', '.join(lacking)}"
        )
    strange = sorted(set(table["verdict"]) - set(VERDICTS))
    if strange:
        raise StudyError(f"expected verdicts {', '.join(VERDICTS)}, got {', '.join(map(repr, strange))}")
    return [_verdict(row) for row in table.to_dict("records")]


def _verdict(row: Mapping[Any, Any]) -> dict[str, Any]:
    told = {name: text_of(row[name]) for name in VERDICT_COLUMNS} | {name: text_of(row.get(name)) for name in ASIDE}
    effect, low, high = (pd.to_numeric(row[name], errors="coerce") for name in ("effect", "low", "high"))
    seeds = pd.to_numeric(row["seeds"], errors="coerce")
    there, signed = bool(np.isfinite(effect)), str(row["signed"]) != "False"  # text where the table was a file
    digits = 4 if np.nanmax(np.abs([effect, low, high, 0])) < _SMALL else 3
    return told | {
        "effect": number(effect, digits, signed=signed) if there else NOTHING,
        "span": span(low, high, digits, signed=signed) if there else "",
        "seeds": f"{int(seeds)} seed{'s' if seeds != 1 else ''}" if there and np.isfinite(seeds) else "",
    }
