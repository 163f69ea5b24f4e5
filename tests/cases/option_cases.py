"""Options of conf/ for losses, composed all at once: Hydra takes as long for one as for all."""

from functools import cache
from typing import Any

from drawn_sheets import CLASSES
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig

from thinline.config.schema import CONF
from thinline.losses.objective import Objective

LEVELS = {
    group: sorted(path.stem for path in (CONF / group).glob("*.yaml")) for group in ("loss", "head", "class_weight")
}


@cache
def _composed() -> DictConfig:
    """`conf[group][level]` of every level."""
    every = [f"+{group}@{group}.{level}={level}" for group, levels in LEVELS.items() for level in levels]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(overrides=[f"+classes=[{','.join(CLASSES)}]", *every])


def keys(group: str, level: str) -> DictConfig:
    """The keys of a level."""
    node: DictConfig = _composed()[group][level]
    return node


@cache
def option(group: str, level: str) -> Any:
    """What a level builds; no loss, head or class weight has a state."""
    return instantiate(keys(group, level))


def objective_of(*, loss: str, head: str = "softmax", **how: Any) -> Objective:
    """The objective of two levels; `how` as for `Objective`."""
    return Objective(option("head", head), option("loss", loss), **how)
