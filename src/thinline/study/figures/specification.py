"""The main contrast of a study under every metric, aggregation, tracer and threshold, sorted: a specification curve.

The upper panel has one dot a specification, the lower one marks the choices that it makes (stats/specification.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import metric
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.style import (
    BLUE,
    GREY,
    RED,
    RULE,
    TINY,
    NotDrawn,
    entitle,
    in_style,
    name_rows,
    page,
    words,
)
from thinline.study.figures.tables import intervals_note
from thinline.study.stats.specification import ALL, TRACERS, specifications, summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GROUPS: Final = (
    ("measure", "metric"),
    ("aggregate", "summed over"),
    ("threshold", "threshold"),
    ("tracer", "tracer"),
    ("where", "other factors"),
    ("class", "curve"),
)
_NAMES: Final = {"split": "the split", "sheets": "each sheet", "mae_track": "MAE of the curve", ALL: "mean over all"}


@in_style
def specification_curve(results: Results) -> Figure:
    """The specification curve. Raises `NotDrawn` for a study without a main contrast, or with one seed."""
    try:
        table = specifications(results)
    except StudyError as error:
        raise NotDrawn(str(error)) from error
    if table.empty:
        raise NotDrawn("one seed has no interval, so no specification can be compared with another")
    rows = _rows(table)
    figure = page(3.2 + 0.17 * len(rows))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.4, 0.17 * len(rows)])
    _dots(upper, table)
    _choices(lower, table, rows)
    plus, minus = (_side(side) for side in results.study.main or ())
    count, better, worse = summary(table)
    entitle(
        figure,
        f"{plus} less {minus}: better in {better} of {count} analyses, worse in {worse}",
        f"One column for each analysis, sorted. Height: the paired difference, positive where {plus} is better, "
        "divided by half the width of its interval; beyond the dashed lines the interval excludes 0. "
        f"Marks below: the choices of the analysis. {intervals_note(results, 'Interval')}",
    )
    return figure


def _side(levels: object) -> str:
    """Levels in words: `dice or tversky`, `measured with fresh`."""
    assert isinstance(levels, dict)
    return " with ".join(" or ".join(words(level) for level in of_factor) for of_factor in levels.values())


def _rows(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    """(column, value, label) of each row of marks; a choice with one value has none."""
    rows = []
    for column, title in _GROUPS:
        values = [value for value in dict.fromkeys(table[column]) if value]
        order = TRACERS if column == "tracer" else tuple(sorted(values, key=lambda value: (value != ALL, value)))
        chosen = [value for value in order if value in values]
        if len(chosen) > 1:
            rows += [(column, value, f"{title}: {_label(column, value)}") for value in chosen]
    return rows


def _label(column: str, value: str) -> str:
    if value in _NAMES:
        return _NAMES[value]
    if column == "measure":
        return metric(value).label
    return words(value)


def _dots(axes: Axes, table: pd.DataFrame) -> None:
    at, ratio = np.arange(len(table)), table["ratio"].to_numpy(np.float64)
    for inside, ink, marker, label in (
        (ratio > 1, BLUE, "o", "better"),
        (ratio < -1, RED, "s", "worse"),
        (np.abs(ratio) <= 1, GREY, "|", "the interval contains 0"),
    ):
        axes.plot(at[inside], ratio[inside], marker, color=ink, markersize=3, label=label)
    for height, dashes in ((0, "-"), (1, "--"), (-1, "--")):
        axes.axhline(height, color=GREY, linewidth=0.8, linestyle=dashes, zorder=1)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_yticks([-10, -1, 0, 1, 10], ["-10", "-1", "0", "1", "10"])
    axes.set_ylabel("difference / half the interval")
    axes.legend(loc="upper left")
    axes.grid(axis="y", color=RULE, linewidth=0.5)


def _choices(axes: Axes, table: pd.DataFrame, rows: list[tuple[str, str, str]]) -> None:
    for number, (column, value, _) in enumerate(rows):
        at = np.flatnonzero(table[column] == value)
        axes.plot(at, np.full(len(at), number), "|", color="black", markersize=4, markeredgewidth=0.5)
    name_rows(axes, [label for *_, label in rows], size=TINY)
    axes.set_xlabel("analyses, sorted")
    axes.margins(x=0.01)
