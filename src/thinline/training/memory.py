"""Memory of a run: whether a budget fits, checked before the first step.

Most of the memory of training holds tensors that the forward pass saves for the backward pass. It grows with the number
of images in a step. It is counted on one image, from the tensors that autograd saves:

    need = batch * saved + 4 * parameters (weights, gradients, two moments)

`need` leaves out the memory of the system, the libraries and the kernels. So a budget that just fits may still fail; a
budget that does not fit is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from thinline.data.tiles import Batch

GIB: Final = 2**30

Objective = Callable[..., Tensor]
"""Called with logits, labels, strokes and the keyword `maps`."""


class MemoryBudgetError(ValueError):
    """A budget that needs more memory than is free."""


def saved_bytes(network: nn.Module, objective: Objective, batch: Batch) -> int:
    """Bytes that a forward pass of `batch` saves for the backward pass, without parameters; shared storage once."""
    kept: dict[int, int] = {}
    parameters = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = objective(network(batch.image), batch.labels, batch.strokes, maps=batch.maps)
    del loss  # until here it keeps its tensors alive, so that no address was used twice
    return sum(kept.values())


def check_memory(network: nn.Module, objective: Objective, one: Batch, *, batch_size: int, free: int) -> None:
    """Raise `MemoryBudgetError` unless `batch_size` images like that of `one` fit into `free` bytes.

    The message names a batch size or a tile size that fits. A copy of `network` sees the image.
    """
    with torch.random.fork_rng():
        saved = saved_bytes(copy.deepcopy(network), objective, one)
    fixed = 4 * sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())
    need = batch_size * saved + fixed
    if need <= free:
        return
    height, width = one.image.shape[-2:]
    fitting = (free - fixed) // saved
    if fitting >= 1:
        hint = f"budget.batch_size={fitting} would fit"
    else:
        share = max(0.0, (free - fixed) / saved)
        hint = f"tiles of about {int(min(height, width) * share**0.5)} px would fit one by one; see budget.tile_px"
    raise MemoryBudgetError(
        f"budget.batch_size={batch_size} of {height} x {width} px needs about {need / GIB:.1f} GiB "
        f"({saved / 2**20:.0f} MiB an image), got {free / GIB:.1f} GiB free; {hint}, or a slimmer network"
    )


def free_bytes(device: torch.device) -> int:
    """Free memory of `device` now. For a CPU: the smaller of that of the machine and that of its control group."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        return 2**62  # unknown: nothing is refused
    lines = dict(line.split(":") for line in meminfo.read_text().splitlines())
    return min(1024 * int(lines["MemAvailable"].split()[0]), _group_bytes())


def _group_bytes() -> int:
    """Free bytes of the control group of this process; 2^62 without a limit."""
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    try:
        return int(limit.read_text()) - int(used.read_text())
    except (OSError, ValueError):  # no such group, or "max"
        return 2**62
