"""Draw the figures of the ruler as PNG: the shift experiment, and all metrics against each perturbation.

Colours of lines are those of Okabe and Ito, which colour-blind readers can distinguish; widths also differ by marker.
Hits, misses and false alarms have the colours of every overlay (metrics/overlay.py). A panel
with a grey background shows a metric that is degenerate at some width (degenerate.py), named under its title.
matplotlib belongs to the extra `report` and is imported when a figure is drawn.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from thinline.metrics.overlay import FALSE_ALARM, HIT, MISS
from thinline.ruler.degenerate import EVERYTHING, Degenerate
from thinline.ruler.perturb import UNITS
from thinline.ruler.scores import MEASURES
from thinline.ruler.shift_experiment import cells, moved, shift_experiment
from thinline.ruler.truth import RulerError
from thinline.vocabulary import Bool

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INKS: Final = ("#D55E00", "#E69F00", "#009E73", "#56B4E9", "#0072B2")
_MARKERS: Final = ("o", "s", "^", "D", "v")
_BLOB, _CURVE = "#0072B2", "#D55E00"
_MISSED, _FALSE_ALARM, _HIT, _PAPER = (
    "#{:02X}{:02X}{:02X}".format(*colour) for colour in (MISS, FALSE_ALARM, HIT, (255, 255, 255))
)
_GREY: Final = "#EFEFEF"
_COLUMNS: Final = 5
_PANEL_IN, _HEAD_IN = 2.75, 1.15
_SHIFT_PX: Final = 1


def check_matplotlib() -> None:
    """Raise `RulerError` if matplotlib is not installed; call it before anything is computed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise RulerError('figures need matplotlib, which is not installed; pip install "thinline[report]"')


def shift_figure() -> bytes:
    """Both shapes beside their copy shifted by one cell, and IoU against the shift."""
    figure = _page(12.0, 4.6, layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.25))
    table = shift_experiment()
    for axes, (shape, mask) in zip((left, middle), cells().items(), strict=True):
        _grid(axes, mask, moved(mask, _SHIFT_PX))
        (iou,) = table[(table["shape"] == shape) & (table["shift_px"] == _SHIFT_PX)]["iou"]
        axes.set_title(f"{shape}, {_SHIFT_PX} px aside: IoU {iou:.3f}", fontsize=11)
    for ink, label in (
        (_MISSED, "truth alone: missed"),
        (_FALSE_ALARM, "shifted copy alone: false alarm"),
        (_HIT, "both: hit"),
    ):
        left.plot([], [], "s", color=ink, markersize=9, label=label)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=3, frameon=False)
    names = {"curve": "curve, 1 px wide", "blob": "blob, 10 px wide"}
    for (shape, name), ink, marker in zip(names.items(), (_CURVE, _BLOB), _MARKERS, strict=False):
        part = table[table["shape"] == shape]
        right.plot(part["shift_px"], part["iou"], marker=marker, color=ink, label=name, clip_on=False)
        right.annotate(name, (4, float(part["iou"].iloc[4])), (0, 9), textcoords="offset points", color=ink)
    right.set(xlabel="shift sideways [px]", ylabel="IoU, counted from the cells", ylim=(0, 1))
    right.set_title("the same shift, two widths", fontsize=11)
    right.grid(color="#DDDDDD", linewidth=0.6)
    figure.suptitle("What a shift costs a thin curve and a thick blob")
    return _png(figure)


def _grid(axes: Axes, truth: Bool, answer: Bool) -> None:
    """Cells of both masks in colour on a grid."""
    from matplotlib.colors import ListedColormap

    overlay = truth.astype(int) + 2 * answer.astype(int)
    inks = ListedColormap([_PAPER, _MISSED, _FALSE_ALARM, _HIT])
    axes.pcolormesh(overlay, cmap=inks, vmin=-0.5, vmax=3.5, edgecolors="#DDDDDD", linewidth=0.4)
    axes.set(aspect="equal", xticks=[], yticks=[])
    axes.invert_yaxis()


