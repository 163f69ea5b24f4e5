"""Decide which path is which curve: continuity where paths meet, the pens between, hints, and the order from the left.

Conventions
    At every *meeting* of two paths (positions.py) the names either stay or change. N paths, up to N! *namings*; a row
    has one naming, and the sequence of namings with the least cost is found (Viterbi). Costs, in nats:

        stay, change    for both curves the roughness of their courses across the meeting: one cubic is fitted to the
                        rows of the course above and below it, REACHES_MM of either, and at most to the next meeting.
                        CONTINUE * log(1 + mean squared residual / SPREAD_PX^2), summed over the reaches
        pen             the difference between each stretch of a path and the curve of that name (stretches.py)
        hint            HINT for each hint of a curve to which another path is nearest, if it is within HINT_MM; less
                        if a second path is less than 1 mm farther away

    The features of a curve are not known before: they come from the naming found before. The search starts with
    continuity alone, and with the stretches sorted by each of the features; the cheapest result counts.

    Without hints, curve 1 is the leftmost path in the first row in which all paths have ink of their own, and so on;
    that row is the *anchor*.

    The confidence of a name is its share of all sequences of namings, each weighted exp(-cost / TEMPERATURE), with the
    features of the curves as found (forward and backward sums). Without hints all sequences have the names of the
    anchor there. With one meeting of two paths it is 1 / (1 + exp(-margin)), of the margin between the two namings in
    TEMPERATURE; each further meeting that is in doubt brings it closer to 1/2. In the rows of a meeting it is the lower
    one of above and below.

    The numbers were chosen on drawn sheets of the families `archive` and `procedural`, seeds 1000 to 1059.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from thinline.curves.many.positions import NONE, Meeting, Positions
from thinline.curves.many.runs import Runs
from thinline.curves.many.stretches import Stretches, pen_costs, starts_of, stretches_of
from thinline.vocabulary import Float64, Int64

REACHES_MM: Final = (1.0, 2.0, 4.0)
SPREAD_PX: Final = 0.5
CONTINUE: Final = 0.2
HINT: Final = 50.0
HINT_MM: Final = 3.0
ANCHORED: Final = 1e6
TEMPERATURE: Final = 6.0
"""Of the names of a track with one pen: the one of 1 to 15 with the least log loss on drawn `field` sheets."""

MOST_ODDS: Final = 100.0
_ROUNDS: Final = 4

Hints = Sequence[Sequence[tuple[float, float]]]
"""For each curve any number of (row, column)."""


class Names(NamedTuple):
    """The curve of each path in every row, int64 [N,H], and the confidence of that name 0..1, float64 [N,H]."""

    curve: Int64
    confidence: Float64


def named(runs: Runs, positions: Positions, meetings: list[Meeting], hints: Hints, *, px_per_mm: float) -> Names:
    """The names of the paths. `hints` has an element for each path, empty or not."""
    number, height = positions.run.shape
    stretches = stretches_of(runs, positions, meetings, px_per_mm=px_per_mm)
    change = _changes(runs, positions, meetings, px_per_mm=px_per_mm)
    search = _Search(stretches, meetings, change, number)
    misses = _hint_costs(stretches, positions, hints, px_per_mm=px_per_mm)
    best, _ = search.cheapest(misses)
    least = np.inf
    for start in starts_of(stretches, best, number):
        curve_of = _as_hinted(start, misses)
        for _ in range(_ROUNDS):
            curve_of, cost = search.cheapest(pen_costs(stretches, curve_of, number) + misses)
        if cost < least:
            best, least = curve_of, cost
    costs = pen_costs(stretches, best, number) + misses
    anchor = _anchor(positions)
    if not misses.any():
        at = (stretches.first <= anchor) & (anchor < stretches.last)
        costs = costs + ANCHORED * (at[:, None] & (best[:, None] != np.arange(number)))
    confidence = _confidence(stretches, meetings, search.ended, search.log_odds(costs, best), height)
    if not misses.any():
        best = _from_the_left(positions, _in_rows(stretches, best, height), anchor)[best]
    return Names(_in_rows(stretches, best, height), confidence)


class _Search:
    """The cheapest sequence of namings of the stretches, for costs of each stretch with each name.

    `ended` are the two stretches that end at each meeting, `final` those that end at the last row.
    """

    def __init__(self, stretches: Stretches, meetings: list[Meeting], change: Float64, number: int) -> None:
        self.stretches, self.meetings, self.change = stretches, meetings, change
        self.namings = np.array(list(itertools.permutations(range(number))), np.int64).reshape(-1, number)
        index = {tuple(naming): i for i, naming in enumerate(self.namings.tolist())}
        self.swapped = {}
        for p, q in itertools.combinations(range(number), 2):
            other = self.namings.copy()
            other[:, [p, q]] = other[:, [q, p]]
            self.swapped[p, q] = np.array([index[tuple(naming)] for naming in other.tolist()])
        own = [iter(stretches_of_path) for stretches_of_path in stretches.of]
        self.ended = [[next(own[path]) for path in meeting.pair] for meeting in meetings]
        self.final = [next(rest) for rest in own]

    def cheapest(self, cost_of: Float64) -> tuple[Int64, float]:
        """The name of each stretch, int64 [n], and the total cost; `cost_of [n,N]` of each stretch with each name."""
        total = np.zeros(len(self.namings))
        changed = np.zeros((len(self.meetings), len(self.namings)), np.bool_)
        for number, ended in enumerate(self.ended):
            total = self._with(total, cost_of, ended)
            stay, change = self._onward(total, number)
            changed[number] = change < stay
            total = np.minimum(stay, change)
        total = self._with(total, cost_of, self.final)
        state = int(total.argmin())
        curve_of = np.zeros(len(self.stretches.path), np.int64)
        curve_of[self.final] = self.namings[state, self.stretches.path[self.final]]
        for number in range(len(self.meetings) - 1, -1, -1):
            if changed[number, state]:
                state = int(self.swapped[self.meetings[number].pair][state])
            curve_of[self.ended[number]] = self.namings[state, self.stretches.path[self.ended[number]]]
        return curve_of, float(total.min())

    def log_odds(self, cost_of: Float64, curve_of: Int64) -> Float64:
        """Log of the weight of the sequences with the name `curve_of` of a stretch by that of all others, [n]."""
        cost_of = cost_of / TEMPERATURE
        above = [np.zeros(len(self.namings))]
        for number, ended in enumerate(self.ended):
            above.append(_either(*self._onward(self._with(above[-1], cost_of, ended), number, 1 / TEMPERATURE)))
        odds = np.zeros(len(curve_of))
        below = np.zeros(len(self.namings))
        for number in range(len(self.meetings), -1, -1):
            last = number == len(self.meetings)
            ended = self.final if last else self.ended[number]
            onward = below if last else _either(*self._onward(below, number, 1 / TEMPERATURE))
            below = self._with(onward, cost_of, ended)
            total = -above[number] - below
            for stretch in ended:
                own = self.namings[:, self.stretches.path[stretch]] == curve_of[stretch]
                odds[stretch] = np.logaddexp.reduce(total[own]) - np.logaddexp.reduce(total[~own])
        return odds

    def _with(self, total: Float64, cost_of: Float64, stretches: Sequence[int]) -> Float64:
        """The cost of each naming, and in addition that of some stretches."""
        total = total.copy()
        for stretch in stretches:
            total += cost_of[stretch, self.namings[:, self.stretches.path[stretch]]]
        return total

    def _onward(self, total: Float64, number: int, factor: float = 1.0) -> tuple[Float64, Float64]:
        """The cost of each naming on the other side of a meeting, if names stay and if they change, times `factor`."""
        stay, change = factor * self.change[number]
        return total + stay, total[self.swapped[self.meetings[number].pair]] + change


def _either(stay: Float64, change: Float64) -> Float64:
    """The cost whose weight exp(-cost) is the sum of both."""
    return np.asarray(-np.logaddexp(-stay, -change), np.float64)


def _changes(runs: Runs, positions: Positions, meetings: list[Meeting], *, px_per_mm: float) -> Float64:
    """Costs to stay and to change names at each meeting, [m,2]. No line goes beyond the next meeting of its path."""
    number, height = positions.run.shape
    free = np.zeros((len(meetings), 2, 2), np.int64)  # first row above, row after the last one below, of either path
    last = [0] * number
    for n, meeting in enumerate(meetings):
        for k, path in enumerate(meeting.pair):
            free[n, k, 0], last[path] = last[path], meeting.last + 1
    last = [height] * number
    for n in range(len(meetings) - 1, -1, -1):
        for k, path in enumerate(meetings[n].pair):
            free[n, k, 1], last[path] = last[path], meetings[n].first
    costs = [_change(runs, positions, *each, px_per_mm=px_per_mm) for each in zip(meetings, free, strict=True)]
    return np.array(costs).reshape(-1, 2)


def _change(
    runs: Runs, positions: Positions, meeting: Meeting, free: Int64, *, px_per_mm: float
) -> tuple[float, float]:
    """Cost to stay and to change names at a meeting with the rows `free [2,2]` of its two paths."""
    stay, change = 0.0, 0.0
    for reach_mm in REACHES_MM:
        reach = max(3, round(reach_mm * px_per_mm))
        first, last = meeting.first, meeting.last + 1
        above, below = [], []
        for k, path in enumerate(meeting.pair):
            above.append(_points(runs, positions, path, max(first - reach, free[k, 0]), first))
            below.append(_points(runs, positions, path, last, min(last + reach, free[k, 1])))
        if min(map(len, (*above, *below))) < 2:
            continue
        stay += _bend(above[0], below[0]) + _bend(above[1], below[1])
        change += _bend(above[0], below[1]) + _bend(above[1], below[0])
    return stay, change


def _points(runs: Runs, positions: Positions, path: int, first: int, last: int) -> Float64:
    """Row and column of the runs of a path in the rows `first..last-1`, float64 [n,2]."""
    run = positions.run[path, first : max(last, first)]
    rows = np.flatnonzero(run != NONE)
    run = run[rows]
    return np.stack([rows + float(first), runs.x[run]], axis=1)


def _bend(above: Float64, below: Float64) -> float:
    """CONTINUE * log(1 + mean squared residual / SPREAD_PX^2) of one cubic through the points above and below."""
    row, x = np.concatenate([above, below]).T
    row = (row - row.mean()) / (np.ptp(row) + 1)
    terms = np.stack([np.ones(len(row)), row, row**2, row**3], axis=1)
    fit, *_ = np.linalg.lstsq(terms, x, rcond=None)
    return CONTINUE * float(np.log1p(np.mean((x - terms @ fit) ** 2) / SPREAD_PX**2))


def _as_hinted(curve_of: Int64, misses: Float64) -> Int64:
    """The names `curve_of [n]` exchanged for each other so that they miss the least; `misses [n,N]` are hint costs."""
    number = misses.shape[1]
    table = np.array([misses[curve_of == name].sum(axis=0) for name in range(number)])
    orders = np.array(list(itertools.permutations(range(number))))
    missed = table[np.arange(number), orders].sum(axis=1)
    return np.asarray(orders[int(missed.argmin()), curve_of], np.int64)


def _hint_costs(stretches: Stretches, positions: Positions, hints: Hints, *, px_per_mm: float) -> Float64:
    """HINT for each hint of a curve and each other name of the stretch next to it, [n,N]."""
    cost = np.zeros((len(stretches.path), len(hints)))
    for curve, points in enumerate(hints):
        for row, column in points:
            at = min(max(round(row), 0), positions.x.shape[1] - 1)
            away = np.abs(positions.x[:, at] - column)
            if not np.isfinite(away).any() or np.nanmin(away) > HINT_MM * px_per_mm:
                continue
            nearest = int(np.nanargmin(away))
            second = np.min(np.delete(np.where(np.isnan(away), np.inf, away), nearest), initial=np.inf)
            clear = min(1.0, (second - away[nearest]) / px_per_mm)
            here = next(n for n in stretches.of[nearest] if stretches.first[n] <= at < stretches.last[n])
            others = np.arange(len(hints)) != curve
            cost[here, others] += HINT * clear
    return cost


def _anchor(positions: Positions) -> int:
    """The first row in which all paths that are anywhere have ink of their own; -1 if there is none."""
    present = np.isfinite(positions.x).any(axis=1)
    on_ink = ((positions.run != NONE) & ~positions.shared)[present]
    rows = np.flatnonzero(on_ink.all(axis=0)) if present.any() else np.zeros(0, np.int64)
    return int(rows[0]) if len(rows) else -1


def _from_the_left(positions: Positions, names: Int64, anchor: int) -> Int64:
    """The new number of each name, int64 [N], in the order of columns in the row `anchor`.

    Without such a row (-1), in the order of their mean columns. Paths that are nowhere come last.
    """
    if not names.shape[1]:
        return np.arange(len(names))
    known = np.isfinite(positions.x)
    mean = np.where(known, positions.x, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    x = np.where(known.any(axis=1), positions.x[:, anchor] if anchor >= 0 else mean, np.inf)
    order = np.empty(len(x), np.int64)
    order[names[np.argsort(x, kind="stable"), max(anchor, 0)]] = np.arange(len(x))
    return order


def _in_rows(stretches: Stretches, curve_of: Int64, height: int) -> Int64:
    """The name of each path in every row, int64 [N,H]."""
    names = np.zeros((len(stretches.of), height), np.int64)
    for n, curve in enumerate(curve_of):
        names[stretches.path[n], stretches.first[n] : stretches.last[n]] = curve
    return names


def _confidence(
    stretches: Stretches, meetings: list[Meeting], ended: list[list[int]], odds: Float64, height: int
) -> Float64:
    """The confidence of the name of each path in every row, float64 [N,H], from the log odds of each stretch."""
    sure = np.zeros((len(stretches.of), height))
    for n, value in enumerate(1 / (1 + np.exp(-np.clip(odds, -MOST_ODDS, MOST_ODDS)))):
        sure[stretches.path[n], stretches.first[n] : stretches.last[n]] = value
    for meeting, above in zip(meetings, ended, strict=True):
        for n in above:
            rows = sure[stretches.path[n], meeting.first : meeting.last + 1]
            rows[:] = rows.min()
    return sure
