"""`manifest.json`: what a run is, where it came from, and how it ended.

Conventions

- Times are UTC, ISO 8601. `started` is the first start; a resumed run keeps it and counts `attempts` up.
- `status` is RUNNING, FINISHED, FAILED or KILLED. FINISHED is written last, after every result, so a manifest that
  says so stands beside complete results. RUNNING with a free lock means that the process died without a word.
- `mlflow.pending` is true while MLflow may lack something that the run folder has.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final

from thinline.system.atomic_files import StorageError

RUNNING: Final = "RUNNING"
FINISHED: Final = "FINISHED"
FAILED: Final = "FAILED"
KILLED: Final = "KILLED"
STATUSES: Final = (RUNNING, FINISHED, FAILED, KILLED)
_TAIL_LINES = 30


@dataclass(frozen=True)
class Cell:
    """What a run trains: the levels of its factors, its seed, the resolved configuration and the digest of its data."""

    factors: Mapping[str, str]
    seed: int
    config: Mapping[str, object]
    dataset_digest: str
    signatures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Origin:
    """Which code made a run, on how many CPU threads: sums over more threads round otherwise, so counts may differ."""

    git_commit: str | None
    git_dirty: bool | None
    versions: Mapping[str, str]
    threads: int | None = None


@dataclass(frozen=True)
class Tracking:
    """Where the run stands in MLflow, and all that is needed to put it there later."""

    uri: str
    experiment: str
    name: str
    run_id: str | None = None
    parent_id: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    pending: bool = True


@dataclass(frozen=True)
class Failure:
    """Why a run ended early."""

    type: str
    message: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Type, message and the last lines of the traceback, where the cause usually stands."""
        lines = "".join(traceback.format_exception(error)).splitlines()
        return cls(type(error).__name__, str(error), "\n".join(lines[-_TAIL_LINES:]))


@dataclass(frozen=True)
class Manifest:
    """The content of manifest.json."""

    status: str
    cell: Cell
    origin: Origin
    started: str
    finished: str | None = None
    attempts: int = 1
    studies: tuple[str, ...] = ()
    exception: Failure | None = None
    mlflow: Tracking | None = None
    superseded: tuple[str, ...] = ()
    """MLflow runs of this cell that a forced run replaced."""

    def to_json(self) -> str:
        """The text of the file. The cell's fields stand at the top level: they are what people look for."""
        told = asdict(self)
        flat = told.pop("cell") | told.pop("origin")
        return json.dumps({"status": told.pop("status")} | flat | told, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> Manifest:
        """Read the file; `where` names it in the error."""
        try:
            told: dict[str, Any] = json.loads(text)
            own = {name: told[name] for name in _names(cls) if name in told}
            own["cell"], own["origin"] = _pick(Cell, told), _pick(Origin, told)
            own["mlflow"] = _pick(Tracking, told["mlflow"]) if told.get("mlflow") else None
            own["exception"] = _pick(Failure, told["exception"]) if told.get("exception") else None
            for name in ("studies", "superseded"):
                own[name] = tuple(told.get(name, ()))
            if told["status"] not in STATUSES:
                raise ValueError(f"status {told['status']!r} is none of {', '.join(STATUSES)}")
            return cls(**own)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(
                f"{where}: expected the manifest of a run as JSON, got {type(error).__name__}: {error}. Runs are "
                "written in one step, so something else changed this file: restore it, or delete the run folder and "
                "run the cell again"
            ) from error


def now() -> str:
    """The time as it stands in manifests."""
    return datetime.now(UTC).isoformat("T", "seconds")


def _names(cls: type) -> list[str]:
    return [it.name for it in fields(cls)]


def _pick(cls: type, told: Mapping[str, Any]) -> Any:
    values = {name: told[name] for name in _names(cls) if name in told}
    return cls(**{name: tuple(value) if name == "signatures" else value for name, value in values.items()})
