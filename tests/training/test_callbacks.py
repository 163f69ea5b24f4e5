"""The checkpoint is atomic."""

from types import SimpleNamespace

import pytest
import torch

from thinline.training.callbacks import LAST, AtomicCheckpoint, CheckpointError


def trainer(**values):
    return SimpleNamespace(global_step=3, max_steps=6, is_global_zero=True, **values)


TASK = SimpleNamespace()


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
