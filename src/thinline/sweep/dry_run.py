"""The plan of a sweep before it runs (`dry_run=true`): its runs (cells), their states, and the cost of those to do.

The times are those of finished runs of the store, or else an estimate that takes about a second (cost.py). The plan
keeps of each cell only what it prints and one configuration for all seeds, so its memory grows little with the cells.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from thinline import runs
from thinline.config.path_options import settle_paths
from thinline.config.schema import Conf, checked
from thinline.data.cached_sheets import PLANES
from thinline.pipeline.locate import locate, otherwise_measured, outline
from thinline.pipeline.sheets import Planned as PlannedSheets
from thinline.pipeline.sheets import plan_sheets
from thinline.runs import FAILED, FINISHED, RunFolder
from thinline.runs.folder import RUNS
from thinline.study.design.study import FULL, SEED, Study, StudyError
from thinline.sweep.jobs import jobs_of, study_of
from thinline.system.signals import stoppable

if TYPE_CHECKING:
    from thinline.sweep.cost import Trials

CONSOLE = Console(markup=False, highlight=False)
DONE: Final = "done"
MISSING: Final = "missing"
GIB: Final = 2**30


@dataclass(frozen=True)
class Planned:
    """One run of the plan: name, levels of the factors, digest of its settings, state, and numbers of sheets.

    A run that is missing is named without the digest of its folder. `conf` is shared by all runs that differ in the
    seed only; its seed is that of the first of them. `sheets` are those of training, validation and test.
    """

    name: str
    factors: dict[str, str]
    digest: str
    state: str
    conf: Conf
    sheets: tuple[int, int, int]

    @property
    def images(self) -> int:
        """Number of training images: steps times batch size."""
        return self.conf.budget.steps * self.conf.budget.batch_size


@dataclass(frozen=True)
class Cost:
    """Estimated seconds and peak memory in bytes of a run; `measured` if the seconds are those of finished runs."""

    seconds: float
    memory: float
    measured: bool


def show_plan(config: DictConfig, arguments: Sequence[str], loader: Any) -> None:
    """Print the plan of a sweep. Raises `StudyError` if two jobs are the same run."""
    study = study_of(config)
    jobs = jobs_of(study, OverridesParser.create(loader).parse_overrides(list(arguments)))
    cells = list(planned_cells(config, track(jobs, "composing cells", console=CONSOLE), loader))
    _check_distinct(cells)
    if study is not None:
        _print_study(study)
    todo = [cell for cell in cells if cell.state != DONE]
    costs = _costs(todo)
    CONSOLE.print(_table(cells, costs))
    counts = Counter(cell.state for cell in cells)
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    whole_s = sum(cost.seconds for cost in costs.values())
    memory = max((cost.memory for cost in costs.values()), default=0) / GIB
    images = sum(cell.images for cell in todo)
    CONSOLE.print(
        f"{len(cells)} cells: {states}. To do, one after the other: {_time(whole_s)}, {memory:.1f} GiB at the peak, "
        f"{images:,} images seen.",
        soft_wrap=True,
    )
    if costs:
        CONSOLE.print(_source(list(costs.values())), style="dim", soft_wrap=True)


def planned_cells(config: DictConfig, jobs: Iterable[Sequence[str]], loader: Any) -> Iterator[Planned]:
    """The runs of `jobs`.

    Jobs that differ in the seed only are composed once, for which Hydra takes .1 s. The sheets of a run, which are part
    of its name, are planned only for the first seed and for runs that may be in the store: 2,000 sheets take .5 s.
    """
    composed: dict[tuple[str, ...], tuple[dict[str, str], Conf, tuple[int, int, int]]] = {}
    stored = cache(_slugs)
    for job in jobs:
        seed, rest = _seed_apart(job)
        if rest not in composed:
            whole = loader.load_sweep_config(config, list(job))
            if seed is not None and f"{SEED}}}" in OmegaConf.to_yaml(whole):  # another key is made from the seed
                seed, rest = None, tuple(job)
            choices, conf = _parsed(whole)
            composed[rest] = choices, conf, _sheets(plan_sheets(conf))
        choices, conf, sheets = composed[rest]
        own = conf if seed is None else replace(conf, seed=seed, tree=conf.tree | {SEED: seed})
        brief = outline(own, choices)
        name, state = brief.slug, MISSING
        if brief.slug in stored(conf.paths.store):
            located = locate(own, choices)
            name, state, sheets = located.folder.name, _state(located.folder), _sheets(located.planned)
        yield Planned(name, brief.factors, brief.digest, state, conf, sheets)


def _slugs(store: str) -> frozenset[str]:
    """The names of the run folders in a store, without their digests."""
    return frozenset(folder.name.rpartition("-")[0] for folder in (Path(store) / RUNS).glob("*-*"))


def _sheets(planned: PlannedSheets) -> tuple[int, int, int]:
    """Numbers of unique sheets of training, validation and test."""
    splits = planned.splits
    return len(splits.train.everything), len(splits.val.specs), len(splits.test.specs)


def _seed_apart(job: Sequence[str]) -> tuple[int | None, tuple[str, ...]]:
    """The seed of a job if it is a plain number, and the other overrides; else None and all overrides."""
    seeds = [text.removeprefix(f"{SEED}=") for text in job if text.startswith(f"{SEED}=")]
    if len(seeds) != 1 or not seeds[0].isdecimal():
        return None, tuple(job)
    return int(seeds[0]), tuple(text for text in job if not text.startswith(f"{SEED}="))


def _parsed(config: DictConfig) -> tuple[dict[str, str], Conf]:
    """The option of each group, and the configuration without the branch of Hydra and with absolute paths."""
    choices = dict(config.hydra.runtime.choices)
    settle_paths(config, Path(config.hydra.runtime.cwd))
    with read_write(config), open_dict(config):
        config.pop("hydra")
    return choices, checked(config)


def _state(folder: RunFolder) -> str:
    manifest = folder.manifest()
    if manifest is None:
        return MISSING
    if manifest.status == FINISHED:
        return "other measures" if otherwise_measured(manifest) else DONE
    if folder.in_use():
        return "running"
    return "failed" if manifest.status == FAILED else "interrupted"


def _check_distinct(cells: Iterable[Planned]) -> None:
    twice = [name for name, count in Counter((cell.name, cell.digest) for cell in cells).items() if count > 1]
    if twice:
        raise StudyError(
            f"every job must be a cell of its own, got {len(twice)} cells twice, as {twice[0][0]}; drop overrides that "
            "change nothing"
        )


def _costs(cells: Sequence[Planned]) -> dict[str, Cost]:
    """The cost of each run by digest; runs that cannot run have none, and the reason is printed."""
    if not cells:
        return {}
    # imports torch, which takes seconds; a plan without runs to do does not need it
    from thinline.sweep.cost import Trials, finished_seconds

    cells = _compatible(cells)
    stores = {cell.conf.paths.store for cell in cells}
    taken = finished_seconds(manifest for store in stores for manifest in runs.manifests(Path(store)).values())
    trials = Trials()
    costs: dict[str, Cost] = {}
    with stoppable():
        for cell in track(cells, "estimating times", console=CONSOLE):
            try:
                costs[cell.digest] = _cost(cell, trials, taken)
            except (ValueError, RuntimeError) as error:
                CONSOLE.print(f"no estimate: {cell.name} cannot run: {error}", style="red", soft_wrap=True)
    return costs


def _cost(cell: Planned, trials: Trials, taken: Mapping[str, Sequence[float]]) -> Cost:
    """The cost of `cell`: its time is the median of the finished runs like it, if there are any, else of a trial."""
    from thinline.sweep.cost import COSTS, SCALE, key_of, seconds

    trial, (_, val, test) = trials.of(cell.conf), cell.sheets
    rows, columns = (side * cell.conf.resolution.px_per_mm for side in cell.conf.budget.sheet_mm)
    memory = trial.memory + PLANES * rows * columns * sum(cell.sheets)
    keys = (key_of(cell.conf.tree, names) for names in (COSTS, SCALE))
    times = next((taken[key] for key in keys if key in taken), None)
    if times is not None:
        return Cost(median(times), memory, measured=True)
    return Cost(seconds(cell.conf, trial, val=val, test=test), memory, measured=False)


def _source(costs: Sequence[Cost]) -> str:
    """Where the times come from, and how far to trust them."""
    from thinline.sweep.cost import load

    measured = sum(cost.measured for cost in costs)
    if measured == len(costs):
        return "Times are medians of finished runs with the same network, budget and resolution in this store."
    some = f"Times of {measured} cells are medians of finished runs, the others" if measured else "Times"
    text = f"{some} are estimates from a few training steps timed now, without the optimiser and the first sheets."
    busy = load()
    if busy is None:
        return text
    return (
        f"{text} Other programs use this machine (load {busy:.1f} on {os.cpu_count()} processors): they are too long."
    )


def _compatible(cells: Sequence[Planned]) -> list[Planned]:
    """The runs whose loss, head and weight can be combined; for the others each reason is printed once."""
    from thinline.sweep.cost import OBJECTIVE, key_of, refusal

    keys = [key_of(cell.conf.tree, OBJECTIVE) for cell in cells]
    first = dict(reversed(list(zip(keys, cells, strict=True))))
    refused = {key: reason for key, cell in first.items() if (reason := refusal(cell.conf)) is not None}
    for key, reason in refused.items():
        text = f"no estimate: {first[key].name} and {keys.count(key) - 1} more cannot run: {reason}"
        CONSOLE.print(text, style="red", soft_wrap=True)
    return [cell for key, cell in zip(keys, cells, strict=True) if key not in refused]


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
    names = [name for name in cells[0].factors if len({cell.factors[name] for cell in cells}) > 1]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("cell", overflow="fold")
    table.add_column("state")
    for name in ("time", "GiB", "images"):
        table.add_column(name, justify="right")
    for cell in cells:
        levels = {name: cell.factors[name] for name in names}
        label = "/".join(f"s{level}" if name == "seed" else level for name, level in levels.items())
        cost = costs.get(cell.digest)
        estimate = ("", "") if cost is None else (_time(cost.seconds), f"{cost.memory / GIB:.1f}")
        table.add_row(label or cell.name, cell.state, *estimate, f"{cell.images:,}")
    return table


def _time(seconds: float) -> str:
    """A time, for example 4 s, 2 min 05 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
