"""Which conditions are usable: recall, precision and IoU of every curve that they tell against declared thresholds.

`tables` are means by condition (`mean`, `low`, `high`) of each axis of each curve, as study/figures/tables.py makes
them. A
condition whose head does not tell a curve, as one for any curve, is judged by those that it tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

BOARD: Final = ("recall", "precision", "iou")
USABLE: Final[Mapping[str, float]] = {"recall": 0.5, "precision": 0.5, "iou": 0.5}
"""The thresholds that make a curve usable, unless others are declared."""


def weakest_axis(tables: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.Series:
    """The least of recall, precision and IoU of any curve that a condition tells, by condition, best first.

    Conditions that tell fewer curves come after all that tell more.
    """
    least = [
        _joined(of_class).min(axis=1, skipna=False).fillna(-np.inf).where(tells(of_class))
        for of_class in tables.values()
    ]
    table = pd.concat(least, axis=1)
    found = table.min(axis=1).replace(-np.inf, np.nan).sort_values(ascending=False, kind="stable")
    return most_told_first(found, table)


def most_told_first(ordered: pd.Series, values: pd.DataFrame) -> pd.Series:
    """`ordered` by how many curves have a value in `values` (conditions by curves), most first, else as it was."""
    told = values.notna().sum(axis=1)[ordered.index]
    return ordered[told.sort_values(ascending=False, kind="stable").index]


def tells(of_class: Mapping[str, pd.DataFrame]) -> pd.Series:
    """Whether a condition has any value of a curve; a head for any curve does not tell one from another."""
    return _joined(of_class).notna().any(axis=1)


def _joined(of_class: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table["mean"] for table in of_class.values()], axis=1)


def usable_conditions(
    tables: Mapping[str, Mapping[str, pd.DataFrame]], usable: Mapping[str, float], *, by: str = "mean"
) -> list[str]:
    """The conditions of which every curve that they tell, one at least, reaches every threshold, by their means.

    With `by` "low" it is the lower ends of the intervals that reach them.
    """
    reached, any_curve = [], []
    for of_class in tables.values():
        clear = pd.concat([table[by] >= usable[axis] for axis, table in of_class.items()], axis=1).all(axis=1)
        told_of = tells(of_class)
        reached.append(clear | ~told_of)
        any_curve.append(told_of)
    both = pd.concat(reached, axis=1).all(axis=1) & pd.concat(any_curve, axis=1).any(axis=1)
    return [str(label) for label in both.index[both]]
