"""The power of a study for a claim: the probability that it would have supported the claim if the claim were true.

Method
------
All tests of the claim are simulated together. In each of `DRAWS` studies every test has its assumed true effect
(`Expectation.assumed`: the margin for a rise or fall, 0 for no change) plus the noise of its cells and seeds, as the
study has it (stats/noise.py): tests of the same conditions, of several measures of a cell, and of the noise that a seed
gives to all cells are correlated. The interval is Student's over the simulated seeds, and the claim is supported if
every finding holds and no step is refuted. Common test sheets of all seeds are a part of the standard errors.

The power is that without Holm's correction. It is NaN if a test has no standard error. The noise is an estimate from
few seeds, and so is the power. A condition that must not be usable is simulated by its weakest axis, a stack by all of
its axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from thinline.metrics.number_format import number
from thinline.study.claims.comparisons import StudyData
from thinline.study.claims.expectations import BOUNDS, Expectation, plain
from thinline.study.claims.findings import STEP, Finding, Tested
from thinline.study.claims.rule import counted
from thinline.study.stats.estimates import LEVEL
from thinline.study.stats.noise import Noise, noise_of
from thinline.vocabulary import Bool, Float64, Int64

DRAWS: Final = 2000
"""Simulated studies; the standard error of a power is at most .011."""

_AT_ONCE: Final = 250


@dataclass(frozen=True)
class _Simulated:
    """A test as it is simulated: its `weights` by (used condition, measure), their sums [K], the `scale` of noise."""

    expectation: Expectation
    weights: tuple[tuple[int, int, float], ...]
    sums: Float64
    scale: float
    step: bool


def power_of(findings: Sequence[Finding], data: StudyData, *, draws: int = DRAWS) -> float:
    """The power of the tests of these findings together, see the module; NaN without standard errors."""
    deciding = counted(findings)
    tests = [(test, finding.role == STEP) for finding in deciding for test in finding.tests]
    if any(not finding.tests for finding in deciding) or any(not np.isfinite(test.error) for test, _ in tests):
        return float("nan")
    keys = list(dict.fromkeys(key for test, _ in tests for key in test.parts))
    samples = [data.samples(*key) for key in keys]
    values = np.array([own.values for own in samples if own is not None])
    noise = noise_of(values, data.grid.codes)
    weights = np.array([[test.parts.get(key, np.zeros(values.shape[1])) for key in keys] for test, _ in tests])
    used = np.flatnonzero((weights != 0).any((0, 1)))
    simulated = [
        _simulated(test, own, used, noise, step=step) for own, (test, step) in zip(weights, tests, strict=True)
    ]
    seeds = max(len(test.seeds) for test, _ in tests)
    rng, supported = np.random.default_rng(0), 0
    for start in range(0, draws, _AT_ONCE):
        cells, of_seeds = noise.draw(rng, min(_AT_ONCE, draws - start), seeds, used)
        supported += int(np.logical_and.reduce([_passes(test, cells, of_seeds) for test in simulated]).sum())
    return supported / draws


def _simulated(test: Tested, weights: Float64, used: Int64, noise: Noise, *, step: bool) -> _Simulated:
    """The test with the scale that gives its noise the moderated variance."""
    own, model = float(np.var(test.seeds, ddof=1)), noise.variance(weights)
    ratio = own / model if model > 0 else 0.0
    sums = np.round(weights.sum(1), 9)
    if not sums.any() and ratio > 0:
        ratio = float(noise.ratios.shrunk(np.array([ratio]), len(test.seeds) - 1)[0])
    of_sheets = test.error**2 * len(test.seeds) / own if own > 0 else 1.0
    kept = tuple(
        (position, int(measure), float(weights[measure, condition]))
        for position, condition in enumerate(used)
        for measure in np.flatnonzero(weights[:, condition])
    )
    return _Simulated(test.expectation, kept, sums, float(np.sqrt(ratio * of_sheets)), step)


def _passes(test: _Simulated, cells: Float64, of_seeds: Float64) -> Bool:
    """Whether each simulated study, with the noise of its `cells` [R,S,U,K] and seeds [R,S,K], passes the test."""
    noise: Float64 = np.zeros(cells.shape[:2])
    for position, measure, weight in test.weights:
        noise += weight * cells[:, :, position, measure]
    for measure, total in enumerate(test.sums):
        noise += total * of_seeds[:, :, measure]
    noise *= test.scale
    seeds = cells.shape[1]
    effect = noise.mean(1) + test.expectation.assumed
    half = special.stdtrit(seeds - 1, 0.5 + LEVEL / 2) * noise.std(1, ddof=1) / np.sqrt(seeds)
    holds, refuted = test.expectation.decided(effect - half, effect + half)
    passes: Bool = ~refuted if test.step else holds & ~refuted
    return passes


def assumed_words(findings: Sequence[Finding]) -> str:
    """The assumed true effects in words, e.g. `test/recall +.02, test/precision -.02`."""
    effects: dict[str, None] = {}
    for finding in counted(findings):
        if finding.role != STEP:
            effects |= dict.fromkeys(f"{test.measure} {_effect_words(test.expectation)}" for test in finding.tests)
    return ", ".join(effects)


def _effect_words(expectation: Expectation) -> str:
    if expectation.kind in BOUNDS:
        return number(expectation.assumed, 4).rstrip("0").rstrip(".")
    return plain(expectation.assumed) if expectation.assumed <= 0 else f"+{plain(expectation.assumed)}"
