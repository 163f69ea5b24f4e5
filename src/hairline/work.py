"""Roof: the work of a cell, from sheets to results: render, weigh, build, train, write the numbers and the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import cv2
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from hairline.config import Conf, objective_of
from hairline.data.map_file import CachedMaps
from hairline.data.tiles import Change, EvaluationTiles, Plan, TrainingTiles
from hairline.launch import rank_and_world
from hairline.ledger import RunFolder
from hairline.losses.class_weight import far_from_measured, measured_ratio
from hairline.measures.overlay import overlay
from hairline.rendering import Planned, Rendered, render_sheets
from hairline.sheets import PEN_MM
from hairline.training.callbacks import Record
from hairline.training.datamodule import Sheets
from hairline.training.optimiser import Schedule
from hairline.training.results import Outcome
from hairline.training.run import Machine, train
from hairline.training.task import SegmentationTask
from hairline.truth_maps import open_truth_maps

CONSOLE = Console()


def do_work(config: DictConfig, conf: Conf, planned: Planned, *, folder: RunFolder, record: Record) -> None:
    """Train the cell; the first process writes its results into the folder."""
    sheets = render_sheets(planned, conf, console=CONSOLE)
    weight = _weight(config, conf, planned, sheets, record)
    task = build_task(config, conf, weight, folder=folder.path)
    maps = open_truth_maps(task.objective, sheets.train, conf, console=CONSOLE)
    outcome = train(
        task,
        _batches(conf, planned, sheets, maps),
        machine=Machine(**asdict(conf.trainer)),
        folder=folder.checkpoints,
        record=record,
        title=folder.name,
    )
    if rank_and_world()[0] == 0:
        _write(outcome, task, sheets, folder)
        record(conf.budget.steps, outcome.numbers())


def _weight(config: DictConfig, conf: Conf, planned: Planned, sheets: Rendered, record: Record) -> list[float] | None:
    """The class weights of the training mix, told and logged beside the measured background:curve ratio."""
    counts = torch.from_numpy(sheets.train.class_counts(len(conf.classes), order=planned.splits.train.order))
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


def _tell_weight(measured: dict[str, float], weight: torch.Tensor | None, warning: str | None) -> None:
    told = ", ".join(f"{name} {ratio:.1f}" for name, ratio in measured.items())
    used = "none" if weight is None else "[" + ", ".join(f"{value:.4g}" for value in weight.tolist()) + "]"
    text = f"background:curve ratio measured on the training mix: {told}; class weight used: {used}"
    CONSOLE.print(text, style="dim", highlight=False, soft_wrap=True)
    if warning is not None:
        CONSOLE.print(f"warning: {warning}", style="yellow", highlight=False, soft_wrap=True)


def build_task(config: DictConfig, conf: Conf, weight: list[float] | None, *, folder: Path) -> SegmentationTask:
    """Network, objective and schedule of a configuration; the network's initialisation depends on the seed alone."""
    head = instantiate(config.head)
    objective = objective_of(config, weight, head=head)
    torch.manual_seed(conf.seed)
    network = instantiate(config.network, channels=head.channels, _convert_="all")
    schedule = Schedule(steps=conf.budget.steps, **asdict(conf.optimiser))
    return SegmentationTask(network, objective, head, schedule=schedule, folder=folder, pictures=conf.overlays)


def _batches(conf: Conf, planned: Planned, sheets: Rendered, maps: Mapping[str, CachedMaps] | None = None) -> Sheets:
    """What the run sees; a tile covers the same millimetres at every resolution."""
    budget = conf.budget
    smallest = min(sheets.train.images.shape[1:])
    tile_px = min(smallest, round(budget.tile_px * conf.resolution.px_per_mm * PEN_MM))
    plan = Plan(conf.seed, budget.steps, budget.batch_size, tile_px, Change())
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
