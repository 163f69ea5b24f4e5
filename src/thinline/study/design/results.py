"""What a study measured: its conditions, seeds, and numbers, complete or said to be partial.

Conventions
-----------
A *condition* is one level for each factor of the study, a cell without its seed; its label joins the levels with `/`,
as `measured/tversky/fresh`. A factor that a condition does not have (`class_weight.value` of a tuned threshold) is
left out of the label and empty in the tables.

The *grid* are the conditions of the full product of the declared factors, as far as the study keeps them: effects are
estimated from it alone. Conditions of `also` stand beside it, in tables and comparisons.

Tables, tidy, one number a row:

    cells    run, cell, condition, seed, one column per factor, grid (bool)
    rows     run, split, measure, class, value, support, signature           whole splits
    sheets   the same and sheet                                              one sheet of the test split
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from thinline.study.design.study import SEED, Cell, Study

CELL_COLUMNS = ("run", "cell", "condition", "seed")
ROW_COLUMNS = ("run", "split", "measure", "class", "value", "support", "signature")
SHEET_COLUMNS = (*ROW_COLUMNS, "sheet")


@dataclass(frozen=True, eq=False)
class Results:
    """The numbers of a study's finished cells; see the module for its tables. `left_out` says what is not in them."""

    study: Study
    cells: pd.DataFrame
    rows: pd.DataFrame
    sheets: pd.DataFrame
    left_out: tuple[str, ...] = ()
    made_by: Mapping[str, str] = field(default_factory=dict)
    """Where the numbers come from, as text by name: commit, versions, threads, dates."""

    @cached_property
    def factors(self) -> dict[str, tuple[str, ...]]:
        """Levels of each factor among the conditions, in the order declared; those of one level too."""
        return {name: levels_of(self.study, self.cells, name) for name in self.study.names if name != SEED}

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, in order."""
        return tuple(sorted(int(seed) for seed in self.cells["seed"].unique()))

    @cached_property
    def conditions(self) -> pd.DataFrame:
        """One row per condition, indexed by its label: the factors and `grid`, in the order declared."""
        columns = ["condition", *self.factors, "grid"]
        return self.cells[columns].drop_duplicates("condition").set_index("condition")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The curves (all but the background), those of runs that tell most apart first, else as in their tables."""
        of_test = self.rows.loc[self.rows["split"] == "test", ["run", "class"]].drop_duplicates().astype(str)
        apart = of_test.groupby("run")["class"].transform("size").groupby(of_test["class"]).max()
        names = [name for name in of_test["class"].unique() if name not in ("background", "all")]
        return tuple(sorted(names, key=lambda name: -apart[name]))


def levels_of(study: Study, cells: pd.DataFrame, name: str) -> tuple[str, ...]:
    """The levels of one factor that occur in `cells`, in the order in which the study declares them."""
    declared = [level for block in (study.factors, *study.also) for level in block.get(name, ())]
    there = set(cells[name].dropna())
    return tuple(level for level in dict.fromkeys(declared) if level in there)


def label_of(cell: Cell, names: Sequence[str]) -> str:
    """The label of a cell's condition."""
    return "/".join(cell[name] for name in names if name != SEED and name in cell)
