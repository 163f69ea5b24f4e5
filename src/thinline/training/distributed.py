"""The batch of a step, whole, on every one of several processes.

A region loss of half a batch is not half of the loss of the batch, a rank loss still less, and a mean over valid pixels
depends on how many there are elsewhere. So every process gathers the logits and the truth of all, computes the loss of
the global batch, and sends gradients back through its own rows only. DistributedDataParallel *averages* gradients over
the processes, so the loss that goes backward is multiplied by their number: parameters then get the gradient that one
process with the whole batch would have had. Logits are small beside a network's activations; the loss is computed as
often as there are processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, distributed

from thinline.data.tiles import Batch

Thing = TypeVar("Thing")


def processes() -> int:
    """How many processes train this run together."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def whole_batch(logits: Tensor, batch: Batch) -> tuple[Tensor, Batch]:
    """Logits `[B,c,H,W]` and batch of all processes in the order of their ranks; as given where there is but one.

    The rows of this process keep their graph. Every process must hold equally many rows.
    """
    if processes() == 1:
        return logits, batch
    rows = _gathered(logits.detach())
    rows[distributed.get_rank()] = logits
    maps = None if batch.maps is None else {name: torch.cat(_gathered(part)) for name, part in batch.maps.items()}
    image, labels, strokes, index = (torch.cat(_gathered(part)) for part in batch[:4])
    return torch.cat(rows), Batch(image, labels, strokes, index, maps)


def _gathered(part: Tensor) -> list[Tensor]:
    sent = part.contiguous()
    if sent.dtype == torch.bool:  # no backend gathers bits
        return [found.bool() for found in _gathered(sent.to(torch.uint8))]
    found = [torch.empty_like(sent) for _ in range(processes())]
    distributed.all_gather(found, sent)
    return found


def gathered(parts: Mapping[int, Thing]) -> dict[int, Thing]:
    """What all processes have, by number; what two have of one number is taken once."""
    if processes() == 1:
        return dict(parts)
    found: list[Mapping[int, Thing]] = [{} for _ in range(processes())]
    distributed.all_gather_object(found, dict(parts))
    return {number: thing for each in found for number, thing in each.items()}
