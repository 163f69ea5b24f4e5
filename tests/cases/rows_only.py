"""Results without single sheets, drawn in milliseconds: for simulations of many studies."""

from collections import defaultdict

import numpy as np
import pandas as pd

from thinline.study.design.collect import in_grid
from thinline.study.design.results import ROW_COLUMNS, SHEET_COLUMNS, Results, label_of
from thinline.study.design.study import SEED, expand

CURVES = ("curve_1", "curve_2")
_SUPPORT = 1000


def cells_of(study):
    """The table of cells of a study, each with a run."""
    table = []
    for cell in expand(study):
        label = label_of(cell, study.names)
        run = f"{label.replace('/', '-')}-s{cell[SEED]}"
        factors = {each: cell.get(each) for each in study.names if each != SEED}
        cells = {"run": run, "cell": run, "condition": label, "seed": int(cell[SEED])}
        table.append(cells | factors | {"grid": in_grid(study, cell)})
    return pd.DataFrame(table)


def drawn_rows(study, cells, rng, *, truth, measures=("recall",), cell_sd=0.01, seed_sd=0.01, common=0.0, studies=1):
    """Results of every cell: .5, plus `truth(cell, measure, curve)`, plus normal noise of the seed and of the cell.

    All cells of a seed share its noise. The share `common` of the variance of the noise of a cell is common to all its
    measures and curves. `cell_sd` is a number, or a function of the cell. Of several `studies` each has curves of its
    own, `curve_1.7` in the eighth: their noise is independent, and they are read at once (`by_study`).
    """
    records = cells.to_dict("records")
    size, keys = (studies, len(records)), [(measure, name) for measure in measures for name in CURVES]
    of_cells = rng.standard_normal(size)
    deviations = np.array([cell_sd(cell) if callable(cell_sd) else cell_sd for cell in records])
    tables = []
    for measure, name in keys:
        own = np.sqrt(common) * of_cells + np.sqrt(1 - common) * rng.standard_normal(size)
        of_seeds = rng.normal(0, seed_sd, (studies, len(study.seeds)))[:, cells["seed"].to_numpy()]
        means = np.array([0.5 + truth(cell, measure, name) for cell in records])
        names = [name] if studies == 1 else [f"{name}.{number}" for number in range(studies)]
        rows = {"run": np.tile(cells["run"], studies), "split": "test", "measure": measure}
        rows |= {"class": np.repeat(names, len(records)), "value": (means + of_seeds + deviations * own).ravel()}
        tables.append(pd.DataFrame(rows | {"support": _SUPPORT, "signature": "planted"}))
    rows = pd.concat(tables, ignore_index=True)[list(ROW_COLUMNS)]
    return Results(study, cells, rows, pd.DataFrame(columns=list(SHEET_COLUMNS)))


def by_study(findings):
    """The findings of each of several studies that were drawn at once."""
    parts = defaultdict(list)
    for finding in findings:
        parts[finding.of.partition(".")[2]].append(finding)
    return list(parts.values())
