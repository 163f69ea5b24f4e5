"""The estimated time and memory of a run, from a short measured trial of a similar run.

Runs that differ only in seed, class weight and sheets cost the same and share a trial. A trial is a real run with a few
steps on a few sheets, in a temporary store and without MLflow. So its time includes the parts of a run besides steps:

    seconds = steps * step + (validations * val sheets + test sheets) * evaluated sheet + rest

`rest` (construction, results, pictures) is the smallest of all trials of the plan, because it hardly depends on the
run, and the first trial also imports and compiles. Rendering is counted once for all runs with the same sheets.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from omegaconf import DictConfig, OmegaConf

from thinline.config.objective import objective_of, weighting_of
from thinline.config.schema import BudgetConf, Conf, checked
from thinline.data.cached_sheets import PLANES
from thinline.pipeline.cell import run_cell
from thinline.pipeline.locate import locate
from thinline.pipeline.sheets import render_sheets
from thinline.pipeline.train import CONSOLE

STRETCH: Final = 4
SHEETS: Final = 8
_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
COSTS: Final = ("loss", "head", "network", "optimiser", "resolution", "budget", "classes", "trainer")


@dataclass(frozen=True)
class Trial:
    """Seconds of a step, an evaluated sheet, a rendered sheet, the rest; bytes of the peak memory and of a sheet."""

    step_s: float
    evaluated_s: float
    rendered_s: float
    rest_s: float
    memory: int
    sheet: int


def cost_key(conf: Conf) -> str:
    """A key that is equal for runs that cost the same."""
    return json.dumps({name: conf.tree[name] for name in COSTS}, sort_keys=True)


def objective_key(conf: Conf) -> str:
    """A key that is equal for runs with the same objective."""
    return json.dumps({name: conf.tree[name] for name in ("loss", "head", "class_weight", "classes")}, sort_keys=True)


def refusal(conf: Conf) -> str | None:
    """The reason why loss, head and class weight cannot work together, or None. The pixel counts are made up."""
    imbalance = weighting_of(conf).imbalance([10_000, *range(100, 100 + len(conf.classes) - 1)])
    try:
        objective_of(conf, imbalance)
    except ValueError as error:
        return str(error)
    return None


def seconds(budget: BudgetConf, trial: Trial, *, val: int, test: int, rest_s: float) -> float:
    """Estimated time of a run with `val` validation and `test` test sheets that are already rendered."""
    validations = budget.steps // budget.validate_every + 1
    return budget.steps * trial.step_s + (validations * val + test) * trial.evaluated_s + rest_s


def measure(conf: Conf, choices: Mapping[str, str], folder: Path) -> Trial:
    """A trial of the run of `conf` in `folder`; nothing is printed. Raises what the run raises."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return _measure(_shortened(conf, folder), choices, folder)


def _shortened(conf: Conf, folder: Path) -> Conf:
    short = OmegaConf.merge(conf.tree, _changes(folder))
    assert isinstance(short, DictConfig)
    return checked(short)


def _changes(folder: Path) -> dict[str, Any]:
    """The changes that turn a run into a trial: few steps and sheets, and a store in `folder`."""
    counts = dict.fromkeys(("archive", "train", "val", "test"), SHEETS)
    return {
        "budget": {"steps": 2 * STRETCH, "validate_every": STRETCH, "counts": counts | {"train": 2 * SHEETS}},
        "paths": {"store": str(folder), "cache": str(folder / "cache")},
        "tracking": {"uri": ""},
        "force": True,
        "study": None,
    }


def _measure(conf: Conf, choices: Mapping[str, str], folder: Path) -> Trial:
    cell = locate(conf, choices)
    began = time.perf_counter()
    sheets = render_sheets(cell.planned, conf, console=CONSOLE)
    rendered_s = (time.perf_counter() - began) / (len(sheets.train) + len(sheets.val) + len(sheets.test))
    _forget_peak()
    began = time.perf_counter()
    run_cell(conf, choices)
    whole_s = time.perf_counter() - began
    memory = _peak()
    lines = [line.metrics for line in cell.folder.history()]
    step_s = 1 / [metrics["steps_per_second"] for metrics in lines if "steps_per_second" in metrics][-1]
    validated_s = [metrics["validation_seconds"] for metrics in lines if "validation_seconds" in metrics][-1]
    evaluated_s = validated_s / len(sheets.val)
    evaluated = 3 * len(sheets.val) + len(sheets.test)
    rest_s = max(0.0, whole_s - 2 * STRETCH * step_s - evaluated * evaluated_s)
    sheet = PLANES * int(sheets.train.sizes.prod(axis=1).mean())
    return Trial(step_s, evaluated_s, rendered_s, rest_s, memory, sheet)


def _forget_peak() -> None:
    """Reset the peak memory of the GPU, or else of this process."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    elif _CLEAR.exists():
        _CLEAR.write_text("5")


def _peak() -> int:
    """Peak memory in bytes: of the GPU if there is one, else the resident memory of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
