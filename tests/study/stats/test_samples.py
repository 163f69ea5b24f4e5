"""Samples as arrays: shared sheets, counts, false positives where the class is absent."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from study_cases import planted

from thinline.metrics.pixels import PixelCounts, rates
from thinline.study.design.study import StudyError
from thinline.study.stats.samples import samples


@pytest.mark.parametrize("shared", [False, True])
def test_sheets_are_shared_where_their_truth_is_the_same_in_all_seeds(shared):
    """A wider pen has more true pixels of the same sheet: conditions may differ, seeds may not."""
    results = planted(sheets=3)
    rows = results.sheets.merge(results.cells[["run", "seed", "loss"]], on="run")
    support = 100 * (1 + rows["sheet"]) + 50 * (rows["loss"] == "dice")
    sheets = results.sheets.assign(support=support if shared else support + rows["seed"])
    assert samples(replace(results, sheets=sheets), "recall", "curve_1").crossed is shared


@pytest.mark.parametrize("shared", [False, True])
def test_a_missing_run_does_not_change_whether_sheets_are_shared(shared):
    """Its sheets are unknown: those of the other seeds of its condition decide, else intervals would be too narrow."""
    results = planted(sheets=3)
    rows = results.sheets.merge(results.cells[["run", "seed"]], on="run")
    support = 100 * (1 + rows["sheet"]) + (0 if shared else rows["seed"])
    sheets = results.sheets.assign(support=support)
    of_condition = results.cells[results.cells["condition"] == results.cells["condition"].iloc[0]]
    for missing in (of_condition["run"].iloc[:1], of_condition["run"].iloc[:-1]):  # the first run; all but one
        left = sheets[~sheets["run"].isin(missing)]
        assert samples(replace(results, sheets=left), "recall", "curve_1").crossed is shared


def test_a_count_without_its_sheets_is_refused():
    """It would be a sum over 64 sheets where a number per sheet is expected."""
    results = planted(sheets=3)
    rows = results.rows.assign(measure=results.rows["measure"].replace("iou", "viterbi_swaps"))
    with pytest.raises(StudyError, match="its sum over the split alone"):
        samples(replace(results, rows=rows), "viterbi_swaps", "curve_1")


@pytest.mark.parametrize("measure", ["iou", "precision", "f1"])
def test_false_positives_on_a_sheet_without_the_class_count_as_in_the_split(measure):
    """Sheets of one cell add up to what the counts of all its pixels say, also where the class is absent from some."""
    results = planted(sheets=4)
    run = results.cells["run"].iloc[3]
    counts = PixelCounts(*(torch.tensor(pixels) for pixels in ([30, 0, 50, 0], [10, 7, 0, 0], [20, 0, 0, 0])))
    total = PixelCounts(*(count.sum(0, keepdim=True) for count in (counts.tp, counts.fp, counts.fn)))
    sheets, rows = results.sheets.set_index(["run", "measure", "class"]), results.rows.copy()
    for name, of_sheets in rates(counts).items():
        key = (run, name, "curve_1")
        if key in sheets.index:
            sheets.loc[[key], "value"], sheets.loc[[key], "support"] = of_sheets.numpy(), counts.support.numpy()
    for name in ("iou", "area_ratio"):
        own = (rows["run"] == run) & (rows["measure"] == name) & (rows["class"] == "curve_1")
        assert own.any()
        rows.loc[own, ["value", "support"]] = float(rates(total)[name]), int(total.support)
    data = samples(replace(results, sheets=sheets.reset_index(), rows=rows), measure, "curve_1")
    condition = data.conditions.index(results.cells["condition"].iloc[3])
    seed = data.seeds.index(results.cells["seed"].iloc[3])
    assert data.values[condition, seed] == pytest.approx(float(rates(total)[measure]))
    assert data.whole[condition, seed, 3] == 0  # absent from both: not scored
    assert data.whole[condition, seed, 1] == 7
    assert data.parts[condition, seed, 1] == 0


def test_a_mean_over_sheets_does_not_weigh_them_by_their_pixels():
    """The Betti-0 errors 2, 4, 9 of sheets with 100, 200, 300 true pixels have mean 5, as in the split, not 6.17."""
    results = planted(sheets=3)
    own = results.sheets[results.sheets["measure"] == "iou"]
    value = own["sheet"].map({0: 2.0, 1: 4.0, 2: 9.0})
    sheets = own.assign(measure="betti0_error", value=value, support=100 * (1 + own["sheet"]))
    data = samples(replace(results, sheets=pd.concat([results.sheets, sheets])), "betti0_error", "curve_1")
    assert data.values == pytest.approx(np.full(data.values.shape, 5.0))
