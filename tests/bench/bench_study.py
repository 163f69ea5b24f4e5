"""A study of small cells: cells per hour, and the pause between two cells.

The smoke budget in one process, against the same cells each in a process of its own: what a plain loop over
`python train.py` would cost. The pause runs from the end of one cell (results and MLflow written) to the first step of
the next.
"""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

from rows import Row, compared, limited
from turns import Turn, compare_pairs, comparison_of

from thinline.config.schema import FACTORS, checked, compose_config
from thinline.pipeline.cell import Sinks, run_cell
from thinline.tracking.tracker import Tracker
from thinline.training.task import SegmentationTask

WIDE = 6
BUDGET_S = 100  # a process takes some twelve seconds
PAUSE_S = 1.5
MANY_SHEETS = ["budget.counts.archive=64", "budget.counts.train=2048", "budget.sheet_mm=[64,64]"]


def main() -> Iterator[Row]:
    """Rows: the time of a process for each cell over that of one for all; the pause wanted over those measured."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        one = Cells(root / "one", [])
        seeds = itertools.count()

        def pair(ours_first: bool) -> tuple[Turn, Turn]:
            seed = next(seeds)
            if ours_first:
                return Turn(one.next_cell()), Turn(_apart(root / "many", seed))
            peer = Turn(_apart(root / "many", seed))
            return Turn(one.next_cell()), peer

        comparison = compare_pairs(pair, budget_s=BUDGET_S)
        together, apart = (3600 / seconds for seconds in comparison.seconds)
        hour = f"{together:,.0f} cells an hour in one process, {apart:,.0f} in processes of their own"
        yield compared("cells in one process / a process each", comparison, hour)
        yield _pauses(f"{PAUSE_S} s / pause between two cells", one, comparison.took_s)
        wide = Cells(root / "wide", MANY_SHEETS)
        began = time.perf_counter()
        for _ in range(WIDE):
            wide.next_cell()
        yield _pauses(f"{PAUSE_S} s / the same, sheets of the laptop", wide, time.perf_counter() - began)


def _pauses(name: str, cells: Cells, took_s: float) -> Row:
    comparison = comparison_of([(Turn(pause), Turn(PAUSE_S)) for pause in cells.pauses], took_s)
    return limited(name, comparison, f"{comparison.seconds[0]:.2f} s, at most {PAUSE_S} wanted")


class Cells:
    """Cells that run one after the other in this process.

    The first, which waits for imports and compiled kernels, runs when the object is made and does not count. `pauses`
    are seconds from the start of a cell to its first step.
    """

    def __init__(self, store: Path, changes: list[str]) -> None:
        self.pauses: list[float] = []
        self._store, self._changes = store, changes
        self._seeds = itertools.count()
        conf = checked(compose_config(_given(store, 0)))
        self._tracker = Tracker(conf.tracking.uri, conf.tracking.experiment, store)
        self._tracker.initialise()
        self.next_cell()
        self.pauses.clear()

    def next_cell(self) -> float:
        """Seconds of the next cell."""
        first_steps: list[float] = []
        step = SegmentationTask.training_step

        def noted(task, batch, batch_idx):
            first_steps.append(time.perf_counter())
            return step(task, batch, batch_idx)

        SegmentationTask.training_step = noted
        began = time.perf_counter()
        try:
            with redirect_stdout(io.StringIO()):
                conf = checked(compose_config([*_given(self._store, next(self._seeds)), *self._changes]))
                run_cell(conf, dict.fromkeys(FACTORS, "bench"), Sinks(tracker=self._tracker))
        finally:
            SegmentationTask.training_step = step
        self.pauses.append(first_steps[0] - began)
        return time.perf_counter() - began


def _given(store: Path, seed: int) -> list[str]:
    return [
        "budget=smoke",
        f"seed={seed // 4}",
        f"loss={('dice', 'focal', 'tversky', 'soft_ce')[seed % 4]}",
        f"paths.store={store}",
    ]


def _apart(store: Path, seed: int) -> float:
    began = time.perf_counter()
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, str(root / "train.py"), *_given(store, seed)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=root,
        env=dict(os.environ),
    )
    return time.perf_counter() - began
