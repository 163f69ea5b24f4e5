"""The conditions of an ended sweep: each configuration over its seeds, with mean, deviation and 95 % interval.

Conventions

- The interval is that of study/stats/estimates.py for seeds that have different test sheets. If all seeds share the
  test images (a folder with a fixed split), the interval leaves out the variance due to the images.
- The standard deviation is that of one seed (divisor n - 1). A condition with one seed has only a mean.
- A metric that is undefined in every run of a condition is left out. A run in which a metric is undefined does not
  count as a seed of this metric.
- The metrics are the headline numbers of the test images (tracking/page_content.py), also those at tuned thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from thinline import runs
from thinline.metrics.catalogue import logged_names
from thinline.pipeline.mlflow_run_names import condition_name
from thinline.runs import Manifest, RunFolder
from thinline.runs.folder import RUNS
from thinline.runs.identity import flatten
from thinline.runs.parent_runs import Condition
from thinline.study.stats.estimates import estimate_of_seeds
from thinline.sweep.tables import NOT_FACTORS
from thinline.tracking.page_content import headline_of
from thinline.vocabulary import Float64

_SPLITS: Final = ("test/", "tuned/")


def conditions_of(
    store: Path, cells: Sequence[str], *, varied: Sequence[str], measures: Sequence[str] = ()
) -> tuple[Condition, ...]:
    """The conditions of the finished runs among `cells` (names of run folders), in the order of their first run.

    `varied` are the keys in which the runs of the sweep differ; `measures` are compared in addition to the headline
    numbers. Raises `StorageError` for tables that are lost or mixed.
    """
    rows = runs.read(store, runs=cells)
    if rows.empty:
        return ()
    factors = [name for name in rows.columns if name not in NOT_FACTORS]
    order = {run: number for number, run in enumerate(cells)}
    groups = [group for _, group in rows.groupby(factors, sort=False, dropna=False)]
    groups.sort(key=lambda group: min(order[run] for run in group["run"].unique()))
    named: dict[str, Condition] = {}
    for group in groups:
        manifests = [RunFolder.open(store / RUNS / run).begun() for run in group["run"].unique()]
        name = condition_name(manifests[0].cell.factors, varied)
        if name in named:  # a long name was cut
            name = f"{name} ({len(named) + 1})"
        named[name] = _condition(name, group, manifests, measures)
    return tuple(named.values())


def _condition(name: str, rows: pd.DataFrame, manifests: Sequence[Manifest], measures: Sequence[str]) -> Condition:
    headline = headline_of(manifests[0], measures)
    by_name = rows["value"].groupby(pd.Index(logged_names(rows)), sort=False)
    estimates = {
        str(name): _estimate(values.to_numpy(np.float64))
        for name, values in by_name
        if str(name).startswith(_SPLITS) and headline.has(str(name)) and np.isfinite(values).any()
    }
    return Condition(name, _shared(manifests), tuple(sorted(int(seed) for seed in rows["seed"].unique())), estimates)


def _estimate(values: Float64) -> tuple[float, ...]:
    """(mean,) for one seed; (mean, standard deviation, low, high) for several."""
    estimate = estimate_of_seeds(values)
    if estimate.seeds < 2:
        return (estimate.effect,)
    return estimate.effect, float(np.std(estimate.per_seed, ddof=1)), estimate.low, estimate.high


def _shared(manifests: Sequence[Manifest]) -> dict[str, str]:
    """The params that have the same value in all runs."""
    params: list[Mapping[str, str]] = [flatten(each.cell.config) | dict(each.cell.factors) for each in manifests]
    first = params[0]
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in params)}
