"""`manifest.json`: factor levels, configuration, code version, status and MLflow run of a run.

Conventions

- Times are UTC, ISO 8601. `started` is the first start. A resumed run keeps this time, and its `attempts` grow by one.
- `status` is RUNNING, FINISHED, FAILED or KILLED. FINISHED is written after every result, so it implies complete
  results. RUNNING with a free lock means that the process was killed.
- `mlflow.pending` is true while MLflow may lack data of the run folder.
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
    """The computation of a run, which is a *cell* of a study: levels of the factors, seed, configuration, data digest.

    `signatures` are those of the metrics. `datasets` describe the images of each split (pipeline/data_summary.py); runs
    of older versions have none.
    """

    factors: Mapping[str, str]
    seed: int
    config: Mapping[str, object]
    dataset_digest: str
    signatures: tuple[str, ...] = ()
    datasets: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Origin:
    """The code of a run and its number of CPU threads, which changes how sums are rounded, and so may change results.

    `own_code` has the digest of each module of the user (own_code.py). `init_from` names the run whose weights the
    network began with, and a digest of the checkpoint.
    """

    git_commit: str | None
    git_dirty: bool | None
    versions: Mapping[str, str]
    threads: int | None = None
    own_code: Mapping[str, str] = field(default_factory=dict)
    init_from: str | None = None


@dataclass(frozen=True)
class Tracking:
    """The MLflow run of a run folder, and the data with which it can be created later."""

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
    """The exception that ended a run."""

    type: str
    message: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Type, message and the last lines of the traceback."""
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
    """Ids of the MLflow runs of this folder that a forced run replaced."""

    def to_json(self) -> str:
        """The text of the file. The fields of cell and origin are at the top level."""
        record = asdict(self)
        flat = record.pop("cell") | record.pop("origin")
        return json.dumps({"status": record.pop("status")} | flat | record, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> Manifest:
        """Parse the file; `where` names it in errors."""
        try:
            record: dict[str, Any] = json.loads(text)
            own = {field.name: record[field.name] for field in fields(cls) if field.name in record}
            own["cell"], own["origin"] = _pick(Cell, record), _pick(Origin, record)
            own["mlflow"] = _pick(Tracking, record["mlflow"]) if record.get("mlflow") else None
            own["exception"] = _pick(Failure, record["exception"]) if record.get("exception") else None
            for name in ("studies", "superseded"):
                own[name] = tuple(record.get(name, ()))
            if record["status"] not in STATUSES:
                raise ValueError(f"status {record['status']!r} is none of {', '.join(STATUSES)}")
            return cls(**own)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(
                f"{where}: expected the manifest of a run as JSON, got {type(error).__name__}: {error}. Another "
                "program changed this file: restore it, or delete the run folder and start the run again"
            ) from error


def now() -> str:
    """The current time in the format of manifests."""
    return datetime.now(UTC).isoformat("T", "seconds")


def age(moment: str, *, now: datetime) -> str:
    """The age of a time of a manifest, for example `3 h ago`; `now` has a time zone."""
    seconds = max(0, int((now - datetime.fromisoformat(moment)).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def _pick(cls: type, record: Mapping[str, Any]) -> Any:
    values = {field.name: record[field.name] for field in fields(cls) if field.name in record}
    return cls(
        **{name: tuple(value) if name in ("signatures", "datasets") else value for name, value in values.items()}
    )
