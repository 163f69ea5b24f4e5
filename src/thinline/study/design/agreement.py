"""Whether a repeated cell agrees with what was published: to the digit, or within what a further run may give.

Method
------
A published condition has one value a seed. A further run of it lies, with a chance of .95, within the prediction
interval mean +- t(S - 1) sd sqrt(1 + 1 / S) of those values, if they are normal (Geisser, "Predictive Inference", 1993,
section 2.1). The repeated seed is left out of them where others remain: a run must not widen the interval that it is
judged by. Of many numbers one would lie outside by chance; of m of them the level is 1 - .05 / m (Bonferroni), so that
all lie inside with a chance of .95 at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from thinline.study.design.results import Results
from thinline.study.design.study import Cell, StudyError
from thinline.vocabulary import Float64


@dataclass(frozen=True)
class Repeated:
    """One number of one cell: as published, as it came now, and the interval of a further run of its condition."""

    cell: str
    measure: str
    of: str
    published: float
    again: float
    low: float
    high: float

    @property
    def same(self) -> bool:
        """Equal to the last digit, or both undefined."""
        return self.again == self.published or (np.isnan(self.again) and np.isnan(self.published))

    @property
    def inside(self) -> bool | None:
        """Whether it lies in the interval; None where there is none (fewer than three seeds)."""
        return None if np.isnan(self.low) else bool(self.low <= self.again <= self.high)


def chosen(results: Results, count: int, *, seed: int = 0) -> pd.DataFrame:
    """`count` cells of `results.cells`, drawn without replacement, in their order. Raises `StudyError`."""
    if not 1 <= count <= len(results.cells):
        raise StudyError(f"--cells must be 1 to {len(results.cells)}, the cells that were published, got {count}")
    places = np.random.default_rng(seed).choice(len(results.cells), count, replace=False)
    return results.cells.iloc[np.sort(places)]


def cell_of(results: Results, row: pd.Series) -> Cell:
    """The levels of a row of `results.cells`, and its seed: what the command line selects it by."""
    levels = {name: str(row[name]) for name in results.factors if pd.notna(row[name])}
    return levels | {"seed": str(row["seed"])}


def compare(
    results: Results, row: pd.Series, again: pd.DataFrame, *, measures: Sequence[str], level: float = 0.95
) -> list[Repeated]:
    """The numbers of one cell beside its repetition: split, measure, class, value; `level` is that of each interval."""
    found = []
    values = again.set_index(["split", "measure", "class"])["value"]
    for told in measures:
        split, _, measure = told.partition("/")
        rows = results.rows[(results.rows["split"] == split) & (results.rows["measure"] == measure)]
        for name in results.classes:
            of_class = rows[rows["class"] == name].set_index("run")["value"]
            if row["run"] not in of_class.index:
                continue
            others = results.cells[
                (results.cells["condition"] == row["condition"]) & (results.cells["run"] != row["run"])
            ]
            low, high = prediction(of_class[others["run"]].to_numpy(np.float64), level=level)
            now = float(values.get((split, measure, name), np.nan))
            found.append(Repeated(str(row["cell"]), told, name, float(of_class[row["run"]]), now, low, high))
    return found


def prediction(values: Float64, *, level: float = 0.95) -> tuple[float, float]:
    """The interval of one more value like `values [S]`; NaN for fewer than two."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return np.nan, np.nan
    half = stats.t.ppf(0.5 + level / 2, len(known) - 1) * known.std(ddof=1) * np.sqrt(1 + 1 / len(known))
    return float(known.mean() - half), float(known.mean() + half)
