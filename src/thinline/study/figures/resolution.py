"""Metrics over the width of the pen in pixels: the same sheets rendered at more pixels per millimetre.

Numbers are means over the other factors of the grid with intervals over seeds. Metrics in pixels cannot be compared
between widths; metrics in mm and in shares of the track can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from thinline.metrics.catalogue import metric
from thinline.metrics.number_format import number
from thinline.study.design.results import Results
from thinline.study.figures.labels import legend_above
from thinline.study.figures.style import (
    GREY,
    INKS,
    MARKERS,
    RULE,
    SHADE,
    Line,
    NotDrawn,
    entitle,
    in_style,
    page,
    response,
    words,
)
from thinline.study.figures.tables import data_of, intervals_note, level_means, varied

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

IN_PIXELS: Final = ("iou", "f1", "tol_f1_1px")
IN_MM: Final = ("tol_f1_0.25mm", "viterbi_bridged_mae_mm", "viterbi_bridged_mae_track")
_ASIDE: Final = 0.05
_RESOLUTION: Final = "resolution"
_JITTER: Final = "oracle_jitter"


@in_style
def resolution_response(results: Results) -> Figure:
    """Metrics over the width of the pen: in pixels above, in mm and shares of the track below; a line for each curve.

    Faint lines are single levels of the other factors. The dotted line is the IoU of the truth with 1 px jitter along
    the rows. Raises `NotDrawn` where the study has one resolution.
    """
    factors, conditions = varied(results), results.conditions
    if _RESOLUTION not in factors:
        raise NotDrawn("the study has one resolution")
    widths = [pen_px(level) for level in factors[_RESOLUTION]]
    ends = (min(widths), max(widths))
    figure = page(5.9)
    panels = figure.subplots(3, 3, height_ratios=[0.12, 1, 1])
    others = {name: levels for name, levels in factors.items() if name != _RESOLUTION}
    tables = {}
    for axes, measure in zip(panels[1:].flat, (*IN_PIXELS, *IN_MM), strict=True):
        tables[measure] = _over_pens(axes, results, conditions, others, measure)
        axes.set_title(metric(measure).axis)
        axes.set_xticks(widths)
        axes.set_xlabel("width of the pen [px]" if measure in IN_MM else "")
        if measure in IN_PIXELS:
            axes.set_facecolor(SHADE)
    handles, labels = panels[1, 0].get_legend_handles_labels()
    legend_above(panels[0], dict(zip(labels, handles, strict=True)), columns=len(labels))
    entitle(
        figure,
        f"Pens of {' and '.join(f'{pen:g}' for pen in ends)} px: {_at(tables, 'iou', ends)}, "
        f"{_at(tables, 'viterbi_bridged_mae_mm', ends)}",
        "On grey: measures in pixels, which do not compare between widths. Faint: single levels of the other factors. "
        "Dotted: IoU of the truth with 1 px jitter along the rows. Title: mean over curves. "
        f"{intervals_note(results)}",
    )
    return figure


def _at(tables: Mapping[str, Mapping[str, pd.DataFrame]], measure: str, ends: Sequence[float]) -> str:
    """The metric at both ends, mean over curves."""
    row = metric(measure)
    if not tables[measure]:
        return f"{row.axis} not measured"
    mean = pd.concat([table["mean"] for table in tables[measure].values()], axis=1).mean(axis=1)
    return f"{row.axis} {' and '.join(number(mean[width], row.digits) for width in ends)}"


def _over_pens(
    axes: Axes, results: Results, conditions: pd.DataFrame, others: Mapping[str, Sequence[str]], measure: str
) -> dict[str, pd.DataFrame]:
    """One panel. Returns the means by width of each curve that has the metric."""
    tables = {}
    axes.grid(color=RULE, linewidth=0.5)
    for index, name in enumerate(results.classes):
        ink = INKS[index % len(INKS)]
        try:
            data = data_of(results, measure, name)
        except NotDrawn:
            continue
        for factor, level in ((factor, level) for factor, levels in others.items() for level in levels):
            faint = _by_pen(level_means(conditions, data, _RESOLUTION, where={factor: level}))
            axes.plot(faint.index, faint["mean"], color=ink, linewidth=0.7, alpha=0.35, zorder=1)
        table = tables[name] = _by_pen(level_means(conditions, data, _RESOLUTION))
        aside = _ASIDE * (index - (len(results.classes) - 1) / 2)
        response(axes, table.set_axis(table.index + aside), Line(ink, MARKERS[index % len(MARKERS)], words(name)))
        if measure == "iou":
            _jitter(axes, results, name, ink)
    if not tables:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=GREY)
    return tables


def _jitter(axes: Axes, results: Results, name: str, ink: str) -> None:
    """The IoU of the truth with 1 px jitter along the rows, where the runs have it."""
    try:
        data = data_of(results, "iou", name, split=_JITTER)
    except NotDrawn:
        return
    table = _by_pen(level_means(results.conditions, data, _RESOLUTION))
    axes.plot(table.index, table["mean"], ":", color=ink)


def _by_pen(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_axis([pen_px(str(level)) for level in table.index]).sort_index()


def pen_px(level: str) -> float:
    """The pen width of a level of `resolution`, 2 for `pen2`. Raises `NotDrawn` for another name."""
    width = level.removeprefix("pen")
    if not width.isdecimal():
        raise NotDrawn(f"resolution {level!r} does not say how wide its pen is, as pen2 does")
    return float(width)
