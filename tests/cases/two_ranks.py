"""What two processes compute together: pixel counts, and the gradient of every loss.

Few imports: the second process has to make them all again.
"""

from datetime import timedelta
from pathlib import Path

import torch
from option_cases import objective_of
from torch import Tensor, distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from thinline.data.tiles import Batch
from thinline.metrics.pixels import PixelMeasures
from thinline.training.distributed import processes, whole_batch
from thinline.vocabulary import IGNORE

MAPPED = ("skeleton_recall", "boundary", "dice_cldice")  # with truth maps, uint8 and float16
LOSSES = ("dice", "lovasz", "soft_ce", "tversky", "focal", *MAPPED)
WEIGHT = [1.0, 5.0, 9.0]


def sheets(seed: int, *, batch: int = 3, classes: int = 3, size: tuple[int, int] = (17, 23)) -> tuple[Tensor, Tensor]:
    """Predicted and true ids, mostly background, with some ignored pixels."""
    generator = torch.Generator().manual_seed(seed)
    share = torch.tensor([0.8] + [0.2 / (classes - 1)] * (classes - 1))
    true = torch.multinomial(share, batch * size[0] * size[1], replacement=True, generator=generator)
    true = true.view(batch, *size)
    moved = torch.rand(true.shape, generator=generator) < 0.3
    predicted = torch.where(moved, torch.randint(classes, true.shape, generator=generator), true)
    return predicted, torch.where(torch.rand(true.shape, generator=generator) < 0.1, IGNORE, true)


def counts_of_rank(rank: int) -> dict[str, object]:
    """Five sheets counted on two ranks, three on rank 0 and two on rank 1: what this rank gathers."""
    predicted, true = sheets(5, batch=5)
    metric = PixelMeasures(3, keep_sheets=True)
    mine = torch.arange(5)[rank::2]
    metric.update(predicted[mine], true[mine], mine)
    ids, kept = metric.sheets()
    return {"total": metric.total(), "ids": ids, "kept": kept, "rates": metric.compute()}


def whole() -> Batch:
    """Four sheets: curve 2 is only on the last, ignored pixels are only on the first."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (4, 12, 9), generator=generator)
    labels[3, 2:7] = 2
    labels[0, 0] = IGNORE
    strokes = torch.stack([labels == 1, labels == 2], dim=1)
    maps = {}
    for objective in (objective_of(loss=name, weight=WEIGHT) for name in MAPPED):
        for truth_map in objective.truth_maps:
            drawn = objective.draw(truth_map, labels, strokes)
            maps[truth_map.key] = drawn.half() if (drawn % 1).any() or drawn.min() < 0 else drawn.to(torch.uint8)
    assert {drawn.dtype for drawn in maps.values()} == {torch.uint8, torch.float16}
    return Batch(torch.rand(4, 1, 12, 9, generator=generator), labels, strokes, torch.arange(4), maps)


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1))


def gradients(module: nn.Module, plain: nn.Module, batch: Batch) -> dict[str, tuple[float, list[Tensor]]]:
    """Loss and gradients of every loss, as in a training step."""
    values = {}
    for name in LOSSES:
        module.zero_grad()
        logits, gathered = whole_batch(module(batch.image), batch)
        loss = objective_of(loss=name, weight=WEIGHT)(logits, gathered.labels, gathered.strokes, maps=gathered.maps)
        (loss * processes()).backward()
        values[name] = (loss.item(), [parameter.grad.clone() for parameter in plain.parameters()])
    return values


def on_rank(rank: int, folder: Path) -> None:
    """One of two processes, with its own sheets and half of the rows; saves what it has to `rank<rank>.pt`."""
    meeting = {"init_method": f"file://{folder}/meeting", "timeout": timedelta(minutes=5)}
    distributed.init_process_group("gloo", rank=rank, world_size=2, **meeting)
    plain = network()
    mine, batch = slice(2 * rank, 2 * rank + 2), whole()
    half = Batch(*(part[mine] for part in batch[:4]), {name: drawn[mine] for name, drawn in batch.maps.items()})
    steps = gradients(DistributedDataParallel(plain), plain, half)
    torch.save({"counts": counts_of_rank(rank), "steps": steps}, folder / f"rank{rank}.pt")
    distributed.destroy_process_group()


def run_two_ranks(folder: Path) -> None:
    """This process and a second one; before them one alone, to `alone.pt`, which compiles the kernels for both."""
    folder.mkdir()
    plain = network()
    torch.save(gradients(plain, plain, whole()), folder / "alone.pt")
    other = multiprocessing.get_context("spawn").Process(target=on_rank, args=(1, folder))
    other.start()
    on_rank(0, folder)
    other.join()
    assert other.exitcode == 0
