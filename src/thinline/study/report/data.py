"""Results, effects, verdicts and figures of a study as one dictionary for JSON: everything that a report shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from thinline.study.claims.verdicts import VERDICTS
from thinline.study.design.results import Results
from thinline.study.figures.effects import SIGNIFICANT
from thinline.study.figures.style import Picture, words
from thinline.study.report.answer import answer
from thinline.study.report.board import board, values
from thinline.study.report.tables import (
    ORDERS,
    effects,
    matrix,
    measures_of,
    verdicts,
)
from thinline.study.stats.estimates import LEVEL

if TYPE_CHECKING:
    from thinline.study.stats.effects import Effects

AS_TABLES: Final = ("decision_matrix", "heat_map")
"""Figures that are left out, since the page has their numbers as a table."""

TABLES: Final = {
    "conditions.csv": "one condition a row: mean, standard deviation, 95 % interval and number of seeds",
    "results.parquet": "one number a row: every measure of every run, split, sheet and class",
    "effects.csv": "one contrast a row, of every order, with interval, p and the detectable effect",
    "verdicts.csv": "one claim a row",
    "findings.csv": "one contrast behind a claim a row",
}
"""The tables beside the report, by file, and what they have."""


def report_data(
    results: Results,
    tables: Effects,
    verdict_table: pd.DataFrame,
    pictures: Mapping[str, Picture],
    *,
    usable: Mapping[str, float],
    sources: Mapping[str, str],
) -> dict[str, Any]:
    """Everything that a report shows; the arguments are those of `render_report`."""
    measures, classes, study = measures_of(tables.cells), results.classes, results.study
    of_conditions = values(tables.cells, measures, classes)
    verdict_rows = verdicts(verdict_table)
    counts = Counter(row["kind"] for row in verdict_rows)
    data = {
        "study": {"title": words(study.name)}
        | {name: getattr(study, name) for name in ("name", "question", "command", "budget", "primary")},
        "ran": _ran(results),
        "left_out": results.left_out,
        "made_by": results.made_by,
        "classes": [{"name": name, "title": words(name)} for name in classes],
        "measures": [{"key": measure.key, "name": measure.name, "lower": measure.lower} for measure in measures],
        "values": of_conditions,
        "usable": usable,
        "board": board(results),
        "matrix": matrix(results, of_conditions, tables, measures),
        "effects": effects(tables.contrasts, tables.pairs, measures, classes),
        "significant": SIGNIFICANT,
        "higher_orders": int((tables.contrasts["order"] > ORDERS).sum()),
        "verdicts": verdict_rows,
        "verdict_counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "sources": sources,
        "notes": tables.notes,
        "pictures": [_picture(name, picture) for name, picture in pictures.items() if name not in AS_TABLES],
        "downloads": [{"file": file, "what": what} for file, what in TABLES.items()],
        "answer": answer(results, tables, measures, verdict_rows),
    }
    converted: dict[str, Any] = as_json(data)
    return converted


def _ran(results: Results) -> dict[str, Any]:
    """How much was run, and of what."""
    sheets = results.sheets[results.sheets["split"] == "test"]
    of_one_run = sheets[sheets["run"] == sheets["run"].iloc[0]] if len(sheets) else sheets
    return {
        "cells": len(results.cells),
        "seeds": list(results.seeds),
        "conditions": len(results.conditions),
        "grid": int(results.conditions["grid"].sum()),
        "sheets": int(of_one_run["sheet"].nunique()),
        "factors": [{"label": words(name), "levels": levels} for name, levels in results.factors.items()],
        "level": LEVEL,
    }


def _picture(name: str, picture: Picture) -> dict[str, Any]:
    """A figure beside the report, with the size of a PNG so that the page does not shift when it loads."""
    is_png = picture.png[:8] == b"\x89PNG\r\n\x1a\n" and len(picture.png) >= 24
    size = (int.from_bytes(picture.png[16:20], "big"), int.from_bytes(picture.png[20:24], "big")) if is_png else None
    return {"title": picture.title, "alt": picture.alt, "source": f"figures/{name}.png", "size": size}


def as_json(value: Any) -> Any:
    """`value` in the types of JSON; NaN and missing values become null, other objects their text."""
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return as_json(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return None if value is pd.NA or value is pd.NaT else str(value)
