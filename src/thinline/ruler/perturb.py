"""The ruler itself measured: how every measure answers when a truth is moved, roughened, thickened, torn or swapped.

Conventions
-----------
A truth (truth.py) is drawn at each of `WIDTHS_PX`; the answer is the same truth, disturbed by one *perturbation*
at one *amount*, and drawn with the same pen. What a row of the result says is the `value` of a `measure`
(scores.py) over all curves of all sheets.

    shift      px sideways, all rows alike
    jitter     every row by a whole number of px between -amount and amount, each as likely; runs are joined again
    thickness  px the answer is drawn with, whatever the pen of the truth; undisturbed where that is the truth's own
    gaps       share of the rows that the answer leaves out, in stretches of `GAP_ROWS` at random
    swaps      share of the rows, in one stretch around the middle, where the first two curves are taken for each other;
               left out where no truth has two

Amount 0 is an answer without fault. Randomness is drawn from the seed anew for each sheet and amount, so that answers
at two widths differ in width alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Final

import numpy as np
import pandas as pd

from thinline.ruler.scores import Tally, overlap, scores, tally
from thinline.ruler.truth import RulerError, Truth, bridge, drawn
from thinline.vocabulary import Bool, Int64

WIDTHS_PX: Final = (1, 2, 3, 5, 7)
AMOUNTS: Final[dict[str, tuple[float, ...]]] = {
    "shift": (0, 1, 2, 3, 4, 5),
    "jitter": (0, 1, 2, 3),
    "thickness": (1, 2, 3, 4, 5, 6, 7),
    "gaps": (0, 0.1, 0.2, 0.3, 0.4),
    "swaps": (0, 0.1, 0.25, 0.5),
}
UNITS: Final = {
    "shift": "px sideways",
    "jitter": "px, at most",
    "thickness": "px drawn",
    "gaps": "share of rows",
    "swaps": "share of rows",
}
GAP_ROWS: Final = 8
COLUMNS: Final = ("width_px", "perturbation", "amount", "measure", "value")


def respond(truths: Sequence[Truth], *, widths_px: Sequence[int] = WIDTHS_PX, seed: int = 0) -> pd.DataFrame:
    """The tidy table of all responses: one row for each width, perturbation, amount and measure.

    Raises `RulerError` where there is no truth.
    """
    if not truths:
        raise RulerError("expected at least one truth to try measures on, got none; give sheets or masks")
    rows = []
    for perturbation, amounts in AMOUNTS.items():
        kept = [truth for truth in truths if perturbation != "swaps" or len(truth.lines) > 1]
        for amount in amounts if kept else ():
            answers = [disturbed(truth, perturbation, amount, seed=seed + i) for i, truth in enumerate(kept)]
            for width in widths_px:
                pen = round(amount) if perturbation == "thickness" else width
                for measure, value in _scored(kept, answers, width, pen).items():
                    rows.append((width, perturbation, float(amount), measure, value))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values("width_px", kind="stable", ignore_index=True)


def _scored(truths: Sequence[Truth], answers: Sequence[Truth], width: int, pen: int) -> dict[str, float]:
    """Every measure of answers drawn with `pen` against truths drawn at `width`."""
    seen: list[Int64] = []
    tallies: list[Tally] = []
    for truth, answer in zip(truths, answers, strict=True):
        true, found = drawn(truth.lines, width), drawn(answer.lines, pen)
        seen.append(overlap(np.logical_or.reduce(found), np.logical_or.reduce(true)))
        for k in range(len(true)):
            tallies.append(tally(found[k], true[k], found_x=answer.x_px[k], true_x=truth.x_px[k]))
    return scores(reduce(add, tallies), np.sum(seen, axis=0))


def disturbed(truth: Truth, perturbation: str, amount: float, *, seed: int = 0) -> Truth:
    """`truth` after one perturbation; raises `RulerError` for one that is not in `AMOUNTS`."""
    rng = np.random.default_rng([list(AMOUNTS).index(perturbation) if perturbation in AMOUNTS else 0, seed])
    if perturbation == "shift":
        return shifted(truth, round(amount))
    if perturbation == "jitter":
        return jittered(truth, round(amount), rng)
    if perturbation == "gaps":
        return torn(truth, amount, rng)
    if perturbation == "swaps":
        return swapped(truth, amount)
    if perturbation != "thickness":
        raise RulerError(f"`perturbation` must be one of {', '.join(AMOUNTS)}, got {perturbation!r}")
    return truth


def shifted(truth: Truth, px: int) -> Truth:
    """All rows `px` to the right; the margin has room for it."""
    return replace(truth, lines=np.roll(truth.lines, px, axis=2), x_px=truth.x_px + px)


def jittered(truth: Truth, px: int, rng: np.random.Generator) -> Truth:
    """Every row of every curve by -px..px, what touched before joined again."""
    moves = rng.integers(-px, px + 1, truth.lines.shape[:2])
    lines = np.stack([_rows_moved(line, move) for line, move in zip(truth.lines, moves, strict=True)])
    return replace(truth, lines=lines, x_px=truth.x_px + moves)


def _rows_moved(line: Bool, move: Int64) -> Bool:
    moved = np.zeros_like(line)
    rows, columns = np.nonzero(line)
    moved[rows, columns + move[rows]] = True
    for aside in (-1, 0, 1):
        beside = np.roll(line, -aside, axis=1)  # the margin is empty: nothing comes round
        rows, columns = np.nonzero(line[:-1] & beside[1:])
        bridge(moved, rows, columns + move[rows], columns + aside + move[rows + 1])
    return moved


def torn(truth: Truth, share: float, rng: np.random.Generator) -> Truth:
    """Without that share of the rows, in stretches of `GAP_ROWS`, the same for all curves."""
    stretches = -(-truth.lines.shape[1] // GAP_ROWS)
    gone = np.repeat(rng.permutation(stretches) < round(share * stretches), GAP_ROWS)[: truth.lines.shape[1]]
    return replace(truth, lines=truth.lines & ~gone[:, None], x_px=np.where(gone, np.nan, truth.x_px))


def swapped(truth: Truth, share: float) -> Truth:
    """The first two curves in each other's place over that share of the rows, around the middle."""
    height = truth.lines.shape[1]
    first = round((1 - share) / 2 * height)
    rows = slice(first, first + round(share * height))
    lines, x_px = truth.lines.copy(), truth.x_px.copy()
    lines[:2, rows], x_px[:2, rows] = truth.lines[1::-1, rows], truth.x_px[1::-1, rows]
    return replace(truth, lines=lines, x_px=x_px)
