"""The power of a study for a claim: the probability that it would have supported the claim if the claim were true.

Method
------
All tests of the claim are simulated together. In each of `DRAWS` studies every test has its assumed true effect
(`Expectation.assumed`: the margin for a rise or fall, 0 for no change) plus noise of every seed; its interval is
Student's over the simulated seeds, and the claim is supported if every finding holds and no step is refuted.

The noise has the standard errors of the study. With five seeds a single standard error is uncertain by a third, so
those of one measure and class, each divided by the size of its weights, are moderated [1]: shrunk towards their common
value by as much as they differ no more than chance would have it. The tests share seeds. Their correlation over seeds
is estimated and shrunk towards 0 [2], as that of many tests over few seeds is mostly chance.

The power is that without Holm's correction. It is NaN if a test has no standard error. Standard errors are those that
the study found, so the power is an estimate too. A finding on a condition that must not be usable is simulated by its
weakest axis.

References
----------
[1] Smyth, "Linear models and empirical Bayes methods", Stat. Appl. Genet. Mol. Biol. 3 (2004), section 6.
[2] Schaefer and Strimmer, "A shrinkage approach to large-scale covariance matrix estimation", same journal 4 (2005).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import optimize, special, stats

from thinline.metrics.number_format import number
from thinline.study.claims.expectations import BOUNDS, plain
from thinline.study.claims.findings import STEP, Finding, Tested
from thinline.study.claims.rule import counted
from thinline.study.stats.estimates import LEVEL
from thinline.vocabulary import Bool, Float64

DRAWS: Final = 2000
"""Simulated studies; the standard error of a power is at most .011."""

_AT_ONCE: Final = 250
_FEWEST: Final = 3
"""The fewest variances that are moderated together."""


def power_of(findings: Sequence[Finding], *, draws: int = DRAWS) -> float:
    """The power of the tests of these findings together, see the module; NaN without standard errors."""
    tests = [test for finding in counted(findings) for test in finding.tests]
    steps = np.array([finding.role == STEP for finding in counted(findings) for _ in finding.tests], np.bool_)
    if not tests or any(not np.isfinite(test.error) for test in tests):
        return float("nan")
    if any(not finding.tests for finding in counted(findings)):
        return float("nan")
    by_seed = np.array([test.by_seed for test in tests]).T
    seeds = int(np.isfinite(by_seed).sum(0).max())
    deviations = deviations_of(tests) * np.sqrt(seeds)
    shape, own = shared_noise(by_seed)
    rng = np.random.default_rng(0)
    supported = 0
    for start in range(0, draws, _AT_ONCE):
        count = min(_AT_ONCE, draws - start)
        noise = own * rng.standard_normal((count, seeds, len(tests)))
        for row in shape:
            noise += rng.standard_normal((count, seeds, 1)) * row
        supported += int(_supported(tests, steps, noise * deviations).sum())
    return supported / draws


def _supported(tests: Sequence[Tested], steps: Bool, noise: Float64) -> Bool:
    """Whether each simulated study, with `noise` [R,S,F] of its seeds, supports the claim."""
    seeds = noise.shape[1]
    effect = noise.mean(1) + np.array([test.expectation.assumed for test in tests])
    half = stats.t.ppf(0.5 + LEVEL / 2, seeds - 1) * noise.std(1, ddof=1) / np.sqrt(seeds)
    decided = np.ones(len(noise), np.bool_)
    for column, (test, step) in enumerate(zip(tests, steps, strict=True)):
        low, high = effect[:, column] - half[:, column], effect[:, column] + half[:, column]
        holds, refuted = test.expectation.decided(low, high)
        decided &= ~refuted if step else holds & ~refuted
    return decided


def deviations_of(tests: Sequence[Tested]) -> Float64:
    """The moderated standard error [F] of each test."""
    variances = np.array([test.error**2 / test.size for test in tests])
    freedom = np.array([test.freedom for test in tests])
    groups = [test.group for test in tests]
    for name in dict.fromkeys(groups):
        own = np.array([group == name for group in groups]) & (variances > 0)
        if own.sum() >= _FEWEST:
            variances[own] = moderated(variances[own], float(np.median(freedom[own])))
    sizes = np.array([test.size for test in tests])
    deviations: Float64 = np.sqrt(variances * sizes)
    return deviations


def moderated(variances: Float64, freedom: float) -> Float64:
    """Variances of `freedom` degrees of freedom each, shrunk towards their common value [1]."""
    half = freedom / 2
    logs = np.log(variances) - special.digamma(half) + np.log(half)
    excess = float(logs.var(ddof=1)) - float(special.polygamma(1, half))
    if excess <= 0:
        return np.full(len(variances), variances.mean())
    prior = 2 * _trigamma_inverse(excess)
    common = np.exp(logs.mean() + special.digamma(prior / 2) - np.log(prior / 2))
    shrunk: Float64 = (prior * common + freedom * variances) / (prior + freedom)
    return shrunk


def _trigamma_inverse(value: float) -> float:
    return float(optimize.brentq(lambda x: special.polygamma(1, x) - value, 1e-6, 1e9))


def shared_noise(by_seed: Float64) -> tuple[Float64, float]:
    """Factors [S,F] of the noise that tests share, and the factor of what each has alone, from contrasts [S,F].

    Noise of factors `g @ shared + own * h`, with standard normal g [S] and h [F], has a variance of about 1 and the
    shrunk correlation [2] of the columns.
    """
    known = np.isfinite(by_seed)
    count = np.maximum(known.sum(0), 1)
    centred = np.where(known, by_seed - np.where(known, by_seed, 0.0).sum(0) / count, 0.0)
    norms = np.sqrt((centred**2).sum(0))
    unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    share = _shrinkage(unit)
    return np.sqrt(1 - share) * unit, float(np.sqrt(share))


def _shrinkage(unit: Float64) -> float:
    """The share of 0 in the shrunk correlation of columns [S,F] of length 1; 1 for a single column."""
    seeds, tests = unit.shape
    correlation = np.einsum("si,sj->ij", unit, unit)
    away = ~np.eye(tests, dtype=np.bool_)
    squares = float((correlation[away] ** 2).sum())
    if squares == 0 or seeds < 3:
        return 1.0
    # of s products w_k = unit_ki unit_kj (s - 1), the variance of their mean times (s / (s - 1)) squared
    of_squares = np.einsum("si,sj->ij", unit**2, unit**2)
    variance = seeds * (of_squares - correlation**2 / seeds) / (seeds - 1)
    return float(np.clip(variance[away].sum() / squares, 0.0, 1.0))


def assumed_words(findings: Sequence[Finding]) -> str:
    """The assumed true effects in words, e.g. `test/recall +.02, test/precision -.02`."""
    effects: dict[str, None] = {}
    for finding in counted(findings):
        if finding.role != STEP:
            effects |= dict.fromkeys(
                f"{test.group.partition(' of ')[0]} {_effect_words(test)}" for test in finding.tests
            )
    return ", ".join(effects)


def _effect_words(test: Tested) -> str:
    expectation = test.expectation
    if expectation.kind in BOUNDS:
        return number(expectation.assumed, 4).rstrip("0")
    return plain(expectation.assumed) if expectation.assumed <= 0 else f"+{plain(expectation.assumed)}"
