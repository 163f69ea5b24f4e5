"""The harness against a bare torch loop on the same network and batches: steps per second, side by side.

Both take the same batches from the same cache, the same objective, optimiser, schedule, precision and clipping; the
harness adds Lightning, validation bookkeeping, the run folder and MLflow. Validation is left out of both clocks: it is
work the bare loop does not do. Blocks alternate, so that a machine that slows down slows both.
"""

from __future__ import annotations

import io
import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import torch
from hydra.utils import instantiate
from rows import Row, compared, limited
from torch.nn.utils import clip_grad_norm_
from turns import Turn, compare_pairs, comparison_of

from thinline.config.schema import FACTORS, checked, compose_config
from thinline.losses.class_weight import Imbalance
from thinline.pipeline import train
from thinline.pipeline.cell import Sinks, run_cell
from thinline.pipeline.sheets import plan_sheets, render_sheets
from thinline.runs import run_folders
from thinline.tracking.tracker import Tracker
from thinline.training.optimiser import optimiser_of
from thinline.training.precision import precision_of

STEPS = 12
BUDGET_S = 60  # a pair takes some ten seconds
BATCH_SHARE = 0.02


def main() -> Iterator[Row]:
    """Rows: a step's time of the bare loop over that of the harness; 2 % over the share of a step that batches take."""
    waited: list[tuple[Turn, Turn]] = []
    seeds = itertools.count()
    with tempfile.TemporaryDirectory() as folder:

        def bare(seed: int) -> Turn:
            per_second, share = _bare(Path(folder), seed)
            waited.append((Turn(share), Turn(BATCH_SHARE)))
            return Turn(1 / per_second)

        def pair(ours_first: bool) -> tuple[Turn, Turn]:
            seed = next(seeds)
            if ours_first:
                return Turn(1 / _harness(Path(folder), seed)), bare(seed)
            peer = bare(seed)
            return Turn(1 / _harness(Path(folder), seed)), peer

        with redirect_stdout(io.StringIO()):  # the harness prints the table of a run
            comparison = compare_pairs(pair, budget_s=BUDGET_S)
    comment = f"steps per second; harness {1 / comparison.seconds[0]:.2f}, at least .95 wanted"
    yield compared("full harness / bare torch loop", comparison, comment)
    share = comparison_of(waited, comparison.took_s)
    comment = f"{share.seconds[0]:.2%} of a step, at most 2 % wanted"
    yield limited("2 % / share of a step spent on its batch", share, comment)


def _conf(folder: Path, seed: int):
    given = [f"paths.store={folder}", f"seed={seed}", f"budget.steps={STEPS}", f"budget.validate_every={STEPS}"]
    given += ["budget.counts={archive: 16, train: 64, val: 2, test: 2}", "overlays=0"]
    return checked(compose_config(given))


def _harness(folder: Path, seed: int) -> float:
    conf = _conf(folder, seed)
    tracker = Tracker(conf.tracking.uri, conf.tracking.experiment, folder)
    tracker.initialise()
    run_cell(conf, dict.fromkeys(FACTORS, "bench"), Sinks(tracker=tracker))
    (run,) = [run for run in run_folders(folder) if run.name.rsplit("-", 2)[1] == f"s{seed}"]
    return next(line.metrics["steps_per_second"] for line in run.history() if "steps_per_second" in line.metrics)


def _bare(folder: Path, seed: int) -> tuple[float, float]:
    """Steps per second, and the share of the time that went into making batches."""
    conf = _conf(folder, seed)
    planned = plan_sheets(conf)
    batches = train.batches_of(conf, planned, render_sheets(planned, conf, console=train.CONSOLE)).training
    task = train.build_task(conf, instantiate(conf.head), Imbalance(), folder=folder)
    network = task.network.to(memory_format=torch.channels_last).train()
    optimiser = optimiser_of(network.parameters(), task.schedule)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, partial(task.schedule.factor, steps=STEPS))
    narrow = precision_of(conf.trainer) == "bf16-mixed"
    waited = 0.0
    began = time.perf_counter()
    for step in range(STEPS):
        asked = time.perf_counter()
        batch = batches[step]
        waited += time.perf_counter() - asked
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            loss = task.objective(network(batch.image), batch.labels, batch.strokes)
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_(network.parameters(), conf.optimiser.clip_norm)
        optimiser.step()
        schedule.step()
        float(loss.detach())
    took = time.perf_counter() - began
    return STEPS / took, waited / took
