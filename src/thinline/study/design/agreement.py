"""Compare a repeated cell with its published values: equal, or within the prediction interval of its condition.

Method
------
A published condition has one value per seed. If these are normal, the value of a further run lies with probability .95
within the prediction interval mean +- t(S - 1) sd sqrt(1 + 1 / S) (Geisser, "Predictive Inference", 1993, section 2.1).
The repeated seed itself is left out of the interval, since it must not widen the interval that it is compared with. For
m numbers the level of each interval is 1 - .05 / m (Bonferroni): all lie inside with probability .95 or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from thinline.study.design.results import Results
from thinline.study.design.study import Cell, StudyError
from thinline.vocabulary import Float64


@dataclass(frozen=True)
class Repeated:
    """One number of a cell: as published, as repeated, and the prediction interval of its condition."""

    cell: str
    measure: str
    of: str
    published: float
    again: float
    low: float
    high: float

    @property
    def same(self) -> bool:
        """Equal to the last digit, or both NaN."""
        return self.again == self.published or (np.isnan(self.again) and np.isnan(self.published))

    @property
    def inside(self) -> bool | None:
        """Whether the repeated value is in the interval; None without one (fewer than three seeds)."""
        return None if np.isnan(self.low) else bool(self.low <= self.again <= self.high)


def chosen(results: Results, count: int, *, seed: int = 0) -> pd.DataFrame:
    """`count` random rows of `results.cells`, in their order. Raises `StudyError` for a count out of range."""
    if not 1 <= count <= len(results.cells):
        raise StudyError(f"--cells must be 1 to {len(results.cells)}, the cells that were published, got {count}")
    rows = np.random.default_rng(seed).choice(len(results.cells), count, replace=False)
    return results.cells.iloc[np.sort(rows)]


def cell_of(results: Results, row: pd.Series) -> Cell:
    """The levels and the seed of a row of `results.cells`, as the command line selects them."""
    levels = {name: str(row[name]) for name in results.factors if pd.notna(row[name])}
    return levels | {"seed": str(row["seed"])}


def compare(
    results: Results, row: pd.Series, again: pd.DataFrame, *, measures: Sequence[str], level: float = 0.95
) -> list[Repeated]:
    """The published numbers of a cell, a `row` of `results.cells`, with those of its repetition.

    `again` has the columns split, measure, class, value; `level` is that of each interval.
    """
    repeated = []
    values = again.set_index(["split", "measure", "class"])["value"]
    for name in measures:
        split, _, measure = name.partition("/")
        rows = results.rows[(results.rows["split"] == split) & (results.rows["measure"] == measure)]
        for curve in results.classes:
            published = rows[rows["class"] == curve].set_index("run")["value"]
            if row["run"] not in published.index:
                continue
            own = results.cells["condition"] == row["condition"]
            others = results.cells.loc[own & (results.cells["run"] != row["run"]), "run"]
            low, high = prediction(published[others].to_numpy(np.float64), level=level)
            now = float(values.get((split, measure, curve), np.nan))
            repeated.append(Repeated(str(row["cell"]), name, curve, float(published[row["run"]]), now, low, high))
    return repeated


def prediction(values: Float64, *, level: float = 0.95) -> tuple[float, float]:
    """The prediction interval of one more value like `values [S]`; NaN for fewer than two."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return np.nan, np.nan
    half = special.stdtrit(len(known) - 1, 0.5 + level / 2) * known.std(ddof=1) * np.sqrt(1 + 1 / len(known))
    return float(known.mean() - half), float(known.mean() + half)
