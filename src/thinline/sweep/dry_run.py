"""The plan of a sweep before it runs (`dry_run=true`): its runs (cells), their states, and the cost of those to do."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, open_dict, read_write
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from thinline.config.path_options import settle_paths
from thinline.config.schema import checked
from thinline.pipeline.locate import RunLocation, locate, otherwise_measured
from thinline.runs import FAILED, FINISHED, RunFolder
from thinline.study.design.study import FULL, Study, StudyError
from thinline.sweep.jobs import jobs_of, study_of
from thinline.system.signals import stoppable

if TYPE_CHECKING:
    from thinline.sweep.cost import Trial

CONSOLE = Console(markup=False, highlight=False)
DONE: Final = "done"
GIB: Final = 2**30


@dataclass(frozen=True)
class Planned:
    """One run of the plan: options of the config groups, location with configuration, and state."""

    choices: dict[str, str]
    located: RunLocation
    state: str

    @property
    def images(self) -> int:
        """Number of training images: steps times batch size."""
        return self.located.conf.budget.steps * self.located.conf.budget.batch_size


@dataclass(frozen=True)
class Cost:
    """Seconds without rendering, because runs share sheets, and peak memory in bytes."""

    seconds: float
    memory: int


def show_plan(config: DictConfig, arguments: Sequence[str], loader: Any) -> None:
    """Print the plan of a sweep. Raises `StudyError` if two jobs are the same run."""
    study = study_of(config)
    jobs = jobs_of(study, OverridesParser.create(loader).parse_overrides(list(arguments)))
    cells = [_planned(loader.load_sweep_config(config, job)) for job in track(jobs, "composing cells", console=CONSOLE)]
    _check_distinct(cells)
    if study is not None:
        _print_study(study)
    todo = [cell for cell in cells if cell.state != DONE]
    costs, rendering_s = _costs(todo)
    CONSOLE.print(_table(cells, costs))
    counts = Counter(cell.state for cell in cells)
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    whole_s = sum(cost.seconds for cost in costs.values()) + rendering_s
    memory = max((cost.memory for cost in costs.values()), default=0) / GIB
    images = sum(cell.images for cell in todo)
    CONSOLE.print(
        f"{len(cells)} cells: {states}. To do, one after the other: {_time(whole_s)} ({_time(rendering_s)} of it to "
        f"render sheets), {memory:.1f} GiB at the peak, {images:,} images seen.",
        soft_wrap=True,
    )


def _planned(config: DictConfig) -> Planned:
    choices = dict(config.hydra.runtime.choices)
    settle_paths(config, Path(config.hydra.runtime.cwd))
    with read_write(config), open_dict(config):
        config.pop("hydra")
    located = locate(checked(config), choices)
    return Planned(choices, located, _state(located.folder))


def _state(folder: RunFolder) -> str:
    manifest = folder.manifest()
    if manifest is None:
        return "missing"
    if manifest.status == FINISHED:
        return "other measures" if otherwise_measured(manifest) else DONE
    if folder.in_use():
        return "running"
    return "failed" if manifest.status == FAILED else "interrupted"


def _check_distinct(cells: Iterable[Planned]) -> None:
    twice = [name for name, count in Counter(cell.located.folder.name for cell in cells).items() if count > 1]
    if twice:
        raise StudyError(
            f"every job must be a cell of its own, got {len(twice)} cells twice, as {twice[0]}; drop overrides that "
            "change nothing"
        )


def _costs(cells: Sequence[Planned]) -> tuple[dict[str, Cost], float]:
    """The cost of each run by name, and the seconds to render all sheets, each once."""
    if not cells:
        return {}, 0.0
    # imports torch and Lightning, which takes many seconds; a plan without runs to do does not need them
    from thinline.sweep.cost import cost_key, measure

    alike: dict[str, list[Planned]] = {}
    for cell in _compatible(cells):
        alike.setdefault(cost_key(cell.located.conf), []).append(cell)
    trials: dict[str, Trial] = {}
    with stoppable(), tempfile.TemporaryDirectory() as folder:
        for key, group in track(alike.items(), "measuring trials", console=CONSOLE):
            try:
                trials[key] = measure(group[0].located.conf, group[0].choices, Path(folder))
            except (ValueError, OSError, RuntimeError) as error:
                name = group[0].located.folder.name
                CONSOLE.print(f"no estimate: {name} cannot run: {error}", style="red", soft_wrap=True)
    alike = {key: group for key, group in alike.items() if key in trials}
    if not trials:
        return {}, 0.0
    rest_s = min(trial.rest_s for trial in trials.values())
    costs = {
        cell.located.folder.name: _cost(cell, trials[key], rest_s) for key, group in alike.items() for cell in group
    }
    drawn = {cell.located.planned.digest: (cell, trials[key]) for key, group in alike.items() for cell in group}
    rendering_s = sum(trial.rendered_s * _sheets(cell) for cell, trial in drawn.values())
    return costs, rendering_s


def _cost(cell: Planned, trial: Trial, rest_s: float) -> Cost:
    """The cost of `cell` from the trial of a similar run, for the number of sheets of `cell`."""
    from thinline.sweep.cost import seconds

    splits, budget = cell.located.planned.splits, cell.located.conf.budget
    estimate = seconds(budget, trial, val=len(splits.val.specs), test=len(splits.test.specs), rest_s=rest_s)
    return Cost(estimate, trial.memory + trial.sheet * _sheets(cell))


def _compatible(cells: Sequence[Planned]) -> list[Planned]:
    """The runs whose loss, head and weight can be combined; for the others each reason is printed once."""
    from thinline.sweep.cost import objective_key, refusal

    keys = [objective_key(cell.located.conf) for cell in cells]
    first = dict(reversed(list(zip(keys, cells, strict=True))))
    refused = {key: reason for key, cell in first.items() if (reason := refusal(cell.located.conf)) is not None}
    for key, reason in refused.items():
        text = f"no estimate: {first[key].located.folder.name} and {keys.count(key) - 1} more cannot run: {reason}"
        CONSOLE.print(text, style="red", soft_wrap=True)
    return [cell for key, cell in zip(keys, cells, strict=True) if key not in refused]


def _sheets(cell: Planned) -> int:
    splits = cell.located.planned.splits
    return sum(len(split.specs) for split in (splits.train, splits.val, splits.test))


def _print_study(study: Study) -> None:
    lines = [
        f"study {study.name}: {study.question}",
        f"primary measures {', '.join(study.primary)} per class; seeds {', '.join(study.seeds)}",
        f"at budget={study.budget}: {study.expected}",
    ]
    if study.plan != FULL:
        plan = (study.plans or {})[study.plan]
        lines.append(f"plan {study.plan}: a fraction of resolution {plan.resolution}")
    lines += [f"claim: {claim}" for claim in study.claims]
    lines += [f"left out: {dict(rule.cells)}, because {rule.because}" for rule in study.exclude]
    for line in lines:
        CONSOLE.print(line, soft_wrap=True)


def _table(cells: Sequence[Planned], costs: dict[str, Cost]) -> Table:
    """One line for each run, named by the factors in which the runs differ."""
    names = [name for name in cells[0].located.factors if len({cell.located.factors[name] for cell in cells}) > 1]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("cell", overflow="fold")
    table.add_column("state")
    for name in ("time", "GiB", "images"):
        table.add_column(name, justify="right")
    for cell in cells:
        levels = {name: cell.located.factors[name] for name in names}
        label = "/".join(f"s{level}" if name == "seed" else level for name, level in levels.items())
        cost = costs.get(cell.located.folder.name)
        estimate = ("", "") if cost is None else (_time(cost.seconds), f"{cost.memory / GIB:.1f}")
        table.add_row(label or cell.located.folder.name, cell.state, *estimate, f"{cell.images:,}")
    return table


def _time(seconds: float) -> str:
    """A time, for example 4 s, 2 min 05 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
