"""The results of a study: its conditions, seeds, and scores.

Conventions
-----------
A *condition* is one level for each factor of the study: a cell without its seed. Its label joins the levels with `/`,
as `measured/tversky/fresh`. A factor that a condition does not have (`class_weight.value` of a tuned threshold) is
omitted in the label and empty in the tables.

The *grid* is the conditions of the product of the declared factors, without those excluded: effects are estimated from
it alone. Conditions of `also` are outside of the grid, in tables and comparisons only.

Tidy tables, one number a row:

    cells    run, cell, condition, seed, one column per factor, grid (bool)
    rows     run, split, measure, class, value, support, signature           whole splits
    sheets   the same and sheet                                              one sheet of the test split
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from thinline.study.design.study import SEED, Cell, Study

CELL_COLUMNS = ("run", "cell", "condition", "seed")
ROW_COLUMNS = ("run", "split", "measure", "class", "value", "support", "signature")
SHEET_COLUMNS = (*ROW_COLUMNS, "sheet")


@dataclass(frozen=True, eq=False)
class Results:
    """The tables of a study's finished cells, see the module; `left_out` names the cells that are not in them."""

    study: Study
    cells: pd.DataFrame
    rows: pd.DataFrame
    sheets: pd.DataFrame
    left_out: tuple[str, ...] = ()
    made_by: Mapping[str, str] = field(default_factory=dict)
    """Provenance by name: commits, versions, threads, dates."""
    choices: pd.DataFrame | None = None
    """The measurements by which a study with a tuned factor chose its levels (tuning.py)."""

    beside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(ROW_COLUMNS)))
    """Rows of perturbed truth that the runs lack, as `rows`. They are read, but not written with the results."""

    @cached_property
    def of_beside(self) -> Results:
        """The same cells with the rows `beside` alone."""
        return replace(self, rows=self.beside)

    @cached_property
    def factors(self) -> dict[str, tuple[str, ...]]:
        """Levels of each factor among the conditions, in the order declared; also of factors with one level."""
        factors = {}
        for name in (name for name in self.study.names if name != SEED):
            declared = [level for block in (self.study.factors, *self.study.also) for level in block.get(name, ())]
            known = set(self.cells[name].dropna())
            factors[name] = tuple(level for level in dict.fromkeys(declared) if level in known)
        return factors

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, in order."""
        return tuple(sorted(int(seed) for seed in self.cells["seed"].unique()))

    @cached_property
    def conditions(self) -> pd.DataFrame:
        """The factors and `grid` of each condition, indexed by its label, in the order declared."""
        columns = ["condition", *self.factors, "grid"]
        return self.cells[columns].drop_duplicates("condition").set_index("condition")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The curves (all classes but the background); those of runs with most curves first, else as in the tables."""
        of_test = self.rows.loc[self.rows["split"] == "test", ["run", "class"]].drop_duplicates().astype(str)
        counts = of_test.groupby("run")["class"].transform("size").groupby(of_test["class"]).max()
        names = [name for name in of_test["class"].unique() if name not in ("background", "all")]
        return tuple(sorted(names, key=lambda name: -counts[name]))


def label_of(cell: Cell, names: Sequence[str]) -> str:
    """The label of a cell's condition."""
    return "/".join(cell[name] for name in names if name != SEED and name in cell)