def response_figure(table: pd.DataFrame, perturbation: str, degenerate: Sequence[Degenerate], *, truth: str) -> bytes:
    """Every metric against the amount of one perturbation, one line per width; the title names `truth`."""
    part = table[table["perturbation"] == perturbation]
    measures = [name for name in MEASURES if part.loc[part["measure"] == name, "value"].notna().any()]
    count = -(-len(measures) // _COLUMNS)
    height_in = _PANEL_IN * count + _HEAD_IN
    figure = _page(15.0, height_in)
    # fixed positions: matplotlib's own layout takes seconds for so many panels
    edges = {"left": 0.03, "right": 0.99, "bottom": 0.5 / height_in, "top": 1 - _HEAD_IN / height_in}
    panels = figure.subplots(count, _COLUMNS, squeeze=False, gridspec_kw=edges | {"hspace": 0.42, "wspace": 0.17})
    for axes, measure in zip(panels.flat, measures, strict=False):
        rows = [row for row in degenerate if row.measure == measure and row.perturbation in (perturbation, EVERYTHING)]
        _panel(axes, part[part["measure"] == measure], measure, rows)
    for axes in panels.flat[len(measures) :]:
        axes.set_visible(False)
    for axes in panels.flat[max(0, len(measures) - _COLUMNS) : len(measures)]:
        axes.set_xlabel(f"{perturbation.removesuffix('_normal')} [{UNITS[perturbation]}]")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="upper right", ncols=len(labels), frameon=False)
    legend.set_title("width of the truth")
    name = perturbation.replace("_normal", " along the normal")
    figure.suptitle(f"Metrics under {name}: {truth}", x=0.03, y=1 - 0.25 / height_in, ha="left")
    return _png(figure)


def _panel(axes: Axes, part: pd.DataFrame, measure: str, degenerate: Sequence[Degenerate]) -> None:
    scale = MEASURES[measure]
    for n, (width, line) in enumerate(part.groupby("width_px")):
        ink, marker = _INKS[n % len(_INKS)], _MARKERS[n % len(_MARKERS)]
        axes.plot(
            line["amount"], line["value"], color=ink, marker=marker, markersize=4, linewidth=1.3, label=f"{width} px"
        )
    amounts = np.unique(part["amount"])
    axes.set_xticks(amounts, [f"{amount:g}" for amount in amounts])
    low, high = float(part["value"].min()), float(part["value"].max())
    if scale.perfect == 1:
        axes.set_ylim(min(-0.04, 1.1 * low), 1.04)
    else:
        axes.set_ylim(-0.04 * max(high, 1.0), 1.08 * max(high, 1.0))
    axes.grid(color="#D5D5D5", linewidth=0.5)
    axes.set_title(scale.title, fontsize=10, loc="left", pad=16 if degenerate else 6)
    if degenerate:
        axes.set_facecolor(_GREY)
        axes.text(0, 1.02, _kinds(degenerate), transform=axes.transAxes, fontsize=7.5, color="#444444", va="bottom")


def _kinds(degenerate: Sequence[Degenerate]) -> str:
    """Kinds with their widths, as `blind: 1 2 3 px`."""
    kinds: dict[str, list[str]] = {}
    for row in degenerate:
        kinds.setdefault(row.detail if row.kind == "copy" else row.kind, []).append(str(row.width_px))
    return "; ".join(f"{kind}: {' '.join(widths)} px" for kind, widths in kinds.items())


def _page(width_in: float, height_in: float, *, layout: Literal["constrained"] | None = None) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), dpi=100, layout=layout)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    metadata: dict[str, Any] = {"Software": None}  # no version in the file: equal figures are equal bytes
    figure.savefig(file, format="png", metadata=metadata)
    return file.getvalue()
