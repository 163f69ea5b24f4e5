"""Two processes compute the loss and the gradient of one process with the whole batch."""

from datetime import timedelta

import torch
from torch import distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from thinline.config.objective import build_objective
from thinline.data.tiles import Batch
from thinline.training.distributed import processes, whole_batch

MAPPED = ("skeleton_recall", "boundary", "dice_cldice")  # with truth maps, uint8 and float16
LOSSES = ("dice", "lovasz", "soft_ce", "tversky", "focal", *MAPPED)
WEIGHT = [1.0, 5.0, 9.0]


def whole():
    """Four sheets: curve 2 is only on the last, ignored pixels are only on the first."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (4, 12, 9), generator=generator)
    labels[3, 2:7] = 2
    labels[0, 0] = 255
    strokes = torch.stack([labels == 1, labels == 2], dim=1)
    maps = {}
    for objective in (build_objective([f"loss={name}"], weight=WEIGHT) for name in MAPPED):
        for truth_map in objective.truth_maps:
            drawn = objective.draw(truth_map, labels, strokes)
            maps[truth_map.key] = drawn.half() if (drawn % 1).any() or drawn.min() < 0 else drawn.to(torch.uint8)
    assert {drawn.dtype for drawn in maps.values()} == {torch.uint8, torch.float16}
    return Batch(torch.rand(4, 1, 12, 9, generator=generator), labels, strokes, torch.arange(4), maps)


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1))


def gradients(module, plain, batch):
    """Loss and gradients of every loss, as in a training step."""
    values = {}
    for name in LOSSES:
        module.zero_grad()
        logits, gathered = whole_batch(module(batch.image), batch)
        objective = build_objective([f"loss={name}"], weight=WEIGHT)
        loss = objective(logits, gathered.labels, gathered.strokes, maps=gathered.maps)
        (loss * processes()).backward()
        values[name] = (loss.item(), [parameter.grad.clone() for parameter in plain.parameters()])
    return values


def work(rank, folder):
    """One of two processes, with its half of the rows."""
    meeting = {"init_method": f"file://{folder}/meet", "timeout": timedelta(minutes=5)}
    distributed.init_process_group("gloo", rank=rank, world_size=2, **meeting)
    plain = network()
    mine, batch = slice(2 * rank, 2 * rank + 2), whole()
    half = Batch(*(part[mine] for part in batch[:4]), {name: drawn[mine] for name, drawn in batch.maps.items()})
    torch.save(gradients(DistributedDataParallel(plain), plain, half), f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_two_processes_descend_as_one(tmp_path):
    other = multiprocessing.get_context("spawn").Process(target=work, args=(1, str(tmp_path)))
    other.start()
    work(0, str(tmp_path))
    other.join()
    assert other.exitcode == 0
    plain = network()
    alone = gradients(plain, plain, whole())
    assert processes() == 1
    for rank in (0, 1):
        together = torch.load(tmp_path / f"{rank}.pt")
        for name, (loss, grads) in alone.items():
            assert abs(together[name][0] - loss) < 1e-6 * abs(loss), name
            for ours, theirs in zip(together[name][1], grads, strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-7)
