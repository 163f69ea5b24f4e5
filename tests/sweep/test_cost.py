"""What a cell costs by its trial."""

import pytest

from thinline.sweep.cost import Trial, cost_key, measure, seconds


def test_seconds_are_added_up_by_hand(tiny):
    budget = tiny()[0].budget  # smoke: 6 steps, a validation after 3 and 6 and one at the end
    trial = Trial(step_s=10.0, evaluated_s=1.0, rendered_s=100.0, rest_s=1000.0, memory=0, sheet=0)
    assert seconds(budget, trial, val=2, test=3, rest_s=0.5) == 6 * 10 + (3 * 2 + 3) * 1 + 0.5


def test_cells_that_differ_in_seed_weight_or_sheets_cost_the_same(tiny):
    same = [tiny(), tiny("seed=3"), tiny("class_weight=measured"), tiny("data_mix=scarce"), tiny("force=true")]
    other = [tiny("loss=focal"), tiny("head=binary"), tiny("resolution=pen2"), tiny("budget.batch_size=4")]
    assert len({cost_key(conf) for conf, _ in same}) == 1
    assert len({cost_key(conf) for conf, _ in same[:1] + other}) == 1 + len(other)


def test_a_trial_is_silent_and_leaves_the_store_alone(tiny, tmp_path, capfd):
    trial = measure(*tiny(), tmp_path / "trial")
    assert capfd.readouterr().out == ""
    assert not (tmp_path / "store").exists()
    assert all(value > 0 for value in (trial.step_s, trial.evaluated_s, trial.rendered_s))
    assert trial.rest_s >= 0
    assert trial.memory > 50 * 2**20
    assert trial.sheet == 4 * 128 * 128


def test_a_trial_that_cannot_run_says_why(tiny, tmp_path):
    with pytest.raises(ValueError, match="binary"):
        measure(*tiny("head=binary", "class_weight=fixed"), tmp_path / "trial")
