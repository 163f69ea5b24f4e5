"""Placement of labels beside lines, points and panels without overlaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from thinline.study.figures.style import GREY, TINY
from thinline.vocabulary import Float64

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


def end_labels(axes: Axes, labels: Sequence[tuple[str, float, str]], *, gap: float = 0.075) -> None:
    """Labels (text, height, colour) at the right edge of a panel, at least `gap` of its height apart."""
    low, high = axes.get_ylim()
    finite = [label for label in labels if np.isfinite(label[1])]
    heights = spread(np.array([(height - low) / (high - low) for _, height, _ in finite]), gap)
    for (text, _, ink), height in zip(finite, heights, strict=True):
        axes.annotate(text, (1.02, float(height)), xycoords="axes fraction", color=ink, fontsize=TINY, va="center")


def spread(heights: Float64, gap: float) -> Float64:
    """The heights [n] nearest to `heights` (least squares) that keep their order and are `gap` apart."""
    from scipy.optimize import isotonic_regression

    if not len(heights):
        return heights
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    out = np.empty(len(heights))
    out[order] = isotonic_regression(heights[order] - steps).x + steps
    return out


def number_points(axes: Axes, points: Float64, texts: Mapping[int, str]) -> None:
    """Texts near their `points [n,2]`: at the nearest of 48 positions that is free, else at the freest."""
    low, high = axes.get_xlim()
    reach = 0.03 * (high - low)
    angles = np.pi / 6 * np.arange(12) + np.pi / 4
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    around = reach * np.concatenate([size * around for size in (1.0, 1.9, 2.8, 3.7)])
    taken = points[np.isfinite(points).all(1)]
    for index, text in texts.items():
        if not np.isfinite(points[index]).all():
            continue
        options = points[index] + around
        distance = np.linalg.norm(options[:, None] - taken[None], axis=-1).min(1)
        distance[((options < low + reach / 2) | (options > high - reach / 2)).any(1)] = -1
        free = distance > 0.97 * reach
        best = options[int(np.argmax(free) if free.any() else distance.argmax())]
        if np.linalg.norm(best - points[index]) > 1.5 * reach:
            axes.plot(*np.column_stack([points[index], best]), color=GREY, linewidth=0.5, zorder=2)
        taken = np.concatenate([taken, best[None], best[None] + [0.4 * reach, 0], best[None] - [0.4 * reach, 0]])
        axes.text(best[0], best[1], text, fontsize=TINY, ha="center", va="center", zorder=4)


def legend_above(row: Sequence[Axes], handles: Mapping[str, Artist], *, columns: int) -> None:
    """A legend of `handles` by name in a row of panels reserved for it, outside of matplotlib's layout."""
    for axes in row:
        axes.axis("off")
    legend = row[0].legend(
        list(handles.values()), list(handles), loc="center left", bbox_to_anchor=(0, 0.5), ncols=columns, borderpad=0
    )
    legend.set_in_layout(False)
