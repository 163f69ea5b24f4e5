"""The estimated time and memory of a run, in about a second: from finished runs, or from a few timed passes.

Conventions

- The *scale* of a run is what its time depends on most: network, optimiser, resolution, budget, classes and trainer.
  Head and loss change the time less, seed, class weight and data mix not at all.
- If the store has finished runs of the same scale, the time is the median of theirs (of those with the same loss and
  head, if there are any). Their times include all that a run does.
- Otherwise network and objective are timed apart, once for each scale and each objective, on a made-up batch:

      seconds = steps * (network + objective) + (validations * val sheets + test sheets) * evaluated sheet + REST_S

  `network` is a forward and a backward pass, `evaluated sheet` a forward pass of a whole sheet and SCORED_S. The step
  of the optimiser is left out, because importing it takes seconds; so are the sheets, which take about 6 ms each.
- On a CPU a trial has at most MOST_PIXELS pixels; times grow in proportion to the pixels.
- Memory is that of training (training/memory.py), of the sheets, and of the process (PROCESS).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import torch
from hydra.utils import instantiate
from torch import Tensor, nn

from thinline.config.objective import objective_of, weighting_of
from thinline.config.schema import Conf
from thinline.data.batch import Batch
from thinline.losses.objective import Objective
from thinline.runs import FINISHED, Manifest
from thinline.sheets import PEN_MM
from thinline.training.memory import saved_bytes
from thinline.training.precision import on_gpu, precision_of

SCALE: Final = ("network", "optimiser", "resolution", "budget", "classes", "trainer")
COSTS: Final = (*SCALE, "loss", "head")
OBJECTIVE: Final = ("loss", "head", "class_weight", "classes")
MOST_PIXELS: Final = 4 * 144 * 256
"""Half a batch of budget=laptop."""
REPEATS: Final = 2
SCORED_S: Final = 0.02
REST_S: Final = 3.0
"""Construction, perturbed truth, tables and pictures of a run."""
PROCESS: Final = 1_300 * 2**20
"""Resident bytes of a training process besides: of 1.43 GiB measured with budget=laptop, .12 are those of training."""
BUSY: Final = 0.5
"""Share of the processors that other programs use, from which a trial is called loaded."""


@dataclass(frozen=True)
class Trial:
    """Seconds of a step and of an evaluated sheet; bytes of the peak memory without sheets."""

    step_s: float
    evaluated_s: float
    memory: int


def key_of(tree: Mapping[str, Any], names: Iterable[str]) -> str:
    """A key that is equal for runs with equal branches `names` of their configuration."""
    return json.dumps({name: tree.get(name) for name in names}, sort_keys=True)


def refusal(conf: Conf) -> str | None:
    """The reason why loss, head and class weight cannot work together, or None. The pixel counts are made up."""
    try:
        _objective(conf)
    except ValueError as error:
        return str(error)
    return None


def finished_seconds(manifests: Iterable[Manifest]) -> dict[str, list[float]]:
    """Seconds of the finished runs that were not interrupted, by their `COSTS` and also by their `SCALE`."""
    taken: dict[str, list[float]] = {}
    for manifest in manifests:
        if manifest.status == FINISHED and manifest.attempts == 1 and manifest.finished is not None:
            ends = datetime.fromisoformat(manifest.finished) - datetime.fromisoformat(manifest.started)
            for names in (COSTS, SCALE):
                taken.setdefault(key_of(manifest.cell.config, names), []).append(ends.total_seconds())
    return taken


def seconds(conf: Conf, trial: Trial, *, val: int, test: int) -> float:
    """Estimated time of a run with `val` validation and `test` test sheets that are already rendered."""
    validations = conf.budget.steps // conf.budget.validate_every + 1
    return conf.budget.steps * trial.step_s + (validations * val + test) * trial.evaluated_s + REST_S


def load() -> float | None:
    """The load of this machine, if other programs use much of it now; None if not, or if the system does not say."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):
        return None
    return load if load > 1 + BUSY * (os.cpu_count() or 1) else None


class Trials:
    """Times a network once for each scale and an objective once for each loss, head and weight."""

    def __init__(self) -> None:
        self._networks: dict[str, Trial] = {}
        self._objectives: dict[str, float] = {}

    def of(self, conf: Conf) -> Trial:
        """The trial of `conf`. Raises what its network and objective raise."""
        scale = key_of(conf.tree, SCALE)
        key = key_of(conf.tree, (*SCALE, *OBJECTIVE))
        if scale not in self._networks:
            self._networks[scale] = _network_trial(conf)
        if key not in self._objectives:
            self._objectives[key] = _objective_s(conf)
        network = self._networks[scale]
        return Trial(network.step_s + self._objectives[key], network.evaluated_s, network.memory)


