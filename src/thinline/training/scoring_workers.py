"""Scores the test sheets in the training process, or in other processes while the network goes on.

A GPU predicts a sheet in a millisecond, and scoring it takes a CPU core several; so on a GPU the sheets are handed to
`processes` that score them while the network goes on. On a CPU the cores belong to the network, and each sheet is
scored at once (0 processes). The scores are the same. At most WAITING sheets for each process wait in memory.
"""

from __future__ import annotations

from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Final, NamedTuple, Protocol

from thinline.metrics.structure.sheet_scores import SheetScores
from thinline.system.worker_pool import pool_of
from thinline.vocabulary import Bool, Float32, UInt8

WAITING: Final = 8


class Prediction(NamedTuple):
    """A sheet as the network answered it, beside its truth.

    `labels` uint8 [H,W] and `ink` float32 [K,H,W], the probability of each curve; `truth` uint8 [H,W] in the ids of the
    head, 255 = ignore; `strokes` bool [K,H,W], the true ink of each curve of the vocabulary.
    """

    labels: UInt8
    ink: Float32 | None
    truth: UInt8
    strokes: Bool


class Scorer(Protocol):
    """Scores a sheet by the metrics beyond pixels; `px_per_mm` is None where the scale is unknown."""

    px_per_mm: float | None

    def __call__(self, index: int, prediction: Prediction) -> SheetScores:
        """The scores of sheet `index` of the split."""


class ScoringWorkers:
    """A scorer and its processes. A context: inside, sheets are `put`, and `scores` returns those of all."""

    def __init__(self, scorer: Scorer, *, processes: int = 0) -> None:
        self.scorer, self.processes = scorer, processes
        self.pool: ProcessPoolExecutor | None = None
        self.done: dict[int, SheetScores] = {}
        self.waiting: dict[int, Future[SheetScores]] = {}

    def __enter__(self) -> ScoringWorkers:
        if self.processes:
            self.pool = pool_of(self.processes, _begin, (self.scorer,))
            for _ in range(self.processes):  # the pool starts a process with its first task: now, beside the training
                self.pool.submit(_nothing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
            self.pool = None
        self.clear()

    def clear(self) -> None:
        """Drop all sheets and scores."""
        self.done.clear()
        self.waiting.clear()

    def put(self, index: int, prediction: Prediction) -> None:
        """Score sheet `index`, now or in another process."""
        if self.pool is None:
            self.done[index] = self.scorer(index, prediction)
            return
        while len(self.waiting) >= WAITING * self.processes:
            self._settle(next(iter(self.waiting)))
        self.waiting[index] = self.pool.submit(_score, index, prediction)

    def scores(self) -> dict[int, SheetScores]:
        """The scores of all sheets by their index. Raises what scoring raised."""
        for index in list(self.waiting):
            self._settle(index)
        return dict(self.done)

    def _settle(self, index: int) -> None:
        self.done[index] = self.waiting.pop(index).result()


_scorer: list[Scorer] = []
"""In a scoring process: its scorer."""


def _begin(scorer: Scorer) -> None:
    _scorer[:] = [scorer]


def _nothing() -> None:
    """A task that only starts the process."""


def _score(index: int, prediction: Prediction) -> SheetScores:
    return _scorer[0](index, prediction)
