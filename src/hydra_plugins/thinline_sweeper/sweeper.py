"""Hydra's basic sweeper, extended to expand studies and to stop after printing the plan.

Hydra executes this file before it is a module, so its annotations are evaluated immediately.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override


@dataclass
class SweeperConf:
    """No options: a study is a file of conf/experiment."""

    _target_: str = "hydra_plugins.thinline_sweeper.sweeper.ThinlineSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="thinline", node=SweeperConf, provider="thinline")


class ThinlineSweeper(BasicSweeper):
    """The cells of a study, one batch a seed; without a study the product of the swept overrides."""

    def __init__(self) -> None:
        super().__init__(max_batch_size=None)

    def split_arguments(  # type: ignore[override]  # a static method in the basic sweeper, which calls it on itself
        self, overrides: list[Override], max_batch_size: int | None
    ) -> list[list[list[str]]]:
        """The overrides of each job, in batches."""
        from thinline.sweep.jobs import batches_of, study_of

        assert self.config is not None
        return batches_of(study_of(self.config), overrides)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Nothing: `Sweep` of thinline.sweep.callback composed the jobs before it opened the parent run."""

    def sweep(self, arguments: Sequence[str]) -> Any:
        """Launch the jobs, or print the plan with `dry_run=true`."""
        assert self.config is not None
        from thinline.sweep.callback import explained, stopped_as_one

        if not self.config.dry_run:
            ended: Any = []  # stays empty where the sweep stops after a failure that every job would share
            with stopped_as_one(self.config):
                ended = super().sweep(list(arguments))
            return ended
        from thinline.sweep.dry_run import show_plan

        assert self.hydra_context is not None
        with explained():
            return show_plan(self.config, list(arguments), self.hydra_context.config_loader)
