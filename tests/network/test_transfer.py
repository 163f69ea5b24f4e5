"""Weights of a trained network for another one."""

import pytest
import torch
from torch import nn

from thinline.network import SlimUNet
from thinline.network.transfer import TransferError, channel_tensors, take_weights


def build(channels, width=6):
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.Conv2d(width, channels, 1))


def same(network, other):
    """The names of the tensors that are equal in both."""
    first, second = network.state_dict(), other.state_dict()
    return {
        name for name in first if first[name].shape == second[name].shape and torch.equal(first[name], second[name])
    }


def filled(network, value):
    for tensor in network.state_dict().values():
        tensor.fill_(value)
    return network


def test_all_that_fits_is_taken_and_the_rest_is_named():
    source, target = filled(build(3), 7), filled(build(5), 1)
    assert take_weights(target, source.state_dict()) == ["2.weight", "2.bias"]
    assert same(target, source) == set(target.state_dict()) - {"2.weight", "2.bias"}
    assert same(target, filled(build(5), 1)) == {"2.weight", "2.bias"}


def test_what_is_left_out_keeps_its_own_numbers():
    source, target = filled(build(3), 7), filled(build(3), 1)
    assert take_weights(target, source.state_dict(), leave_out={"2.bias"}) == ["2.bias"]
    assert target[2].bias.tolist() == [1, 1, 1]
    assert target[2].weight.unique().item() == 7


def test_weights_of_another_architecture_are_refused_and_change_nothing():
    target = filled(build(3), 1)
    with pytest.raises(TransferError, match=r"got 2 of 9 tensors .*names and shapes \(4 of 106 numbers\)"):
        take_weights(target, filled(build(3, width=9), 7).state_dict())
    with pytest.raises(TransferError, match="got 0 of 9 tensors"):
        take_weights(target, {})
    assert same(target, filled(build(3), 1)) == set(target.state_dict())


def test_the_last_layer_is_recognised_without_a_draw_of_the_random_generator():
    before = torch.get_rng_state()
    assert channel_tensors(build, 3) == {"2.weight", "2.bias"}
    assert torch.equal(torch.get_rng_state(), before)
    assert channel_tensors(lambda number: SlimUNet(number, widths=[4, 4, 8]), 2) == {"last.weight", "bias"}
