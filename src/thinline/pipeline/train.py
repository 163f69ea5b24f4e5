"""Roof: the work of a cell, from sheets to results: render, weigh, build, train, write the numbers and the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import cv2
import pandas as pd
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from thinline.config.schema import Conf, objective_of
from thinline.data.cached_maps import CachedMaps
from thinline.data.tiles import Change, EvaluationTiles, Plan, TrainingTiles
from thinline.losses.class_weight import LogitAdjustment, TunedThreshold, far_from_measured, measured_ratio
from thinline.metrics.overlay import overlay
from thinline.network import FlipAverage
from thinline.pipeline.data_summary import data_numbers, tell_data
from thinline.pipeline.scorer import perturbed_truth_rows, scorer_of
from thinline.pipeline.sheets import Planned, Rendered, render_sheets
from thinline.pipeline.truth_maps import open_truth_maps
from thinline.pipeline.user_images import is_folder, tell_folder
from thinline.runs import RunFolder
from thinline.sheets import PEN_MM
from thinline.system.launch import rank_and_world
from thinline.training.batches import Sheets, resident_bytes
from thinline.training.callbacks import Record
from thinline.training.evaluation import Outcome
from thinline.training.fit import Machine, halves_batch_norm, train
from thinline.training.memory import check_memory, free_bytes
from thinline.training.optimiser import Schedule
from thinline.training.scoring_workers import ScoringWorkers
from thinline.training.task import SegmentationTask

CONSOLE = Console(markup=False, highlight=False)

BESIDE: Final = ("scorers", "renderers")
"""Of a trainer, how many processes work beside the network."""


def train_cell(config: DictConfig, conf: Conf, planned: Planned, *, folder: RunFolder, record: Record) -> None:
    """Train the cell; the first process writes its results into the folder."""
    sheets = render_sheets(planned, conf, console=CONSOLE)
    counts = _counts(conf, planned, sheets)
    weight = _weight(config, conf, counts, record)
    task = build_task(config, conf, weight, folder=folder.path, prior=_prior(config, counts))
    judge = scorer_of(conf, planned.splits.test.specs, sheets.test, task.head)
    task.scorers = ScoringWorkers(judge, processes=conf.trainer.scorers)
    maps = open_truth_maps(task.objective, sheets.train, conf, console=CONSOLE)
    batches = _batches(conf, planned, sheets, maps)
    _check_memory(conf, task, batches.training)
    _ledger(conf, planned, sheets, batches, record)
    machine = machine_of(conf)
    if halves_batch_norm(machine, task.network) and rank_and_world()[0] == 0:
        told = "warning: on CPUs each process sees its own part of the batch in a batch norm, so this is not the run"
        CONSOLE.print(f"{told} of one process; network=veernet has group norms", style="yellow", soft_wrap=True)
    with task.scorers:
        outcome = train(
            task,
            batches,
            machine=machine,
            folder=folder.checkpoints,
            record=record,
            title=folder.name,
        )
    if rank_and_world()[0] == 0:
        oracles = perturbed_truth_rows(judge, task.classes, cache=Path(conf.paths.cache))
        outcome = replace(outcome, per_class=pd.concat([outcome.per_class, oracles], ignore_index=True))
        _write(outcome, task, sheets, folder)
        record(conf.budget.steps, outcome.numbers())


def machine_of(conf: Conf) -> Machine:
    """Where the network computes: the trainer but for the processes beside it."""
    return Machine(**{name: value for name, value in asdict(conf.trainer).items() if name not in BESIDE})


def _counts(conf: Conf, planned: Planned, sheets: Rendered) -> torch.Tensor:
    """Pixels of each class in the training mix, as often as its order shows them; int64 `[C]`."""
    return torch.from_numpy(sheets.train.class_counts(len(conf.classes), order=planned.splits.train.order))


def _weight(config: DictConfig, conf: Conf, counts: torch.Tensor, record: Record) -> list[float] | None:
    """The class weights of the training mix, told and logged beside the measured background:curve ratio."""
    weight = instantiate(config.class_weight)(counts)
    measured = dict(zip(conf.classes[1:], measured_ratio(counts).tolist(), strict=True))
    numbers = {f"train/measured_ratio/{name}": ratio for name, ratio in measured.items()}
    if weight is not None:
        used = dict(zip(conf.classes, weight.tolist(), strict=True))
        numbers |= {f"train/class_weight/{name}": value for name, value in used.items()}
    record(0, numbers)
    if rank_and_world()[0] == 0:
        _tell_weight(measured, weight, far_from_measured(weight, counts))
    return None if weight is None else weight.tolist()


def _prior(config: DictConfig, counts: torch.Tensor) -> list[float] | None:
    """The share of each class in the training mix, for the level that adjusts logits by it."""
    weighting = instantiate(config.class_weight)
    return weighting.prior(counts).tolist() if isinstance(weighting, LogitAdjustment) else None


def _tell_weight(measured: dict[str, float], weight: torch.Tensor | None, warning: str | None) -> None:
    told = ", ".join(f"{name} {ratio:.1f}" for name, ratio in measured.items())
    used = "none" if weight is None else "[" + ", ".join(f"{value:.4g}" for value in weight.tolist()) + "]"
    text = f"background:curve ratio measured on the training mix: {told}; class weight used: {used}"
    CONSOLE.print(text, style="dim", soft_wrap=True)
    if warning is not None:
        CONSOLE.print(f"warning: {warning}", style="yellow", soft_wrap=True)


def _ledger(conf: Conf, planned: Planned, sheets: Rendered, batches: Sheets, record: Record) -> None:
    """What the run sees, told and logged."""
    if rank_and_world()[0] == 0:
        if is_folder(conf):
            tell_folder(planned.splits, CONSOLE)
        numbers = data_numbers(conf, planned, sheets, batches.training.showings())
        record(0, numbers)
        tell_data(numbers, CONSOLE)


def build_task(
    config: DictConfig,
    conf: Conf,
    weight: list[float] | None,
    *,
    folder: Path,
    prior: list[float] | None = None,
) -> SegmentationTask:
    """Network, objective and schedule of a configuration; the network's initialisation depends on the seed alone."""
    head = instantiate(config.head)
    objective = objective_of(config, weight, head=head, prior=prior)
    torch.manual_seed(conf.seed)
    network = instantiate(config.network, channels=head.channels, _convert_="all")
    return SegmentationTask(
        FlipAverage(network) if conf.mirrored else network,
        objective,
        head,
        schedule=Schedule(steps=conf.budget.steps, **asdict(conf.optimiser)),
        folder=folder,
        pictures=conf.overlays,
        tuned=isinstance(instantiate(config.class_weight), TunedThreshold),
    )


