"""What effects are estimated on: the measures and classes of a study as samples.

Conventions
-----------
Measures are those of `samples.AXES` on the test split, F1 at the threshold tuned on validation (`tuned/f1`), and those
by which the study is judged (`primary`), as far as the runs have them, for each curve. The *key* of a measure is its
name, with its split where that is not `test`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.stats.contrasts import Grid, grid_of
from thinline.study.stats.estimates import ROUNDING, size_of
from thinline.study.stats.samples import AXES, Samples, samples
from thinline.vocabulary import Bool

TUNED: Final = "tuned/f1"
_NEEDED: Final = ("recall", "area_ratio")


@dataclass(frozen=True)
class Subject:
    """One measure of one class: its samples, the conditions of the grid that have it, and whether it is primary."""

    data: Samples
    grid: Grid
    primary: bool

    @property
    def key(self) -> str:
        """The measure, with its split where that is not test."""
        return key_of(self.data.split, self.data.measure)

    @property
    def told(self) -> str:
        """Measure and class, as notes name them."""
        return f"{self.data.split}/{self.data.measure}/{self.data.name}"

    @property
    def constant(self) -> bool:
        """Whether all values of the grid are equal."""
        values = self.data.values[self.grid.inside]
        known = values[np.isfinite(values)]
        return bool(known.size == 0 or np.ptp(known) <= ROUNDING * size_of(known))


def key_of(split: str, measure: str) -> str:
    """The key of a measure; see the module."""
    return measure if split == "test" else f"{split}/{measure}"


def wanted(results: Results) -> list[tuple[str, str]]:
    """(split, measure) of everything effects are estimated on, whether the runs have it or not."""
    told = [*(f"test/{name}" for name in AXES), TUNED, *results.study.primary]
    return [(split, name) for split, _, name in (it.partition("/") for it in dict.fromkeys(told))]


def subjects_of(results: Results) -> tuple[list[Subject], list[str]]:
    """All subjects that have a value in the grid, by measure and then class; and what of the primary has none."""
    found: list[Subject] = []
    lacking: list[str] = []
    grids: dict[bytes, Grid] = {}
    of_class = _by_class(results)
    inside = results.conditions["grid"].to_numpy(np.bool_)
    none = np.zeros(len(inside), np.bool_)
    for split, measure in wanted(results):
        primary = f"{split}/{measure}" in results.study.primary
        for name in results.classes:
            try:
                data = samples(of_class[name], measure, name, split=split)
            except StudyError:
                data = None
            known: Bool = none if data is None else np.asarray(np.isfinite(data.values).any(1))
            if data is None or not (known & inside).any():
                lacking += [f"{split}/{measure}/{name}"] * primary
                continue
            if known.tobytes() not in grids:
                grids[known.tobytes()] = grid_of(results, known)
            found.append(Subject(data, grids[known.tobytes()], primary))
    return found, lacking


def _by_class(results: Results) -> Mapping[str, Results]:
    """The results with the rows of single sheets that are needed alone, by class, to be read quickly."""
    measures = {measure for _, measure in wanted(results)} | set(_NEEDED)
    sheets = results.sheets
    kept = sheets[(sheets["split"] == "test") & sheets["measure"].isin(measures)]
    kept = kept.astype(dict.fromkeys(("split", "measure"), "category"))
    return {name: replace(results, sheets=kept[kept["class"] == name]) for name in results.classes}


def labelled(table: pd.DataFrame, it: Subject) -> pd.DataFrame:
    """`table` with split, measure and class of its subject in front."""
    told = {"split": it.data.split, "measure": it.data.measure, "class": it.data.name}
    front = pd.DataFrame({name: [value] * len(table) for name, value in told.items()})
    return pd.concat([front, table.reset_index(drop=True)], axis=1)
