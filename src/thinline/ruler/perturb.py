"""Compute the response of every metric to perturbations of a truth: shift, jitter, thickness, gaps and swapped curves.

Conventions
-----------
A truth (truth.py) is drawn at each of `WIDTHS_PX`. The prediction is the same truth after one *perturbation* of one
*amount*, drawn with the same pen. A row of the result is the `value` of a metric (scores.py, column `measure`) over all
curves of all sheets.

    shift          all rows by `amount` px along the rows
    jitter         every row by a uniform whole number of px in -amount..amount along the rows; adjacent rows are joined
                   again
    thickness      px of the pen of the prediction; unperturbed where it is the pen of the truth
    gaps           share of the rows that the prediction lacks, in random stretches of `GAP_ROWS`
    swaps          share of the rows, one stretch around the middle, in which the first two curves are exchanged;
                   skipped if no truth has two curves
    shift_normal   every curve by `amount` px along its normal (metrics/normal_moves.py)
    jitter_normal  every pixel of a line by a uniform whole number of px in -amount..amount along its normal; pixels
                   that touched are joined again

A move along the rows is the error of a value that is read in each row. Where a curve runs across the rows, it moves the
line along its own ink. A move along the normal is an error of the line itself: a metric of masks that is turned with
them responds alike to a curve and to the turned curve. The column of the curve in a row then changes as the mean column
of the line in that row does; in a row that the moved line leaves, as in the nearest row that it keeps.

Amount 0 is a perfect prediction. The random stream depends on the seed and the sheet, not on the width, so predictions
at two widths differ in width alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Final

import numpy as np
import pandas as pd

from thinline.metrics.normal_moves import centreline, moved_along_normal
from thinline.ruler.scores import Tally, overlap, scores, tally
from thinline.ruler.truth import RulerError, Truth, bridge, drawn
from thinline.vocabulary import Bool, Float64, Int64

WIDTHS_PX: Final = (1, 2, 3, 5, 7)
AMOUNTS: Final[dict[str, tuple[float, ...]]] = {
    "shift": (0, 1, 2, 3, 4, 5),
    "jitter": (0, 1, 2, 3),
    "thickness": (1, 2, 3, 4, 5, 6, 7),
    "gaps": (0, 0.1, 0.2, 0.3, 0.4),
    "swaps": (0, 0.1, 0.25, 0.5),
    "shift_normal": (0, 1, 2, 3, 4, 5),
    "jitter_normal": (0, 1, 2, 3),
}
UNITS: Final = {
    "shift": "px along the rows",
    "jitter": "px along the rows, at most",
    "thickness": "px drawn",
    "gaps": "share of rows",
    "swaps": "share of rows",
    "shift_normal": "px along the normal",
    "jitter_normal": "px along the normal, at most",
}
GAP_ROWS: Final = 8
COLUMNS: Final = ("width_px", "perturbation", "amount", "measure", "value")


def respond(truths: Sequence[Truth], *, widths_px: Sequence[int] = WIDTHS_PX, seed: int = 0) -> pd.DataFrame:
    """Tidy table with one row per width, perturbation, amount and metric (`COLUMNS`). RulerError without a truth."""
    if not truths:
        raise RulerError("expected at least one truth to perturb, got none; give sheets or masks")
    rows = []
    for perturbation, amounts in AMOUNTS.items():
        kept = [truth for truth in truths if perturbation != "swaps" or len(truth.lines) > 1]
        for amount in amounts if kept else ():
            predictions = [disturbed(truth, perturbation, amount, seed=seed + i) for i, truth in enumerate(kept)]
            for width in widths_px:
                pen = round(amount) if perturbation == "thickness" else width
                for measure, value in _scored(kept, predictions, width, pen).items():
                    rows.append((width, perturbation, float(amount), measure, value))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values("width_px", kind="stable", ignore_index=True)


def _scored(truths: Sequence[Truth], predictions: Sequence[Truth], width: int, pen: int) -> dict[str, float]:
    """Every metric of predictions drawn with `pen` against truths drawn at `width`."""
    overlaps: list[Int64] = []
    tallies: list[Tally] = []
    for truth, prediction in zip(truths, predictions, strict=True):
        true, predicted = drawn(truth.lines, width), drawn(prediction.lines, pen)
        overlaps.append(overlap(np.logical_or.reduce(predicted), np.logical_or.reduce(true)))
        for k in range(len(true)):
            tallies.append(tally(predicted[k], true[k], predicted_x=prediction.x_px[k], true_x=truth.x_px[k]))
    return scores(reduce(add, tallies), np.sum(overlaps, axis=0))


def disturbed(truth: Truth, perturbation: str, amount: float, *, seed: int = 0) -> Truth:
    """`truth` after one perturbation. RulerError for one that is not in `AMOUNTS`; thickness changes only the pen."""
    rng = np.random.default_rng([list(AMOUNTS).index(perturbation) if perturbation in AMOUNTS else 0, seed])
    if perturbation == "shift":
        return shifted(truth, round(amount))
    if perturbation == "jitter":
        return jittered(truth, round(amount), rng)
    if perturbation == "gaps":
        return torn(truth, amount, rng)
    if perturbation == "swaps":
        return swapped(truth, amount)
    if perturbation == "shift_normal":
        return moved_across(truth, lambda points: np.full(points, amount))
    if perturbation == "jitter_normal":
        return moved_across(truth, lambda points: rng.integers(-round(amount), round(amount) + 1, points).astype(float))
    if perturbation != "thickness":
        raise RulerError(f"`perturbation` must be one of {', '.join(AMOUNTS)}, got {perturbation!r}")
    return truth


def shifted(truth: Truth, px: int) -> Truth:
    """All rows shifted `px` to the right, into the empty margin."""
    return replace(truth, lines=np.roll(truth.lines, px, axis=2), x_px=truth.x_px + px)


def jittered(truth: Truth, px: int, rng: np.random.Generator) -> Truth:
    """Every row of every curve shifted by a random -px..px; rows that touched before are joined again."""
    moves = rng.integers(-px, px + 1, truth.lines.shape[:2])
    lines = np.stack([_rows_moved(line, move) for line, move in zip(truth.lines, moves, strict=True)])
    return replace(truth, lines=lines, x_px=truth.x_px + moves)


def _rows_moved(line: Bool, move: Int64) -> Bool:
    moved = np.zeros_like(line)
    rows, columns = np.nonzero(line)
    moved[rows, columns + move[rows]] = True
    for step in (-1, 0, 1):
        neighbour = np.roll(line, -step, axis=1)  # the margin is empty: nothing wraps round
        rows, columns = np.nonzero(line[:-1] & neighbour[1:])
        bridge(moved, rows, columns + move[rows], columns + step + move[rows + 1])
    return moved


def moved_across(truth: Truth, by_px: Callable[[int], Float64]) -> Truth:
    """Every curve moved along its normal by `by_px(P)` [P], the px for the P pixels of its line."""
    lines, x_px = truth.lines.copy(), truth.x_px.copy()
    for k, line in enumerate(truth.lines):
        centre = centreline(line)
        lines[k] = moved_along_normal(line, centre, by_px(len(centre.normals)))
        x_px[k] += _mean_shift(line, lines[k])
    return replace(truth, lines=lines, x_px=x_px)


def _mean_shift(line: Bool, moved: Bool) -> Float64:
    """The change [H] of the mean column of a line `[H,W]`; in rows without both, that of the nearest row with both."""
    columns = np.arange(line.shape[1])
    ink = np.stack([line.sum(1), moved.sum(1)])
    sums = np.stack([(line * columns).sum(1), (moved * columns).sum(1)])
    both = np.flatnonzero((ink > 0).all(0))
    if not len(both):
        return np.zeros(len(line))
    before, after = sums[:, both] / ink[:, both]
    rows = np.arange(len(line))
    right = np.searchsorted(both, rows).clip(1, len(both) - 1) if len(both) > 1 else np.zeros(len(rows), np.intp)
    left = np.maximum(right - 1, 0)
    nearest = np.where(rows - both[left] <= both[right] - rows, left, right)
    return np.asarray((after - before)[nearest], np.float64)


def torn(truth: Truth, share: float, rng: np.random.Generator) -> Truth:
    """The truth without a `share` of the rows, in stretches of `GAP_ROWS`, the same rows for all curves."""
    stretches = -(-truth.lines.shape[1] // GAP_ROWS)
    gone = np.repeat(rng.permutation(stretches) < round(share * stretches), GAP_ROWS)[: truth.lines.shape[1]]
    return replace(truth, lines=truth.lines & ~gone[:, None], x_px=np.where(gone, np.nan, truth.x_px))


def swapped(truth: Truth, share: float) -> Truth:
    """The first two curves exchanged over a `share` of the rows, around the middle."""
    height = truth.lines.shape[1]
    first = round((1 - share) / 2 * height)
    rows = slice(first, first + round(share * height))
    lines, x_px = truth.lines.copy(), truth.x_px.copy()
    lines[:2, rows], x_px[:2, rows] = truth.lines[1::-1, rows], truth.x_px[1::-1, rows]
    return replace(truth, lines=lines, x_px=x_px)
