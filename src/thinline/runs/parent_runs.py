"""Records of sweeps, from which their parent runs in MLflow can be created and closed later.

Conventions

- A *cell* of a sweep is one of its runs. A *condition* is one configuration with all its seeds.
- `mlruns/sweeps/<id>.json` has name, tags, status and failures of the sweep, the id of the parent run in MLflow, and
  the saved views that compare the cells in MLflow (`views.py`). `<id>` is the MLflow id of the parent run, or
  `pending-<16 hex>` while the parent run is not in MLflow. The cells have `<id>` as their `parent_id`.
- When the sweep ends, the run folders of all its cells (with skipped ones) and its conditions are added to the record.
- The process of the sweep holds `<id>.lock`. RUNNING with a free lock means that the process was killed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from thinline.runs.manifest import RUNNING
from thinline.system.atomic_files import StorageError, make_folder, write_bytes
from thinline.system.file_lock import FileLock

SWEEPS = "sweeps"
_open: dict[Path, FileLock] = {}


@dataclass(frozen=True)
class Condition:
    """One configuration with all `seeds` of a sweep, and the `params` that its runs share.

    `estimates` has (mean, standard deviation, low and high end of the 95 % interval over seeds) for each metric, for
    example `test/iou/curve_1`. With one seed it has the mean only.
    """

    name: str
    params: Mapping[str, str]
    seeds: tuple[int, ...]
    estimates: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Sweep:
    """The record of a sweep and of its parent run. `measures` are compared in MLflow, for example `test/f1`."""

    sweep_id: str
    uri: str
    experiment: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    status: str = RUNNING
    failures: tuple[str, ...] = ()
    run_id: str | None = None
    pending: bool = True
    views: Mapping[str, str] = field(default_factory=dict)
    measures: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


def pending_id() -> str:
    """A new id for a sweep without MLflow id. It comes from the system's random source, so that no seed repeats it."""
    return f"pending-{secrets.token_hex(8)}"


def write(root: Path, sweep: Sweep) -> None:
    """Write the record of `sweep`."""
    make_folder(Path(root) / SWEEPS)
    write_bytes(_path(root, sweep.sweep_id), (json.dumps(asdict(sweep), indent=2) + "\n").encode())


def read(root: Path, sweep_id: str) -> Sweep | None:
    """The record of one sweep, or None."""
    path = _path(root, sweep_id)
    try:
        record = json.loads(path.read_text())
        several = {name: tuple(record.get(name, ())) for name in ("failures", "measures", "cells")}
        conditions = tuple(_condition(each) for each in record.get("conditions", ()))
        return Sweep(**record | several | {"conditions": conditions})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise StorageError(
            f"{path}: expected the record of a sweep as JSON, got {type(error).__name__}: {error}. Restore the file or "
            "delete it; the runs of the sweep do not depend on it"
        ) from error


def read_all(root: Path) -> list[Sweep]:
    """All records under `root`."""
    sweeps = (read(root, path.stem) for path in sorted((Path(root) / SWEEPS).glob("*.json")))
    return [sweep for sweep in sweeps if sweep is not None]


def hold(root: Path, sweep_id: str) -> None:
    """Lock the sweep for this process, until `let_go` or the end of the process."""
    lock = lock_of(root, sweep_id)
    lock.acquire(wait_s=0.0)
    _open[lock.path] = lock


def let_go(root: Path, sweep_id: str) -> None:
    """Release the lock of the sweep, if this process holds it."""
    lock = _open.pop(lock_of(root, sweep_id).path, None)
    if lock is not None:
        lock.release()


def lock_of(root: Path, sweep_id: str) -> FileLock:
    """The lock that the process of the sweep holds."""
    make_folder(Path(root) / SWEEPS)
    return FileLock((Path(root) / SWEEPS / f"{sweep_id}.lock").absolute())


def _condition(record: Mapping[str, Any]) -> Condition:
    estimates = {name: tuple(values) for name, values in record["estimates"].items()}
    return Condition(record["name"], record["params"], tuple(record["seeds"]), estimates)


def _path(root: Path, sweep_id: str) -> Path:
    return Path(root) / SWEEPS / f"{sweep_id}.json"
