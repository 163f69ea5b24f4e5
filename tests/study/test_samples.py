"""Samples as arrays: whether seeds share their sheets."""

from dataclasses import replace

import pytest
from study_cases import planted

from hairline.study.design import StudyError
from hairline.study.samples import samples


@pytest.mark.parametrize("shared", [False, True])
def test_sheets_are_shared_where_their_truth_is_the_same_in_all_seeds(shared):
    """A wider pen has more true pixels of the same sheet: conditions may differ, seeds may not."""
    results = planted(sheets=3)
    of = results.sheets.merge(results.cells[["run", "seed", "loss"]], on="run")
    support = 100 * (1 + of["sheet"]) + 50 * (of["loss"] == "dice")
    sheets = results.sheets.assign(support=support if shared else support + of["seed"])
    assert samples(replace(results, sheets=sheets), "recall", "curve_1").crossed is shared


def test_a_count_without_its_sheets_is_refused():
    """It would be a sum over 64 sheets where everybody expects a number a sheet."""
    results = planted(sheets=3)
    rows = results.rows.assign(measure=results.rows["measure"].replace("iou", "viterbi_swaps"))
    with pytest.raises(StudyError, match="its sum over the split alone"):
        samples(replace(results, rows=rows), "viterbi_swaps", "curve_1")
