"""The jobs of a sweep, as lists of overrides; `hydra_plugins` passes them to Hydra.

The overrides of a job are those of the command line, then one for each factor of its *cell* (its run in the study). An
override of a factor of the study selects levels of the study (`seed=0`, `loss=dice,tversky`); any other override
applies to every cell. Without a study the jobs are the product of the swept overrides, with the seed as the slowest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from thinline.config.schema import CONF, KEY_LEVELS
from thinline.study.design.study import SEED, Study, expand, select
from thinline.study.design.yaml import read_study

NOT_VARIED: Final = ("experiment", "hydra")


def groups() -> dict[str, list[str]]:
    """The options of each config group that a study may vary, and the levels of KEY_LEVELS."""
    folders = [folder for folder in CONF.iterdir() if folder.is_dir() and folder.name not in NOT_VARIED]
    options = {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in sorted(folders)}
    return options | {key: list(levels) for key, levels in KEY_LEVELS.items()}


def study_of(config: DictConfig) -> Study | None:
    """The study of a composed configuration, or None. Raises `StudyError`."""
    node: Any = config.get("study")
    if node is None:
        return None
    plain: Mapping[str, Any] = OmegaConf.to_container(node, resolve=True)  # type: ignore[assignment]
    return read_study(plain, groups=groups())


def jobs_of(study: Study | None, overrides: Sequence[Override]) -> list[list[str]]:
    """The overrides of every job, in order. Raises `StudyError` for a level that the study does not have."""
    by_key = {override.get_key_element(): override for override in overrides}
    own = {} if study is None else {key: override for key, override in by_key.items() if key in study.names}
    others = [override for override in overrides if override.get_key_element() not in own]
    seed_first = sorted(others, key=lambda override: override.get_key_element() != SEED)
    shared: list[list[str]] = BasicSweeper.split_arguments(seed_first, None)[0]
    if study is None:
        return shared
    wanted = {factor: _values(override) for factor, override in own.items()}
    cells = select(expand(study), wanted)
    return [[*rest, *(f"{factor}={level}" for factor, level in cell.items())] for cell in cells for rest in shared]


def batches_of(study: Study | None, overrides: Sequence[Override]) -> list[list[list[str]]]:
    """The jobs in batches, which a launcher runs one after the other: one batch for each seed of a study, else one.

    A launcher starts the jobs of a batch in any order. With these batches an interrupted study has all cells of its
    first seeds.
    """
    jobs = jobs_of(study, overrides)
    if study is None:
        return [jobs]
    return [list(batch) for _, batch in groupby(jobs, key=lambda job: job[-1])]  # the seed is a study's last factor


def requested_jobs(config: DictConfig) -> list[list[str]]:
    """The jobs of the command line that Hydra is running."""
    overrides = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
    return jobs_of(study_of(config), overrides)


def covering(jobs: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The jobs that have an override which no job before them has. Together they have every override.

    If a job cannot be composed, the reason is nearly always one level, or one key that a level lacks. Every job has all
    keys, so composing these jobs finds both.
    """
    seen: set[str] = set()
    chosen = []
    for job in jobs:
        if not seen.issuperset(job):
            seen.update(job)
            chosen.append(job)
    return chosen


def seeds_of(jobs: Sequence[Sequence[str]]) -> list[object]:
    """The seeds of the jobs, each once, read from the overrides; interpolations are left out."""
    texts = dict.fromkeys(text for job in jobs for text in job if text.startswith(f"{SEED}="))
    values = [OverridesParser.create().parse_override(text).value() for text in texts]
    return [value for value in values if "${" not in str(value)]


def _values(override: Override) -> list[str]:
    if override.is_sweep_override():
        return [str(value) for value in override.sweep_string_iterator()]
    return [override.get_value_element_as_str()]
