"""A study of small cells: cells per hour, and the pause between two cells.

The smoke budget in one process, against the same cells each in a process of its own: what a plain loop over
`python train.py` would cost. The pause runs from the end of one cell (results and MLflow written) to the first step of
the next.
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

from thinline.config.schema import FACTORS, checked, compose_config
from thinline.pipeline.cell import Sinks, run_cell
from thinline.tracking.tracker import Tracker
from thinline.training.task import SegmentationTask

CELLS = 8
APART = 2
PAUSE_S = 1.5
MANY_SHEETS = ["budget.counts.archive=64", "budget.counts.train=2048", "budget.sheet_mm=[64,64]"]


def main() -> list[tuple[str, float, str]]:
    """Cells per hour against processes of their own, and the longest pause wanted over those measured."""
    with tempfile.TemporaryDirectory() as folder:
        with redirect_stdout(io.StringIO()):
            together, pauses = _together(Path(folder) / "one", CELLS, [])
            _, wide = _together(Path(folder) / "wide", 3, MANY_SHEETS)
        apart = [_apart(Path(folder) / "many", seed) for seed in range(APART)]
    each, pause = statistics.median(together), statistics.median(pauses)
    alone = statistics.median(apart)
    hour = f"{3600 / each:,.0f} cells an hour in one process, {3600 / alone:,.0f} in processes of their own"
    return [
        ("cells in one process / a process each", alone / each, hour),
        (f"{PAUSE_S} s / pause between two cells", PAUSE_S / pause, f"{pause:.2f} s, at most {PAUSE_S} wanted"),
        (
            f"{PAUSE_S} s / the same, sheets of the laptop",
            PAUSE_S / statistics.median(wide),
            f"{statistics.median(wide):.2f} s",
        ),
    ]


def _given(store: Path, seed: int) -> list[str]:
    return [
        "budget=smoke",
        f"seed={seed // 4}",
        f"loss={('dice', 'focal', 'tversky', 'soft_ce')[seed % 4]}",
        f"paths.store={store}",
    ]


def _together(store: Path, cells: int, changes: list[str]) -> tuple[list[float], list[float]]:
    """Seconds of each cell but the first, which waits for imports and compiled kernels, and of each pause."""
    first_steps: list[float] = []
    step = SegmentationTask.training_step

    def noted(self, batch, batch_idx):
        first_steps.append(time.perf_counter())
        return step(self, batch, batch_idx)

    SegmentationTask.training_step = noted
    seconds, pauses = [], []
    try:
        ended = time.perf_counter()
        for seed in range(cells + 1):
            first_steps.clear()
            conf = checked(compose_config([*_given(store, seed), *changes]))
            tracker = Tracker(conf.tracking.uri, conf.tracking.experiment, store)
            if seed == 0:
                tracker.initialise()
            run_cell(conf, dict.fromkeys(FACTORS, "bench"), Sinks(tracker=tracker))
            now = time.perf_counter()
            if seed > 0:
                seconds.append(now - ended)
                pauses.append(first_steps[0] - ended)
            ended = now
    finally:
        SegmentationTask.training_step = step
    return seconds, pauses


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


if __name__ == "__main__":
    for name, ratio, comment in main():
        print(f"{name:<40}{ratio:7.2f}  {comment}")
