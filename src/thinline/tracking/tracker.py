"""MLflow, as well as it can be had: written as the run goes, and never a reason to stop a run.

Conventions

- The run folder is written first. Whatever fails here is told once, in plain words, and the manifest keeps `pending:
  true`; at the end of the run, and by `python -m thinline replay`, what is missing is sent from the folder.
- After a failure MLflow is left alone for a while (ten times as long as the failing call took, half a minute at
  least), so that a dead server costs a tenth of the time at most. When it answers again, what it missed is sent.
- One call per logged step, whatever the number of metrics.
- Run names are given and ids are MLflow's own (from the system's randomness), so seeding cannot make two runs alike.
- A parent run is opened by the process of the sweep before any job, and its id is passed on. See `runs/parent_runs.py`
  for what
  happens while MLflow is away.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from mlflow.tracking import MlflowClient

from thinline.runs import parent_runs
from thinline.runs.folder import RunFolder
from thinline.runs.history import Line
from thinline.runs.manifest import RUNNING, Tracking
from thinline.runs.parent_runs import Sweep
from thinline.system.atomic_files import StorageError
from thinline.tracking import addresses, database, deliver, push

logger = logging.getLogger(__name__)

ARTIFACTS = "artifacts"
_REST_S = 30.0
_REST_FACTOR = 10.0
_CHILD_WAIT_S = 5.0
_T = TypeVar("_T")


class Tracker:
    """The way of one process to MLflow: at most one parent and one run at a time."""

    def __init__(self, uri: str, experiment: str, root: Path) -> None:
        self.uri = addresses.canonical(uri)
        self.experiment = experiment
        self.root = Path(root)
        self._known_id: str | None = None
        self._folder: RunFolder | None = None
        self._current: _Current | None = None
        self._warned = False
        self._rest_until = 0.0

    def initialise(self) -> str | None:
        """Make or check database and experiment, before any job; the experiment's id, or None when a server is away.

        Raises `StorageError` for what will not mend itself: see `database.py`.
        """
        began = time.monotonic()
        try:
            return self._experiment_id(database.LOCK_WAIT_S)
        except database.ServerAwayError as error:
            self._down("be reached", error, began)
            return None

    # the parent of a sweep

    def open_parent(self, name: str, tags: Mapping[str, str], views: Mapping[str, str] | None = None) -> str:
        """Open the parent run; returns the id to pass on to the children, even when MLflow is away.

        `views` are those of `views.views_of`, which compare the cells of the sweep.
        """
        sweep = Sweep(parent_runs.pending_id(), self.uri, self.experiment, name, dict(tags), views=dict(views or {}))
        run_id = self._attempt("open the parent run", lambda: self._open_sweep(sweep))
        if run_id is not None:
            sweep = replace(sweep, sweep_id=run_id, run_id=run_id)
        parent_runs.hold(self.root, sweep.sweep_id)
        parent_runs.write(self.root, sweep)
        return sweep.sweep_id

    def close_parent(self, parent_id: str, status: str, failures: Sequence[str] = ()) -> None:
        """Close the parent run with the names of the cells that failed."""
        sweep = parent_runs.read(self.root, parent_id)
        if sweep is None:
            raise StorageError(f"sweep '{parent_id}': expected an id that open_parent gave, got none of {self.root}")
        sweep = replace(sweep, status=status, failures=tuple(failures))
        parent_runs.write(self.root, sweep)
        settled = self._attempt("close the parent run", lambda: self._settle_sweep(sweep), rested=True)
        if settled is not None:
            parent_runs.write(self.root, settled)
        parent_runs.let_go(self.root, parent_id)

    def tell_studies(self, folders: Sequence[RunFolder]) -> None:
        """Tell MLflow of finished runs that a sweep skipped which studies count them now."""
        for folder in folders:
            self._attempt("name the study of a run", partial(deliver.tell_studies, self._client(), folder))

    # one run

    def start(
        self,
        folder: RunFolder,
        *,
        parent_id: str | None = None,
        name: str | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str | None:
        """Show the run of `folder`, which has begun, in MLflow; returns its id there, or None when MLflow is away.

        A run that MLflow knows already is continued. Factors, seed, configuration, code and data come from the
        manifest; `params` and `tags` add to them.
        """
        known = folder.begun().mlflow
        tracking = Tracking(self.uri, self.experiment, name or folder.name, parent_id=parent_id)
        if known is not None and known.uri == self.uri:
            tracking = replace(tracking, run_id=known.run_id)
        folder.track(replace(tracking, params=dict(params or {}), tags=dict(tags or {})))
        self._folder, self._current = folder, None
        self._attempt("start the run", lambda: self._catch_up(folder))
        return None if self._current is None else self._current.run_id

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Send the metrics of one step in one call. Log them to the run folder first."""
        folder, current = self._folder, self._current
        if folder is None:
            return
        if current is None:
            self._attempt("log metrics", lambda: self._catch_up(folder))
            return
        line = Line(step, time.time_ns() // 1_000_000, dict(metrics))
        self._attempt("log metrics", lambda: push.send_lines(self._client(), current.run_id, [line], current.held))

    def finish(self, status: str) -> bool:
        """Send what is missing and the artifacts, close the run; returns whether MLflow has everything.

        Finish the run folder first: its manifest is one of the artifacts.
        """
        folder, self._folder = self._folder, None
        current, self._current = self._current, None
        if folder is None:
            return False
        there = None if current is None else current.held
        sent = self._attempt("finish the run", lambda: self._complete(folder, status, there), rested=True)
        return sent is not None

    def _open_sweep(self, sweep: Sweep) -> str:
        return deliver.open_sweep(self._client(), self._experiment_id(), sweep)

    def _settle_sweep(self, sweep: Sweep) -> Sweep:
        return deliver.settle_sweep(self._client(), self._experiment_id(), sweep)

    def _catch_up(self, folder: RunFolder) -> None:
        client = self._client()
        run_id, held = deliver.send_run(client, self._experiment_id(), folder)
        client.update_run(run_id, RUNNING)
        self._current = _Current(run_id, held)

    def _complete(self, folder: RunFolder, status: str, there: push.Held | None) -> str:
        return deliver.complete_run(self._client(), self._experiment_id(), folder, status, there)

    def _client(self) -> MlflowClient:
        # MLflow keeps one connection pool per URI, so this is cheap
        return MlflowClient(tracking_uri=self.uri)

    def _experiment_id(self, wait_s: float = _CHILD_WAIT_S) -> str:
        if self._known_id is None:
            self._known_id = database.initialise(self.uri, self.experiment, self.root / ARTIFACTS, wait_s=wait_s)
        return self._known_id

    def _attempt(self, doing: str, action: Callable[[], _T], *, rested: bool = False) -> _T | None:
        began = time.monotonic()
        if began < self._rest_until and not rested:
            return None
        try:
            return action()
        except Exception as error:
            self._down(doing, error, began)
            return None

    def _down(self, doing: str, error: Exception, began: float) -> None:
        now = time.monotonic()
        self._current = None
        self._rest_until = now + max(_REST_S, _REST_FACTOR * (now - began))
        if self._warned:
            return
        self._warned = True
        logger.warning(
            "MLflow at %s could not %s (%s). The run goes on and loses nothing: every number is in its folder under "
            "%s. When MLflow works again, run: python -m thinline replay",
            self.uri,
            doing,
            # the cause alone: the next step of a StorageError is not the one of a run that goes on
            database.first_line(error.__cause__ or error),
            self.root,
        )


@dataclass(frozen=True)
class _Current:
    """The run that is shown now, and the steps that MLflow has of it."""

    run_id: str
    held: push.Held
