"""The configuration of `trainer`, `optimiser` and `checkpoint`; importing it imports neither torch nor Lightning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from thinline.metrics.catalogue import RATES, metric

OPTIMISERS: Final = ("adamw", "muon")
LAST: Final = "last.ckpt"
BEST: Final = "best.ckpt"
"""Names of the checkpoints in the folder `checkpoints` of a run."""
MONITORED: Final = tuple(name for name in RATES if metric(name).better == "up")
"""Metrics of a validation for which a larger value is better."""


@dataclass
class Machine:
    """The group `trainer`: where a run computes.

    Of these keys only `precision` changes the results; `threads` changes their rounding. `scorers` and `renderers` are
    numbers of additional processes.
    """

    accelerator: str
    processes: int
    precision: str
    channels_last: bool
    compile: bool
    threads: int | None = None
    scorers: int = 0
    renderers: int = 0


@dataclass
class Schedule:
    """The group `optimiser`: its name, and the schedule: linear warm-up, then cosine decay to 0 at the last step.

    `betas` are those of AdamW; with Muon, those of NAdamW for biases and norms. `momentum` is that of Muon for kernels,
    and None for AdamW. Raises ValueError for an unknown `name`, and for a momentum that is missing, unused or outside
    [0, 1).
    """

    name: str
    learning_rate: float
    weight_decay: float
    betas: tuple[float, float]
    warmup_steps: int
    clip_norm: float
    momentum: float | None = None

    def __post_init__(self) -> None:
        if self.name not in OPTIMISERS:
            raise ValueError(f"`optimiser.name` must be one of {', '.join(OPTIMISERS)}, got {self.name!r}")
        if (self.name == "muon") != (self.momentum is not None):
            raise ValueError(
                f"`optimiser.momentum` must be a number for muon and null for every other, got {self.momentum} for "
                f"{self.name}; of adamw, set betas"
            )
        if self.momentum is not None and not 0 <= self.momentum < 1:
            raise ValueError(
                f"`optimiser.momentum` must lie in 0..1 without 1, got {self.momentum}; 0.8 is the default"
            )

    def factor(self, step: int, *, steps: int) -> float:
        """Factor of the learning rate at optimiser step `step` of `steps`, counted from 0."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


@dataclass
class Checkpoints:
    """The branch `checkpoint`: the checkpoint that is kept in addition to the last one, and the end of the training.

    `monitor` is a metric of validation and a class, for example `val/f1/curve_1`; the checkpoint with the largest value
    is kept. The training ends after `patience` validations in a row without a larger value. `test` names the checkpoint
    that is tested, `last` or `best`. Raises ValueError for an unknown metric, and if another key needs `monitor`.
    """

    monitor: str | None = None
    patience: int | None = None
    test: str = "last"

    def __post_init__(self) -> None:
        if self.test not in ("last", "best"):
            raise ValueError(f"`checkpoint.test` must be last or best, got {self.test!r}")
        if self.monitor is None and (self.test == "best" or self.patience is not None):
            key = "test=best" if self.test == "best" else f"patience={self.patience}"
            raise ValueError(
                f"`checkpoint.{key}` needs a metric of validation, got checkpoint.monitor=null; say "
                "checkpoint.monitor=val/f1/CLASS"
            )
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"`checkpoint.patience` must be 1 or more validations, got {self.patience}")
        parts = (self.monitor or "val/f1/class").split("/", 2)
        if len(parts) < 3 or parts[0] != "val" or parts[1] not in MONITORED or not parts[2]:
            raise ValueError(
                f"`checkpoint.monitor` must be val/METRIC/CLASS with METRIC one of {', '.join(MONITORED)}, got "
                f"{self.monitor}; as val/f1/curve_1"
            )

    def check(self, classes: Sequence[str]) -> None:
        """Raise ValueError if `monitor` names none of the `classes` of the head."""
        name = "" if self.monitor is None else self.monitor.split("/", 2)[2]
        if name and name not in classes:
            raise ValueError(
                f"`checkpoint.monitor` must name a class of this head, {' or '.join(classes)}, got {self.monitor}"
            )
