"""Topology per class: errors of the Betti numbers, and how much of them is due to gaps inside one true line.

Conventions
-----------
Masks are those of distances.py: ignored pixels belong to no mask. Ink is 8-connected and background 4-connected: with
one neighbourhood for both, a closed line one pixel wide would have no inside, or several components. The sheet is
compared as a whole, not in patches, and beyond the sheet is background:

    b0    number of 8-connected components of a mask
    b1    number of holes: 4-connected parts of the background that ink encloses completely. A part that reaches the
          edge of the sheet is no hole. b1 = b0 - Euler characteristic of the union of the closed squares of the pixels

    1. betti0_error         mean over sheets of |b0(prediction) - b0(truth)|
    2. betti1_error         the same of b1
    3. fragmenting          share of the missed pixels that lie in a gap, summed over sheets. The missed pixels (true,
                            not predicted) form 8-connected groups. A group that touches two or more components of
                            the prediction is a gap between two parts of one true line; the other groups are missing:
                            ends, whole components, the rim of a line drawn too thin. A false component that touches
                            the group counts as a part
    4. betti0_error_filled  metric 1 after the pixels of all gaps were added to the prediction: what a repair of gaps,
                            without a new detection, can reach
    5. betti0_error_random  metric 1 after missed pixels drawn at random were added, as many as the gaps have: mean
                            over DRAWS draws from a fixed seed. A repair that is no better than that has repaired
                            nothing, because any added pixel can join or add components

A sheet on which neither truth nor prediction has the class is not counted; without a counted sheet 1, 2, 4 and 5 are
NaN. Metric 3 is NaN without a missed pixel. Betti numbers are counts, so errors of opposite sign in one sheet cancel:
a prediction with one false and one missing component has an error of 0. Read them beside `breaks`.

References
----------
Hu, Li, Samaras and Chen, "Topology-preserving deep image segmentation", NeurIPS 2019 (Betti number error; in patches).
Berger, Lux, Weers et al., "Pitfalls of topology-aware image segmentation", IPMI 2025 (connectivity has to be stated).
Metrics 3-5 follow two checks of the package topocheck: errors split into missing and fragmented, random repair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.metrics.absent import Counts, overlap_of
from thinline.metrics.structure.distances import ClassMask, Pair
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float64, Int64

DRAWS: Final = 16
SEED: Final = 0


@dataclass(frozen=True)
class TopologyCounts(Counts):
    """Integers of one class, summed over `sheets` that have the class in truth or prediction.

    `errors` int64 [2] are |b0 - true b0| and |b1 - true b1|; `filled` and `random` are metrics 4 and 5, `random` summed
    over DRAWS draws; `missed` and `in_gaps` count pixels.
    """

    sheets: int
    errors: Int64
    filled: int
    random: int
    missed: int
    in_gaps: int


def betti_numbers(mask: ClassMask) -> Int64:
    """b0 and b1 of a mask, int64 [2]."""
    components = int(mask.pixels.components.max(initial=-1)) + 1
    euler = call(_euler, mask.pixels.positions, np.ascontiguousarray(mask.mask).reshape(-1), mask.mask.shape[1])
    return np.array([components, components - euler], np.int64)


def topology(pair: Pair) -> TopologyCounts:
    """Compare the topology of the two masks of `pair`, and of the predicted one with gaps filled."""
    predicted, true = pair.masks
    numbers, true_numbers = betti_numbers(predicted), betti_numbers(true)
    errors = np.abs(numbers - true_numbers)
    missed = ClassMask(true.mask & ~predicted.mask).pixels
    sheets = int(len(predicted.pixels.positions) + len(true.pixels.positions) > 0)
    unchanged = TopologyCounts(sheets, errors, int(errors[0]), DRAWS * int(errors[0]), len(missed.positions), 0)
    if numbers[0] < 2 or not unchanged.missed:  # one component has no gaps
        return unchanged
    height, width = predicted.mask.shape
    grid = np.full((height + 2, width + 2), -1, np.int32)  # component of each predicted pixel, in a frame
    grid[1:-1, 1:-1][predicted.mask] = predicted.pixels.components
    row, column = np.divmod(missed.positions, width)
    framed = (row + 1) * (width + 2) + column + 1
    in_gap = np.zeros(len(framed), np.bool_)
    call(_mark_gaps, grid.reshape(-1), width + 2, framed, missed.components, in_gap)
    count = int(np.count_nonzero(in_gap))
    if not count:
        return unchanged
    uniform = np.random.default_rng(SEED).random((DRAWS, count))
    components = np.empty(1 + DRAWS, np.int64)
    call(_fill, grid.reshape(-1), width + 2, framed, in_gap, uniform, int(numbers[0]), components)
    filled = np.abs(components - true_numbers[0])
    return TopologyCounts(sheets, errors, int(filled[0]), int(filled[1:].sum()), unchanged.missed, count)


def topology_rates(counts: TopologyCounts) -> dict[str, float]:
    """The five metrics of the module."""
    means = overlap_of([*counts.errors.tolist(), counts.filled, counts.random / DRAWS], counts.sheets)
    names = ("betti0_error", "betti1_error", "betti0_error_filled", "betti0_error_random")
    share: Float64 = overlap_of(counts.in_gaps, counts.missed)
    return dict(zip(names, means.tolist(), strict=True)) | {"fragmenting": float(share)}


@kernel
def _euler(positions, mask, width):  # type: ignore[no-untyped-def]
    """Vertices - edges + squares of the union of closed pixel squares; `mask` is flat.

    Each vertex and edge is counted at its first pixel in the order of rows. The sum of a pixel is then 1 if its west,
    north-west and north are outside, -1 if north is outside and north-east inside, else 0.
    """
    euler = 0
    for position in positions:
        column = position % width
        above = position - width
        north = above >= 0 and mask[above]
        if north:
            continue
        west = column > 0 and mask[position - 1]
        north_west = column > 0 and above >= 0 and mask[above - 1]
        north_east = column + 1 < width and above >= 0 and mask[above + 1]
        euler += (not west and not north_west) - north_east
    return euler


@kernel
def _mark_gaps(grid, width, positions, groups, in_gap):  # type: ignore[no-untyped-def]
    """Mark the missed pixels `positions [Q]` whose group touches two components of `grid`, a flat framed sheet."""
    first = np.full(len(positions), -1)
    gap = np.zeros(len(positions), np.bool_)
    for q in range(len(positions)):
        for row in range(-1, 2):
            for column in range(-1, 2):
                component = grid[positions[q] + row * width + column]
                if component >= 0:
                    if first[groups[q]] < 0:
                        first[groups[q]] = component
                    elif first[groups[q]] != component:
                        gap[groups[q]] = True
    for q in range(len(positions)):
        in_gap[q] = gap[groups[q]]


@kernel
def _fill(grid, width, positions, in_gap, uniform, components, filled):  # type: ignore[no-untyped-def]
    """Write the number of components after filling all gaps, and after each of the random fills, into `filled`.

    `positions [Q]` are the missed pixels, `uniform [DRAWS,A]` numbers in 0..1 from which A of them are drawn.
    """
    order = np.concatenate((np.flatnonzero(in_gap), np.flatnonzero(~in_gap)))
    chosen = positions[order]
    count = uniform.shape[1]
    filled[0] = _components(grid, width, components, chosen[:count])
    for draw in range(len(uniform)):
        for a in range(count):  # the beginning of a Fisher-Yates shuffle
            other = a + int(uniform[draw, a] * (len(chosen) - a))
            chosen[a], chosen[other] = chosen[other], chosen[a]
        filled[1 + draw] = _components(grid, width, components, chosen[:count])


@kernel
def _components(grid, width, components, added):  # type: ignore[no-untyped-def]
    """How many components there are after the pixels `added [A]` joined the `components` of `grid`, left unchanged."""
    parent = np.arange(components + len(added))
    count = components
    for a in range(len(added)):
        grid[added[a]] = components + a
        count += 1
        for row in range(-1, 2):
            for column in range(-1, 2):
                near = grid[added[a] + row * width + column]
                if near >= 0:
                    one, two = _root(parent, components + a), _root(parent, near)
                    if one != two:
                        parent[max(one, two)] = min(one, two)
                        count -= 1
    for position in added:
        grid[position] = -1
    return count


@kernel
def _root(parent, node):  # type: ignore[no-untyped-def]
    """The first node of the component of `node`."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node
