"""The main contrast of a study under every reasonable analysis: metric, aggregation, tracer, threshold, other factors.

A conclusion that holds under one metric or one way of averaging may not hold under the next. A *specification* is one
choice of each:

    measure      the metrics of `MEASURES` that the runs have
    aggregate    `split`: counts summed over all sheets; `sheets`: mean over sheets of the value of each sheet
    threshold    `default`: the most probable class; `tuned`: the threshold chosen on validation
    tracer       how a curve is traced before its error is measured; empty for metrics of pixels and outlines
    where        the levels of the other factors of the grid, or `all` for the mean over those that both sides have
    class        the curve

Each gets the paired difference with its interval over seeds (estimates.py). `ratio` is the difference, positive where
the `plus` side is better, divided by half the width of the interval: beyond 1 or -1 the interval excludes 0.

Simonsohn, Simmons and Nelson, "Specification curve analysis", Nature Human Behaviour 4 (2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import less_is_better
from thinline.study.design.results import Results
from thinline.study.design.study import Levels, StudyError
from thinline.study.stats.estimates import estimate_all, mean_of
from thinline.study.stats.samples import Samples, of_split, samples
from thinline.vocabulary import Float64

TRACERS: Final = ("viterbi", "viterbi_bridged", "centroid", "centroid_bridged", "edge_follower", "published")
MEASURES: Final = (
    *("iou", "f1", "boundary_iou", "nsd_1px", "nsd_2px", "nsd_0.5mm", "tol_f1_1px", "tol_f1_2px", "cldice_0px"),
    *("cldice_1px", "hd95_px", "breaks"),
)
COLUMNS: Final = (
    *("measure", "aggregate", "threshold", "tracer", "where", "class"),
    *("effect", "low", "high", "seeds", "ratio"),
)
ALL: Final = "all"
_ERROR: Final = "mae_track"


def specifications(results: Results) -> pd.DataFrame:
    """One row a specification, columns COLUMNS, from the worst to the best `ratio` for the `plus` side.

    Raises `StudyError` where the study declares no main contrast, or its levels did not run.
    """
    if results.study.main is None:
        raise StudyError(f"the study {results.study.name} declares no main contrast")
    weights = _weights(results, *results.study.main)
    rows = [
        [*names, where, data.name, *estimated]
        for names, data in _analyses(results)
        for where, estimated in _estimated(data, weights)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values("ratio", kind="stable", ignore_index=True)


def _weights(results: Results, plus: Levels, minus: Levels) -> dict[str, Float64]:
    """Weights [A] of the contrast at each combination of the other factors that both sides have, and of their mean.

    Raises `StudyError` where there is no such combination.
    """
    conditions = results.conditions
    grid = conditions[conditions["grid"]]
    named = {*plus, *minus}
    others = [name for name in results.factors if name not in named and grid[name].nunique() > 1]
    if not others:
        return {ALL: mean_of(conditions, plus, grid=True) - mean_of(conditions, minus, grid=True)}
    weights = {}
    for levels in product(*(results.factors[name] for name in others)):
        where = dict(zip(others, levels, strict=True))
        try:
            sides = [mean_of(conditions, {**where, **side}, grid=True) for side in (plus, minus)]
        except StudyError:  # a side lacks this combination
            continue
        weights["/".join(levels)] = sides[0] - sides[1]
    if not weights:
        raise StudyError(f"the sides of the main contrast of {results.study.name} have no other levels in common")
    return {ALL: np.mean(list(weights.values()), axis=0), **weights}


def _analyses(results: Results) -> Iterator[tuple[tuple[str, str, str, str], Samples]]:
    """(measure, aggregate, threshold, tracer) with the samples of each, for every curve that has them."""
    for name in results.classes:
        for measure, (threshold, split) in product(MEASURES, (("default", "test"), ("tuned", "tuned"))):
            if (data := _split(results, measure, name, split)) is not None:
                yield (measure, "split", threshold, ""), data
            if split == "test" and (data := _sheet_mean(results, measure, name)) is not None:
                yield (measure, "sheets", threshold, ""), data
        for tracer in TRACERS:
            if (data := _split(results, f"{tracer}_{_ERROR}", name, "test")) is not None:
                yield (_ERROR, "split", "default", tracer), data
            if (data := _sheet_mean(results, f"{tracer}_{_ERROR}", name)) is not None:
                yield (_ERROR, "sheets", "default", tracer), data


def _split(results: Results, measure: str, name: str, split: str) -> Samples | None:
    """The samples of whole splits; with sheets where they add up to the split, so that shared sheets are known."""
    for read in (samples, of_split):
        try:
            return read(results, measure, name, split=split)
        except StudyError:
            continue
    return None


def _sheet_mean(results: Results, measure: str, name: str) -> Samples | None:
    """Samples whose value is the mean over the sheets that have one; None for a measure without sheets."""
    try:
        data = samples(results, measure, name)
    except StudyError:
        return None
    if data.parts.shape[-1] == 1:
        return None
    known = data.whole > 0
    values = np.where(known, data.parts / np.where(known, data.whole, 1.0), 0.0)
    return Samples(
        data.split, data.measure, name, data.conditions, data.seeds, values, known.astype(np.float64), data.crossed
    )


def _estimated(data: Samples, weights: Mapping[str, Float64]) -> list[tuple[str, list[float]]]:
    """For each `where` with a value: effect, low, high, seeds and ratio."""
    estimates = estimate_all(data, np.stack(list(weights.values())))
    sign = -1.0 if less_is_better(data.measure) else 1.0
    rows = []
    for number, where in enumerate(weights):
        effect, low, high = (float(column[number]) for column in (estimates.effect, estimates.low, estimates.high))
        if estimates.seeds[number] > 1 and np.isfinite([effect, low, high]).all() and high > low:
            ratio = sign * effect / ((high - low) / 2)
            rows.append((where, [effect, low, high, int(estimates.seeds[number]), ratio]))
    return rows


def summary(table: pd.DataFrame) -> tuple[int, int, int]:
    """How many specifications there are, how many are clearly better for the `plus` side, and how many worse."""
    return len(table), int((table["ratio"] > 1).sum()), int((table["ratio"] < -1).sum())
