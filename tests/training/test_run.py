import pytest
import torch

from hairline.training.run import Machine, _threads, precision_of


def test_precision_words():
    def machine(word):
        return Machine("cpu", 1, word, True, False)

    assert precision_of(machine("fp32")) == "32-true"
    assert precision_of(machine("fp64")) == "64-true"
    assert precision_of(machine("bf16")) == "bf16-mixed"
    assert precision_of(machine("auto")) in ("32-true", "bf16-mixed")
    with pytest.raises(ValueError, match="half"):
        precision_of(machine("half"))


def test_threads_are_as_before_after_a_run():
    before = torch.get_num_threads()
    with _threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with pytest.raises(RuntimeError, match="lost"), _threads(before + 1):
        raise RuntimeError("lost")
    with _threads(None):
        assert torch.get_num_threads() == before
