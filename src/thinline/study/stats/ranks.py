"""Ranking of the levels of a factor: P(A better than B), ranks with intervals, and agreement between measures.

Conventions
-----------
Levels are compared by their marginal means over the grid; metrics of which less is better change their sign: higher is
better. `L` levels are `weights [L,A]` of the conditions. All numbers come from the estimates of the differences of
levels, paired by seed (estimates.py).

Measures
--------
P(A > B)    probability that A is truly better, given the data (`estimates.chance_above`) [1]; .5 if nothing is known.
            If the levels are equal it is outside of .025 to .975 in 5 % of studies
rank        rank of the mean over the seeds in which all levels have a value; 1 is the best, ties share their mean rank
low_rank    1 + the number of levels that are better by a significant difference
high_rank   L - the number of levels that are worse by a significant difference. A difference is significant if its p
            times the number of pairs of the factor is below .05 (Bonferroni, one measure of one class): together the
            intervals of a factor hold the true ranks in at least 95 % of studies [2]
tau         Kendall's tau-b between the orders of conditions (or levels) by two measures; NaN if one of them is constant
            [3]

References
----------
[1] Bouthillier et al., "Accounting for variance in machine learning benchmarks", MLSys 2021 (P(A > B)).
[2] Al Mohamad, van Zwet, Solari and Goeman, "Simultaneous confidence intervals for ranks using the partitioning
    principle", Electronic Journal of Statistics 15 (2021), section 2: intervals from pairwise tests.
[3] Kendall, "The treatment of ties in ranking problems", Biometrika 33 (1945).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

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
    differences = _differences(data, weights, pairs)
    return _chances(differences, pairs, levels), _ranks(data, signed, differences, pairs, levels)


def _differences(data: Samples, weights: Float64, pairs: Int64) -> Estimates:
    """By how much the first level of each pair is better.

    Read as the main effects of contrasts.py, the later level less the earlier one, so that each is estimated once.
    """
    later = estimate_all(data, weights[pairs[:, 1]] - weights[pairs[:, 0]])
    if less_is_better(data.measure):
        return later
    return replace(
        later,
        effect=-later.effect + 0.0,
        low=-later.high + 0.0,
        high=-later.low + 0.0,
        per_seed=-later.per_seed + 0.0,
    )


def _chances(differences: Estimates, pairs: Int64, levels: Sequence[str]) -> pd.DataFrame:
    chances = np.full((len(levels), len(levels)), np.nan)
    chances[tuple(pairs.T)] = chance_above(differences)
    chances[tuple(pairs.T[::-1])] = 1 - chance_above(differences)
    rows = [(levels[a], levels[b], chances[a, b]) for a, b in np.argwhere(~np.eye(len(levels), dtype=np.bool_))]
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))


def _ranks(
    data: Samples, weights: Float64, differences: Estimates, pairs: Int64, levels: Sequence[str]
) -> pd.DataFrame:
    values = data.values
    each = by_seed(values, weights)
    known = each[:, np.isfinite(each).all(0)]
    if not known.shape[1]:
        return pd.DataFrame(columns=list(RANK_COLUMNS))
    better, worse = (np.zeros(len(levels), np.int64) for _ in range(2))
    significant = differences.p * len(pairs) < 1 - LEVEL
    for (a, b), effect in zip(pairs[significant], differences.effect[significant], strict=True):
        winner, loser = (a, b) if effect > 0 else (b, a)
        better[loser] += 1
        worse[winner] += 1
    ranks = pd.Series(-rounded(known.mean(1), size_of(values))).rank().to_numpy()
    table = {"level": list(levels), "rank": ranks, "low_rank": 1 + better, "high_rank": len(levels) - worse}
    return pd.DataFrame(table)


def tau_of(values: Mapping[str, Float64]) -> pd.DataFrame:
    """Kendall's tau between each two measures, from their `values [A]` of the same conditions, higher is better.

    Conditions without a value of either measure are left out.
    """
    rows = []
    for a, b in combinations(values, 2):
        both = np.isfinite(values[a]) & np.isfinite(values[b])
        rows.append((a, b, _tau(values[a][both], values[b][both])))
    return pd.DataFrame(rows, columns=list(TAU_COLUMNS))


def _tau(a: Float64, b: Float64) -> float:
    a, b = (rounded(values, size_of(values)) for values in (a, b))
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan
    from scipy import stats  # takes half a second, which every command would else take

    return float(stats.kendalltau(a, b).statistic)
