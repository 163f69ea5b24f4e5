"""Each configuration of a sweep over its seeds."""

import numpy as np
import pandas as pd
import pytest
from run_cases import ORIGIN, folder_of
from scipy import stats

from thinline.runs import CLASS_COLUMNS, FINISHED, Cell
from thinline.sweep.conditions import conditions_of

VALUES = {"dice": (0.5, 0.56, 0.47), "focal": (0.25,)}
VARIED = ("loss", "seed")


def finished_run(root, loss, seed, rows):
    """A finished run with `rows` of split, measure, class and value; the name of its folder."""
    config = {"loss": {"name": loss}, "seed": seed, "classes": ["background", "a", "b"]}
    cell = Cell({"loss": loss, "head": "softmax"}, seed, config, "d1")
    folder = folder_of(root, cell)
    assert folder.try_lock()
    folder.begin(cell, ORIGIN)
    table = pd.DataFrame([(*row, 10, "v:1") for row in rows], columns=list(CLASS_COLUMNS))
    folder.write_results(table, table.assign(sheet=0))
    folder.finish(FINISHED)
    folder.unlock()
    return folder.name


@pytest.fixture
def cells(tmp_path):
    """Three runs of dice and one of focal, seed by seed as in a sweep."""
    runs = [(loss, seed) for seed in range(3) for loss in VALUES if seed < len(VALUES[loss])]
    return [
        finished_run(
            tmp_path,
            loss,
            seed,
            [
                ("test", "iou", "a", VALUES[loss][seed]),
                ("test", "iou", "b", np.nan if seed == 1 else 0.125 * seed),
                ("test", "iou", "background", 0.99),
                ("test", "precision", "b", np.nan),
                ("test", "f1", "a", 0.1 * seed),
                ("val", "iou", "a", 0.5),
            ],
        )
        for loss, seed in runs
    ]


def test_mean_deviation_and_interval_are_those_of_student(tmp_path, cells):
    dice, focal = conditions_of(tmp_path, cells, varied=VARIED)
    assert (dice.name, dice.seeds, focal.name, focal.seeds) == ("dice", (0, 1, 2), "focal", (0,))
    values = np.array(VALUES["dice"])
    low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    assert dice.estimates["test/iou/a"] == pytest.approx((values.mean(), values.std(ddof=1), low, high), rel=1e-9)
    assert focal.estimates == {"test/iou/a": (0.25,), "test/iou/b": (0.0,)}


def test_a_run_without_a_value_is_no_seed_of_the_metric(tmp_path, cells):
    dice, _ = conditions_of(tmp_path, cells, varied=VARIED)
    low, high = stats.t.interval(0.95, 1, 0.125, stats.sem([0, 0.25]))
    assert dice.estimates["test/iou/b"] == pytest.approx((0.125, np.std([0, 0.25], ddof=1), low, high), rel=1e-9)
    assert set(dice.estimates) == {"test/iou/a", "test/iou/b"}  # no background, no metric without a value


def test_the_measures_of_a_study_are_estimated_as_well(tmp_path, cells):
    dice, _ = conditions_of(tmp_path, cells, varied=VARIED, measures=("test/f1",))
    assert dice.estimates["test/f1/a"][:2] == pytest.approx((0.1, 0.1))


def test_params_are_those_that_all_seeds_share(tmp_path, cells):
    dice, _ = conditions_of(tmp_path, cells, varied=VARIED)
    assert dice.params.items() >= {"loss": "dice", "head": "softmax", "loss.name": "dice"}.items()
    assert "seed" not in dice.params


def test_only_the_cells_of_the_sweep_count(tmp_path, cells):
    dice, *others = conditions_of(tmp_path, [name for name in cells if "dice" in name][1:], varied=("seed",))
    assert (dice.name, dice.seeds, others) == ("dice", (1, 2), [])
    assert conditions_of(tmp_path, [], varied=VARIED) == ()
