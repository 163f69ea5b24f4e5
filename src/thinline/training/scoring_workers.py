"""Score the test sheets in the training process, or in other processes while the network predicts the next sheets.

A GPU predicts a sheet in a millisecond; a CPU core needs several to score the sheet. So with a GPU other processes
score the sheets while the network predicts. Without a GPU the network uses all cores, and the training process scores
each sheet itself (`processes=0`). The scores are the same. At most WAITING sheets for each process wait in memory.
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
    """The prediction of the network for a sheet, and the truth of the sheet.

    Predicted: `labels` uint8 [H,W], and `ink` float32 [K,H,W], the probability of each curve. True: `truth` uint8 [H,W]
    in the ids of the head, 255 = ignore, and `strokes` bool [K,H,W], the ink of each curve of the vocabulary.
    """

    labels: UInt8
    ink: Float32 | None
    truth: UInt8
    strokes: Bool


class Scorer(Protocol):
    """Scores a sheet by the metrics beyond pixels; `px_per_mm` is None if the scale is unknown."""

    px_per_mm: float | None

    def __call__(self, index: int, prediction: Prediction) -> SheetScores:
        """The scores of sheet `index` of the split."""


class ScoringWorkers:
    """A scorer and its processes. In the context of this object `put` takes sheets, and `scores` returns all scores."""

    def __init__(self, scorer: Scorer, *, processes: int = 0) -> None:
        self.scorer, self.processes = scorer, processes
        self.pool: ProcessPoolExecutor | None = None
        self.done: dict[int, SheetScores] = {}
        self.waiting: dict[int, Future[SheetScores]] = {}

    def __enter__(self) -> ScoringWorkers:
        if self.processes:
            self.pool = pool_of(self.processes, _begin, (self.scorer,))
            for _ in range(self.processes):  # a process starts with its first task: start it now, during the training
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
        """The scores of all sheets by index. Raises the error of a sheet that could not be scored."""
        for index in list(self.waiting):
            self._settle(index)
        return dict(self.done)

    def _settle(self, index: int) -> None:
        self.done[index] = self.waiting.pop(index).result()


_scorer: list[Scorer] = []
"""The scorer of this process, if it is a scoring process."""


def _begin(scorer: Scorer) -> None:
    _scorer[:] = [scorer]


def _nothing() -> None:
    """A task that only starts the process."""


def _score(index: int, prediction: Prediction) -> SheetScores:
    return _scorer[0](index, prediction)
