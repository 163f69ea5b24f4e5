"""Names and numbers beside what they belong to, so that they neither hide it nor each other."""

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
    """Names (text, height, ink) beside the right edge of a panel, apart by at least `gap` of its height."""
    low, high = axes.get_ylim()
    known = [it for it in labels if np.isfinite(it[1])]
    heights = spread(np.array([(height - low) / (high - low) for _, height, _ in known]), gap)
    for (text, _, ink), height in zip(known, heights, strict=True):
        axes.annotate(text, (1.02, float(height)), xycoords="axes fraction", color=ink, fontsize=TINY, va="center")


def spread(places: Float64, gap: float) -> Float64:
    """The places nearest to `places [n]` (least squares) that keep their order and are `gap` apart."""
    from scipy.optimize import isotonic_regression

    if not len(places):
        return places
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    out = np.empty(len(places))
    out[order] = isotonic_regression(places[order] - steps).x + steps
    return out


def number_points(axes: Axes, places: Float64, texts: Mapping[int, str]) -> None:
    """Texts beside their points: at the nearest place around it with room, else where there is most of it."""
    low, high = axes.get_xlim()
    reach = 0.03 * (high - low)
    angles = np.pi / 6 * np.arange(12) + np.pi / 4
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    around = reach * np.concatenate([size * around for size in (1.0, 1.9, 2.8, 3.7)])
    taken = places[np.isfinite(places).all(1)]
    for at, text in texts.items():
        if not np.isfinite(places[at]).all():
            continue
        options = places[at] + around
        room = np.linalg.norm(options[:, None] - taken[None], axis=-1).min(1)
        room[((options < low + reach / 2) | (options > high - reach / 2)).any(1)] = -1
        best = options[int(np.argmax(room > 0.97 * reach) if (room > 0.97 * reach).any() else room.argmax())]
        if np.linalg.norm(best - places[at]) > 1.5 * reach:
            axes.plot(*np.column_stack([places[at], best]), color=GREY, linewidth=0.5, zorder=2)
        taken = np.concatenate([taken, best[None], best[None] + [0.4 * reach, 0], best[None] - [0.4 * reach, 0]])
        axes.text(best[0], best[1], text, fontsize=TINY, ha="center", va="center", zorder=4)


def legend_above(row: Sequence[Axes], named: Mapping[str, Artist], *, columns: int) -> None:
    """A legend of artists by name in a row of panels kept for it, outside of matplotlib's layout."""
    for axes in row:
        axes.axis("off")
    legend = row[0].legend(
        list(named.values()), list(named), loc="center left", bbox_to_anchor=(0, 0.5), ncols=columns, borderpad=0
    )
    legend.set_in_layout(False)
