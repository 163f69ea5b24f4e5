import pytest
import torch
from torch import nn

from thinline.training.fit import NoDeviceError, _threads, check_device, halves_batch_norm, repeats
from thinline.training.settings import Machine


def test_threads_are_as_before_after_a_run():
    before = torch.get_num_threads()
    with _threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with pytest.raises(RuntimeError, match="lost"), _threads(before + 1):
        raise RuntimeError("lost")
    with _threads(None):
        assert torch.get_num_threads() == before


@pytest.mark.parametrize("accelerator", ["cpu", "auto"])
@pytest.mark.parametrize(("norm", "halved"), [(nn.BatchNorm2d(4), True), (nn.GroupNorm(2, 4), False)])
def test_a_batch_norm_sees_half_the_batch_in_two_processes_without_gpu(accelerator, norm, halved, monkeypatch):
    network = nn.Sequential(nn.Conv2d(1, 4, 3), norm)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert halves_batch_norm(Machine(accelerator, 2, "auto", True, False), network) == halved
    assert not halves_batch_norm(Machine(accelerator, 1, "auto", True, False), network)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert halves_batch_norm(Machine(accelerator, 2, "auto", True, False), network) == (halved and accelerator == "cpu")


@pytest.mark.parametrize(
    ("accelerator", "gpu", "repeating"), [("cpu", True, True), ("auto", False, True), ("gpu", True, False)]
)
def test_a_run_repeats_on_a_cpu_only(accelerator, gpu, repeating, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert repeats(Machine(accelerator, 1, "auto", True, False)) == repeating


@pytest.mark.parametrize(
    ("accelerator", "processes", "gpus", "lacking"),
    [("gpu", 1, 0, True), ("cuda", 2, 1, True), ("gpu", 1, 1, False), ("auto", 2, 0, False), ("cpu", 2, 0, False)],
)
def test_a_missing_device_is_refused_with_a_next_step(accelerator, processes, gpus, lacking, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    machine = Machine(accelerator, processes, "auto", True, False)
    if not lacking:
        check_device(machine)
        return
    with pytest.raises(NoDeviceError, match=rf"accelerator={accelerator}` needs {processes} GPU, torch sees {gpus}"):
        check_device(machine)
