"""How cost grows with the number of cells, of runs in MLflow, of sheets, and of rows of a scan.

    python tests/bench/bench_growth.py                  small sizes, as in `make bench`
    python tests/bench/bench_growth.py large            up to 10,000 runs, 10,000 sheets, 100,000 rows
    python tests/bench/bench_growth.py large status     one row of the table

Each measurement runs in a process of its own, so that its peak memory is its own. Seconds are those of the processor,
because other programs disturb the clock. The exponent is the slope of log(seconds) over log(size) without its constant
part: 1 is linear. Stores are synthetic (tests/cases/many_runs.py).
"""

from __future__ import annotations

import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "cases"))

TINY: Final = ("budget=smoke", "network.widths=[4,4,8]", "optimiser.warmup_steps=2", "tracking.uri=", "overlays=1")
LOSSES: Final = ("dice", "focal", "lovasz", "soft_ce", "tversky")
SMALL: Final = (20, 100, 300)
FEW_ROWS: Final = (1_000, 3_000, 9_000)
RUNS: Final = (10, 100, 1_000, 10_000)
Job = Callable[[], object]


def stored(folder: Path, size: int) -> Path:
    """A store with `size` finished runs, copies of one run that is trained once in `folder`."""
    from many_runs import copy_runs

    from thinline.runs import RunFolder

    copy_runs(RunFolder.open(next((folder / "one" / "runs").iterdir())), folder / "many", size, study="growth")
    return folder / "many"


def train_one(folder: Path) -> None:
    """Train the run that the stores have copies of."""
    from thinline.cli.network.train import train

    train([*TINY, *_paths(folder, "one")])


def _paths(folder: Path, store: str) -> list[str]:
    return [f"paths.store={folder / store}", f"paths.cache={folder / 'cache'}"]


def _sweep(folder: Path, size: int, *more: str) -> Job:
    """A sweep of `size` cells: five losses with as many seeds as that takes."""
    from thinline.cli.network.train import train

    jobs = ["-m", f"loss={','.join(LOSSES)}", f"seed=range({size // len(LOSSES)})"]
    return partial(train, [*jobs, *TINY, *_paths(folder, "planned"), *more])


def plan(folder: Path, size: int) -> Job:
    """`dry_run=true` of cells that are missing."""
    return _sweep(folder, size, "dry_run=true")


