"""The checkpoint is atomic, and the progress is a bar or a line."""

import io
import math
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from thinline.training.callbacks import LAST, AtomicCheckpoint, CheckpointError, ClassProgress


def trainer(**values):
    return SimpleNamespace(global_step=3, max_steps=6, is_global_zero=True, **values)


TASK = SimpleNamespace(
    latest_loss=0.25, classes=("background", "curve_1", "curve_2"), numbers={"val/iou/curve_1": 0.5, "val/iou/x": 1.0}
)


def test_a_checkpoint_appears_whole_or_not_at_all(tmp_path):
    """A write that fails half-way leaves the previous checkpoint whole."""
    (tmp_path / LAST).write_bytes(b"before")

    def fails(path):
        path.write_bytes(b"ha")
        raise OSError(28, "No space left on device")

    callback = AtomicCheckpoint(tmp_path)
    with pytest.raises(CheckpointError, match=r"last\.ckpt at step 3.*'No space left on device'.*bytes free"):
        callback.on_train_epoch_end(trainer(save_checkpoint=fails), TASK)
    assert (tmp_path / LAST).read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == [LAST]
    callback.on_train_epoch_end(trainer(save_checkpoint=lambda path: path.write_bytes(b"new")), TASK)
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


def test_without_a_terminal_progress_is_a_line_after_each_validation():
    out = io.StringIO()
    bar = ClassProgress("a cell", console=Console(file=out, width=120))
    bar.on_train_start(trainer(), TASK)
    bar.on_train_batch_end(trainer(), TASK, None, None, 0)
    bar.on_train_epoch_end(trainer(), TASK)
    bar.on_train_end(trainer(), TASK)
    assert out.getvalue() == "a cell  step 3/6  loss 0.250  IoU curve_1 0.500  IoU curve_2 -\n"


def test_a_resumed_run_prints_no_loss_before_its_first_step():
    out = io.StringIO()
    bar = ClassProgress("a cell", console=Console(file=out, width=120))
    resumed = SimpleNamespace(**vars(TASK) | {"latest_loss": math.nan})
    bar.on_train_start(trainer(), resumed)
    bar.on_train_epoch_end(trainer(), resumed)
    assert out.getvalue() == ""


def test_on_a_terminal_progress_is_a_bar_that_ends_with_the_run():
    out = io.StringIO()
    bar = ClassProgress("a cell", console=Console(file=out, width=120, force_terminal=True))
    bar.on_train_start(trainer(), TASK)
    bar.on_train_batch_end(trainer(), TASK, None, None, 0)
    bar.on_exception(trainer(), TASK, RuntimeError())
    assert bar.bar is None
    assert "3/6" in out.getvalue()
    assert "IoU curve_1 0.500" in out.getvalue()


def test_only_the_first_process_prints():
    out = io.StringIO()
    for terminal in (True, False):
        bar = ClassProgress("a cell", console=Console(file=out, force_terminal=terminal))
        second = SimpleNamespace(**vars(trainer()) | {"is_global_zero": False})
        bar.on_train_start(second, TASK)
        bar.on_train_batch_end(second, TASK, None, None, 0)
        bar.on_train_epoch_end(second, TASK)
        bar.on_train_end(second, TASK)
    assert out.getvalue() == ""