def _check_memory(conf: Conf, task: SegmentationTask, tiles: TrainingTiles) -> None:
    """Refuse, before the first step, a budget that cannot fit."""
    one = TrainingTiles(tiles.sheets, tiles.order, replace(tiles.plan, batch_size=1), maps=tiles.maps)[0]
    device = torch.device("cuda" if conf.trainer.accelerator != "cpu" and torch.cuda.is_available() else "cpu")
    rows = -(-conf.budget.batch_size // rank_and_world()[1])
    check_memory(
        task.network, task.objective, one, batch_size=rows, free=free_bytes(device) - resident_bytes(tiles, device)
    )


def _batches(conf: Conf, planned: Planned, sheets: Rendered, maps: Mapping[str, CachedMaps] | None = None) -> Sheets:
    """What the run sees; a tile covers the same millimetres at every resolution, and no more than the least sheet."""
    budget = conf.budget
    scale, most = conf.resolution.px_per_mm * PEN_MM, sheets.train.sizes.min(axis=0).tolist()
    rows, columns = (min(side, round(wanted * scale)) for side, wanted in zip(most, budget.tile_px, strict=True))
    plan = Plan(conf.seed, budget.steps, budget.batch_size, (rows, columns), Change())
    rank, world = rank_and_world()
    return Sheets(
        TrainingTiles(sheets.train, planned.splits.train.order, plan, rank=rank, world=world, maps=maps),
        EvaluationTiles(sheets.val, batch_size=budget.batch_size, rank=rank, world=world),
        EvaluationTiles(sheets.test, batch_size=budget.batch_size, rank=rank, world=world),
        validate_every=budget.validate_every,
    )


def _write(outcome: Outcome, task: SegmentationTask, sheets: Rendered, folder: RunFolder) -> None:
    for index, found in sorted(outcome.found.items()):
        truth = task.head.truth(torch.from_numpy(sheets.test.labels[index].copy())).numpy()
        picture = overlay(sheets.test.images[index], truth, found, classes=task.classes)
        done, png = cv2.imencode(".png", picture[..., ::-1])
        if done:
            folder.write_overlay(f"test_{index:03d}", png.tobytes())
    folder.write_results(outcome.per_class, outcome.per_sheet)
