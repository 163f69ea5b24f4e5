"""Score the test sheets in the training process, or in other processes while the network predicts the next sheets.

A GPU predicts a sheet in a millisecond; a CPU core needs several to score the sheet. So with a GPU other processes
score the sheets while the network predicts. Without a GPU the network uses all cores, and the training process scores
each sheet itself (`processes=0`). The scores are the same. At most WAITING sheets for each process wait in memory.

Maps go to the other processes through shared memory, where a copy takes a tenth of a millisecond. Through the pipe of
the pool they would be pickled by a thread that has to wait for the training process at every step. If the shared
memory of the machine is too small (64 MB in many containers), they go through the pipe.
"""

from __future__ import annotations

import shutil
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from thinline.metrics.structure.sheet_scores import SheetScores, load_kernels
from thinline.system.worker_pool import pool_of
from thinline.vocabulary import Bool, Float32, UInt8

WAITING: Final = 8

SHARED_FOLDER: Final = Path("/dev/shm")
"""Where Linux keeps shared memory."""

Layout = tuple[tuple[str, tuple[int, ...]] | None, ...]
"""Type and shape of each array of a prediction, in the order in which their bytes follow each other; None: no array."""


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
        self.waiting: dict[int, tuple[Future[SheetScores], SharedMemory | None]] = {}
        self.unused: list[SharedMemory] = []

    def __enter__(self) -> ScoringWorkers:
        if self.processes:
            self.pool = pool_of(self.processes, _begin, (self.scorer,))
            for _ in range(self.processes):  # a process starts with its first task: start it now, during the training
                self.pool.submit(load_kernels)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
            self.pool = None
        self.clear()
        while self.unused:
            _remove(self.unused.pop())

    def clear(self) -> None:
        """Drop all sheets and scores."""
        self.done.clear()
        for future, memory in self.waiting.values():
            if not future.cancel() and self.pool is not None:
                future.exception()  # the process still reads the memory
            self._free(memory)
        self.waiting.clear()

    def put(self, index: int, prediction: Prediction) -> None:
        """Score sheet `index`, now or in another process."""
        if self.pool is None:
            self.done[index] = self.scorer(index, prediction)
            return
        while len(self.waiting) >= WAITING * self.processes:
            self._settle(next(iter(self.waiting)))
        memory = self._memory(sum(array.nbytes for array in prediction if array is not None))
        if memory is None:
            future = self.pool.submit(_score, index, prediction)
        else:
            future = self.pool.submit(_score_shared, index, memory.name, _write(prediction, memory))
        self.waiting[index] = future, memory

    def scores(self) -> dict[int, SheetScores]:
        """The scores of all sheets by index. Raises the error of a sheet that could not be scored."""
        for index in list(self.waiting):
            self._settle(index)
        return dict(self.done)

    def _settle(self, index: int) -> None:
        future, memory = self.waiting.pop(index)
        try:
            self.done[index] = future.result()
        finally:
            self._free(memory)

    def _memory(self, size: int) -> SharedMemory | None:
        """Shared memory of `size` bytes or more that no process reads, or None if too little is free."""
        for position, memory in enumerate(self.unused):
            if memory.size >= size:
                return self.unused.pop(position)
        if not SHARED_FOLDER.is_dir() or shutil.disk_usage(SHARED_FOLDER).free < 2 * size:
            return None
        if self.unused:  # too small: sheets differ in size
            _remove(self.unused.pop())
        return SharedMemory(create=True, size=max(1, size))

    def _free(self, memory: SharedMemory | None) -> None:
        if memory is not None:
            self.unused.append(memory)


def _remove(memory: SharedMemory) -> None:
    memory.close()
    memory.unlink()


def _write(prediction: Prediction, memory: SharedMemory) -> Layout:
    """Copy the arrays of `prediction` to `memory`, one after the other."""
    begin = 0
    for array in prediction:
        if array is not None:
            _view(memory, begin, array.dtype.str, array.shape)[...] = array
            begin += array.nbytes
    return tuple(None if array is None else (array.dtype.str, array.shape) for array in prediction)


def _read(memory: SharedMemory, layout: Layout) -> Prediction:
    """Copies of the arrays: a scorer keeps the truth, and the memory is used again."""
    arrays: list[Any] = []
    begin = 0
    for part in layout:
        arrays.append(None if part is None else _view(memory, begin, *part).copy())
        begin += 0 if part is None else arrays[-1].nbytes
    return Prediction(*arrays)


def _view(memory: SharedMemory, begin: int, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
    assert memory.buf is not None
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    return np.frombuffer(memory.buf[begin : begin + size], kind).reshape(shape)


_scorer: list[Scorer] = []
"""The scorer of this process, if it is a scoring process."""


def _begin(scorer: Scorer) -> None:
    _scorer[:] = [scorer]


def _score(index: int, prediction: Prediction) -> SheetScores:
    return _scorer[0](index, prediction)


def _score_shared(index: int, name: str, layout: Layout) -> SheetScores:
    memory = SharedMemory(name)
    prediction = _read(memory, layout)
    memory.close()
    return _score(index, prediction)
