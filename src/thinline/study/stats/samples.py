"""One measure of one class as arrays: conditions x seeds x sheets, in the weights that make sheets add up to a split.

Conventions
-----------
`A` conditions, `S` seeds, `N` sheets of a seed. The value of a cell is `sum_n parts / sum_n whole`. A pixel rate of
sheets weighted by its own denominator is the rate of the split exactly; every other measure is weighted by its support
(true pixels, or rows of the curve), which is exact for errors of traced curves and coverage, and a mean over sheets
for outlines (NSD, tolerance F1), where the lengths of the outlines are not in the tables. A sheet whose value is NaN
(its class is absent) has weight 0. Where a class is absent and was found all the same, the value is 0
(metrics/absent.py) and weighs as its false alarms: the pixels found in the split and on no sheet that has the class,
shared equally among such sheets of a cell. A measure without sheets (`tuned/`) is one sheet a seed, of weight 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.vocabulary import Bool, Float64

AXES = ("iou", "precision", "recall", "f1", "nsd_1px", "tol_f1_1px", "viterbi_bridged_mae_track", "viterbi_coverage")
"""The measures on which effects are estimated."""

TOTALS = ("_swaps", "breaks")
"""Endings of measures that are counts: of a sheet here, summed over the sheets in the rows of a split."""


@dataclass(frozen=True)
class Samples:
    """`parts` and `whole` float64 [A,S,N]; `crossed` where all seeds were scored on the same sheets."""

    split: str
    measure: str
    name: str
    conditions: tuple[str, ...]
    seeds: tuple[int, ...]
    parts: Float64
    whole: Float64
    crossed: bool

    @property
    def values(self) -> Float64:
        """The value of every cell, float64 [A,S]; NaN where nothing was to be scored."""
        return ratio(self.parts.sum(-1), self.whole.sum(-1))


def ratio(parts: Float64, whole: Float64) -> Float64:
    """`parts / whole`, NaN where `whole` is 0."""
    out = np.full(np.broadcast_shapes(parts.shape, whole.shape), np.nan)
    np.divide(parts, whole, out=out, where=whole > 0)
    return out


def jackknife(without: Float64, scored: Bool) -> Float64:
    """Variance of a value from its values `without [...,N]` one sheet each; sheets that are `scored` alone.

    Efron and Stein, "The jackknife estimate of variance", Annals of Statistics 9 (1981).
    """
    there = scored & np.isfinite(without)
    count = np.maximum(there.sum(-1, keepdims=True), 1)
    mean = np.where(there, without, 0.0).sum(-1, keepdims=True) / count
    variance: Float64 = ((count - 1) / count * np.where(there, without - mean, 0.0) ** 2).sum(-1)
    return variance


def without_each_sheet(parts: Float64, whole: Float64) -> Float64:
    """The values [...,N] of cells whose sheets are `parts / whole` [...,N], without one sheet each."""
    return ratio(parts.sum(-1, keepdims=True) - parts, whole.sum(-1, keepdims=True) - whole)


@lru_cache(maxsize=512)  # effects, verdicts, figures and report ask for the same; nobody writes into the arrays
def samples(results: Results, measure: str, name: str, *, split: str = "test") -> Samples:
    """The samples of `split/measure/name`; every condition and seed of `results`, in their orders.

    Raises `StudyError` for a measure that the runs do not have, and for counts without their sheets.
    """
    if split == "test":
        table = results.sheets[(results.sheets["class"] == name) & (results.sheets["split"] == split)]
        of_measure = table[table["measure"] == measure]
        if len(of_measure):
            return _of_sheets(results, table, of_measure, measure, name)
    if measure.endswith(TOTALS):
        raise StudyError(
            f"{split}/{measure}/{name} is a count a sheet, and these results have its sum over the split alone; read "
            "the runs again with python -m thinline study"
        )
    return of_split(results, measure, name, split=split)


def of_split(results: Results, measure: str, name: str, *, split: str = "test") -> Samples:
    """As `samples`, of the numbers of whole splits: one sheet a seed, of weight 1. Counts are sums over the split."""
    rows = results.rows
    rows = rows[(rows["split"] == split) & (rows["measure"] == measure) & (rows["class"] == name)]
    if rows.empty:
        there = ", ".join(sorted(results.rows.loc[results.rows["split"] == split, "measure"].unique())[:12])
        raise StudyError(f"expected runs with {split}/{measure}/{name}, got none; there is {there or 'nothing'}, ...")
    cells = results.cells.set_index("run")
    wide = rows.assign(condition=rows["run"].map(cells["condition"]), seed=rows["run"].map(cells["seed"]))
    table = wide.pivot(index="condition", columns="seed", values="value")
    values = table.reindex(index=list(results.conditions.index), columns=list(results.seeds)).to_numpy(np.float64)
    known = np.isfinite(values)
    return Samples(
        split,
        measure,
        name,
        tuple(results.conditions.index),
        results.seeds,
        np.where(known, values, 0.0)[..., None],
        known.astype(np.float64)[..., None],
        crossed=False,
    )


def _of_sheets(results: Results, table: pd.DataFrame, of_measure: pd.DataFrame, measure: str, name: str) -> Samples:
    values = _array(results, of_measure, "value")
    support = _array(results, of_measure, "support")
    alarms = np.isfinite(values) & (support == 0) & (not measure.endswith(TOTALS))
    weights = support
    if measure in ("iou", "precision", "f1") or alarms.any():
        predicted = _predicted(results, table, support, alarms, name)
        recall = _array(results, table[table["measure"] == "recall"], "value")
        hits = np.where(support > 0, np.rint(recall * support), 0.0)
        of_counts = {"iou": predicted + support - hits, "precision": predicted, "f1": predicted + support}
        weights = of_counts.get(measure, np.where(alarms, predicted, support))
    known = np.isfinite(values) & np.isfinite(weights)
    whole = np.where(known, weights, 0.0)
    return Samples(
        "test",
        measure,
        name,
        tuple(results.conditions.index),
        results.seeds,
        np.where(known, values, 0.0) * whole,
        whole,
        crossed=_crossed(support),
    )


def _predicted(results: Results, table: pd.DataFrame, support: Float64, alarms: Bool, name: str) -> Float64:
    """The pixels found on each sheet [A,S,N], 1 where nothing says how many; see the module for `alarms [A,S,N]`."""
    area = _array(results, table[table["measure"] == "area_ratio"], "value")
    predicted = np.where(support > 0, np.rint(area * support), 0.0)
    if not alarms.any():
        return predicted
    of_split = results.rows[(results.rows["split"] == "test") & (results.rows["class"] == name)]
    of_split = of_split[of_split["measure"] == "area_ratio"]
    if not alarms.any() or of_split.empty:
        return np.where(alarms, 1.0, predicted)
    whole = _array(results, of_split.assign(value=of_split["value"] * of_split["support"], sheet=0), "value")
    rest = np.rint(whole) - np.nansum(predicted, axis=-1, keepdims=True)
    each = rest / np.maximum(alarms.sum(-1, keepdims=True), 1)
    return np.where(alarms, np.where(each > 0, each, 1.0), predicted)


def _array(results: Results, table: pd.DataFrame, column: str) -> Float64:
    """A column as [A,S,N], sheets of a seed in the order of their ids; NaN where a seed has fewer sheets."""
    cells = results.cells.set_index("run")
    conditions = {label: place for place, label in enumerate(results.conditions.index)}
    seeds = {seed: place for place, seed in enumerate(results.seeds)}
    runs = table["run"].map({run: place for place, run in enumerate(cells.index)}).to_numpy(np.int64)
    a = cells["condition"].map(conditions).to_numpy(np.int64)[runs]
    s = cells["seed"].map(seeds).to_numpy(np.int64)[runs]
    n = table["sheet"].groupby(s).rank("dense").to_numpy(np.int64) - 1
    out = np.full((len(conditions), len(seeds), int(n.max()) + 1), np.nan)
    out[a, s, n] = table[column].to_numpy(np.float64)
    return out


def _crossed(support: Float64) -> bool:
    """Whether the truth of sheet n is the same for all seeds, as where the test split is a fixed folder of images.

    Conditions may differ, as the resolutions do, which count the pixels of one sheet.
    """
    return support.shape[1] > 1 and bool(np.all(support == support[:, :1]))
