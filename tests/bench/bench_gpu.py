"""On a GPU: what the harness costs a step beside a bare loop, and what scoring beside the network costs a test pass.

The network is trained for some hundred steps first, since the answers of an untrained one are noise, which takes longer
to score than curves. A pass is what `trainer.test` does: read sheets, infer on each and its mirror image, count pixels,
and in the rows with processes score every sheet by all metrics. Each process has read its truths before, as in a sweep.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from hydra.utils import instantiate
from torch.nn.utils import clip_grad_norm_

from thinline.config.schema import checked, compose_config
from thinline.losses.class_weight import Imbalance
from thinline.pipeline import train
from thinline.pipeline.scorer import scorer_of
from thinline.pipeline.sheets import plan_sheets, render_sheets
from thinline.training.batches import Sheets
from thinline.training.callbacks import Record
from thinline.training.fit import _trainer
from thinline.training.optimiser import optimiser_of
from thinline.training.scoring_workers import ScoringWorkers

STEPS, PASSES = 300, 3
GIVEN = ("budget=gpu", "trainer=gpu", f"budget.steps={STEPS}", f"budget.validate_every={STEPS // 2}")
COUNTS = "budget.counts={archive: 256, train: 1024, val: 2, test: 512}"

Row = tuple[str, float, str]


def main() -> Iterator[Row]:
    """Rows (name, steps a second or a ratio, comment) as they are measured; one that says so where there is no GPU."""
    if not torch.cuda.is_available():
        yield "test pass on a GPU", float("nan"), "not measured: no GPU"
        return
    with tempfile.TemporaryDirectory() as folder:
        for network in ("unet_slim", "unet"):
            yield from _of(network, Path(folder))


def _of(network: str, folder: Path) -> Iterator[Row]:
    conf = checked(compose_config([*GIVEN, COUNTS, f"network={network}", f"paths.store={folder}"]))
    planned = plan_sheets(conf)
    rendered = render_sheets(planned, conf, console=train.CONSOLE)
    batches = train.batches_of(conf, planned, rendered)
    task = train.build_task(conf, instantiate(conf.head), Imbalance(), folder=folder)
    scorer = scorer_of(conf, planned.splits.test.specs, rendered.test, task.head)
    speeds: list[float] = []
    trainer = _trainer(task, batches, conf.trainer, folder=folder, record=_into(speeds), title=network)
    trainer.fit(task, datamodule=batches)
    rate = _train(task, batches)
    comment = f"{speeds[-1]:.1f} / {rate:.1f} steps a second; batches of {conf.budget.batch_size}, 256x256, bf16"
    yield f"{network}: harness / bare loop", speeds[-1] / rate, comment
    sheets = len(rendered.test)
    _pass(task, batches, trainer)
    alone = min(_pass(task, batches, trainer) for _ in range(2))
    infer = _inference(task, rendered.test.images, conf.budget.batch_size)
    yield f"{network}: network alone / pass", infer / alone, f"{alone / sheets * 1e3:.2f} ms a sheet, not scored"
    for processes in (4, 8, 15):
        with ScoringWorkers(scorer, processes=processes) as workers:
            task.scorers = workers
            _pass(task, batches, trainer)
            scored = min(_pass(task, batches, trainer) for _ in range(2))
            task.scorers = None
        comment = f"{scored / sheets * 1e3:.2f} ms a sheet; the network alone {infer / sheets * 1e3:.2f}"
        yield f"{network}: pass / scored pass, {processes} processes", alone / scored, comment


def _into(speeds: list[float]) -> Record:
    """A record that keeps the steps per second in `speeds`: one number for each stretch between two validations."""

    def record(_: int, numbers: Mapping[str, float]) -> None:
        speeds.extend(value for name, value in numbers.items() if name == "steps_per_second")

    return record


def _train(task: Any, batches: Sheets) -> float:
    """A bare loop from where the harness stopped; steps per second of its second half."""
    tiles = batches._tiles()
    network = task.network.to("cuda", memory_format=torch.channels_last).train()
    optimiser = optimiser_of(network.parameters(), task.schedule)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, partial(task.schedule.factor, steps=STEPS))
    began = time.perf_counter()
    for step in range(STEPS):
        if step == STEPS // 2:
            torch.cuda.synchronize()
            began = time.perf_counter()
        batch = tiles[step]
        with torch.autocast("cuda", torch.bfloat16):
            loss = task.objective(network(batch.image.to("cuda")), batch.labels.to("cuda"), batch.strokes.to("cuda"))
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        float(loss.detach())
    return (STEPS - STEPS // 2) / (time.perf_counter() - began)


def _pass(task: Any, batches: Sheets, trainer: Any) -> float:
    """Seconds of one pass over the test sheets."""
    began = time.perf_counter()
    trainer.test(task, datamodule=batches, verbose=False)
    if task.scorers is not None:
        task.scorers.scores()
    return time.perf_counter() - began


def _inference(task: Any, images: Any, batch: int) -> float:
    """Median seconds of the network alone, both ways, over sheets that lie on the GPU."""
    network = task.network.to("cuda").eval()
    there = torch.rand(len(images), 1, *images[0].shape, device="cuda")
    taken = []
    for _ in range(PASSES + 1):
        torch.cuda.synchronize()
        began = time.perf_counter()
        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16):
            for part in there.split(batch):
                network(part)
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return median(taken[1:])


if __name__ == "__main__":
    for name, ratio, comment in main():
        print(f"{ratio:8.2f}  {name:<52}  {comment}")
