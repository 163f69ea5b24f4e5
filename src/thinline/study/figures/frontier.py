"""The frontier board: every condition by recall, precision and IoU, marked by the families of remedy that it uses.

For each curve, on the left precision against recall with the lines of equal IoU, on which F1 is equal too:

    IoU = P R / (P + R - P R),  so  P = j R / (R + j R - j)  at IoU j,  and  F1 = 2 j / (1 + j)

and the usable area, in which all three reach the declared thresholds; at the right edge, where R = 1, precision is IoU.
On the right the three axes of each condition. Conditions are numbered by their weakest axis, the best first; those
that predict fewer curves come last. Hollow markers are conditions outside of the grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import metric
from thinline.metrics.number_format import number
from thinline.study.claims.remedies import families_of, legend_of, moves
from thinline.study.claims.usable import BOARD, USABLE, has_curve, usable_conditions, weakest_axis
from thinline.study.design.results import Results
from thinline.study.figures.labels import number_points
from thinline.study.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    TINY,
    dots,
    entitle,
    in_style,
    name_rows,
    page,
    whiskers,
    words,
)
from thinline.study.figures.tables import condition_means, ends_of, intervals_note, short_labels
from thinline.vocabulary import Float64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


LOOKS: Final = {
    frozenset[str](): (BLACK, "o"),
    frozenset("A"): (ORANGE, "^"),
    frozenset("B"): (BLUE, "s"),
    frozenset("C"): (GREEN, "D"),
    frozenset("AB"): (PURPLE, "v"),
    frozenset("AC"): ("#999900", "P"),
    frozenset("BC"): (SKY, "X"),
    frozenset("ABC"): (RED, "*"),
}
"""Ink and marker of each set of families."""

_AXIS_LOOKS: Final = {"recall": (ORANGE, ">"), "precision": (GREEN, "<"), "iou": (BLUE, "o")}
_ABSENT: Final[Mapping[str, Any]] = {"ha": "center", "va": "center", "fontsize": TINY, "color": GREY, "style": "italic"}
_MOST: Final = 20
_LEVELS: Final = tuple(np.arange(1, 10) / 10)


@dataclass(frozen=True)
class _Board:
    """The data of a panel: means of each axis, numbers, families and whether in the grid, all by condition."""

    axes: Mapping[str, pd.DataFrame]
    numbers: Mapping[str, int]
    families: Mapping[str, frozenset[str]]
    grid: Mapping[str, bool]
    usable: Mapping[str, float]
    low: float


@in_style
def frontier(results: Results, cells: pd.DataFrame, *, usable: Mapping[str, float] = USABLE) -> Figure:
    """The board of all curves. Raises `NotDrawn` where precision, recall or IoU were not measured."""
    tables = {name: {axis: condition_means(results, cells, axis, name) for axis in BOARD} for name in results.classes}
    order = weakest_axis(tables)
    shown, left = ends_of(list(order.index), _MOST)
    numbers = {label: rank for rank, label in enumerate(order.index, start=1)}
    families = families_of(results.conditions)
    grid = {str(label): bool(inside) for label, inside in results.conditions["grid"].items()}
    tall = max(3.7, 0.8 + 0.185 * len(shown))
    figure = page(1.25 + tall * len(tables))
    grid_of_panels = figure.add_gridspec(
        1 + len(tables), 2, width_ratios=(1.2, 1), height_ratios=[0.55, *[tall] * len(tables)]
    )
    names = {label: f"{numbers[label]}  {name}" for label, name in short_labels(results).items()}
    for row, (name, table) in enumerate(tables.items(), start=1):
        board = _Board(table, numbers, families, grid, usable, _low(tables, usable))
        scatter, rows = (figure.add_subplot(grid_of_panels[row, column]) for column in (0, 1))
        _scatter(scatter, board, shown[: _MOST // 2] if left else shown)
        _rows(rows, board, {label: names[label] for label in shown})
        scatter.set_title(words(name))
    _legend(figure.add_subplot(grid_of_panels[0, :]), set(families.values()), hollow=not all(grid.values()))
    entitle(figure, _title(tables, usable), f"{left}{_note(usable)} {intervals_note(results)}")
    return figure


def _title(tables: Mapping[str, Mapping[str, pd.DataFrame]], usable: Mapping[str, float]) -> str:
    first = next(iter(next(iter(tables.values())).values()))
    by_means, shown = (len(usable_conditions(tables, usable, by=by)) for by in ("mean", "low"))
    some = not all(has_curve(of_class).all() for of_class in tables.values())
    of = f"of {len(first)} conditions are usable on {'every curve they predict' if some else _all_of(len(tables))}"
    whole = "" if first["low"].isna().all() else f", {shown or 'none'} with whole intervals"
    return f"Measured frontier: {by_means} {of} by their means{whole}"


def _all_of(curves: int) -> str:
    return {1: "the curve", 2: "both curves"}.get(curves, f"all {curves} curves")


def _note(usable: Mapping[str, float]) -> str:
    bar = ", ".join(f"{metric(axis).label} {number(value, 2)}" for axis, value in usable.items())
    return f"Green: at least {bar}. Numbers: order of the weakest axis of any curve. Grey lines: equal IoU (and F1)."


def _low(tables: Mapping[str, Mapping[str, pd.DataFrame]], usable: Mapping[str, float]) -> float:
    """The lower end of the axes: the tenth below everything shown."""
    lows = [float(np.nanmin(table)) for of_class in tables.values() for table in of_class.values()]
    return max(0.0, float(np.floor(10 * (min([*lows, *usable.values()]) - 0.03)) / 10))


def _scatter(axes: Axes, board: _Board, shown: Sequence[str]) -> None:
    axes.set(xlim=(board.low, 1.005), ylim=(board.low, 1.005), xlabel="recall", ylabel="precision", aspect="equal")
    axes.set_anchor("NW")
    _usable_area(axes, board.usable)
    _equal_iou(axes, board.low)
    recall, precision = board.axes["recall"], board.axes["precision"]
    for families, filled in dict.fromkeys((board.families[label], board.grid[label]) for label in board.numbers):
        ink, marker = LOOKS[families]
        labels = [label for label in board.numbers if (board.families[label], board.grid[label]) == (families, filled)]
        x, y = recall.loc[labels], precision.loc[labels]
        whiskers(axes, y["mean"].to_numpy(), x[["low", "high"]].to_numpy(), ink=ink, upright=False)
        whiskers(axes, x["mean"].to_numpy(), y[["low", "high"]].to_numpy(), ink=ink)
        name = moves(families) if filled else f"{moves(families)}, outside of the grid"
        axes.plot(x["mean"], y["mean"], marker, label=name, zorder=3, **_face(ink, marker, filled))
    points = np.column_stack([recall["mean"], precision["mean"]])
    texts = {index: str(board.numbers[str(label)]) for index, label in enumerate(recall.index) if label in shown}
    number_points(axes, points, texts)


def _face(ink: str, marker: str, filled: bool) -> dict[str, Any]:
    size = 9.0 if marker == "*" else 6.0
    return {
        "color": ink,
        "markerfacecolor": ink if filled else "white",
        "markeredgecolor": "#222222" if filled else ink,
        "markeredgewidth": 0.5 if filled else 1.3,
        "markersize": size,
        "linestyle": "none",
    }


def _usable_area(axes: Axes, usable: Mapping[str, float]) -> None:
    """The area in which precision, recall and the IoU that follows from them reach their thresholds."""
    recall = np.linspace(usable["recall"], 1.0, 200)
    bar = np.maximum(usable["precision"], precision_at(usable["iou"], recall))
    inside = bar <= 1
    axes.fill_between(recall[inside], bar[inside], 1.0, color=GREEN, alpha=0.13, linewidth=0, zorder=0)
    axes.plot(recall[inside], bar[inside], color=GREEN, linewidth=1.2, zorder=1, label="usable")


def precision_at(iou: float, recall: Float64) -> Float64:
    """The precision that gives `iou` at each `recall`; infinite where none does."""
    out = np.full(recall.shape, np.inf)
    np.divide(iou * recall, recall + iou * recall - iou, out=out, where=recall + iou * recall > iou)
    return out


def _equal_iou(axes: Axes, low: float) -> None:
    for level in _LEVELS:
        recall = np.linspace(max(level, low), 1.0, 120)
        precision = precision_at(level, recall)
        shown = (precision <= 1) & (precision >= low)
        if shown.any():
            axes.plot(
                recall[shown], precision[shown], color="#BBBBBB", linewidth=0.7, zorder=0.5, label=f"IoU {level:g}"
            )
        if level > low:
            text = f"{'IoU ' if level == max(_LEVELS) else ''}{number(level, 1)}"
            axes.annotate(
                text, (1.01, level), xycoords=axes.get_yaxis_transform(), fontsize=TINY, color=GREY, va="center"
            )


def _rows(axes: Axes, board: _Board, names: Mapping[str, str]) -> None:
    """A row for each condition: the marker of its families, then its three axes."""
    rows = np.arange(len(names), dtype=np.float64)
    predicted = has_curve(board.axes)
    for axis, aside in zip(BOARD, (-0.22, 0.0, 0.22), strict=True):
        ink, marker = _AXIS_LOOKS[axis]
        table = board.axes[axis].loc[list(names)]
        dots(axes, table, rows + aside, ink=ink, marker=marker, label=metric(axis).label)
    for row, label in zip(rows, names, strict=True):
        ink, marker = LOOKS[board.families[label]]
        face = _face(ink, marker, board.grid[label])
        axes.plot(0.025, row, marker, transform=axes.get_yaxis_transform(), **face | {"markersize": 5}, zorder=3)
        if not predicted[label]:
            axes.text(0.5, row, "no value of this curve", transform=axes.get_yaxis_transform(), **_ABSENT)
    for value in sorted(set(board.usable.values())):
        axes.axvline(value, color=GREEN, linewidth=1.2, zorder=1)
    name_rows(axes, list(names.values()))
    axes.set_xlim(board.low - 0.05, 1.005)
    axes.set_xlabel("rate")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, handletextpad=0, columnspacing=1, borderpad=0.2)


def _legend(axes: Axes, sets: Iterable[frozenset[str]], *, hollow: bool) -> None:
    """The legend of the families, in its own panel."""
    from matplotlib.lines import Line2D

    ordered = sorted(sets, key=lambda key: (len(key), sorted(key)))
    handles = [
        Line2D([], [], marker=LOOKS[key][1], label=legend_of(key), **_face(*LOOKS[key], True)) for key in ordered
    ]
    if hollow:
        handles.append(Line2D([], [], marker="o", label="hollow: outside of the grid", **_face(GREY, "o", False)))
    axes.axis("off")
    axes.legend(handles=handles, loc="center left", ncols=3, handletextpad=0.2, columnspacing=2, borderpad=0)
