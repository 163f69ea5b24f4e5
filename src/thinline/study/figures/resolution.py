"""Measures over the width of the pen in pixels: the same sheets, rendered anew at more pixels to the millimetre.

Numbers are means over the other factors of the grid, with intervals over seeds. Measures counted in pixels do not
compare between widths; those in mm and in shares of the track do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

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
    told,
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
    """Measures over the width of the pen: above those counted in pixels, below those in mm and shares of the track.

    A line for each curve; faint lines are single levels of the other factors. Dotted is the IoU of a perfect trace with
    a pixel of jitter. Raises `NotDrawn` where the study has one resolution.
    """
    factors, conditions = varied(results), results.conditions
    if _RESOLUTION not in factors:
        raise NotDrawn("the study has one resolution")
    widths = [pen_px(level) for level in factors[_RESOLUTION]]
    ends = (min(widths), max(widths))
    figure = page(5.9)
    panels = figure.subplots(3, 3, height_ratios=[0.12, 1, 1])
    levels = {name: it for name, it in factors.items() if name != _RESOLUTION}
    found = {}
    for axes, measure in zip(panels[1:].flat, (*IN_PIXELS, *IN_MM), strict=True):
        found[measure] = _over_pens(axes, results, conditions, levels, measure)
        axes.set_title(words(measure))
        axes.set_xticks(widths)
        axes.set_xlabel("width of the pen [px]" if measure in IN_MM else "")
        if measure in IN_PIXELS:
            axes.set_facecolor(SHADE)
    handles, labels = panels[1, 0].get_legend_handles_labels()
    legend_above(panels[0], dict(zip(labels, handles, strict=True)), columns=len(labels))
    entitle(
        figure,
        f"Pens of {' and '.join(f'{it:g}' for it in ends)} px: {_at(found, 'iou', ends)}, "
        f"{_at(found, 'viterbi_bridged_mae_mm', ends)}",
        "On grey: measures in pixels, which do not compare between widths. Faint: single levels of the other factors. "
        "Dotted: IoU of a perfect trace with a pixel of jitter. Title: mean over curves. "
        f"{intervals_note(results)}",
    )
    return figure


def _at(found: Mapping[str, Mapping[str, pd.DataFrame]], measure: str, ends: Sequence[float]) -> str:
    """What a measure is at the ends, as mean over curves."""
    if not found[measure]:
        return f"{words(measure)} not measured"
    mean = pd.concat([table["mean"] for table in found[measure].values()], axis=1).mean(axis=1)
    return f"{words(measure)} {' and '.join(told(mean[width]) for width in ends)}"


def _over_pens(
    axes: Axes, results: Results, conditions: pd.DataFrame, levels: Mapping[str, Sequence[str]], measure: str
) -> dict[str, pd.DataFrame]:
    """One panel; returns the means over widths of each curve that has the measure."""
    found = {}
    axes.grid(color=RULE, linewidth=0.5)
    for number, name in enumerate(results.classes):
        ink = INKS[number % len(INKS)]
        try:
            data = data_of(results, measure, name)
        except NotDrawn:
            continue
        for factor, level in ((factor, level) for factor, its in levels.items() for level in its):
            faint = _by_pen(level_means(conditions, data, _RESOLUTION, where={factor: level}))
            axes.plot(faint.index, faint["mean"], color=ink, linewidth=0.7, alpha=0.35, zorder=1)
        found[name] = _by_pen(level_means(conditions, data, _RESOLUTION))
        aside = _ASIDE * (number - (len(results.classes) - 1) / 2)
        response(
            axes,
            found[name].set_axis(found[name].index + aside),
            Line(ink, MARKERS[number % len(MARKERS)], words(name)),
        )
        if measure == "iou":
            _jitter(axes, results, name, ink)
    if not found:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=GREY)
    return found


def _jitter(axes: Axes, results: Results, name: str, ink: str) -> None:
    """What a perfect trace with a pixel of jitter scores, where the runs say so."""
    try:
        data = data_of(results, "iou", name, split=_JITTER)
    except NotDrawn:
        return
    table = _by_pen(level_means(results.conditions, data, _RESOLUTION))
    axes.plot(table.index, table["mean"], ":", color=ink)


def _by_pen(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_axis([pen_px(str(level)) for level in table.index]).sort_index()


def pen_px(level: str) -> float:
    """The width of the nominal pen of a level of `resolution`, as 2 for `pen2`. Raises `NotDrawn` for another name."""
    number = level.removeprefix("pen")
    if not number.isdecimal():
        raise NotDrawn(f"resolution {level!r} does not say how wide its pen is, as pen2 does")
    return float(number)
