"""Samples and grids as arrays, for simulations of many studies; `study_cases` plants the same as tables."""

from itertools import product

import numpy as np

from thinline.study.stats.contrasts import Grid
from thinline.study.stats.estimates import estimate, mean_of
from thinline.study.stats.samples import Samples, samples

SEEDS_RULE = {"seed_sd": 0.03, "cell_sd": 0.02, "sheet_sd": 0.02, "cell_sheet_sd": 0.01}
SHEETS_RULE = {"seed_sd": 0.001, "cell_sd": 0.001, "sheet_sd": 0.2, "cell_sheet_sd": 0.2}


def full_grid(**levels):
    """The full product of the `levels` of each factor, conditions in the order of a study."""
    codes = np.array(list(product(*(range(len(own)) for own in levels.values()))), np.int64)
    return Grid({name: tuple(own) for name, own in levels.items()}, np.ones(len(codes), np.bool_), codes, None)


def part_of(grid, inside, resolution):
    """`grid` with only the conditions `inside`."""
    codes = grid.codes.copy()
    codes[~inside] = -1
    return Grid(grid.levels, inside, codes, resolution)


def drawn(rng, truth, *, seeds=5, sheets=64, seed_sd=0.0, cell_sd=0.0, sheet_sd=0.0, cell_sheet_sd=0.0, crossed=False):
    """Samples of conditions with the true values `truth [A]` and noise of these standard deviations: of seeds, cells
    (condition by seed), sheets, and conditions by sheets. With `crossed` all seeds have the same sheets."""
    a, own = len(truth), 1 if crossed else seeds
    values = (
        np.asarray(truth, float)[:, None, None]
        + rng.normal(0, seed_sd, (1, seeds, 1))
        + rng.normal(0, cell_sd, (a, seeds, 1))
        + rng.normal(0, sheet_sd, (1, own, sheets))
        + rng.normal(0, cell_sheet_sd, (a, own, sheets))
    )
    return samples_of(values, crossed=crossed)


def samples_of(values, whole=None, *, crossed=False, measure="iou", name="curve_1"):
    """Samples of the values of sheets [A,S,N], with equal weights or `whole`."""
    a, s, _ = values.shape
    whole = np.ones(values.shape) if whole is None else whole
    names = tuple(f"c{number}" for number in range(a))
    return Samples("test", measure, name, names, tuple(range(s)), values * whole, whole, crossed)


def difference(results, measure, name, *, plus, minus):
    """The mean of the grid's conditions with the levels `plus` minus that with `minus`, paired by seed."""
    conditions = results.conditions
    weights = mean_of(conditions, plus, grid=True) - mean_of(conditions, minus, grid=True)
    return estimate(samples(results, measure, name), weights)
