"""Usable conditions: recall, precision and IoU of every curve that they predict reach declared thresholds.

`tables` are means by condition (`mean`, `low`, `high`) of each axis of each curve, as study/figures/tables.py makes
them. A condition whose head does not separate the curves, as one for any curve, is assessed by the classes that it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

BOARD: Final = ("recall", "precision", "iou")
USABLE: Final[Mapping[str, float]] = {"recall": 0.5, "precision": 0.5, "iou": 0.5}
"""The thresholds that make a curve usable, unless others are declared."""

Tables = Mapping[str, Mapping[str, pd.DataFrame]]


def weakest_axis(tables: Tables) -> pd.Series:
    """The least of recall, precision and IoU of any curve that a condition predicts, by condition, best first.

    Conditions with fewer curves come after all with more.
    """
    least = [
        _means(of_class).min(axis=1, skipna=False).fillna(-np.inf).where(has_curve(of_class))
        for of_class in tables.values()
    ]
    table = pd.concat(least, axis=1)
    weakest = table.min(axis=1).replace(-np.inf, np.nan).sort_values(ascending=False, kind="stable")
    return most_curves_first(weakest, table)


def most_curves_first(ordered: pd.Series, values: pd.DataFrame) -> pd.Series:
    """`ordered`, stably sorted by the number of curves with a value in `values` (conditions by curves)."""
    counts = values.notna().sum(axis=1)[ordered.index]
    return ordered[counts.sort_values(ascending=False, kind="stable").index]


def has_curve(of_class: Mapping[str, pd.DataFrame]) -> pd.Series:
    """Whether a condition has any value of a curve; a head that predicts any curve has none of the single ones."""
    return _means(of_class).notna().any(axis=1)


def _means(of_class: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table["mean"] for table in of_class.values()], axis=1)


def usable_conditions(tables: Tables, usable: Mapping[str, float], *, by: str = "mean") -> list[str]:
    """The conditions with at least one curve of which all curves reach every threshold by their means.

    With `by` "low" the lower ends of the intervals must reach them.
    """
    has = pd.concat([has_curve(of_class) for of_class in tables.values()], axis=1)
    reached = pd.concat(
        [
            pd.concat([table[by] >= usable[axis] for axis, table in of_class.items()], axis=1).all(axis=1)
            for of_class in tables.values()
        ],
        axis=1,
    )
    usable_ones = (reached | ~has).all(axis=1) & has.any(axis=1)
    return [str(label) for label in usable_ones.index[usable_ones]]
