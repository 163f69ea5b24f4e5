"""The schema of conf/: what a composed configuration must hold, which of it names a cell, and one door to an objective.

Reading a configuration needs no torch: `python train.py --help` and the study commands stay quick.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate
from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

if TYPE_CHECKING:
    from torch import nn

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_CHECKOUT: Final = _PACKAGE.parents[1]
CONF: Final = next((folder for folder in (_CHECKOUT / "conf", _PACKAGE / "conf") if folder.is_dir()), _PACKAGE / "conf")
"""The folder of configuration groups: beside `src/` in a checkout, inside the package when installed from a wheel."""

FACTORS: Final = ("loss", "head", "class_weight", "data_mix", "resolution", "network", "budget", "optimiser")
"""Groups whose level names a cell, in the order of a run's name. `seed` follows them."""

NOT_IDENTITY: Final = (
    "paths",
    "tracking",
    "force",
    "retry_failed",
    "fresh_process",
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
    *(f"data_mix.{key}" for key in ("root", "images", "masks", "curves", "split.file")),
)
"""Where and how fast a run happens, not what it computes. A folder counts by its content, not by its path or names."""


_RENAMED: Final = ((r"(?m)^(\s*_target_: )hairline\.", r"\1thinline."), (r"(?m)^  judges:", "  scorers:"))
"""Patterns of config.yaml from before the package was called thinline, and what stands there today."""

MOST_SEED: Final = 2**32 - 1

ACCELERATORS: Final = ("cpu", "gpu", "cuda", "mps", "auto")

RESERVED: Final = ("all", "ignore")
"""No names of classes: `all` stands in results for all classes together, `ignore` in a class map for no class."""


@dataclass
class ResolutionConf:
    """`px_per_mm` of the rendering."""

    name: str = MISSING
    px_per_mm: float = MISSING


@dataclass
class OptimiserConf:
    """Which optimiser, warm-up and cosine."""

    name: str = MISSING
    learning_rate: float = MISSING
    weight_decay: float = MISSING
    betas: tuple[float, float] = MISSING
    warmup_steps: int = MISSING
    clip_norm: float = MISSING
    momentum: float | None = MISSING


@dataclass
class CountsConf:
    """Sheets of each split; `archive` of the training sheets are from the archive."""

    archive: int = MISSING
    train: int = MISSING
    val: int = MISSING
    test: int = MISSING


@dataclass
class BudgetConf:
    """How long and on how much; in optimiser steps."""

    name: str = MISSING
    steps: int = MISSING
    validate_every: int = MISSING
    batch_size: int = MISSING
    tile_px: tuple[int, int] = MISSING
    sheet_mm: tuple[float, float] = MISSING
    counts: CountsConf = MISSING


@dataclass
class TrainerConf:
    """The machine."""

    accelerator: str = MISSING
    processes: int = MISSING
    precision: str = MISSING
    channels_last: bool = MISSING
    compile: bool = MISSING
    threads: int | None = MISSING
    scorers: int = MISSING
    renderers: int = 0


@dataclass
class PathsConf:
    """Where things lie."""

    store: str = MISSING
    cache: str = MISSING


@dataclass
class TrackingConf:
    """Which MLflow; an empty `uri` is none."""

    uri: str = MISSING
    experiment: str = MISSING


@dataclass
class Conf:
    """One run. The groups held as plain mappings are instantiated by their `_target_`, which checks its own keys."""

    loss: dict[str, Any] = MISSING
    class_weight: dict[str, Any] = MISSING
    head: dict[str, Any] = MISSING
    data_mix: dict[str, Any] = MISSING
    network: dict[str, Any] = MISSING
    resolution: ResolutionConf = MISSING
    optimiser: OptimiserConf = MISSING
    budget: BudgetConf = MISSING
    trainer: TrainerConf = MISSING
    classes: list[str] = MISSING
    mirrored: bool = MISSING
    seed: int = MISSING
    force: bool = MISSING
    retry_failed: bool = MISSING
    fresh_process: bool = MISSING
    dry_run: bool = MISSING
    study: dict[str, Any] | None = MISSING
    overlays: int = MISSING
    paths: PathsConf = MISSING
    tracking: TrackingConf = MISSING


class ConfigError(ValueError):
    """A configuration that composes but cannot be run."""


def checked(config: DictConfig) -> Conf:
    """The configuration as a typed `Conf`. Raises `ConfigError` naming the key, what it expects and what it got."""
    check_seed(config.get("seed"))
    try:
        merged = OmegaConf.merge(OmegaConf.structured(Conf), config)
        conf = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(f"configuration: {error}; see conf/ for every key and its meaning") from error
    assert isinstance(conf, Conf)
    _check(conf)
    return conf


def check_seed(value: object) -> None:
    """Refuse what is no seed: the streams of torch and numpy take a whole number of 32 bits all alike."""
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
    if len(conf.classes) < 2 or len(set(conf.classes)) != len(conf.classes):
        raise ConfigError(f"`classes` must be two or more different names, background first, got {conf.classes}")
    odd = [name for name in conf.classes if "/" in name or name in RESERVED]
    if odd:
        raise ConfigError(f"`classes` must be names without '/' and other than {' or '.join(RESERVED)}, got {odd}")


def saved_config(path: Path) -> DictConfig | ListConfig:
    """The configuration of a run from its folder, with the names of today where it was written under older ones.

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
    if GlobalHydra.instance().is_initialized():  # inside a job of Hydra, which knows conf/
        return compose("config", overrides=list(overrides))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def build_objective(overrides: list[str], *, weight: list[float] | None, prior: list[float] | None = None) -> nn.Module:
    """The objective of a configuration as a module: `(logits [B,c,H,W], labels [B,H,W], strokes [B,K,H,W]) -> scalar`.

    `overrides` are those of the command line, as `["loss=tversky", "head=softmax", "loss.fp_weight=0.3"]`. `weight [C]`
    is one number for each class, background first, or None; `class_weight.scale` of the configuration applies. `prior
    [C]` is the share of each class in the pixels to train on, which `class_weight=logit_adjustment` needs and no other
    level takes. The scalar has the dtype of the logits, float32 at least. Raises Hydra's errors for unknown options,
    ValueError for a weight of the wrong length, below zero or NaN, for one that this loss and head cannot use, and for
    a prior that is missing or that nothing would use.
    """
    return objective_of(compose_config(overrides), weight, prior=prior)


def objective_of(
    config: DictConfig, weight: Sequence[float] | None, *, head: Any = None, prior: Sequence[float] | None = None
) -> nn.Module:
    """As `build_objective`, from a composed configuration; `head` is used where one was built already."""
    # torch takes seconds, and reading conf/ needs none of it
    from thinline.losses.objective import Objective

    head, loss = head or instantiate(config.head), instantiate(config.loss)
    tau = config.class_weight.get("tau")
    if (tau is None) != (prior is None):
        raise ValueError(
            f"`prior` must be given with class_weight=logit_adjustment and with no other level, got {prior} for "
            f"{config.class_weight._target_} with loss={loss.name} and head={head.name}; it is the share of each class "
            "in the pixels to train on, background first, as [0.97, 0.02, 0.01]"
        )
    scale = config.class_weight.get("scale", "kept")
    return Objective(head, loss, weight=weight, scale=scale, prior=prior, tau=1.0 if tau is None else tau)
