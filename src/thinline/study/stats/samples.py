"""One measure of one class as arrays: conditions x seeds x sheets, weighted so that sheets add up to their split.

Conventions
-----------
`A` conditions, `S` seeds, `N` sheets of a seed. The value of a cell is `sum_n parts / sum_n whole`. A pixel rate of
sheets, weighted by its own denominator, is exactly the rate of the split. Other measures are weighted by their support
(true pixels, or rows of the curve): exact for errors of traced curves and for coverage; for outlines (NSD, tolerance
F1), whose lengths the tables do not hold, it is a mean over sheets. A measure that is a mean over the sheets of its
split (`SHEET_MEANS`) has weight 1 for each sheet. A sheet with the value NaN (class absent) weighs
0. If an absent class was predicted all the same, the value is 0 (metrics/absent.py) with the weight of the false
positives: the pixels predicted in the split but on no sheet with the class, shared equally among such sheets of a cell.
A measure without sheets (`tuned/`) is one sheet a seed, of weight 1.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.vocabulary import Bool, Float64

AXES = (
    *("iou", "precision", "recall", "f1", "nsd_1px", "tol_f1_1px"),
    *("viterbi_mae_track", "viterbi_bridged_mae_track", "viterbi_coverage"),
)
"""The measures on which effects are estimated."""

UNBRIDGED = "viterbi_mae_track"
"""The error of the curve with its gaps: beside the bridged one in tables. Figures leave it out: it repeats coverage."""

TOTALS = ("_swaps", "breaks", "_extra_rows")
"""Endings of measures that are counts: per sheet here, summed over the sheets in the rows of a split."""

SHEET_MEANS: Final = "betti"
"""Beginning of measures whose value of a split is the mean over its sheets."""


@dataclass(frozen=True, eq=False)
class Samples:
    """`parts` and `whole` float64 [A,S,N]; `crossed` if all seeds were scored on the same sheets.

    `estimated` is the table of the estimates of this measure, filled by estimates.py: by the digest of the weights.
    """

    split: str
    measure: str
    name: str
    conditions: tuple[str, ...]
    seeds: tuple[int, ...]
    parts: Float64
    whole: Float64
    crossed: bool
    estimated: dict[bytes, tuple[Any, ...]] = field(default_factory=dict, init=False, repr=False)

    @property
    def values(self) -> Float64:
        """The value of every cell, float64 [A,S]; NaN where there was nothing to score."""
        return ratio(self.parts.sum(-1), self.whole.sum(-1))


def ratio(parts: Float64, whole: Float64) -> Float64:
    """`parts / whole`, NaN where `whole` is 0."""
    out = np.full(np.broadcast_shapes(parts.shape, whole.shape), np.nan)
    np.divide(parts, whole, out=out, where=whole > 0)
    return out


def jackknife(without: Float64, scored: Bool) -> Float64:
    """Variance of a value from its values `without [...,N]` one sheet each, over the sheets `scored` [...,N].

    Efron and Stein, "The jackknife estimate of variance", Annals of Statistics 9 (1981).
    """
    there = scored & np.isfinite(without)
    count = np.maximum(there.sum(-1, keepdims=True), 1)
    mean = np.where(there, without, 0.0).sum(-1, keepdims=True) / count
    variance: Float64 = ((count - 1) / count * np.where(there, without - mean, 0.0) ** 2).sum(-1)
    return variance


def without_each_sheet(parts: Float64, whole: Float64) -> Float64:
    """The leave-one-sheet-out values [...,N] of cells with sheets `parts / whole` [...,N]."""
    return ratio(parts.sum(-1, keepdims=True) - parts, whole.sum(-1, keepdims=True) - whole)


def samples(results: Results, measure: str, name: str, *, split: str = "test") -> Samples:
    """The samples of `split/measure/name`, every condition and seed of `results` in order; the same object each time.

    Raises `StudyError` for a measure that the runs lack, and for counts without their sheets.
    """
    return _samples(results, measure, name, split)


@lru_cache(maxsize=512)  # none of its readers writes into the arrays
def _samples(results: Results, measure: str, name: str, split: str) -> Samples:
    if split == "test" and len(_sheets(results, measure, name)):
        return _of_sheets(results, measure, name)
    if measure.endswith(TOTALS):
        raise StudyError(
            f"{split}/{measure}/{name} is a count a sheet, and these results have its sum over the split alone; read "
            "the runs again with python -m thinline study"
        )
    return of_split(results, measure, name, split=split)


def _sheets(results: Results, measure: str, name: str) -> pd.DataFrame:
    """The rows of the test sheets of a measure and class."""
    rows: pd.DataFrame = results.sheets.iloc[_row_numbers(results).get((measure, name, "test"), [])]
    return rows


def _split(results: Results, measure: str, name: str, split: str) -> pd.DataFrame:
    """The rows of a whole split of a measure and class."""
    rows: pd.DataFrame = results.rows.iloc[_split_row_numbers(results).get((measure, name, split), [])]
    return rows


@lru_cache(maxsize=8)
def _split_row_numbers(results: Results) -> Mapping[Hashable, Any]:
    """Numbers of the rows of whole splits, by measure, class and split."""
    return results.rows.groupby(["measure", "class", "split"], observed=True).indices


@lru_cache(maxsize=8)
def _row_numbers(results: Results) -> Mapping[Hashable, Any]:
    """Numbers of the rows of single sheets, by measure, class and split."""
    return results.sheets.groupby(["measure", "class", "split"], observed=True).indices


def of_split(results: Results, measure: str, name: str, *, split: str = "test") -> Samples:
    """As `samples`, but of whole splits: one sheet a seed, of weight 1. Counts are sums over the split."""
    rows = _split(results, measure, name, split)
    if rows.empty:
        known = ", ".join(sorted(results.rows.loc[results.rows["split"] == split, "measure"].unique())[:12])
        raise StudyError(f"expected runs with {split}/{measure}/{name}, got none; there is {known or 'nothing'}, ...")
    a, s = _places(results).loc[rows["run"]].to_numpy().T
    values = np.full((len(results.conditions), len(results.seeds)), np.nan)
    values[a, s] = rows["value"].to_numpy(np.float64)
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


def _of_sheets(results: Results, measure: str, name: str) -> Samples:
    of_measure = _sheets(results, measure, name)
    values = _array(results, of_measure, "value")
    support = _array(results, of_measure, "support")
    counted = measure.endswith(TOTALS) or measure.startswith(SHEET_MEANS)
    absent = np.isfinite(values) & (support == 0) & (not counted)
    weights = np.where(np.isfinite(support), 1.0, np.nan) if measure.startswith(SHEET_MEANS) else support
    if measure in ("iou", "precision", "f1") or absent.any():
        predicted = _predicted(results, support, absent, name)
        recall = _array(results, _sheets(results, "recall", name), "value")
        hits = np.where(support > 0, np.rint(recall * support), 0.0)
        of_counts = {"iou": predicted + support - hits, "precision": predicted, "f1": predicted + support}
        weights = of_counts.get(measure, np.where(absent, predicted, support))
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


def _predicted(results: Results, support: Float64, absent: Bool, name: str) -> Float64:
    """Predicted pixels of each sheet [A,S,N]. Sheets where the class is `absent` share what is left of the split; they
    have 1 each if the split has no area ratio, or nothing is left."""
    area = _array(results, _sheets(results, "area_ratio", name), "value")
    predicted = np.where(support > 0, np.rint(area * support), 0.0)
    split = _split(results, "area_ratio", name, "test")
    if not absent.any() or split.empty:
        return np.where(absent, 1.0, predicted)
    whole = _array(results, split.assign(value=split["value"] * split["support"], sheet=0), "value")
    rest = np.rint(whole) - np.nansum(predicted, axis=-1, keepdims=True)
    each = rest / np.maximum(absent.sum(-1, keepdims=True), 1)
    return np.where(absent, np.where(each > 0, each, 1.0), predicted)


def _array(results: Results, table: pd.DataFrame, column: str) -> Float64:
    """A column as [A,S,N], the sheets of a seed in the order of their ids; NaN where a seed has fewer sheets."""
    a, s = _places(results).loc[table["run"]].to_numpy().T
    n = table["sheet"].groupby(s).rank("dense").to_numpy(np.int64) - 1
    out = np.full((len(results.conditions), len(results.seeds), int(n.max()) + 1), np.nan)
    out[a, s, n] = table[column].to_numpy(np.float64)
    return out


@lru_cache(maxsize=8)
def _places(results: Results) -> pd.DataFrame:
    """Numbers of the condition and of the seed of each run, indexed by its name."""
    cells = results.cells.set_index("run")
    conditions, seeds = (pd.Index(list(labels)) for labels in (results.conditions.index, results.seeds))
    numbers = {
        "a": conditions.get_indexer(pd.Index(cells["condition"])),
        "s": seeds.get_indexer(pd.Index(cells["seed"])),
    }
    return pd.DataFrame(numbers, cells.index)


def _crossed(support: Float64) -> bool:
    """Whether sheet n has the same number of true pixels for all seeds, as in a fixed folder of test images.

    Conditions may differ: resolutions count other numbers of pixels on the same sheet. A run without sheets (NaN) says
    nothing, the other seeds of its condition decide.
    """
    run = np.isfinite(support).any(axis=-1)
    first = support[np.arange(len(support)), run.argmax(axis=1)][:, None]
    same = (support == first) | (np.isnan(support) & np.isnan(first))
    return bool((run.sum(axis=1) > 1).any() and same[run].all())
