"""Usable conditions and their order, on tables made by hand."""

import numpy as np
import pandas as pd

from thinline.study.claims.usable import BOARD, has_curve, usable_conditions, weakest_axis

NO = np.nan
#            both curves      both, one poor   any curve        no pixel
MEANS = {
    "curve_1": {"recall": [0.9, 0.9, NO, 0.0], "precision": [0.8, 0.8, NO, NO], "iou": [0.7, 0.7, NO, 0.0]},
    "curve_2": {"recall": [0.6, 0.4, NO, 0.0], "precision": [0.8, 0.8, NO, NO], "iou": [0.6, 0.4, NO, 0.0]},
    "curve": {"recall": [NO, NO, 0.95, NO], "precision": [NO, NO, 0.9, NO], "iou": [NO, NO, 0.85, NO]},
}
CONDITIONS = ["both", "poor", "any", "nothing"]
TABLES = {
    name: {
        axis: pd.DataFrame({"mean": of[axis], "low": np.subtract(of[axis], 0.15)}, index=CONDITIONS) for axis in BOARD
    }
    for name, of in MEANS.items()
}
BAR = dict.fromkeys(BOARD, 0.5)


def test_a_condition_has_the_curves_of_which_it_has_any_value():
    assert has_curve(TABLES["curve_2"]).tolist() == [True, True, False, True]
    assert has_curve(TABLES["curve"]).tolist() == [False, False, True, False]


def test_usable_is_every_axis_of_every_curve_of_a_condition():
    assert usable_conditions(TABLES, BAR) == ["both", "any"]
    assert usable_conditions(TABLES, BAR, by="low") == ["any"]
    assert usable_conditions(TABLES, BAR | {"recall": 0.99}) == []
    assert usable_conditions({"curve": TABLES["curve"]}, BAR) == ["any"], "a condition without curves is not usable"


def test_the_weakest_axis_orders_conditions_those_with_more_curves_first():
    weakest = weakest_axis(TABLES)
    assert list(weakest.index) == ["both", "poor", "nothing", "any"]
    assert weakest[["both", "poor", "any"]].tolist() == [0.6, 0.4, 0.85]
    assert np.isnan(weakest["nothing"]), "of no pixel claimed there is no precision"
