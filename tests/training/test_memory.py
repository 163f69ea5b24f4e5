"""The memory that a step keeps, and the refusal of a budget that needs too much."""

import os
import platform
import subprocess
import sys

import pytest
import torch
from torch import nn

from thinline.config.objective import build_objective
from thinline.data.tiles import Batch
from thinline.network import SlimUNet
from thinline.training.memory import MemoryBudgetError, check_memory, free_bytes, keep_freed_memory, saved_bytes

HEIGHT, WIDTH = 32, 48


def batch(count):
    labels = torch.ones(count, HEIGHT, WIDTH, dtype=torch.long)
    strokes = torch.ones(count, 2, HEIGHT, WIDTH, dtype=torch.bool)
    return Batch(torch.rand(count, 1, HEIGHT, WIDTH), labels, strokes, torch.arange(count))


def test_a_network_counted_by_hand():
    """A convolution keeps its input, a ReLU its output, a square its input: 1, 8 and again those 8 planes of floats."""
    network = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.ReLU())
    kept = saved_bytes(network, lambda logits, *_, maps: logits.square().sum(), batch(2))
    assert kept == 2 * (1 + 8) * HEIGHT * WIDTH * 4


def test_it_grows_with_the_images():
    network, objective = SlimUNet(3, widths=(4, 8)), build_objective([], weight=None)
    one, four = (saved_bytes(network, objective, batch(count)) for count in (1, 4))
    assert four == pytest.approx(4 * one, rel=0.05)


def test_what_fits_is_left_alone_and_what_would_fit_is_named():
    torch.manual_seed(0)
    network, objective = SlimUNet(3, widths=(4, 8)), build_objective([], weight=None)
    one = batch(1)
    saved = saved_bytes(SlimUNet(3, widths=(4, 8)), objective, one)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    chance = torch.get_rng_state()
    weights = 4 * 4 * sum(parameter.numel() for parameter in network.parameters())
    check_memory(network, objective, one, batch_size=7, free=7 * saved + weights)
    with pytest.raises(MemoryBudgetError, match=r"batch_size=8 of 32 x 48 px .*budget\.batch_size=7 would fit"):
        check_memory(network, objective, one, batch_size=8, free=8 * saved + weights - 1)
    with pytest.raises(MemoryBudgetError, match=r"tiles of about 22 px .*budget\.tile_px"):
        check_memory(network, objective, one, batch_size=1, free=saved // 2 + weights)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.get_rng_state().tolist() == chance.tolist()


def test_some_memory_is_free():
    assert free_bytes(torch.device("cpu")) > 2**20


FAULTS = """
import resource, sys
import torch
from thinline.training.memory import keep_freed_memory
def step():
    return [torch.ones(2**22) for _ in range(4)]  # 16 MiB each, 4,096 pages: all free at the end of a step
def faults():
    for _ in range(30):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
first = faults()
assert keep_freed_memory()
print(first, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no such thresholds")
def test_the_same_pages_serve_every_step():
    """Page faults of ten steps before and after, in a process whose C library does not raise its thresholds itself."""
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"}
    run = subprocess.run([sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, check=True)
    before, after = (int(count) for count in run.stdout.split())
    assert after < 4_096 < 40_000 < before


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", None)
    assert not keep_freed_memory()
