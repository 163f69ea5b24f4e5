"""Composed configurations, each composed once: Hydra needs a fifth of a second for one."""

from functools import cache
from itertools import zip_longest
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


OPTION_ROWS: Final = [
    tuple(f"{group}={option}" for group, option in zip((*FACTORS, "trainer"), row, strict=True) if option)
    for row in zip_longest(*(options(group) for group in (*FACTORS, "trainer")))
]
"""Overrides that have every option of every factor, and of the trainer, once: one of each group in a row."""
