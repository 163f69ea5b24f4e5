"""The progress of a training: a bar on a terminal, a line after every validation where the output is piped.

Conventions

- A bar is one line of the terminal, also with 80 columns: title, bar, steps, time left, loss, IoU of each curve. If the
  line is too short, the names of the curves are left out, then the last numbers; bar, steps and time left are always
  shown.
- The time left is that of the remaining steps, at the mean speed since the start, with validations. It does not include
  the test after the last step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column
from typing_extensions import override

WIDE: Final = 100
"""Columns of a terminal that has space for a long bar."""
_GAPS: Final = 4
_TIME_WIDTH: Final = len("0:00:00")


class ClassProgress(pl.Callback):
    """A bar with the loss and the IoU of every curve; without a terminal, one line after every validation.

    `title` names the run, for example `1/3 dice`; `clock` returns seconds.
    """

    def __init__(self, title: str, *, console: Console | None = None, clock: Callable[[], float] = time.monotonic):
        self.title = title
        self.console = console or Console(markup=False, highlight=False)
        self.clock = clock
        self.started = math.nan
        self.from_step = 0
        self.bar: Progress | None = None
        self.row = TaskID(0)

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.started, self.from_step = self.clock(), trainer.global_step
        if trainer.is_global_zero and self.console.is_terminal:
            whole = Column(no_wrap=True)
            self.bar = Progress(
                TextColumn("{task.description}", markup=False, table_column=whole),
                BarColumn(bar_width=_bar_width(self.console.width), table_column=whole),
                TextColumn("{task.completed}/{task.total}", table_column=whole),
                TextColumn("{task.fields[left]}", table_column=whole),
                TextColumn("{task.fields[scores]}", markup=False, table_column=whole),
                console=self.console,
            )
            self.bar.start()
            title = _cut(self.title, self.console.width // 4)
            self.row = self.bar.add_task(
                title, total=trainer.max_steps, completed=self.from_step, left="-:--:--", scores=""
            )

    @override
    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self.bar is not None:
            step, left = trainer.global_step, self._left(trainer)
            scores = _scores(pl_module, width=self._scores_width(trainer.max_steps))
            self.bar.update(self.row, completed=step, left=left, scores=scores)

    @override
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # a resumed run ends the epoch of its checkpoint again, before its first step, when there is no loss yet
        if trainer.is_global_zero and self.bar is None and not math.isnan(pl_module.latest_loss):  # type: ignore[arg-type]
            times = f"{_duration(self.clock() - self.started)} elapsed, {self._left(trainer)} left"
            line = f"{self.title}  step {trainer.global_step}/{trainer.max_steps}  {times}  {_scores(pl_module)}"
            self.console.print(line, soft_wrap=True)

    @override
    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._stop()

    @override
    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _left(self, trainer: pl.Trainer) -> str:
        """The time of the remaining steps, at the mean speed of this process."""
        done = trainer.global_step - self.from_step
        if done <= 0:
            return "-:--:--"
        return _duration((self.clock() - self.started) / done * (trainer.max_steps - trainer.global_step))

    def _scores_width(self, steps: int) -> int:
        """Columns that title, bar, steps and time leave for the scores."""
        width = self.console.width
        title = min(len(self.title), width // 4)
        return width - title - _bar_width(width) - len(f"{steps}/{steps}") - _TIME_WIDTH - _GAPS


def _bar_width(width: int) -> int:
    return 24 if width >= WIDE else 10


def _scores(task: Any, *, width: int | None = None) -> str:
    """The current loss and the IoU of each curve in the last validation, in at most `width` characters."""
    values = {name: task.numbers.get(f"val/iou/{name}") for name in task.classes[1:]}
    texts = {name: "-" if value is None else format(value, ".3f") for name, value in values.items()}
    loss = f"loss {task.latest_loss:.3f}"
    named = "  ".join([loss, *(f"IoU {name} {text}" for name, text in texts.items())])
    if width is None or len(named) <= width:
        return named
    return _cut(f"{loss}  IoU {' '.join(texts.values())}", width)


def _cut(text: str, width: int) -> str:
    """`text`, cut to at most `width` characters; a cut text ends with an ellipsis."""
    if len(text) <= width:
        return text
    return f"{text[: width - 1]}…" if width > 0 else ""


def _duration(seconds: float) -> str:
    """`0:01:05`."""
    return str(timedelta(seconds=round(seconds)))
