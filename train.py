"""Train one cell, or sweep many.

python train.py                                   one run
python train.py loss=tversky head=sigmoid_stack   one run, two choices changed
python train.py -m loss=dice,tversky,focal        a sweep: three runs under one parent in MLflow
python train.py --help                            every group and option
"""

from __future__ import annotations

import sys

from thinline.system.entry import program


def main() -> None:
    """Compose the configuration of the command line and run its jobs."""
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


if __name__ == "__main__":
    with program():
        main()
