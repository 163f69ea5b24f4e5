"""The measures and classes of which the effects of a study are estimated.

Conventions
-----------
Measures are `samples.AXES` on the test split, F1 at the threshold tuned on validation (`tuned/f1`), and the `primary`
measures of the study, as far as the runs have them, each for every curve. The *key* of a measure is its name, with its
split unless that is `test`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.stats.contrasts import Grid, grid_of
from thinline.study.stats.estimates import ROUNDING, size_of
from thinline.study.stats.samples import AXES, Samples, samples

TUNED: Final = "tuned/f1"


@dataclass(frozen=True)
class Series:
    """One measure of one class: its samples, the grid of the conditions that have it, and whether it is primary."""

    data: Samples
    grid: Grid
    primary: bool

    @property
    def key(self) -> str:
        """The measure, with its split unless that is test."""
        return self.data.measure if self.data.split == "test" else f"{self.data.split}/{self.data.measure}"

    @property
    def name(self) -> str:
        """`split/measure/class`."""
        return f"{self.data.split}/{self.data.measure}/{self.data.name}"

    @property
    def constant(self) -> bool:
        """Whether all values of the grid are equal."""
        values = self.data.values[self.grid.inside]
        known = values[np.isfinite(values)]
        return bool(known.size == 0 or np.ptp(known) <= ROUNDING * size_of(known))


def measures_of(results: Results) -> list[tuple[str, str]]:
    """(split, measure) of all effects, whether the runs have it or not."""
    names = dict.fromkeys([*(f"test/{name}" for name in AXES), TUNED, *results.study.primary])
    return [(split, measure) for split, _, measure in (name.partition("/") for name in names)]


def series_of(results: Results) -> tuple[list[Series], list[str]]:
    """All series with a value in the grid, by measure and then class; and the names of primary ones without."""
    series: list[Series] = []
    lacking: list[str] = []
    grids: dict[bytes, Grid] = {}
    inside = results.conditions["grid"].to_numpy(np.bool_)
    for split, measure in measures_of(results):
        primary = f"{split}/{measure}" in results.study.primary
        for name in results.classes:
            known = np.zeros(len(inside), np.bool_)
            with suppress(StudyError):
                data = samples(results, measure, name, split=split)
                known = np.asarray(np.isfinite(data.values).any(1))
            if not (known & inside).any():
                lacking += [f"{split}/{measure}/{name}"] * primary
                continue
            if known.tobytes() not in grids:
                grids[known.tobytes()] = grid_of(results, known)
            series.append(Series(data, grids[known.tobytes()], primary))
    return series, lacking


def labelled(table: pd.DataFrame, series: Series) -> pd.DataFrame:
    """`table` with the columns split, measure and class of its series in front."""
    columns = {"split": series.data.split, "measure": series.data.measure, "class": series.data.name}
    front = pd.DataFrame({name: [value] * len(table) for name, value in columns.items()})
    return pd.concat([front, table.reset_index(drop=True)], axis=1)
