"""Results, effects, verdicts and figures of a study as one dictionary that JSON knows: everything a report shows."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from thinline.study.design.results import Results
from thinline.study.figures.effects import SIGNIFICANT
from thinline.study.figures.style import Picture, words
from thinline.study.report.board import Shown, board, dial, shift, shown, values
from thinline.study.report.effects import ORDERS, better, effects, shown_contrasts
from thinline.study.report.numbers import digits_of, plain
from thinline.study.report.tables import VERDICTS, matrix, verdicts
from thinline.study.stats.estimates import LEVEL

if TYPE_CHECKING:
    from thinline.study.stats.effects import Effects

FOREST: Final = "forest"
"""A figure with this in its name stands beside the effects, the others by themselves."""


def report_data(
    results: Results,
    tables: Effects,
    verdict_table: pd.DataFrame,
    pictures: Mapping[str, Picture],
    *,
    usable: Mapping[str, float],
    sources: Mapping[str, str],
) -> dict[str, Any]:
    """Everything a report shows; see `render_report` for the arguments, and the modules of each part for theirs."""
    measures, classes = shown(tables.cells), results.classes
    known = values(tables.cells, measures, classes)
    judged = verdicts(verdict_table)
    counts = Counter(row["verdict"] for row in judged)
    data = {
        "study": _study(results),
        "ran": _ran(results),
        "left_out": results.left_out,
        "made_by": results.made_by,
        "classes": [{"name": name, "title": words(name)} for name in classes],
        "measures": [_measure(it) for it in measures],
        "values": known,
        "usable": usable,
        "board": board(results),
        "dial": dial(results),
        "shift": shift(),
        "matrix": matrix(results, known, tables.ranks, measures),
        "better": better(tables.pairs, tables.contrasts, measures, classes),
        "effects": effects(tables.contrasts, measures, classes),
        "significant": SIGNIFICANT,
        "higher_orders": int((tables.contrasts["order"] > ORDERS).sum()),
        "verdicts": judged,
        "verdict_counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "sources": sources,
        "notes": tables.notes,
        "pictures": [_picture(name, it) for name, it in pictures.items()],
        "downloads": _downloads(results, tables, verdict_table, measures),
    }
    told: dict[str, Any] = plain(data)
    return told


def _study(results: Results) -> dict[str, Any]:
    study = results.study
    return {
        "name": study.name,
        "title": words(study.name),
        "question": study.question,
        "command": study.command,
        "budget": study.budget,
        "primary": study.primary,
    }


def _ran(results: Results) -> dict[str, Any]:
    """How much was run, and of what."""
    sheets = results.sheets[results.sheets["split"] == "test"]
    a_run = sheets[sheets["run"] == sheets["run"].iloc[0]] if len(sheets) else sheets
    conditions = results.conditions
    return {
        "cells": len(results.cells),
        "declared_seeds": len(results.study.seeds),
        "seeds": list(results.seeds),
        "conditions": len(conditions),
        "grid": int(conditions["grid"].sum()),
        "sheets": int(a_run["sheet"].nunique()),
        "factors": [{"label": words(name), "levels": levels} for name, levels in results.factors.items()],
        "level": LEVEL,
    }


def _measure(it: Shown) -> dict[str, Any]:
    return {"key": it.key, "name": it.name, "lower": it.lower, "digits": digits_of(it.measure)}


def _picture(name: str, it: Picture) -> dict[str, Any]:
    """A figure with its bytes in the page, and its size where it is a PNG, so that nothing moves as it loads."""
    size = (int.from_bytes(it.png[16:20], "big"), int.from_bytes(it.png[20:24], "big")) if _is_png(it.png) else None
    source = f"data:image/png;base64,{base64.b64encode(it.png).decode()}"
    return {"name": name, "title": it.title, "alt": it.alt, "source": source, "size": size, "forest": FOREST in name}


def _is_png(content: bytes) -> bool:
    return content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= 24


def _downloads(
    results: Results, tables: Effects, verdict_table: pd.DataFrame, measures: list[Shown]
) -> list[dict[str, Any]]:
    """The tables behind the page as CSV: numbers of every cell, contrasts, verdicts."""
    keys = {it.key for it in measures}
    rows = results.rows
    rows = rows[(rows["split"] + "/" + rows["measure"]).isin(keys) & rows["class"].isin(results.classes)]
    numbers = results.cells.drop(columns="grid").merge(rows, on="run")
    of_effects = shown_contrasts(tables.contrasts, measures, results.classes)
    name = results.study.name
    return [
        _download(f"{name}-results.csv", "results", "one number of one cell, curve and measure a row", numbers),
        _download(f"{name}-effects.csv", "effects", "one contrast a row, order 1 and 2", of_effects),
        _download(f"{name}-verdicts.csv", "verdicts", "one claim a row", verdict_table),
    ]


def _download(file: str, name: str, what: str, table: pd.DataFrame) -> dict[str, Any]:
    return {"file": file, "name": name, "what": what, "rows": len(table), "csv": table.to_csv(index=False)}
