"""The memory that a step keeps, and the refusal of a budget that needs too much."""

import pytest
import torch
from option_cases import objective_of
from torch import nn

from thinline.data.tiles import Batch
from thinline.network import SlimUNet
from thinline.training.memory import MemoryBudgetError, check_memory, free_bytes, saved_bytes

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


def test_saved_bytes_grow_with_the_number_of_images():
    network, objective = SlimUNet(3, widths=(4, 8)), objective_of(loss="dice")
    one, four = (saved_bytes(network, objective, batch(count)) for count in (1, 4))
    assert four == pytest.approx(4 * one, rel=0.05)


def test_a_batch_that_fits_changes_nothing_and_one_that_does_not_names_the_largest_that_would():
    torch.manual_seed(0)
    network, objective = SlimUNet(3, widths=(4, 8)), objective_of(loss="dice")
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


def test_more_than_a_mebibyte_is_free():
    assert free_bytes(torch.device("cpu")) > 2**20
