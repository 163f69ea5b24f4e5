"""The global batch of a step, gathered on every process.

The mean of a region loss over two half batches is not the region loss of the whole batch. The same holds for a loss
that ranks pixels, and for a mean over valid pixels if the halves have different numbers of them. So every process
gathers the logits and the truth of all processes, computes the loss of the global batch, and propagates gradients
through its own rows only. DistributedDataParallel *averages* gradients over the processes. So the loss is multiplied by
the number of processes before the backward pass: each parameter then gets the gradient that a single process with the
whole batch would compute. Logits need little memory compared with the activations of a network. Every process computes
the loss once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, distributed

from thinline.data.tiles import Batch

Value = TypeVar("Value")


def processes() -> int:
    """Number of processes that train this run together."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def whole_batch(logits: Tensor, batch: Batch) -> tuple[Tensor, Batch]:
    """Logits `[B,c,H,W]` and batch of all processes in the order of their ranks; unchanged for a single process.

    The rows of this process keep their graph. Every process must hold the same number of rows.
    """
    if processes() == 1:
        return logits, batch
    rows = _gathered(logits.detach())
    rows[distributed.get_rank()] = logits
    maps = None if batch.maps is None else {name: torch.cat(_gathered(part)) for name, part in batch.maps.items()}
    image, labels, strokes, index = (torch.cat(_gathered(part)) for part in batch[:4])
    return torch.cat(rows), Batch(image, labels, strokes, index, maps)


def _gathered(part: Tensor) -> list[Tensor]:
    part = part.contiguous()
    if part.dtype == torch.bool:  # no backend gathers booleans
        return [received.bool() for received in _gathered(part.to(torch.uint8))]
    received = [torch.empty_like(part) for _ in range(processes())]
    distributed.all_gather(received, part)
    return received


def gathered(values: Mapping[int, Value]) -> dict[int, Value]:
    """The values of all processes by key; for a key of several processes one value is kept."""
    if processes() == 1:
        return dict(values)
    received: list[Mapping[int, Value]] = [{} for _ in range(processes())]
    distributed.all_gather_object(received, dict(values))
    return {key: value for part in received for key, value in part.items()}
