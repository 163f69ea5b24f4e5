"""All figures of a study as PNG with title and alternative text, and why a figure was not drawn.

frontier            precision, recall and IoU of every condition, and what is usable    frontier.py
decision_matrix     losses by measures, with intervals and ranks                        cells.py
tuning              measures over the levels of a factor that is chosen on validation   tuning.py
weight_sweep        F1, precision, recall over the weight, beside its controls          weight.py
forest              contrasts with intervals, after Holm's correction                   effects.py
interactions_...    two factors at a time, for each primary measure                     interactions.py
heat_map            every condition on every axis                                       cells.py
resolution          metrics over the width of the pen                                   resolution.py
crossings           errors inside and outside of crossings, and swaps                   crossings.py
rank_stability      ranks of the losses over measures                                   ranks.py
tau                 agreement of measures on losses, or on conditions                   ranks.py
specification       the main contrast under every metric, aggregation, tracer, threshold  specification.py
variance            components of the variance of each measure                          effects.py
sheets              best, median and worst sheet of the best condition                  sheets.py
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from thinline.study.claims.usable import USABLE
from thinline.study.design.results import Results
from thinline.study.figures.cells import decision_matrix, heat_map
from thinline.study.figures.crossings import crossing_errors
from thinline.study.figures.effects import forest, variance_shares
from thinline.study.figures.frontier import frontier
from thinline.study.figures.interactions import interactions
from thinline.study.figures.ranks import rank_stability, tau_matrix
from thinline.study.figures.resolution import resolution_response
from thinline.study.figures.sheets import best_run, pictures_of, sheet_overlays
from thinline.study.figures.specification import specification_curve
from thinline.study.figures.style import NotDrawn, Picture, png
from thinline.study.figures.tuning import tuning_curves
from thinline.study.figures.weight import weight_sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from thinline.study.stats.effects import Effects

__all__ = ["Picture", "all_figures", "best_run", "pictures_of"]

_KINDS: Final = {
    "frontier": "Scatter of precision against recall for each curve with lines of equal IoU, and dots of all axes",
    "decision_matrix": "Table of losses by measures for each curve",
    "tuning": "Line charts of measures over the levels of a tuned factor, a line for each loss",
    "weight_sweep": "Line charts of F1, precision and recall over the weight of a curve",
    "forest": "Forest plot of effects, one row for each contrast",
    "interactions": "Line charts of one factor over the levels of another",
    "heat_map": "Table of conditions by measures for each curve, shaded by rank",
    "resolution": "Line charts of measures over the width of the pen",
    "crossings": "Dot plots of conditions: a rate inside and outside of crossings, and swaps of two ways of tracing",
    "rank_stability": "Line chart of the rank of each loss over measures",
    "tau": "Tables of Kendall's tau between measures",
    "specification": "Dots of the main contrast under every analysis, sorted, above marks of the choices of each",
    "variance": "Stacked bars of shares of variance by measure",
    "sheets": "Sheets with truth, prediction and errors side by side",
}
"""The kind of each figure, for its alternative text."""


def all_figures(
    results: Results,
    effects: Effects,
    *,
    usable: Mapping[str, float] = USABLE,
    pictures: Mapping[int, Path | NDArray[np.uint8]] | None = None,
) -> tuple[dict[str, Picture], dict[str, str]]:
    """The figures by name in the order of the module, and the reason for each one that was not drawn.

    `usable` are the thresholds of a usable curve by axis, `pictures` those of `best_run` by sheet, as `pictures_of`
    reads them from its folder.
    """
    drawn: dict[str, Picture] = {}
    reasons: dict[str, str] = {}
    for name, draw in _plan(results, effects, usable, pictures or {}).items():
        try:
            drawn[name] = picture(name, draw())
        except NotDrawn as reason:
            reasons[name] = str(reason)
    return drawn, reasons


def picture(name: str, figure: Figure) -> Picture:
    """A figure as PNG with its title; the alternative text is its kind, title and note."""
    title, note = (" ".join(text.split()) for text in (figure.get_suptitle(), figure.get_supxlabel()))
    kind = _KINDS[next(prefix for prefix in _KINDS if name.startswith(prefix))]
    return Picture(png(figure), title, f"{kind}. {title}. {note}")


def _plan(
    results: Results,
    effects: Effects,
    usable: Mapping[str, float],
    pictures: Mapping[int, Path | NDArray[np.uint8]],
) -> dict[str, Callable[[], Figure]]:
    """The function that draws each figure, by name."""
    primary = [measure.partition("/")[::2] for measure in results.study.primary]
    cells = effects.cells
    pairs = {
        "interactions_" + (measure if split == "test" else f"{split}_{measure}"): partial(
            interactions, results, measure, split=split
        )
        for split, measure in primary
    }
    return {
        "frontier": partial(frontier, results, cells, usable=usable),
        "decision_matrix": partial(decision_matrix, results, effects.ranks),
        "tuning": partial(tuning_curves, results),
        "weight_sweep": partial(weight_sweep, results),
        "forest": partial(forest, effects.contrasts),
        **pairs,
        "heat_map": partial(heat_map, results, cells),
        "resolution": partial(resolution_response, results),
        "crossings": partial(crossing_errors, results, cells),
        "rank_stability": partial(rank_stability, effects.ranks),
        "tau": partial(
            tau_matrix, effects.tau, factor="loss" if (effects.tau["factor"] == "loss").any() else "condition"
        ),
        "specification": partial(specification_curve, results),
        "variance": partial(variance_shares, effects.variance),
        "sheets": partial(sheet_overlays, results, cells, pictures),
    }
