"""The weight of a curve against a threshold: F1, precision and recall over the weight, and the controls without one.

Numbers are means over the other factors of the grid, with intervals over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from hairline.study.figure_data import MEANS, data_of, intervals_note, level_means, varied
from hairline.study.figure_labels import legend_above
from hairline.study.figure_style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    RULE,
    SMALL,
    Line,
    NotDrawn,
    entitle,
    in_style,
    page,
    response,
    words,
)
from hairline.study.results import Results
from hairline.study.samples import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WEIGHT: Final = "class_weight.value"
CONTROLS: Final = {"tuned_threshold": (GREEN, "--"), "logit_adjustment": (ORANGE, "-.")}
"""Conditions without a weight that a weight is compared with, and how they are drawn."""

SWEPT: Final = ("f1", "precision", "recall")
_HEAD: Final = "head"

_LINES: Final = {
    "test": Line(BLACK, "o", "weighted, test"),
    "tuned": Line(BLUE, "s", "weighted, at its tuned threshold", filled=False),
}


@in_style
def weight_sweep(results: Results) -> Figure:
    """F1, precision and recall over the weight of a curve: a row for each curve and head, a column for each measure.

    Black is the test at the network's own decision, blue and hollow the same networks at the thresholds of best F1 on
    validation; the controls are bands. Raises `NotDrawn` where the study does not sweep the weight.
    """
    factors, conditions = varied(results), results.conditions
    if WEIGHT not in factors:
        raise NotDrawn("the study does not sweep the weight of a curve")
    heads = factors.get(_HEAD, (None,))
    figure = page(1.7 + 1.75 * len(results.classes) * len(heads))
    heights = [0.3, *[1.75] * len(results.classes) * len(heads)]
    panels = figure.subplots(len(heights), len(SWEPT), squeeze=False, sharex=True, sharey=True, height_ratios=heights)
    f1: list[pd.Series] = []
    for column, measure in enumerate(SWEPT):
        for number, name in enumerate(results.classes):
            splits = _splits(results, measure, name)
            for row, head in enumerate(heads, start=1 + number * len(heads)):
                axes = panels[row, column]
                swept = _sweep(axes, conditions, splits, {} if head is None else {_HEAD: head})
                if measure == "f1":
                    f1.append(swept["mean"])
                axes.set_title(words(measure) if head is None else f"{words(measure)}, {head}", fontsize=SMALL)
                axes.set_ylabel("" if column else words(name))
    _weight_axis(panels, [float(level) for level in factors[WEIGHT]])
    best = pd.concat(f1, axis=1).mean(axis=1).idxmax()
    named: dict[str, Any] = {}
    for axes in panels.flat:
        named |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    legend_above(panels[0], named, columns=len(named))
    entitle(
        figure,
        f"Weight of a curve beside a tuned threshold: the best mean F1 of the test is at weight {best:g}",
        "A weight that only moves the threshold changes the black lines and leaves the blue ones level. "
        f"{intervals_note(results, 'Lines and bands')}",
    )
    return figure


def _splits(results: Results, measure: str, name: str) -> dict[str, Samples]:
    """The samples of the test, and of the tuned threshold where it has the measure."""
    found = {"test": data_of(results, measure, name)}
    with suppress(NotDrawn):
        found["tuned"] = data_of(results, measure, name, split="tuned")
    return found


def _sweep(
    axes: Axes, conditions: pd.DataFrame, splits: Mapping[str, Samples], where: Mapping[str, str]
) -> pd.DataFrame:
    """One panel: the test and tuned responses, and the controls' bands. Returns the means of the test by weight."""
    controls = level_means(conditions, splits["test"], "class_weight", where=where, grid=None)
    for control, (ink, dashes) in CONTROLS.items():
        if control in controls.index:
            mean, low, high = (float(controls[part][control]) for part in MEANS)
            axes.axhline(mean, color=ink, linestyle=dashes, label=f"control: {words(control)}", zorder=1)
            if np.isfinite(low):
                axes.axhspan(low, high, color=ink, alpha=0.18, linewidth=0, zorder=0)
    tables = {split: _numbered(level_means(conditions, data, WEIGHT, where=where)) for split, data in splits.items()}
    for split, table in tables.items():
        response(axes, table, _LINES[split])
    axes.grid(color=RULE, linewidth=0.5)
    return tables["test"]


def _weight_axis(panels: Any, weights: Sequence[float]) -> None:
    panels[-1, 0].set_xscale("log")
    panels[-1, 0].set_xticks(weights, [f"{weight:g}" for weight in weights])
    panels[-1, 0].minorticks_off()
    for axes in panels[-1]:
        axes.set_xlabel("weight of a curve (background 1)")


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    """A table of means by level as one by number, in order."""
    return table.set_axis([float(str(level)) for level in table.index]).sort_index()
