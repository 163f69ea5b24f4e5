"""The schema of conf/: the keys and types of a configuration, and which keys are part of the identity of a run.

Hydra composes a configuration, `checked` parses it once, and all other code gets the result, a `Conf`. This module
imports no torch, so that `python train.py --help` and the study commands are quick.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from thinline.config.data_set import check_data_set
from thinline.data.folder.keys import FOLDER
from thinline.data.sheet_counts import Counts
from thinline.metrics.own import own_rows
from thinline.training.settings import Checkpoints, Machine, Schedule

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_CHECKOUT: Final = _PACKAGE.parents[1]
CONF: Final = next((folder for folder in (_CHECKOUT / "conf", _PACKAGE / "conf") if folder.is_dir()), _PACKAGE / "conf")
"""The folder of configuration groups: beside `src/` in a checkout, inside the package when installed from a wheel."""

FACTORS: Final = ("loss", "head", "class_weight", "data_mix", "resolution", "network", "budget", "optimiser")
"""The factors: the config groups whose levels name a run, in the order of its name. `seed` follows them."""

NOT_IDENTITY: Final = (
    "paths",
    "tracking",
    "force",
    "retry_failed",
    "fresh_process",
    "fail_fast",
    "dry_run",
    "study",
    "overlays",
    "trainer.accelerator",
    "trainer.processes",
    "trainer.channels_last",
    "trainer.compile",
    "trainer.threads",
    "trainer.scorers",
    "trainer.renderers",
    "data_mix.archive.las_dir",
    "data_set",
    *(f"data_mix.{key}" for key in ("root", "images", "masks", "curves", "split.file", "groups")),
)
"""Keys that say where and how fast a run computes, but not what. The paths and file names of the user's own files are
among them, because the digest of the sheets has the content of these files."""

KEY_LEVELS: Final[Mapping[str, tuple[str, ...]]] = {"pooling": ("none", "scnp"), "shares_of": ("value", "gradient")}
"""Factors that are a key without a group, with their levels, the neutral one first. They are newer than the published
runs, so the name of a run has their level only if it is not the neutral one."""

NEUTRAL: Final[Mapping[str, object]] = {
    "init_from": None,
    "checkpoint": asdict(Checkpoints()),
    "metrics": {},
    **{key: levels[0] for key, levels in KEY_LEVELS.items()},
    "fold": None,
    "data_mix.split.folds": None,
    "data_mix.split.tests": None,
    "data_mix.scale": 1.0,
    "data_mix.fresh": None,
    "data_mix.fresh_share": 0.5,
}
"""Dotted keys that are newer than the first published runs, each with its neutral value: at this value a run computes
the same as before the key existed. A key with its neutral value is not hashed, so published runs keep their names."""

_RENAMED: Final = ((r"(?m)^(\s*_target_: )hairline\.", r"\1thinline."), (r"(?m)^  judges:", "  scorers:"))
"""Patterns of a config.yaml written before the package was called thinline, and their replacements."""

MOST_SEED: Final = 2**32 - 1

ACCELERATORS: Final = ("cpu", "gpu", "cuda", "mps", "auto")

RESERVED: Final = ("all", "ignore")
"""Not allowed as names of classes: in results `all` is all classes together, in a class map `ignore` is no class."""


@dataclass
class ResolutionConf:
    """The group `resolution`: the scale of the rendering."""

    name: str
    px_per_mm: float


@dataclass
class BudgetConf:
    """The group `budget`: how long a run trains, in optimiser steps, and on how much."""

    name: str
    steps: int
    validate_every: int
    batch_size: int
    tile_px: tuple[int, int]
    sheet_mm: tuple[float, float]
    counts: Counts


@dataclass
class PathsConf:
    """The run folders, and the cache of rendered sheets."""

    store: str
    cache: str


@dataclass
class TrackingConf:
    """MLflow; an empty `uri` is none. `system_metrics` adds the load of the machine to each run."""

    uri: str
    experiment: str
    system_metrics: bool = False


@dataclass
class Conf:
    """One run. The groups held as plain mappings are instantiated by their `_target_`, which checks its own keys.

    `tree` is the resolved configuration as plain values, from which the identity of the run is hashed.
    """

    loss: dict[str, Any]
    class_weight: dict[str, Any]
    head: dict[str, Any]
    data_mix: dict[str, Any]
    network: dict[str, Any]
    resolution: ResolutionConf
    optimiser: Schedule
    budget: BudgetConf
    trainer: Machine
    classes: list[str]
    mirrored: bool
    seed: int
    force: bool
    retry_failed: bool
    fresh_process: bool
    dry_run: bool
    study: dict[str, Any] | None
    overlays: int
    paths: PathsConf
    tracking: TrackingConf
    fail_fast: bool = True
    fold: int | None = None
    data_set: dict[str, Any] | None = None
    init_from: str | None = None
    pooling: str = "none"
    shares_of: str = "value"
    checkpoint: Checkpoints = field(default_factory=Checkpoints)
    metrics: dict[str, Any] = field(default_factory=dict)
    tree: dict[str, Any] = field(default_factory=dict, repr=False, compare=False, metadata={"omegaconf_ignore": True})


class ConfigError(ValueError):
    """A configuration that composes but cannot run."""


def checked(config: DictConfig) -> Conf:
    """The configuration as a typed `Conf`. Raises `ConfigError` naming the key, what it expects and what it got."""
    check_seed(config.get("seed"))
    try:
        conf = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Conf), config))
        tree = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(_sentence(error)) from error
    except ValueError as error:  # of a group that checks its own values
        raise ConfigError(str(error)) from error
    assert isinstance(conf, Conf)
    assert isinstance(tree, dict)
    conf.tree = {str(key): value for key, value in tree.items()}
    _check(conf)
    return conf


def _sentence(error: OmegaConfBaseException) -> str:
    """The key and the first line of an error, whose other lines name classes of this package."""
    first = str(error).partition("\n")[0]
    return f"`{error.full_key}`: {first}; see conf/ for every key and its meaning"


def check_seed(value: object) -> None:
    """Raise `ConfigError` unless `value` is a whole number of 32 bits, which the generators of torch and numpy take."""
    try:
        fits = not isinstance(value, bool | float) and 0 <= int(str(value)) <= MOST_SEED
    except ValueError:
        fits = False
    if not fits:
        got = "null" if value is None else value
        raise ConfigError(f"`seed` must be a whole number from 0 to {MOST_SEED}, got {got}; say seed=0")


def _check(conf: Conf) -> None:
    budget = conf.budget
    positive = {f"budget.{name}": getattr(budget, name) for name in ("steps", "validate_every", "batch_size")}
    positive["budget.tile_px"] = min(budget.tile_px)
    positive |= {"resolution.px_per_mm": conf.resolution.px_per_mm, "trainer.processes": conf.trainer.processes}
    positive["trainer.threads"] = conf.trainer.threads
    for key, value in positive.items():
        if value is not None and value <= 0:
            raise ConfigError(f"`{key}` must be above zero, got {value}")
    if conf.trainer.accelerator not in ACCELERATORS:
        raise ConfigError(
            f"`trainer.accelerator` must be one of {', '.join(ACCELERATORS)}, got {conf.trainer.accelerator!r}"
        )
    for name in ("scorers", "renderers"):
        if (processes := getattr(conf.trainer, name)) < 0:
            raise ConfigError(f"`trainer.{name}` must be 0 or more processes, got {processes}")
    if budget.steps % budget.validate_every:
        raise ConfigError(
            f"`budget.steps` must be a multiple of `budget.validate_every`, so that the last step is validated, got "
            f"{budget.steps} and {budget.validate_every}; the next multiple is "
            f"{-(-budget.steps // budget.validate_every) * budget.validate_every}"
        )
    if conf.fold is not None and conf.data_mix.get("name") != FOLDER:
        raise ConfigError(
            f"`fold` needs data_mix={FOLDER} and data_mix.split.folds, got fold={conf.fold}; leave it out"
        )
    try:
        if conf.data_set is not None:
            check_data_set(conf.data_set, conf.data_mix.get("name"))
        own_rows(conf.metrics)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    for key, known in KEY_LEVELS.items():
        if (level := getattr(conf, key)) not in known:
            raise ConfigError(f"`{key}` must be one of {', '.join(known)}, got {level!r}")
    if conf.init_from is not None and not conf.init_from.strip():
        raise ConfigError("`init_from` must be a run or a checkpoint, got an empty text; say init_from=null for none")
    if len(conf.classes) < 2 or len(set(conf.classes)) != len(conf.classes):
        raise ConfigError(f"`classes` must be two or more different names, background first, got {conf.classes}")
    odd = [name for name in conf.classes if "/" in name or name in RESERVED]
    if odd:
        raise ConfigError(f"`classes` must be names without '/' and other than {' or '.join(RESERVED)}, got {odd}")


def saved_config(path: Path) -> DictConfig | ListConfig:
    """The configuration in a run folder; names of older versions are replaced by those of today.

    Raises OSError, YAMLError or OmegaConf's errors for a file that cannot be read.
    """
    text = path.read_text(encoding="utf-8")
    for older, today in _RENAMED:
        text = re.sub(older, today, text)
    return OmegaConf.create(text)


def compose_config(overrides: Sequence[str]) -> DictConfig:
    """conf/config.yaml with `overrides`, without Hydra's own branch; for notebooks and tests.

    Raises Hydra's errors, which list the options of a group.
    """
    if GlobalHydra.instance().is_initialized():  # in a job of Hydra, conf/ is already its configuration folder
        return compose("config", overrides=list(overrides))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=list(overrides))
