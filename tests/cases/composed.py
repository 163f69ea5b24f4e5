"""Composed configurations, each composed once: Hydra needs a fifth of a second for one."""

from functools import cache
from typing import Final

from omegaconf import DictConfig

from thinline.config.schema import CONF, FACTORS, compose_config


@cache
def composed(*overrides: str) -> DictConfig:
    """The configuration with `overrides`, for reading only."""
    return compose_config(overrides)


def options(group: str) -> list[str]:
    """The options of a group of conf/."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


_MOST = max(len(options(group)) for group in FACTORS)
OPTION_ROWS: Final = [
    tuple(f"{group}={options(group)[row % len(options(group))]}" for group in FACTORS) for row in range(_MOST)
]
"""Overrides that have every option of every factor at least once: one of each factor in a row."""
