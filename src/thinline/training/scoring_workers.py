"""Judging test sheets here, or in processes of their own beside the network.

A GPU answers in a millisecond what takes several to judge on a CPU core, so there the sheets are handed to `processes`
that judge while the network goes on with the next ones; on a CPU the cores are the network's, and judging waits its
turn (0 processes). What is judged is the same. Each process starts anew and reads the truth of the sheets it gets by
itself; a sheet waits with its labels and ink, and no more than WAITING for every process do.
"""

from __future__ import annotations

from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Final, Protocol

from thinline.metrics.structure.sheet_scores import SheetScores
from thinline.system.worker_pool import pool_of
from thinline.vocabulary import Float32, UInt8

WAITING: Final = 8


class Judge(Protocol):
    """Scores a sheet by the measures beyond pixels; `px_per_mm` is None where nobody knows it."""

    px_per_mm: float | None

    def __call__(self, index: int, labels: UInt8, ink: Float32) -> SheetScores:
        """Judge `labels [H,W]` and the probability of each curve, `ink [K,H,W]`, on sheet `index` of the split."""


class ScoringWorkers:
    """A judge and the processes it works in; a context, in which sheets are `put` and then `taken` once."""

    def __init__(self, judge: Judge, *, processes: int = 0) -> None:
        self.judge, self.processes = judge, processes
        self.pool: ProcessPoolExecutor | None = None
        self.done: dict[int, SheetScores] = {}
        self.waiting: dict[int, Future[SheetScores]] = {}

    def __enter__(self) -> ScoringWorkers:
        if self.processes:
            self.pool = pool_of(self.processes, _begin, (self.judge,))
            for _ in range(self.processes):  # a process starts when it is first asked: now, while the network trains
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
        """Forget what was put."""
        self.done.clear()
        self.waiting.clear()

    def put(self, index: int, labels: UInt8, ink: Float32) -> None:
        """Have sheet `index` judged."""
        if self.pool is None:
            self.done[index] = self.judge(index, labels, ink)
            return
        while len(self.waiting) >= WAITING * self.processes:
            self._settle(next(iter(self.waiting)))
        self.waiting[index] = self.pool.submit(_judged, index, labels, ink)

    def taken(self) -> dict[int, SheetScores]:
        """What was put, judged; raises what judging raised."""
        for index in list(self.waiting):
            self._settle(index)
        return dict(self.done)

    def _settle(self, index: int) -> None:
        self.done[index] = self.waiting.pop(index).result()


_here: list[Judge] = []
"""The judge of a process that judges."""


def _begin(judge: Judge) -> None:
    _here[:] = [judge]


def _nothing() -> None:
    """Have started."""


def _judged(index: int, labels: UInt8, ink: Float32) -> SheetScores:
    return _here[0](index, labels, ink)