def skip(folder: Path, size: int) -> Job:
    """A sweep whose cells have all finished before, with the tables at its end."""
    from thinline.config.schema import FACTORS, checked, compose_config
    from thinline.pipeline.locate import locate
    from thinline.runs import RunFolder

    template = RunFolder.open(next((folder / "one" / "runs").iterdir()))
    record = json.loads(template.manifest_path.read_text())
    for loss in LOSSES:
        config = compose_config([f"loss={loss}", *TINY, *_paths(folder, "planned")])
        conf = checked(config)
        choices = {name: record["factors"][name].partition("(")[0] for name in FACTORS} | {"loss": loss}
        for seed in range(size // len(LOSSES)):
            own = locate(replace(conf, seed=seed, tree=conf.tree | {"seed": seed}), choices)
            shutil.copytree(template.path, own.folder.path)
            changed = {"seed": seed, "factors": own.factors, "config": conf.tree | {"seed": seed}}
            own.folder.manifest_path.write_text(json.dumps(record | changed))
    return _sweep(folder, size)


def status(folder: Path, size: int) -> Job:
    """`thinline status`."""
    from thinline.cli.main import main

    return partial(main, ["status", "--store", str(stored(folder, size))])


def read_runs(folder: Path, size: int) -> Job:
    """Every number of every run, as one table."""
    from thinline import runs

    return partial(runs.read_runs, stored(folder, size))


def gather(folder: Path, size: int) -> Job:
    """The results of a study from its runs: what `thinline study` reads."""
    from many_runs import WEIGHTS

    from thinline.study.design.study import Study
    from thinline.sweep.study_results import gather

    seeds = tuple(map(str, range(max(1, size // 20))))
    factors = {"loss": LOSSES, "class_weight": WEIGHTS}
    study = Study("growth", "How does it grow?", primary=("test/iou",), seeds=seeds, factors=factors)
    return partial(gather, study, stored(folder, size), partial=size < 20)


def tables(folder: Path, size: int) -> Job:
    """The tables at the end of a sweep."""
    from rich.console import Console

    from thinline import runs
    from thinline.sweep.tables import show

    store = stored(folder, size)
    order = sorted(path.name for path in (store / "runs").iterdir())
    return lambda: show(Console(), runs.read(store, runs=order), order=order, commands=[])


def mlflow(folder: Path, size: int) -> Job:
    """A sweep with one more run where the database has `size` runs."""
    from thinline.runs import RunFolder
    from thinline.tracking.tracker import Tracker

    template = RunFolder.open(next((folder / "one" / "runs").iterdir()))
    store = folder / "tracked"
    tracker = Tracker(f"sqlite:///{store}/mlflow.db", "thinline", store)
    tracker.initialise()
    first = _again(template, store, 0)
    tracker.start(first, name="first")
    tracker.finish("FINISHED")
    _multiply(store / "mlflow.db", first, size)

    def sweep() -> None:
        parent = tracker.open_parent("sweep", {})
        tracker.start(_again(template, store, 1), parent_id=parent, name="one more")
        tracker.finish("FINISHED")
        tracker.close_parent(parent, "FINISHED")

    return sweep


def replay(folder: Path, size: int) -> Job:
    """`thinline replay` of runs that MLflow already has."""
    from many_runs import copy_runs

    from thinline.runs import RunFolder
    from thinline.tracking.resend import replay
    from thinline.tracking.tracker import Tracker

    template = RunFolder.open(next((folder / "one" / "runs").iterdir()))
    store = folder / "tracked"
    tracker = Tracker(f"sqlite:///{store}/mlflow.db", "thinline", store)
    tracker.initialise()
    first = _again(template, store, 0)
    tracker.start(first, name="first")
    tracker.finish("FINISHED")
    first.unlock()
    copy_runs(first, store, size, study="growth")
    return partial(replay, store, tracker.uri)


def _again(template: Any, store: Path, seed: int) -> Any:
    """A finished run like `template` in `store`, locked by this process."""
    from thinline.runs import RunFolder

    own = RunFolder(store, "copy", f"{seed:010x}")
    shutil.copytree(template.path, own.path)
    record = json.loads(template.manifest_path.read_text())
    own.manifest_path.write_text(json.dumps(record | {"seed": seed, "mlflow": None}))
    assert own.try_lock()
    return own


def _multiply(database: Path, first: Any, size: int) -> None:
    """Copy the rows of the run `first` until the database has `size` runs."""
    run_id = first.begun().mlflow.run_id
    copies = [(f"{number:032x}",) for number in range(size - 1)]
    with closing(sqlite3.connect(database)) as connection:
        for table in ("runs", "metrics", "latest_metrics", "params", "tags"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            taken = ", ".join("?" if name == "run_uuid" else f'"{name}"' for name in names)
            text = f"INSERT INTO {table} SELECT {taken} FROM {table} WHERE run_uuid = '{run_id}'"
            connection.executemany(text, copies)
        connection.commit()


def sheets(folder: Path, size: int) -> Job:
    """Render sheets of 64 x 64 mm into the cache."""
    from thinline.data.cache import open_sheets
    from thinline.sheets import DRAWING_VERSION, render, sample

    specs = [sample("archive", seed) for seed in range(size)]
    draw = partial(render, px_per_mm=4.0)
    return partial(open_sheets, specs, px_per_mm=4.0, folder=folder / "s", render=draw, version=DRAWING_VERSION)


def rows(folder: Path, size: int) -> Job:
    """Digitise a scan of `size` rows with two curves, without the time of a network."""
    import cv2
    from scan_cases import job, sees

    image = np.full((size, 256), 255, np.uint8)
    for row, column in enumerate(np.round(60 + 30 * np.sin(np.arange(size) / 90)).astype(int)):
        image[row, column : column + 3] = 0
        image[row, column + 110 : column + 113] = 120
    cv2.imwrite(str(folder / "scan.png"), image)
    from thinline.digitise.job import digitise

    return lambda: digitise(job(folder / "scan.png", network=sees), folder / "out")


LARGE: Final[dict[str, tuple[Callable[[Path, int], Job], Sequence[int]]]] = {
    "plan": (plan, (10, 100, 1_000, 10_000)),
    "skip": (skip, (10, 100, 1_000)),
    "status": (status, RUNS),
    "read_runs": (read_runs, RUNS),
    "gather": (gather, (20, 100, 1_000, 10_000)),
    "tables": (tables, RUNS),
    "mlflow": (mlflow, RUNS),
    "replay": (replay, (10, 100, 1_000)),
    "sheets": (sheets, (100, 1_000, 10_000)),
    "rows": (rows, (1_000, 10_000, 100_000)),
}


def child(what: str, size: int, folder: Path) -> None:
    """Print seconds of the processor, MiB at the peak, and MiB on the disk of one measurement."""
    job = LARGE[what][0](folder, size)
    before = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    began = time.process_time()
    with (folder / "printed").open("w") as file, redirect_stdout(file), redirect_stderr(file):
        job()
    seconds = time.process_time() - began
    after = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("\n", seconds, peak, (after - before) / 2**20)


def measured(what: str, sizes: Sequence[int], one: Path) -> list[tuple[float, float, float]]:
    """Seconds, MiB at the peak and MiB on the disk for each size."""
    numbers = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(one, Path(folder) / "one")
            command = [sys.executable, __file__, "--child", what, str(size), folder]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            seconds, peak, disk = (float(number) for number in printed[-3:])
        numbers.append((seconds, peak, disk))
    return numbers


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Slope of log(seconds - constant) over log(size); the constant is that of a line through the first two sizes.

    0 if the largest size takes less than 1.5 times as long as the smallest.
    """
    if seconds[-1] < 1.5 * seconds[0]:
        return 0.0
    slope = (seconds[1] - seconds[0]) / (sizes[1] - sizes[0])
    constant = min(max(0.0, seconds[0] - slope * sizes[0]), 0.99 * min(seconds))
    own = np.maximum(np.array(seconds) - constant, 1e-4)
    return float(np.polyfit(np.log(sizes), np.log(own), 1)[0])


def table(sizes: str, names: Sequence[str]) -> Iterator[tuple[str, float, str]]:
    """(what, exponent, comment) of each row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "--one", folder], check=True, capture_output=True)
        for name in names or LARGE:
            own = LARGE[name][1] if sizes == "large" else FEW_ROWS if name == "rows" else SMALL
            numbers = measured(name, own, Path(folder) / "one")
            each = [
                f"{size:,}: {taken:.2f} s, {peak:.0f} MiB" for size, (taken, peak, _) in zip(own, numbers, strict=True)
            ]
            growth = exponent(own, [taken for taken, _, _ in numbers])
            yield f"{name}, exponent", growth, f"{'; '.join(each)}; {numbers[-1][2]:.0f} MiB written"


def main() -> list[tuple[str, float, str]]:
    """The table with small sizes, for `make bench`."""
    return list(table("small", []))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--child"]:
        child(arguments[1], int(arguments[2]), Path(arguments[3]))
    elif arguments[:1] == ["--one"]:
        train_one(Path(arguments[1]))
    else:
        for what, growth, comment in table(arguments[0] if arguments else "small", arguments[1:]):
            print(f"{growth:6.2f}  {what:<22}  {comment}", flush=True)
