"""The checkpoint is atomic, the best one is kept, and training may end early."""

import io
import math
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from thinline.training.callbacks import AtomicCheckpoint, BestCheckpoint, CheckpointError
from thinline.training.settings import BEST, LAST, Checkpoints


def trainer(**values):
    return SimpleNamespace(global_step=3, max_steps=6, is_global_zero=True, **values)


TASK = SimpleNamespace()


def test_a_checkpoint_appears_whole_or_not_at_all(tmp_path):
    """A write that fails half-way leaves the previous checkpoint whole."""
    (tmp_path / LAST).write_bytes(b"before")

    def fails(path, weights_only):
        path.write_bytes(b"ha")
        raise OSError(28, "No space left on device")

    callback = AtomicCheckpoint(tmp_path)
    with pytest.raises(CheckpointError, match=r"last\.ckpt at step 3.*'No space left on device'.*bytes free"):
        callback.on_train_epoch_end(trainer(save_checkpoint=fails), TASK)
    assert (tmp_path / LAST).read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == [LAST]
    callback.on_train_epoch_end(trainer(save_checkpoint=lambda path, _: path.write_bytes(b"new")), TASK)
    assert (tmp_path / LAST).read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == [LAST]


def test_the_random_state_travels_with_the_checkpoint(tmp_path):
    callback = AtomicCheckpoint(tmp_path)
    checkpoint = {}
    callback.on_save_checkpoint(trainer(), TASK, checkpoint)
    expected = torch.rand(4)
    torch.rand(100)
    callback.on_load_checkpoint(trainer(), TASK, checkpoint)
    assert torch.equal(torch.rand(4), expected)


def scores(*values, patience=None, folder, state=None):
    """Validations every third step with these values; (steps at which a checkpoint was kept, stopped, the callback)."""
    callback = BestCheckpoint(folder, Checkpoints("val/f1/curve", patience), console=Console(file=io.StringIO()))
    if state is not None:
        callback.load_state_dict(state)
    machine = trainer(state=SimpleNamespace(fn="fit"), should_stop=False)
    kept = []

    def save(path, weights_only):
        assert weights_only
        path.write_bytes(b"x")
        kept.append(machine.global_step)

    machine.save_checkpoint = save
    callback.on_train_start(machine, TASK)
    for number, value in enumerate(values, start=1):
        if machine.should_stop:
            break
        machine.global_step = 3 * number
        callback.on_validation_end(machine, SimpleNamespace(numbers={"val/f1/curve": value}))
    return kept, machine.should_stop, callback


def test_the_checkpoint_of_every_new_largest_value_is_kept(tmp_path):
    kept, stopped, callback = scores(0.1, 0.3, 0.2, 0.3, 0.4, folder=tmp_path)
    assert (kept, stopped) == ([3, 6, 15], False)
    assert callback.state_dict() == {"value": 0.4, "step": 15, "waited": 0}
    assert [path.name for path in tmp_path.iterdir()] == [BEST]


def test_training_stops_after_validations_without_a_larger_value(tmp_path):
    kept, stopped, callback = scores(0.1, 0.3, 0.2, 0.3, 0.4, patience=2, folder=tmp_path)
    assert (kept, stopped) == ([3, 6], True)
    # resumed for its test, it trains no further; with more patience it goes on and counts on
    assert scores(0.9, patience=2, folder=tmp_path, state=callback.state_dict())[:2] == ([], True)
    assert scores(0.2, 0.9, patience=4, folder=tmp_path, state=callback.state_dict())[:2] == ([6], False)
    assert scores(0.2, 0.2, 0.9, patience=4, folder=tmp_path, state=callback.state_dict())[:2] == ([], True)
    (tmp_path / BEST).unlink()  # without its file the best value counts for nothing
    assert scores(0.2, folder=tmp_path, state=callback.state_dict())[:2] == ([3], False)


def test_a_class_without_pixels_cannot_be_monitored(tmp_path):
    with pytest.raises(ValueError, match=r"monitor=val/f1/curve.* got NaN at step 3: no validation image has a pixel"):
        scores(math.nan, folder=tmp_path)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            {"monitor": "f1/curve_1"},
            "must be val/METRIC/CLASS with METRIC one of iou, precision, recall, f1, got f1",
        ),
        ({"monitor": "val/area_ratio/curve_1"}, "METRIC one of"),
        ({"monitor": "val/f1/"}, "got val/f1/"),
        ({"patience": 3}, "patience=3` needs a metric of validation"),
        ({"test": "best"}, "test=best` needs"),
        ({"test": "first"}, "last or best, got 'first'"),
        ({"monitor": "val/f1/curve_1", "patience": 0}, "1 or more validations, got 0"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule, words):
    with pytest.raises(ValueError, match=words):
        Checkpoints(**rule)
    with pytest.raises(ValueError, match="must name a class of this head, background or curve, got val/f1/curve_1"):
        Checkpoints(monitor="val/f1/curve_1").check(["background", "curve"])
