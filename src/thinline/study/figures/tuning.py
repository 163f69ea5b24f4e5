"""What a tuned factor does: the measure of the choice, and the primary measures, over its levels, on the tuning seeds.

A line for each level of the first other factor (as the loss), a column of panels for each combination of the rest (as
the optimiser). A ring marks the level that was chosen on validation, a dotted vertical line the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import label
from thinline.study.design.results import Results
from thinline.study.figures.labels import end_labels
from thinline.study.figures.style import (
    DASHES,
    GREY,
    INKS,
    MARKERS,
    RULE,
    SMALL,
    NotDrawn,
    entitle,
    in_style,
    page,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MEAN: Final = "mean"


@in_style
def tuning_curves(results: Results) -> Figure:
    """The curves of a study with a tuned factor. Raises `NotDrawn` for any other study."""
    table = results.choices
    if table is None:
        raise NotDrawn("the study chooses no level on validation")
    factor = _tuned(results, table)
    others = [name for name in results.factors if name != factor]
    columns = table.groupby(others[1:], sort=False) if others[1:] else [((), table)]
    measures = [_MEAN, *(name for name in table.columns if name.startswith("test/"))]
    figure = page(1.2 + 2.1 * len(measures))
    panels = figure.subplots(len(measures), len(list(columns)), squeeze=False, sharex=True, sharey="row")
    for number, (levels, part) in enumerate(columns):
        for axes, measure in zip(panels[:, number], measures, strict=True):
            _panel(axes, part, measure, factor=factor, line=others[0])
        panels[0, number].set_title(", ".join(words(str(level)) for level in levels) or "all", fontsize=SMALL)
        panels[-1, number].set_xlabel(words(factor))
    for axes, measure in zip(panels[:, 0], measures, strict=True):
        axes.set_ylabel(_title(measure, table))
    moved = int((table["chosen"] & ~table["default"]).sum())
    entitle(
        figure,
        f"{words(factor)}: {moved} of {int(table['chosen'].sum())} choices on validation differ from the default",
        "Top: the measure of the choice on validation, mean over curves; below: test sheets, which the choice does not "
        "see. Rings: chosen. Dotted: the default. Means over the seeds of the choice.",
    )
    return figure


def _tuned(results: Results, table: pd.DataFrame) -> str:
    """The tuned factor: the column whose levels are not those of the analysed study."""
    return next(name for name, levels in results.factors.items() if not set(table[name].dropna()) <= set(levels))


def _title(measure: str, table: pd.DataFrame) -> str:
    by = next(name for name in table.columns if name.startswith("val/"))
    split, _, name = (by if measure == _MEAN else measure).partition("/")
    name, _, curve = name.partition(" ")
    return f"{label(name)}, {'validation' if split == 'val' else words(curve)}"


def _panel(axes: Axes, part: pd.DataFrame, measure: str, *, factor: str, line: str) -> None:
    at = part[factor].astype(float)
    labels = []
    for number, (level, own) in enumerate(part.groupby(line, sort=False)):
        ink = INKS[number % len(INKS)]
        style: dict[str, Any] = {"marker": MARKERS[number % len(MARKERS)], "linestyle": DASHES[number % len(DASHES)]}
        axes.plot(at[own.index], own[measure], color=ink, label=str(level), markersize=4, **style)
        chosen = own[own["chosen"]]
        axes.plot(at[chosen.index], chosen[measure], "o", color=ink, markersize=10, markerfacecolor="none")
        labels.append((str(level), float(own[measure].iloc[-1]), ink))
    for default in np.unique(at[part["default"]]):
        axes.axvline(default, color=GREY, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set_xticks(np.unique(at), [f"{value:g}" for value in np.unique(at)])
    axes.minorticks_off()
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    end_labels(axes, labels)