def _objective(conf: Conf) -> Objective:
    imbalance = weighting_of(conf).imbalance([10_000, *range(100, 100 + len(conf.classes) - 1)])
    return objective_of(conf, imbalance)


def _device(conf: Conf) -> torch.device:
    return torch.device("cuda" if on_gpu(conf.trainer) else "cpu")


def _tile_px(conf: Conf) -> tuple[int, int]:
    """Rows and columns of a training tile, which is at most as large as its sheet."""
    sheet, scale = _sheet_px(conf), conf.resolution.px_per_mm * PEN_MM
    rows, columns = (min(side, round(wanted * scale)) for side, wanted in zip(sheet, conf.budget.tile_px, strict=True))
    return rows, columns


def _sheet_px(conf: Conf) -> tuple[int, int]:
    rows, columns = (round(side * conf.resolution.px_per_mm) for side in conf.budget.sheet_mm)
    return rows, columns


def _batch(conf: Conf, size: tuple[int, int], images: int, device: torch.device) -> Batch:
    """Made-up images of `size` px: noise, and one vertical line of 2 px for each curve."""
    rows, columns = size
    curves = len(conf.classes) - 1
    labels = torch.zeros(images, rows, columns, dtype=torch.long)
    strokes = torch.zeros(images, curves, rows, columns, dtype=torch.bool)
    for curve in range(curves):
        left = (curve + 1) * columns // (curves + 2)
        labels[:, :, left : left + 2] = curve + 1
        strokes[:, curve, :, left : left + 2] = True
    noise = torch.rand(images, 1, rows, columns, generator=torch.Generator().manual_seed(0))
    return Batch(noise.to(device), labels.to(device), strokes.to(device), torch.arange(images))


def _images(conf: Conf, device: torch.device) -> int:
    """Images of a trial: those of a step, but on a CPU at most MOST_PIXELS pixels."""
    rows, columns = _tile_px(conf)
    most = conf.budget.batch_size if device.type == "cuda" else max(1, MOST_PIXELS // (rows * columns))
    return min(conf.budget.batch_size, most)


def _network_trial(conf: Conf) -> Trial:
    """Seconds of a step without its objective and of an evaluated sheet, and bytes of a run without its sheets."""
    device, images = _device(conf), _images(conf, _device(conf))
    objective = _objective(conf)
    network: nn.Module = instantiate(conf.network, channels=objective.head.channels, _convert_="all").to(device)
    if conf.trainer.channels_last:
        network.to(memory_format=torch.channels_last)
    batch = _batch(conf, _tile_px(conf), images, device)
    rows, columns = _sheet_px(conf)
    count = max(1, min(conf.budget.batch_size, MOST_PIXELS // (rows * columns)))
    sheets = _batch(conf, (rows, columns), count, device).image

    def step() -> None:
        with _autocast(conf, device):
            logits = network(batch.image)
        torch.autograd.backward(logits.float().mean())

    def evaluate() -> None:
        with torch.no_grad(), _autocast(conf, device):
            network(sheets)

    step_s = _shortest_s(step, conf, device) * conf.budget.batch_size / images
    evaluated_s = _shortest_s(evaluate, conf, device) / count * (2 if conf.mirrored else 1) + SCORED_S
    one = _batch(conf, _tile_px(conf), 1, device)
    with _autocast(conf, device):
        saved = saved_bytes(network, objective.to(device), one) * conf.budget.batch_size
    weights = 4 * sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())
    return Trial(step_s, evaluated_s, saved + weights + (0 if device.type == "cuda" else PROCESS))


def _objective_s(conf: Conf) -> float:
    """Seconds of the objective of a step, forward and backward; its truth maps are cached in a run, and here too."""
    device, images = _device(conf), _images(conf, _device(conf))
    objective = _objective(conf)
    batch = _batch(conf, _tile_px(conf), images, device)
    maps = {each.key: objective.draw(each, batch.labels, batch.strokes) for each in objective.truth_maps}
    objective.to(device)
    shape = (images, objective.head.channels, *batch.labels.shape[1:])
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device).requires_grad_()

    def step() -> None:
        value: Tensor = objective(logits, batch.labels, batch.strokes, maps=maps)
        torch.autograd.backward(value)

    return _shortest_s(step, conf, device) * conf.budget.batch_size / images


def _autocast(conf: Conf, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=precision_of(conf.trainer) == "bf16-mixed")


def _shortest_s(job: Callable[[], None], conf: Conf, device: torch.device) -> float:
    """Shortest time of `job` in seconds after one call that does not count, with the threads of the run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(conf.trainer.threads or threads)
    try:
        job()
        taken = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            job()
            if device.type == "cuda":
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return min(taken)
