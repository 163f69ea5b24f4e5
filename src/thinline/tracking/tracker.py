"""Log a run to MLflow while it trains. A failure of MLflow never stops the run.

Conventions

- The run folder is written first. The first failure here is logged as one warning, and the manifest keeps `pending:
  true`; missing data is sent from the folder at the end of the run and by `thinline replay`.
- After a failure MLflow is not called for ten times the duration of the failed call (at least 30 s), so a dead server
  costs at most a tenth of the time. The next successful call sends what was missed.
- One call per logged step, for any number of metrics.
- MLflow chooses the run ids from the system's randomness, so seeding cannot repeat one.
- The process of a sweep opens the parent run before any job and passes its id on; `runs/parent_runs.py` covers the case
  that MLflow does not answer.
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
from thinline.runs.parent_runs import Condition, Sweep
from thinline.system.atomic_files import StorageError
from thinline.system.signals import delayed
from thinline.tracking import addresses, database, deliver, push, views
from thinline.tracking.page_content import Headline
from thinline.tracking.system_metrics import SystemMetrics
from thinline.tracking.views import Comparison

logger = logging.getLogger(__name__)

ARTIFACTS = "artifacts"
_REST_S = 30.0
_REST_FACTOR = 10.0
_CHILD_WAIT_S = 5.0
_T = TypeVar("_T")


class Tracker:
    """The MLflow connection of one process, with at most one open parent and one open run."""

    def __init__(self, uri: str, experiment: str, root: Path, *, system_metrics: bool = False) -> None:
        self.uri = addresses.canonical(uri)
        self.experiment = experiment
        self.root = Path(root)
        self._system = SystemMetrics(self.uri) if system_metrics else None
        self._cached_id: str | None = None
        self._folder: RunFolder | None = None
        self._current: _Current | None = None
        self._warned = False
        self._rest_until = 0.0

    def initialise(self) -> str | None:
        """Create or check the store before any job; returns the experiment's id, or None when a server does not answer.

        Raises `StorageError` for a store that cannot be used (`database.py`).
        """
        began = time.monotonic()
        try:
            return self._experiment_id(database.LOCK_WAIT_S)
        except database.ServerAwayError as error:
            self._down("be reached", error, began)
            return None

    def open_parent(self, name: str, tags: Mapping[str, str], comparison: Comparison | None = None) -> str:
        """Open the parent run; returns the id for the children, also when MLflow does not answer.

        `comparison` says what the saved views of the sweep show.
        """
        sweep = Sweep(parent_runs.pending_id(), self.uri, self.experiment, name, dict(tags))
        if comparison is not None:
            shown = views.views_of(comparison, time_ms=_now_ms())
            sweep = replace(sweep, views=shown, measures=comparison.measures)
        run_id = self._attempt(
            "open the parent run", lambda: deliver.open_sweep(self._client(), self._experiment_id(), sweep)
        )
        if run_id is not None:
            sweep = replace(sweep, sweep_id=run_id, run_id=run_id)
        if comparison is not None:
            own = views.views_of_sweep(comparison, sweep.sweep_id, name, time_ms=_now_ms())
            sweep = replace(sweep, views={**sweep.views, **own})
        if run_id is not None and sweep.views:
            self._attempt("save its views", lambda: views.show(self._client(), self._experiment_id(), sweep.views))
        parent_runs.hold(self.root, sweep.sweep_id)
        parent_runs.write(self.root, sweep)
        return sweep.sweep_id

    def close_parent(
        self,
        parent_id: str,
        status: str,
        failures: Sequence[str] = (),
        *,
        cells: Sequence[str] = (),
        conditions: Sequence[Condition] = (),
    ) -> tuple[str, str] | None:
        """Close the parent run with the names of the cells that failed; returns the links to its views.

        `cells` are the run folders of the sweep, `conditions` its configurations over seeds. None instead of links
        where the sweep has no views or MLflow does not answer.
        """
        sweep = parent_runs.read(self.root, parent_id)
        if sweep is None:
            raise StorageError(f"sweep '{parent_id}': expected an id that open_parent gave, got none of {self.root}")
        sweep = replace(sweep, status=status, failures=tuple(failures), cells=tuple(cells))
        sweep = replace(sweep, conditions=tuple(conditions))
        parent_runs.write(self.root, sweep)
        settled = self._attempt(
            "close the parent run",
            lambda: deliver.settle_sweep(self._client(), self._experiment_id(), sweep, self.root),
            rested=True,
        )
        if settled is not None:
            parent_runs.write(self.root, settled)
        parent_runs.let_go(self.root, parent_id)
        if settled is None or not settled.views:
            return None
        return views.links_of_sweep(self.uri, self._experiment_id(), sweep.sweep_id)

    def send_studies(self, folders: Sequence[RunFolder]) -> None:
        """Update the studies of finished runs that a sweep skipped."""
        for folder in folders:
            self._attempt("name the study of a run", partial(deliver.send_studies, self._client(), folder))

    def start(
        self,
        folder: RunFolder,
        *,
        parent_id: str | None = None,
        name: str | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str | None:
        """Create or continue the MLflow run of `folder`, which has begun; returns its id, or None after a failure.

        Factors, seed, configuration, code and data come from the manifest; `params` and `tags` add to them.
        """
        previous = folder.begun().mlflow
        tracking = Tracking(self.uri, self.experiment, name or folder.name, parent_id=parent_id)
        if previous is not None and previous.uri == self.uri:
            tracking = replace(tracking, run_id=previous.run_id)
        folder.track(replace(tracking, params=dict(params or {}), tags=dict(tags or {})))
        self._folder, self._current = folder, None
        self._attempt("start the run", lambda: self._catch_up(folder))
        return None if self._current is None else self._current.run_id

    def log(self, line: Line) -> None:
        """Send the metrics of one step in one call. `line` is what `RunFolder.log` returned."""
        folder, current = self._folder, self._current
        if folder is None:
            return
        if current is None:
            self._attempt("log metrics", lambda: self._catch_up(folder))
            return
        lines = current.headline.lines([line])
        self._attempt("log metrics", lambda: push.send_lines(self._client(), current.run_id, lines, current.held))

    def finish(self, status: str) -> bool:
        """Send missing data and artifacts, and close the run; returns whether MLflow has everything.

        The caller finishes the run folder first, because its manifest is one of the artifacts.
        """
        folder, self._folder = self._folder, None
        current, self._current = self._current, None
        if folder is None:
            return False
        if self._system is not None:
            self._attempt("end its system metrics", self._system.stop, rested=True)
        there = None if current is None else current.held
        sent = self._attempt(
            "finish the run",
            lambda: deliver.complete_run(self._client(), self._experiment_id(), folder, status, there),
            rested=True,
        )
        return sent is not None

    def _catch_up(self, folder: RunFolder) -> None:
        client = self._client()
        run_id, held = deliver.send_run(client, self._experiment_id(), folder)
        client.update_run(run_id, RUNNING)
        self._current = _Current(run_id, held, deliver.headline_of_run(folder))
        if self._system is not None:
            self._system.start(run_id)

    def _client(self) -> MlflowClient:
        # cheap: MLflow keeps one connection pool per URI
        return MlflowClient(tracking_uri=self.uri)

    def _experiment_id(self, wait_s: float = _CHILD_WAIT_S) -> str:
        if self._cached_id is None:
            self._cached_id = database.initialise(self.uri, self.experiment, self.root / ARTIFACTS, wait_s=wait_s)
        return self._cached_id

    def _attempt(self, doing: str, action: Callable[[], _T], *, rested: bool = False) -> _T | None:
        began = time.monotonic()
        if began < self._rest_until and not rested:
            return None
        with delayed():
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
            "%s. When MLflow works again, run: thinline replay",
            self.uri,
            doing,
            # only the cause: the next step in a StorageError does not apply to a run that goes on
            database.first_line(error.__cause__ or error),
            self.root,
        )


@dataclass(frozen=True)
class _Current:
    """The open MLflow run, the steps that MLflow has of it, and which numbers it gets."""

    run_id: str
    held: push.Held
    headline: Headline


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
