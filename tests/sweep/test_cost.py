"""What a cell costs, by finished runs and by a trial."""

import pytest
from run_cases import ORIGIN

from thinline.runs import FAILED, FINISHED, Cell, Manifest
from thinline.sweep.cost import (
    COSTS,
    MOST_PIXELS,
    PROCESS,
    REST_S,
    SCALE,
    Trial,
    Trials,
    finished_seconds,
    key_of,
    refusal,
    seconds,
)


def test_seconds_are_added_up_by_hand(tiny):
    conf = tiny()[0]  # smoke: 6 steps, a validation after 3 and 6 and one at the end
    trial = Trial(step_s=10.0, evaluated_s=1.0, memory=0)
    assert seconds(conf, trial, val=2, test=3) == 6 * 10 + (3 * 2 + 3) * 1 + REST_S


def test_cells_that_differ_in_seed_weight_or_sheets_cost_the_same(tiny):
    same = [tiny(), tiny("seed=3"), tiny("class_weight=measured"), tiny("data_mix=scarce"), tiny("force=true")]
    loss = [tiny("loss=focal"), tiny("head=binary")]
    other = [tiny("resolution=pen2"), tiny("budget.batch_size=4"), tiny("network=veernet")]
    assert len({key_of(conf.tree, COSTS) for conf, _ in same}) == 1
    assert len({key_of(conf.tree, COSTS) for conf, _ in same[:1] + loss + other}) == 1 + len(loss) + len(other)
    assert len({key_of(conf.tree, SCALE) for conf, _ in same + loss}) == 1
    assert len({key_of(conf.tree, SCALE) for conf, _ in same[:1] + other}) == 1 + len(other)


def test_finished_runs_give_their_seconds_by_cost_and_by_scale(tiny):
    def run(conf, ended, **changed):
        cell = Cell({}, 0, conf.tree, "d1ce5e7")
        own = {"status": FINISHED, "finished": f"2026-01-01T00:{ended}+00:00"} | changed
        return Manifest(cell=cell, origin=ORIGIN, started="2026-01-01T00:00:00+00:00", **own)

    dice, focal = tiny("loss=dice")[0], tiny("loss=focal")[0]
    left_out = [run(dice, "09:00", attempts=2), run(dice, "09:00", status=FAILED), run(dice, "09:00", finished=None)]
    taken = finished_seconds([run(dice, "01:00"), run(dice, "02:30"), run(focal, "04:00"), *left_out])
    assert taken[key_of(dice.tree, COSTS)] == [60, 150]
    assert taken[key_of(focal.tree, COSTS)] == [240]
    assert taken[key_of(dice.tree, SCALE)] == [60, 150, 240]


def test_a_trial_is_silent_and_leaves_the_store_alone(tiny, tmp_path, capfd):
    trial = Trials().of(tiny()[0])
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "store").exists()
    assert trial.step_s > 0
    assert trial.evaluated_s > 0
    assert trial.memory > PROCESS


def test_the_memory_of_a_trial_grows_with_the_batch_and_its_time_is_bounded(tiny):
    """A batch of the paper would take minutes here; it is timed in part."""
    trials = Trials()
    saved = [trials.of(tiny(f"budget.batch_size={size}")[0]).memory for size in (2, 4, 8)]
    assert saved[2] - saved[1] == 2 * (saved[1] - saved[0]) > 0
    most = 64 * 64 * 100_000
    assert most > 1000 * MOST_PIXELS
    assert trials.of(tiny("budget.batch_size=100000")[0]).step_s > 0


def test_parts_that_cannot_work_together_are_refused_with_the_reason(tiny):
    assert refusal(tiny()[0]) is None
    assert "binary" in str(refusal(tiny("head=binary", "class_weight=fixed")[0]))
    with pytest.raises(ValueError, match="binary"):
        Trials().of(tiny("head=binary", "class_weight=fixed")[0])
