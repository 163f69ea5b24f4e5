"""What goes wrong where curves cross: rates inside and outside of crossing zones, and how often a trace changes curve.

The zones are those of the run's measures: pixels near both their own curve and another. `viterbi` is the tracing of the
whole sheet at once, `edge_follower` one that goes from row to row and takes the nearest ink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.figures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    RULE,
    TINY,
    NotDrawn,
    entitle,
    in_style,
    page,
    told,
    whiskers,
    words,
)
from thinline.study.figures.tables import (
    ends_of,
    has_values,
    intervals_note,
    no_means,
    order_note,
    overall,
    short_labels,
    whole_split_means,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST: Final = 24
_ZONES: Final = {"inside": (RED, "o"), "outside": (BLUE, "s")}
_TRACES: Final = {"viterbi": (GREEN, "D"), "edge_follower": (ORANGE, "^")}


@in_style
def crossing_errors(results: Results, cells: pd.DataFrame, *, rate: str = "iou") -> Figure:
    """A row for each condition, in the order of `overall`: `rate` (iou, f1, precision, recall) by zone, and swaps.

    A row of panels for each curve with zones; one that was not traced says so in place of swaps. Raises `NotDrawn`
    where zones or swaps were not measured of any curve.
    """
    order, left = ends_of(list(overall(results, cells).index), _MOST)
    names = short_labels(results)
    classes = [name for name in results.classes if has_values(results, f"crossing_inside_{rate}", name)]
    traced = [name for name in classes if has_values(results, "viterbi_swaps", name)]
    if not traced:
        lacking = "viterbi_swaps" if classes else f"crossing_inside_{rate}"
        raise NotDrawn(f"no run of this study has test/{lacking} of a curve")
    figure = page(1.3 + (0.7 + 0.17 * len(order)) * len(classes))
    panels = figure.subplots(len(classes), 2, squeeze=False, sharey=True, sharex="col")
    worse = []
    for (zones, swaps), name in zip(panels, classes, strict=True):
        tables = {zone: whole_split_means(results, f"crossing_{zone}_{rate}", name) for zone in _ZONES}
        worse.append((tables["outside"]["mean"] - tables["inside"]["mean"]).mean())
        for zone, (ink, marker) in _ZONES.items():
            _marks(zones, tables[zone].loc[order], (ink, marker), f"{zone} crossings")
        for trace, (ink, marker) in _TRACES.items():
            table = whole_split_means(results, f"{trace}_swaps", name) if name in traced else no_means(results)
            _marks(swaps, table.loc[order], (ink, marker), words(trace))
        if name not in traced:
            swaps.text(0.5, 0.5, "not traced", transform=swaps.transAxes, ha="center", color=GREY, fontsize=TINY)
        zones.set_yticks(range(len(order)), [names[label] for label in order], fontsize=TINY)
        zones.set_ylim(len(order) - 0.4, -0.6)
        zones.set_ylabel(words(name), fontweight="bold")
    less = float(np.mean(worse))
    side = "below" if less >= 0 else "above"
    panels[-1, 0].set_xlabel(words(rate))
    panels[-1, 1].set_xlabel("swaps of identity on all test sheets")
    for axes in panels[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, handletextpad=0.1, borderpad=0.2)
    entitle(
        figure,
        f"Crossings: {words(rate)} there is {told(abs(less), figures=2)} {side} that elsewhere, on average",
        f"{left}Conditions {order_note(results)}. {intervals_note(results)}",
    )
    return figure


def _marks(axes: Axes, table: pd.DataFrame, look: tuple[str, str], label: str) -> None:
    ink, marker = look
    rows = np.arange(len(table), dtype=np.float64)
    whiskers(axes, rows, table[["low", "high"]].to_numpy(), ink=ink, upright=False)
    axes.plot(table["mean"], rows, marker, color=ink, markersize=4.5, label=label, zorder=3)
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.tick_params(axis="y", length=0)
