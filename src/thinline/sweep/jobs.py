"""Roof: which jobs a sweep has. `hydra_plugins` hands them to Hydra.

A job is a list of overrides: those of the command line, then one for each factor of the cell. What the command line
says about a factor of a study selects among its levels (`seed=0`, `loss=dice,tversky`); anything else it sets or
sweeps goes to every cell. Without a study the jobs are the product of what the command line sweeps, seed by seed."""

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
    """The options of each group of conf/, and `seed`, all that a study may vary by name."""
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
    """The overrides of every job in its order. Raises `StudyError` for a level that is not the study's."""
    own = {} if study is None else {it.get_key_element(): it for it in overrides if it.get_key_element() in study.names}
    shared: list[list[str]] = BasicSweeper.split_arguments(
        sorted(
            (it for it in overrides if it.get_key_element() not in own), key=lambda it: it.get_key_element() != SEED
        ),
        None,
    )[0]
    if study is None:
        return shared
    wanted = {factor: _values(override) for factor, override in own.items()}
    cells = select(expand(study), wanted)
    return [[*given, *(f"{factor}={level}" for factor, level in cell.items())] for cell in cells for given in shared]


def batches_of(study: Study | None, overrides: Sequence[Override]) -> list[list[list[str]]]:
    """The jobs in batches that a launcher takes one after the other: a study's by seed, else all at once.

    Launchers that run several jobs at once start them in an order of their own; by batches a study that is interrupted
    is balanced as far as it got all the same.
    """
    jobs = jobs_of(study, overrides)
    if study is None:
        return [jobs]
    return [list(batch) for _, batch in groupby(jobs, key=lambda job: job[-1])]  # the seed is a study's last factor


def jobs_asked(config: DictConfig) -> list[list[str]]:
    """The jobs of the command line that Hydra is running."""
    overrides = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
    return jobs_of(study_of(config), overrides)


def seeds_of(jobs: Sequence[Sequence[str]]) -> list[object]:
    """The seeds that the jobs name, each once, before any job is composed; of an interpolation only its jobs know."""
    texts = dict.fromkeys(text for job in jobs for text in job if text.startswith(f"{SEED}="))
    values = [OverridesParser.create().parse_override(text).value() for text in texts]
    return [value for value in values if "${" not in str(value)]


def _values(override: Override) -> list[str]:
    if override.is_sweep_override():
        return [str(value) for value in override.sweep_string_iterator()]
    return [override.get_value_element_as_str()]
