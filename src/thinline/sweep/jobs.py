"""The jobs of a sweep, as lists of overrides; `hydra_plugins` passes them to Hydra.

A job has the overrides of the command line, then one for each factor of the cell. An override of a factor of the study
selects among its levels (`seed=0`, `loss=dice,tversky`); any other override applies to every cell. Without a study the
jobs are the product of the swept overrides, seed by seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from thinline.config.schema import CONF
from thinline.study.design.study import SEED, Study, expand, select
from thinline.study.design.yaml import read_study

NOT_VARIED: Final = ("experiment", "hydra")


def groups() -> dict[str, list[str]]:
    """The options of each group of conf/, which a study may vary by name."""
    folders = [folder for folder in CONF.iterdir() if folder.is_dir() and folder.name not in NOT_VARIED]
    return {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in sorted(folders)}


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
    """The jobs in batches that a launcher runs one after the other: one batch a seed for a study, else a single batch.

    A launcher starts the jobs of a batch in any order; with batches an interrupted study is still balanced over seeds.
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
    """The first jobs that contain every override of `jobs` at least once.

    What cannot be composed is nearly always one level, or one key that a level lacks. Every job has all keys, so these
    jobs show both.
    """
    seen: set[str] = set()
    chosen = []
    for job in jobs:
        if not seen.issuperset(job):
            seen.update(job)
            chosen.append(job)
    return chosen


def seeds_of(jobs: Sequence[Sequence[str]]) -> list[object]:
    """The seeds of the jobs, each once, read before any job is composed; interpolations are left out."""
    texts = dict.fromkeys(text for job in jobs for text in job if text.startswith(f"{SEED}="))
    values = [OverridesParser.create().parse_override(text).value() for text in texts]
    return [value for value in values if "${" not in str(value)]


def _values(override: Override) -> list[str]:
    if override.is_sweep_override():
        return [str(value) for value in override.sweep_string_iterator()]
    return [override.get_value_element_as_str()]
