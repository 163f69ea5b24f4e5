"""Train one cell, or sweep many; the arguments are those of train.py, and Hydra parses them.

    thinline train                                   one run
    thinline train loss=tversky head=sigmoid_stack   one run, two choices changed
    thinline train -m loss=dice,tversky,focal        a sweep: three runs under one parent in MLflow
    thinline train --help                            every group and option

The groups and options are those of conf/ beside a checkout, or of the installed package. Runs are written to mlruns/ in
the current folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PROGRAM: Final = Path(__file__)
"""The running program in the eyes of Hydra, which takes the name of a job from it."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command. Only for the list of commands: `train` parses none of its arguments itself."""
    parser.usage = "thinline train [-m] [GROUP=OPTION ...] [KEY=VALUE ...]"


def train(arguments: Sequence[str]) -> int:
    """Train with the `arguments` of the command line; returns the exit code. A failed run ends in SystemExit."""
    before, sys.argv = sys.argv, [str(PROGRAM), *arguments]
    try:
        main()
    finally:
        sys.argv = before
    return 0


def main() -> None:
    """Compose the configuration of the command line (`sys.argv`) and run its jobs."""
    import hydra  # imported within `program`, which handles signals during slow imports
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import DictConfig

    from thinline.config.schema import CONF
    from thinline.config.typos import refuse_typos

    refuse_typos(sys.argv[1:])

    @hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")
    def train(config: DictConfig) -> None:
        """One job."""
        from thinline.sweep.job import run_job

        run_job(config, HydraConfig.get())

    train()
