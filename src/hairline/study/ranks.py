"""How sure a ranking is: P(A better than B) and ranks of a factor's levels over bootstraps, and whether measures agree.

Conventions
-----------
Levels are compared by their marginal means over the grid, better is up: measures in `LOWER_IS_BETTER` are turned. Rank
1 is the best; levels that are equal share the mean of their ranks. `drawn [B,L]` are draws of the hierarchical
bootstrap. A draw in which a level has no value is left out.

Measures
--------
P(A > B)    share of draws in which A is better, ties by half: 0.5 means that nothing is known
ranks       mean, 2.5 and 97.5 % percentile of the rank over draws; `first`, share of draws that it wins, ties shared
tau         Kendall's tau-b between the orders in which two measures put conditions (or levels); NaN where one of them
            puts all of them equal

References
----------
Bouthillier et al., "Accounting for variance in machine learning benchmarks", MLSys 2021 (P(A > B)).
Kendall, "The treatment of ties in ranking problems", Biometrika 33 (1945).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, permutations

import numpy as np
import pandas as pd
from scipy import stats

from hairline.study.bootstrap import percentiles, share
from hairline.study.paired import ROUNDING, size_of
from hairline.study.samples import LOWER_IS_BETTER
from hairline.vocabulary import Float64

PAIR_COLUMNS = ("level_a", "level_b", "p_better")
RANK_COLUMNS = ("level", "mean_rank", "low_rank", "high_rank", "first")
TAU_COLUMNS = ("measure_a", "measure_b", "tau")


def better_up(values: Float64, measure: str) -> Float64:
    """`values` with their sign turned where lower is better."""
    return -values if measure in LOWER_IS_BETTER else values


def pairs_of(drawn: Float64, levels: Sequence[str]) -> pd.DataFrame:
    """P(A > B) of `drawn [B,L]` for all ordered pairs of levels."""
    if not len(levels):
        return pd.DataFrame(columns=list(PAIR_COLUMNS))
    one, other = np.array(list(permutations(range(len(levels)), 2))).T
    apart = drawn[:, one] - drawn[:, other]
    chances = share((apart > 0) + 0.5 * (apart == 0), apart)
    rows = [(levels[a], levels[b], chance) for a, b, chance in zip(one, other, chances, strict=True)]
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))


def ranks_of(drawn: Float64, levels: Sequence[str]) -> pd.DataFrame:
    """Ranks of the levels over the draws `drawn [B,L]`; see the module."""
    known = drawn[np.isfinite(drawn).all(1)]
    if not len(known):
        return pd.DataFrame(columns=list(RANK_COLUMNS))
    ranks = stats.rankdata(-known, axis=1)
    best = known == known.max(1, keepdims=True)
    low, high = percentiles(ranks)
    table = {"level": list(levels), "mean_rank": ranks.mean(0), "low_rank": low, "high_rank": high}
    return pd.DataFrame(table | {"first": (best / best.sum(1, keepdims=True)).mean(0)})


def tau_of(values: Mapping[str, Float64]) -> pd.DataFrame:
    """Kendall's tau between each two measures, from the `values [A]` of the same conditions, better up.

    Conditions that lack a value of either are left out.
    """
    rows = []
    for one, other in combinations(values, 2):
        both = np.isfinite(values[one]) & np.isfinite(values[other])
        rows.append((one, other, _tau(_rounded(values[one][both]), _rounded(values[other][both]))))
    return pd.DataFrame(rows, columns=list(TAU_COLUMNS))


def _tau(one: Float64, other: Float64) -> float:
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.nan
    return float(stats.kendalltau(one, other).statistic)


def _rounded(values: Float64) -> Float64:
    """Values that differ by rounding alone made equal."""
    step = ROUNDING * size_of(values)
    return np.round(values / step) if step > 0 else values
