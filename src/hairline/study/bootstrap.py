"""Hierarchical bootstrap: seeds drawn with replacement, and within each drawn seed its sheets.

Method
------
Of `B` bootstraps each has `S` slots; a slot is a seed drawn with replacement, and its sheets are drawn anew, as many as
the seed has (multinomial weights), independently for every slot. The draws are the same for all conditions, measures
and classes, so that what is paired stays so. Where all seeds were scored on the same sheets (`crossed`), one draw of
sheets serves all slots of a bootstrap. The value of a condition in a slot is the rate of the sheets drawn; that of a
bootstrap is the mean over its slots. A contrast is taken within the slot; slots whose seed lacks a cell are left out of
the contrasts that give it weight.

All slots that drew a seed are one matrix product `weights [m,N] @ parts [N,A]`.

What its intervals are worth
----------------------------
With few seeds they are not 95 % intervals. Resampling 5 seeds gives 4/5 of their variance and no t factor, and drawing
sheets again adds their noise a second time: percentile intervals of 5 seeds with 64 sheets cover 84 % where seeds
dominate and 98 % where sheets do. (A studentised bootstrap covers 94.5-98 %.) So the interval that is reported beside
every effect is Student's over seeds (estimates.py, 95 %), and this one serves shares of draws: P(A > B) and ranks.

References
----------
Davison and Hinkley, "Bootstrap Methods and their Application", Cambridge 1997, section 3.8.
Field and Welsh, "Bootstrapping clustered data", J. R. Statist. Soc. B 69 (2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hairline.study.design import StudyError
from hairline.study.estimates import LEVEL
from hairline.study.paired import ROUNDING, size_of
from hairline.study.samples import Samples, ratio
from hairline.vocabulary import Float64, Int64

_AT_ONCE: Final = 128
"""Contrasts whose values of single slots are held at the same time."""


@dataclass(frozen=True)
class Resampling:
    """`seeds` int64 [B,S], which seed (its place) a slot drew; `weights` float64 [B,S,N], how often each sheet is."""

    seeds: Int64
    weights: Float64


def resampling(
    sheets: Sequence[int], *, bootstraps: int, rng: np.random.Generator, crossed: bool = False
) -> Resampling:
    """Draws for seeds that have so many `sheets` each; a generator in the same state draws the same seeds.

    Raises `StudyError` for no bootstrap and for a single seed, of which nothing can be said but the noise of sheets.
    """
    if bootstraps < 1 or len(sheets) < 2:
        raise StudyError(
            f"expected 1 bootstrap and 2 seeds or more, got {bootstraps} of {len(sheets)}; one seed has no bootstrap"
        )
    seeds = rng.integers(len(sheets), size=(bootstraps, len(sheets)))
    weights = np.zeros((*seeds.shape, max(sheets)))
    if crossed:
        weights[:] = _drawn(rng, max(sheets), bootstraps)[:, None]
        return Resampling(seeds, weights)
    for seed, count in enumerate(sheets):
        mine = seeds == seed
        weights[mine, :count] = _drawn(rng, count, int(mine.sum()))
    return Resampling(seeds, weights)


def _drawn(rng: np.random.Generator, count: int, times: int) -> Int64:
    """How often each of `count` sheets is drawn, `times` times, [times,count]."""
    return rng.multinomial(count, np.full(count, 1 / count), size=times)


def slots(data: Samples, drawn: Resampling) -> Float64:
    """The value of every condition in every slot, [B,S,A]; NaN where nothing that was drawn was to be scored."""
    out = np.empty((*drawn.seeds.shape, len(data.conditions)))
    for seed in range(len(data.seeds)):
        mine = drawn.seeds == seed
        weights = drawn.weights[mine]
        out[mine] = ratio(weights @ data.parts[:, seed].T, weights @ data.whole[:, seed].T)
    return out


def draws(values: Float64, weights: Float64) -> Float64:
    """The contrasts `weights [C,A]` of the slots `values [B,S,A]`, mean over slots, [B,C]; NaN where no slot has one.

    Rounded at 10^-12 of the largest value, so that equal levels are drawn equal.
    """
    size = size_of(values) or 1.0
    unknown = ~np.isfinite(values)
    if not unknown.any():
        plain: Float64 = np.round(values.mean(1) @ weights.T / size, _DIGITS) * size
        return plain
    filled, lacking = np.where(unknown, 0.0, values), unknown.astype(np.float64)
    out = np.empty((len(values), len(weights)))
    for start in range(0, len(weights), _AT_ONCE):
        some = weights[start : start + _AT_ONCE].T
        known = lacking @ (some != 0).astype(np.float64) == 0
        out[:, start : start + _AT_ONCE] = ratio(np.where(known, filled @ some, 0.0).sum(1), known.sum(1))
    return np.round(out / size, _DIGITS) * size


_DIGITS: Final = round(-np.log10(ROUNDING))


def percentiles(drawn: Float64, *, level: float = LEVEL) -> tuple[Float64, Float64]:
    """(low, high) of each column of `drawn [B,C]`; draws that are NaN are left out."""
    ends = [0.5 - level / 2, 0.5 + level / 2]
    if np.isfinite(drawn).all():
        low, high = np.quantile(drawn, ends, axis=0)
        return low, high
    out = np.full((2, drawn.shape[1]), np.nan)
    there = np.isfinite(drawn).any(0)
    out[:, there] = np.nanquantile(drawn[:, there], ends, axis=0)
    return out[0], out[1]


def share(hits: Float64, drawn: Float64) -> Float64:
    """The share of `hits [B,C]` (0, 1, or a half) among the draws that are not NaN, [C]."""
    known = np.isfinite(drawn)
    return ratio(np.where(known, hits, 0.0).sum(0), known.sum(0))
