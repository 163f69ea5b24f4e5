"""Results without single sheets, drawn in a millisecond: for simulations of many studies."""

from functools import cache

import numpy as np
import pandas as pd

from thinline.study.design.collect import in_grid
from thinline.study.design.results import ROW_COLUMNS, SHEET_COLUMNS, Results, label_of
from thinline.study.design.study import SEED, expand

CURVES = ("curve_1", "curve_2")


@cache
def _cells(name, study_key):
    study = _STUDIES[study_key]
    table = []
    for cell in expand(study):
        label = label_of(cell, study.names)
        run = f"{label.replace('/', '-')}-s{cell[SEED]}"
        factors = {each: cell.get(each) for each in study.names if each != SEED}
        table.append(
            {"run": run, "cell": run, "condition": label, "seed": int(cell[SEED])}
            | factors
            | {"grid": in_grid(study, cell)}
        )
    return pd.DataFrame(table)


_STUDIES = {}


def drawn_rows(study, rng, *, truth, measures=("recall",), cell_sd=0.01, seed_sd=0.01, curves_share=0.0):
    """Results of every cell: `truth(cell, measure, curve)` plus normal noise of the seed (shared by its cells) and of the
    cell, of which the share `curves_share` of the variance is common to all measures and curves of the cell.

    `cell_sd` is a number, or a function of the cell.
    """
    key = id(study)
    _STUDIES[key] = study
    cells = _cells(study.name, key)
    records = cells.to_dict("records")
    rows = []
    common = rng.standard_normal(len(records))
    deviations = np.array([cell_sd(cell) if callable(cell_sd) else cell_sd for cell in records])
    for measure in measures:
        for name in CURVES:
            of_seed = dict(zip(study.seeds, rng.normal(0, seed_sd, len(study.seeds)), strict=True))
            own = rng.standard_normal(len(records))
            noise = deviations * (np.sqrt(curves_share) * common + np.sqrt(1 - curves_share) * own)
            rows += [
                (
                    cell["run"],
                    "test",
                    measure,
                    name,
                    0.5 + truth(cell, measure, name) + of_seed[str(cell["seed"])] + e,
                    1000,
                    "p",
                )
                for cell, e in zip(records, noise, strict=True)
            ]
    table = pd.DataFrame(rows, columns=list(ROW_COLUMNS))
    sheets = pd.DataFrame(columns=list(SHEET_COLUMNS))
    return Results(study, cells, table, sheets)
