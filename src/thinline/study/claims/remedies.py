"""The families of remedy that a condition uses: A weighting, B region loss, C synthesis.

Conventions
-----------
A family has *moved* in a condition if the level of its factor is one of `moved`; all other levels are its base. The
base of all three is class_weight=none, loss=soft_ce, data_mix=scarce. Decisions on levels that could be argued about:

    tuned_threshold, logit_adjustment   controls without a weight: not A
    fixed with class_weight.value=1     a weight of one is no weight: not A
    ce, focal, cb_focal                 terms of single pixels: not B
    spatial_soft_ce                     of pixels and their neighbours, one by one: not B
    dice_ce, tversky_ce, dice_focal     sums with a region term: B
    clce                                cross-entropy on skeletons, which depend on the neighbours of a pixel: B
    duplicated, folder                  no synthetic sheet: not C
    field                               all sheets, also those of the test, are of one family: nothing is added, not C

A family has moved in no condition of a study that does not vary its factor: the tables of the study hold no level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

_VALUE: Final = "class_weight.value"


@dataclass(frozen=True)
class Family:
    """A remedy: letter, name, factor, the levels that count as moved, and the measure that the source says it moves."""

    letter: str
    name: str
    factor: str
    moved: frozenset[str]
    axis: str


FAMILIES: Final[Mapping[str, Family]] = {
    "A": Family(
        "A",
        "weighting",
        "class_weight",
        frozenset({"fixed", "fixed_2", "fixed_10", "fixed_42", "measured", "sqrt", "effective_number"}),
        axis="recall",
    ),
    "B": Family(
        "B",
        "region loss",
        "loss",
        frozenset(
            {
                *("dice", "tversky", "lovasz", "cldice", "clce", "boundary", "skeleton_recall"),
                *("dice_ce", "tversky_ce", "dice_focal"),
                *("dice_boundary", "dice_cldice", "dice_clce", "dice_skeleton_recall"),
            }
        ),
        axis="iou",
    ),
    "C": Family("C", "synthesis", "data_mix", frozenset({"fresh", "enriched"}), axis="precision"),
}
"""The families by letter, in the order of the source."""


def family_of(condition: Mapping[str, Any] | pd.Series) -> frozenset[str]:
    """Letters of the families that moved in a `condition`: levels by factor, as a row of `Results.conditions`.

    Missing or empty factors have not moved.
    """
    moved = {family.letter for family in FAMILIES.values() if condition.get(family.factor) in family.moved}
    value = condition.get(_VALUE)
    if condition.get("class_weight") == "fixed" and isinstance(value, str) and float(value) == 1:
        moved.discard("A")
    return frozenset(moved)


def families_of(conditions: pd.DataFrame) -> dict[str, frozenset[str]]:
    """The families of every row of `Results.conditions`, by its label."""
    return {str(label): family_of(row) for label, row in conditions.iterrows()}


def moves(families: frozenset[str]) -> str:
    """A set of families as `A+B`, or `base` for none."""
    return "+".join(sorted(families)) or "base"


def legend_of(families: frozenset[str]) -> str:
    """A set of families in words: `A+B weighting, region loss`, or `base`."""
    names = ", ".join(FAMILIES[letter].name for letter in sorted(families))
    return f"{moves(families)} {names}".strip() if families else "base"
