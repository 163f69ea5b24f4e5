"""Weights of a trained network for another one: every tensor that has the same name and shape in both.

`channel_tensors` are those that depend on the number of output channels, which is the last layer of most networks. They
are found by building the network once more with another number, so that a user's network needs no declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

import torch
from torch import Tensor, nn

LEAST_SHARE: Final = 0.5
"""Share of the numbers of a network that must be taken; below it the checkpoint is that of another architecture."""


class TransferError(ValueError):
    """The weights are those of another architecture."""


def take_weights(network: nn.Module, saved: Mapping[str, Tensor], *, leave_out: Collection[str] = ()) -> list[str]:
    """Copy the tensors of `saved` into `network`, in place; returns the names of its tensors that were not taken.

    Not taken are those that `saved` lacks or has in another shape, and `leave_out`. Raises `TransferError` where less
    than half of the numbers outside `leave_out` were taken; the network is then as before.
    """
    own = network.state_dict()
    taken = {name for name, tensor in own.items() if name in saved and saved[name].shape == tensor.shape}
    taken -= set(leave_out)
    numbers = sum(own[name].numel() for name in taken)
    whole = sum(tensor.numel() for name, tensor in own.items() if name not in leave_out)
    if numbers < LEAST_SHARE * whole:
        raise TransferError(
            f"expected weights of the same architecture, got {len(taken)} of {len(own)} tensors of this network with "
            f"their names and shapes ({numbers:,} of {whole:,} numbers); choose the network and its widths as the "
            "checkpoint has them"
        )
    network.load_state_dict({name: saved[name] for name in taken}, strict=False)
    return [name for name in own if name not in taken]


def channel_tensors(build: Callable[[int], nn.Module], channels: int) -> set[str]:
    """The tensors of the network `build(channels)` whose shape depends on the number of output channels."""
    with torch.random.fork_rng(devices=[]):
        one, other = (build(number).state_dict() for number in (channels, channels + 1))
    return {name for name, tensor in one.items() if name not in other or other[name].shape != tensor.shape}
