"""The class weight against a tuned threshold: F1, precision and recall over the weight, and controls without weight.

Numbers are means over the other factors of the grid, with intervals over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import metric
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.labels import legend_above
from thinline.study.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RULE,
    SKY,
    SMALL,
    Line,
    NotDrawn,
    entitle,
    in_style,
    page,
    response,
    words,
)
from thinline.study.figures.tables import MEANS, data_of, intervals_note, level_means, means, varied
from thinline.study.stats.estimates import mean_of
from thinline.study.stats.samples import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WEIGHT: Final = "class_weight.value"
CONTROLS: Final = {"tuned_threshold": (GREEN, "--"), "logit_adjustment": (ORANGE, "-.")}
"""Levels of `class_weight` without a weight, with colour and dashes."""

_BESIDE: Final = (SKY, ":")
"""Colour and dashes of the unweighted condition of another loss, the reference for its controls."""

SWEPT: Final = ("f1", "precision", "recall")
_HEAD: Final = "head"

_LINES: Final = {
    "test": Line(BLACK, "o", "weighted, test"),
    "tuned": Line(BLUE, "s", "weighted, at its tuned threshold", filled=False),
}


@dataclass(frozen=True)
class Control:
    """A condition drawn as a horizontal line: its levels, the split that is read, colour and dashes."""

    label: str
    levels: Mapping[str, str]
    split: str
    ink: str
    dashes: str


@in_style
def weight_sweep(results: Results) -> Figure:
    """F1, precision and recall over the weight of a curve: a row for each curve and head, a column for each measure.

    Black: test split at the network's own decision. Blue and hollow: the same networks at the threshold of best F1 on
    validation. Controls are bands, named with their loss where it differs from the swept one. Raises `NotDrawn` where
    the study does not sweep the weight.
    """
    factors, conditions = varied(results), results.conditions
    if WEIGHT not in factors:
        raise NotDrawn("the study does not sweep the weight of a curve")
    heads = factors.get(_HEAD, (None,))
    figure = page(1.7 + 1.75 * len(results.classes) * len(heads))
    heights = [0.3, *[1.75] * len(results.classes) * len(heads)]
    panels = figure.subplots(len(heights), len(SWEPT), squeeze=False, sharex=True, sharey=True, height_ratios=heights)
    controls = _controls(conditions)
    f1: list[pd.Series] = []
    for column, measure in enumerate(SWEPT):
        for number, name in enumerate(results.classes):
            splits = _splits(results, measure, name)
            for row, head in enumerate(heads, start=1 + number * len(heads)):
                axes = panels[row, column]
                where = {} if head is None else {_HEAD: head}
                swept = _sweep(axes, conditions, splits, where)
                _level_lines(axes, conditions, splits, controls, where)
                if measure == "f1":
                    f1.append(swept["mean"])
                axes.set_title(", ".join(filter(None, (metric(measure).label, head))), fontsize=SMALL)
                axes.set_ylabel("" if column else words(name))
    _weight_axis(panels, [float(level) for level in factors[WEIGHT]])
    best = pd.concat(f1, axis=1).mean(axis=1).round(12).idxmax()
    named: dict[str, Any] = {}
    for axes in panels.flat:
        named |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    legend_above(panels[0], named, columns=min(len(named), 3))
    entitle(
        figure,
        f"Weight of a curve beside a tuned threshold: the best mean F1 of the test is at weight {best:g}",
        "A weight that only moves the threshold changes the black lines and leaves the blue ones level. "
        f"{intervals_note(results, 'Lines and bands')}",
    )
    return figure


def _splits(results: Results, measure: str, name: str) -> dict[str, Samples]:
    """The samples of the test split, and at the tuned threshold where the measure has them."""
    splits = {"test": data_of(results, measure, name)}
    with suppress(NotDrawn):
        splits["tuned"] = data_of(results, measure, name, split="tuned")
    return splits


def _sweep(
    axes: Axes, conditions: pd.DataFrame, splits: Mapping[str, Samples], where: Mapping[str, str]
) -> pd.DataFrame:
    """One panel: the responses of each split. Returns the means of the test split by weight."""
    tables = {split: _numbered(level_means(conditions, data, WEIGHT, where=where)) for split, data in splits.items()}
    for split, table in tables.items():
        response(axes, table, _LINES[split])
    axes.grid(color=RULE, linewidth=0.5)
    return tables["test"]


def _controls(conditions: pd.DataFrame) -> list[Control]:
    """The controls that the study has; logit adjustment also at the tuned threshold, since it moves its own."""
    grid, levels_of = conditions["grid"], conditions["class_weight"]
    losses = conditions.get("loss", pd.Series("", index=conditions.index))
    swept, beside = set(losses[grid]), set(losses[~grid])
    controls = []
    for level, (ink, dashes) in CONTROLS.items():
        for loss in sorted(losses[levels_of == level].unique()):
            label = f"control: {words(level)}" + ("" if loss in swept else f" of {loss}")
            levels = {"class_weight": level} | ({"loss": loss} if loss else {})
            controls.append(Control(label, levels, "test", ink, dashes))
            if level == "logit_adjustment":
                controls.append(Control(f"{label}, at its tuned threshold", levels, "tuned", PURPLE, dashes))
    for loss in sorted(beside - swept):
        levels = {"class_weight": "fixed", WEIGHT: "1", "loss": loss}
        controls.append(Control(f"control: weight 1 of {loss}", levels, "test", *_BESIDE))
    return controls


def _level_lines(
    axes: Axes,
    conditions: pd.DataFrame,
    splits: Mapping[str, Samples],
    controls: Sequence[Control],
    where: Mapping[str, str],
) -> None:
    """The means of the controls at the levels `where`, with bands for their intervals."""
    for control in controls:
        if control.split not in splits:
            continue
        with suppress(StudyError):
            weights = {control.label: mean_of(conditions, {**where, **control.levels}, grid=None)}
            table = means(splits[control.split], weights)
            mean, low, high = (float(table[part][control.label]) for part in MEANS)
            axes.axhline(mean, color=control.ink, linestyle=control.dashes, label=control.label, zorder=1)
            if np.isfinite(low):
                axes.axhspan(low, high, color=control.ink, alpha=0.12, linewidth=0, zorder=0)


def _weight_axis(panels: Any, weights: Sequence[float]) -> None:
    panels[-1, 0].set_xscale("log")
    panels[-1, 0].set_xticks(weights, [f"{weight:g}" for weight in weights])
    panels[-1, 0].minorticks_off()
    for axes in panels[-1]:
        axes.set_xlabel("weight of a curve (background 1)")


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    """A table of means by level, by the number of the level in order."""
    return table.set_axis([float(str(level)) for level in table.index]).sort_index()
