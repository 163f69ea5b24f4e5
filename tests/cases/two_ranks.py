"""Pixel counts of two processes. Few imports: the second process has to make them all again."""

import torch
from torch import Tensor

from thinline.metrics.pixels import PixelMeasures
from thinline.vocabulary import IGNORE


def sheets(seed: int, *, batch: int = 3, classes: int = 3, size: tuple[int, int] = (17, 23)) -> tuple[Tensor, Tensor]:
    """Predicted and true ids, mostly background, with some ignored pixels."""
    generator = torch.Generator().manual_seed(seed)
    share = torch.tensor([0.8] + [0.2 / (classes - 1)] * (classes - 1))
    true = torch.multinomial(share, batch * size[0] * size[1], replacement=True, generator=generator)
    true = true.view(batch, *size)
    moved = torch.rand(true.shape, generator=generator) < 0.3
    predicted = torch.where(moved, torch.randint(classes, true.shape, generator=generator), true)
    return predicted, torch.where(torch.rand(true.shape, generator=generator) < 0.1, IGNORE, true)


def count_on_rank(rank: int, folder: str) -> None:
    """Count five sheets on two ranks, three on rank 0 and two on rank 1; save what this rank gathers."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    predicted, true = sheets(5, batch=5)
    metric = PixelMeasures(3, keep_sheets=True)
    mine = torch.arange(5)[rank::2]
    metric.update(predicted[mine], true[mine], mine)
    ids, kept = metric.sheets()
    gathered = {"total": metric.total(), "ids": ids, "kept": kept, "rates": metric.compute()}
    torch.save(gathered, f"{folder}/rank{rank}.pt")
    torch.distributed.destroy_process_group()
