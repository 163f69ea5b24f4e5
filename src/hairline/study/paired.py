"""Many contrasts at once, each paired by seed: what `estimates.estimate` gives for one, as matrix products.

Conventions
-----------
`C` contrasts of `A` conditions over `S` seeds with `N` sheets. A cell without a value takes its seed out of the
contrasts that give it weight. What is smaller than a 10^-12 part of the largest value is rounding and counts as 0, so
that values which are equal do not differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from hairline.study.estimates import LEVEL
from hairline.study.samples import Samples, ratio
from hairline.vocabulary import Bool, Float64, Int64

ROUNDING: Final = 1e-12
_AT_ONCE: Final = 256
"""Contrasts whose values of single sheets are held at the same time."""


@dataclass(frozen=True)
class Estimates:
    """Arrays [C]: as `estimates.Estimate`, with the standard error `error` of the effect and its degrees of freedom."""

    effect: Float64
    low: Float64
    high: Float64
    p: Float64
    error: Float64
    freedom: Float64
    seeds: Int64


def estimate_all(data: Samples, weights: Float64, *, level: float = LEVEL) -> Estimates:
    """The contrasts `weights [C,A]` of the conditions of `data`, as `estimates.estimate` of each row."""
    values = data.values
    small = ROUNDING * size_of(values)
    each = by_seed(values, weights)
    each[np.abs(each) <= small] = 0.0
    known = np.isfinite(each)
    seeds = known.sum(1)
    enough = seeds > 1
    effect = _over(np.where(known, each, 0.0).sum(1), seeds)
    squares = (np.where(known, each - effect[:, None], 0.0) ** 2).sum(1)
    of_seeds = np.where(enough, _over(squares, seeds * (seeds - 1)), np.nan)
    of_seeds[of_seeds <= small**2] = 0.0
    sheets = _of_sheets(data, weights, known) if data.crossed else np.zeros(len(weights))
    variance = of_seeds + sheets
    spread = of_seeds**2 / np.maximum(seeds - 1, 1) + sheets**2 / max(data.parts.shape[-1] - 1, 1)
    freedom = np.where(enough, seeds - 1.0, np.nan)
    np.divide(variance**2, spread, out=freedom, where=spread > 0)
    error = np.sqrt(variance)
    half = stats.t.ppf(0.5 + level / 2, freedom) * error
    p = np.where(enough, np.where(effect == 0, 1.0, 0.0), np.nan)
    varied = error > 0
    p[varied] = 2 * stats.t.sf(np.abs(effect[varied]) / error[varied], freedom[varied])
    return Estimates(effect, effect - half, effect + half, p, error, freedom, seeds)


def by_seed(values: Float64, weights: Float64) -> Float64:
    """The contrasts `weights [C,A]` of `values [A,...]` in each seed, [C,...]; NaN where a cell with weight is."""
    unknown = ~np.isfinite(values)
    found: Float64 = np.tensordot(weights, np.where(unknown, 0.0, values), axes=1)
    if unknown.any():
        found[np.tensordot((weights != 0).astype(np.float64), unknown.astype(np.float64), axes=1) > 0] = np.nan
    return found


def size_of(values: Float64) -> float:
    """The largest absolute value there is; 0 where there is none."""
    return float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0


def holm(p: Float64, families: Sequence[object]) -> Float64:
    """`p` after Holm's step-down correction within each of the `families`; NaN stays so and counts for nothing.

    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).
    """
    out = np.full(len(p), np.nan)
    places: dict[object, list[int]] = {}
    for place, family in enumerate(families):
        if np.isfinite(p[place]):
            places.setdefault(family, []).append(place)
    for own in places.values():
        ordered = np.array(own)[np.argsort(p[own], kind="stable")]
        left = np.arange(len(own), 0, -1)
        out[ordered] = np.minimum(np.maximum.accumulate(p[ordered] * left), 1.0)
    return out


def _over(total: Float64, count: Int64) -> Float64:
    out = np.full(len(total), np.nan)
    np.divide(total, count, out=out, where=count > 0)
    return out


def _of_sheets(data: Samples, weights: Float64, known: Bool) -> Float64:
    """Jackknife over the common sheets of each contrast's mean over its seeds, [C]."""
    without = ratio(data.parts.sum(-1, keepdims=True) - data.parts, data.whole.sum(-1, keepdims=True) - data.whole)
    out = np.zeros(len(weights))
    for start in range(0, len(weights), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        each, used = by_seed(without, weights[some]), known[some, :, None]
        there = np.asarray((np.isfinite(each) | ~used).all(1))
        mean = np.where(used & there[:, None], each, 0.0).sum(1) / np.maximum(used.sum(1), 1)
        count = np.maximum(there.sum(1, keepdims=True), 1)
        apart = np.where(there, mean - mean.sum(1, keepdims=True) / count, 0.0)
        out[some] = ((count - 1) * (apart**2).sum(1, keepdims=True) / count)[:, 0]
    return out
