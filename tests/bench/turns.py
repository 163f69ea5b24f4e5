"""A ratio of two times, measured in pairs until its interval is narrow: what disturbs one job disturbs the other.

Conventions

- A pair is one turn of each job; the order changes from pair to pair. A turn calls its job so often that it takes
  `TURN_S` at least. Seconds are per unit of work, for jobs that do unequal amounts in one call.
- The ratio of a pair is the peer's time over ours: above 1 ours is faster. The ratio reported is the median over pairs,
  with the 95 % interval of a median by order statistics, which assumes no distribution.
- The spread is half the width of that interval, as a share of the ratio. Pairs are added until it is at most `SPREAD`,
  or the time is over; then the ratio was not held still, and is not to be printed.
- The interval is looked at after 6 pairs, and then each time their number has grown by a quarter: looking after each
  pair would stop at lucky moments, and the interval would contain the true ratio less often than it says.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

SPREAD = 0.05
FEWEST_PAIRS = 6  # with fewer the interval from the least to the largest covers less than 95 %
TURN_S = 0.01
LEAST_S = 0.5
BUDGET_S = 20.0

Job = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Turn:
    """Seconds per unit of work by the clock, and how many cores were busy on average."""

    seconds: float
    cores: float = 1.0


Pair = Callable[[bool], tuple[Turn, Turn]]
"""Runs ours and the peer once, ours first where the argument is true; returns the turns of ours and of the peer."""


@dataclass(frozen=True)
class Comparison:
    """The median ratio of `pairs` pairs with its 95 % interval; medians of seconds and busy cores: ours, the peer's."""

    ratio: float
    low: float
    high: float
    pairs: int
    seconds: tuple[float, float]
    cores: tuple[float, float]
    took_s: float

    @property
    def spread(self) -> float:
        """Half the width of the interval as a share of the ratio."""
        return (self.high - self.low) / 2 / self.ratio

    @property
    def held_still(self) -> bool:
        """Whether the ratio may be printed."""
        return self.pairs >= FEWEST_PAIRS and self.spread <= SPREAD


def compare(
    ours: Job,
    peer: Job,
    *,
    units: tuple[float, float] = (1, 1),
    budget_s: float | None = None,
    clock: Clock = time.perf_counter,
    cpu_clock: Clock = time.process_time,
) -> Comparison:
    """Compare two jobs. `units` is the work that one call of each does, for instance the number of sheets."""
    jobs = (ours, peer)
    for job in jobs:
        job()  # compiles, fills caches; does not count
    calls = [_calls(job, clock) for job in jobs]

    def turn(number: int) -> Turn:
        began, cpu_began = clock(), cpu_clock()
        for _ in range(calls[number]):
            jobs[number]()
        took, cpu = clock() - began, cpu_clock() - cpu_began
        return Turn(took / calls[number] / units[number], cpu / took)

    def pair(ours_first: bool) -> tuple[Turn, Turn]:
        if ours_first:
            return turn(0), turn(1)
        second, first = turn(1), turn(0)
        return first, second

    return compare_pairs(pair, budget_s=budget_s, clock=clock)


def compare_pairs(pair: Pair, *, budget_s: float | None = None, clock: Clock = time.perf_counter) -> Comparison:
    """Run pairs until the median of their ratios is held still, and `LEAST_S` long at least, or `budget_s` is over.

    `FEWEST_PAIRS` pairs are run in any case. Without `budget_s` it is `BUDGET_S`.
    """
    budget_s = BUDGET_S if budget_s is None else budget_s
    turns: list[tuple[Turn, Turn]] = []
    began, look_at = clock(), FEWEST_PAIRS
    while True:
        turns.append(pair(len(turns) % 2 == 0))
        took_s = clock() - began
        if len(turns) < look_at and (took_s < budget_s or len(turns) < FEWEST_PAIRS):
            continue
        comparison = comparison_of(turns, took_s)
        if took_s >= budget_s or (comparison.held_still and took_s >= LEAST_S):
            return comparison
        look_at = math.ceil(len(turns) * 1.25)


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """The narrowest 95 % interval of the median between two order statistics; least and largest of fewer than 6."""
    ordered = sorted(values)
    number, left = len(ordered), 0
    tail = 0.5**number  # probability that at most `left` of the values lie below the median
    while left < number // 2:
        wider = tail + math.comb(number, left + 1) * 0.5**number
        if 2 * wider > 0.05:
            break
        tail, left = wider, left + 1
    return ordered[left], ordered[number - 1 - left]


def compare_limit(job: Job, limit_s: float, *, budget_s: float | None = None) -> Comparison:
    """Compare a job with the seconds that it may take: the ratio says how many times it fits into them."""

    def pair(_: bool) -> tuple[Turn, Turn]:
        began, cpu_began = time.perf_counter(), time.process_time()
        job()
        took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        return Turn(took, cpu / took), Turn(limit_s)

    return compare_pairs(pair, budget_s=budget_s)


def comparison_of(turns: Sequence[tuple[Turn, Turn]], took_s: float) -> Comparison:
    """The comparison of pairs that were run in `took_s` seconds."""
    ratios = [peer.seconds / ours.seconds for ours, peer in turns]
    low, high = median_interval(ratios)
    seconds = tuple(median(turn.seconds for turn in side) for side in zip(*turns, strict=True))
    cores = tuple(median(turn.cores for turn in side) for side in zip(*turns, strict=True))
    return Comparison(median(ratios), low, high, len(turns), (seconds[0], seconds[1]), (cores[0], cores[1]), took_s)


def _calls(job: Job, clock: Clock) -> int:
    """How often a turn calls the job."""
    began = clock()
    job()
    return max(1, math.ceil(TURN_S / max(clock() - began, 1e-9)))
