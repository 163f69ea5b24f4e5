"""Errors where curves cross: pixel rates inside and outside of crossing zones, and swaps of the traced curves.

The zones are those of metrics/structure/zones.py. `viterbi` traces a whole sheet at once; `edge_follower` goes from row
to row and takes the nearest ink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import metric
from thinline.metrics.number_format import number
from thinline.study.design.results import Results
from thinline.study.figures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    TINY,
    NotDrawn,
    dots,
    entitle,
    in_style,
    name_rows,
    page,
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
    from matplotlib.figure import Figure

_MOST: Final = 24
_ZONES: Final = {"inside": (RED, "o"), "outside": (BLUE, "s")}
_TRACERS: Final = {"viterbi": (GREEN, "D"), "edge_follower": (ORANGE, "^")}


@in_style
def crossing_errors(results: Results, cells: pd.DataFrame, *, rate: str = "iou") -> Figure:
    """`rate` (iou, f1, precision, recall) by zone, and swaps; a row for each condition in the order of `overall`.

    Each curve with zones has two panels. Raises `NotDrawn` where no curve has both zones and swaps.
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
    rows = np.arange(len(order), dtype=np.float64)
    differences = []
    for (zones, swaps), name in zip(panels, classes, strict=True):
        tables = {zone: whole_split_means(results, f"crossing_{zone}_{rate}", name) for zone in _ZONES}
        differences.append((tables["outside"]["mean"] - tables["inside"]["mean"]).mean())
        for zone, (ink, marker) in _ZONES.items():
            dots(zones, tables[zone].loc[order], rows, ink=ink, marker=marker, label=f"{zone} crossings")
        for tracer, (ink, marker) in _TRACERS.items():
            table = whole_split_means(results, f"{tracer}_swaps", name) if name in traced else no_means(results)
            dots(swaps, table.loc[order], rows, ink=ink, marker=marker, label=words(tracer))
        if name not in traced:
            swaps.text(0.5, 0.5, "not traced", transform=swaps.transAxes, ha="center", color=GREY, fontsize=TINY)
        for axes in (swaps, zones):
            name_rows(axes, [names[label] for label in order])
        zones.set_ylabel(words(name), fontweight="bold")
    difference, row = float(np.mean(differences)), metric(rate)
    side = "below" if difference >= 0 else "above"
    panels[-1, 0].set_xlabel(row.axis)
    panels[-1, 1].set_xlabel("swaps of identity on all test sheets")
    for axes in panels[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, handletextpad=0.1, borderpad=0.2)
    entitle(
        figure,
        f"Crossings: {row.label} there is {number(abs(difference), row.digits)} {side} that elsewhere, on average",
        f"{left}Conditions {order_note(results)}. {intervals_note(results)}",
    )
    return figure
