"""How sure a ranking is: P(A better than B), ranks of a factor's levels, and whether measures agree.

Conventions
-----------
Levels are compared by their marginal means over the grid, better is up: measures where less is better are turned.
`L` levels are `weights [L,A]` of the conditions. Every number comes from the estimates of their differences, paired by
seed (estimates.py).

Measures
--------
P(A > B)    probability that A is truly better, given the data (`estimates.chance_above`); .5: nothing is known. With
            equal levels it lies outside of .025 to .975 in 5 % of studies
rank        rank of the mean over the seeds in which all levels have a value; 1 is the best, equal levels share the mean
            of their ranks
low_rank    1 + the number of levels that differ from this one and are better
high_rank   L - the number of levels that differ from this one and are worse; two levels differ where p of their
            difference times the number of pairs of the factor is below .05 (Bonferroni, one measure of one class). So
            all intervals of a factor together hold the true ranks in 95 % of studies or more [2]
tau         Kendall's tau-b between the orders in which two measures put conditions (or levels); NaN where one of them
            puts all of them equal [3]

References
----------
[1] Bouthillier et al., "Accounting for variance in machine learning benchmarks", MLSys 2021 (P(A > B)).
[2] Al Mohamad, van Zwet, Solari and Goeman, "Simultaneous confidence intervals for ranks using the partitioning
    principle", Electronic Journal of Statistics 15 (2021), section 2: intervals from pairwise tests.
[3] Kendall, "The treatment of ties in ranking problems", Biometrika 33 (1945).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from thinline.metrics.catalogue import less_is_better
from thinline.study.stats.estimates import LEVEL, Estimates, by_seed, chance_above, estimate_all, rounded, size_of
from thinline.study.stats.samples import Samples
from thinline.vocabulary import Float64, Int64

PAIR_COLUMNS = ("level_a", "level_b", "p_better")
RANK_COLUMNS = ("level", "rank", "low_rank", "high_rank")
TAU_COLUMNS = ("measure_a", "measure_b", "tau")


def better_up(values: Float64, measure: str) -> Float64:
    """`values` with their sign turned where lower is better."""
    return -values if less_is_better(measure) else values


def compared(data: Samples, weights: Float64, levels: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """P(A > B) of all ordered pairs of `levels`, and the rank of each; empty with fewer than two levels."""
    if len(levels) < 2:
        return pd.DataFrame(columns=list(PAIR_COLUMNS)), pd.DataFrame(columns=list(RANK_COLUMNS))
    pairs = np.array(list(combinations(range(len(levels)), 2)))
    signed = better_up(weights, data.measure)
    apart = estimate_all(data, signed[pairs[:, 0]] - signed[pairs[:, 1]])
    return _chances(apart, pairs, levels), _ranks(data, signed, apart, pairs, levels)


def _chances(apart: Estimates, pairs: Int64, levels: Sequence[str]) -> pd.DataFrame:
    chances = np.full((len(levels), len(levels)), np.nan)
    chances[tuple(pairs.T)] = chance_above(apart)
    chances[tuple(pairs.T[::-1])] = 1 - chance_above(apart)
    rows = [(levels[a], levels[b], chances[a, b]) for a, b in np.argwhere(~np.eye(len(levels), dtype=np.bool_))]
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))


def _ranks(data: Samples, weights: Float64, apart: Estimates, pairs: Int64, levels: Sequence[str]) -> pd.DataFrame:
    values = data.values
    each = by_seed(values, weights)
    known = each[:, np.isfinite(each).all(0)]
    if not known.shape[1]:
        return pd.DataFrame(columns=list(RANK_COLUMNS))
    better, worse = (np.zeros(len(levels), np.int64) for _ in range(2))
    differ = apart.p * len(pairs) < 1 - LEVEL
    for (a, b), effect in zip(pairs[differ], apart.effect[differ], strict=True):
        first, second = (a, b) if effect > 0 else (b, a)
        better[second] += 1
        worse[first] += 1
    ranks = stats.rankdata(-rounded(known.mean(1), size_of(values)))
    table = {"level": list(levels), "rank": ranks, "low_rank": 1 + better, "high_rank": len(levels) - worse}
    return pd.DataFrame(table)


def tau_of(values: Mapping[str, Float64]) -> pd.DataFrame:
    """Kendall's tau between each two measures, from the `values [A]` of the same conditions, better up.

    Conditions that lack a value of either are left out.
    """
    rows = []
    for one, other in combinations(values, 2):
        both = np.isfinite(values[one]) & np.isfinite(values[other])
        rows.append((one, other, _tau(values[one][both], values[other][both])))
    return pd.DataFrame(rows, columns=list(TAU_COLUMNS))


def _tau(one: Float64, other: Float64) -> float:
    one, other = (rounded(values, size_of(values)) for values in (one, other))
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.nan
    return float(stats.kendalltau(one, other).statistic)
