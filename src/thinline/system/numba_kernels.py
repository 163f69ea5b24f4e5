"""CPU kernels compiled by numba.

A kernel releases the interpreter lock and starts no threads; `at_once` runs several at the same time. Its compiled code
is cached on disk beside the source where that folder is writable, otherwise in memory. Call kernels through `call`,
which survives a full disk.

Compiled code contains the kernels that it calls and the constants that it reads. numba compiles again when the file of
the kernel itself changes; here also when one of the others does (`_with_callees`).
"""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numba.core import event
from numba.core.dispatcher import Dispatcher
from numpy.typing import NDArray

from thinline.system.signals import after_kernel


def _cacheable() -> bool:
    """Whether numba finds a writable folder for compiled code; otherwise its decorator raises."""
    try:
        njit(cache=True)(_cacheable)
    except RuntimeError:
        return False
    return True


_CACHE = _cacheable()
_SMALLEST_PART = 1 << 16  # numbers; a smaller part is done before another thread has begun it


class _WithoutCollector(event.Listener):  # type: ignore[misc]
    """No garbage collection while numba compiles, one kernel at a time and those that it calls inside of it.

    A compilation makes millions of objects, which their counts free. The collector took 3.8 of 45 s of the first cell.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._was_on = True

    def on_start(self, event: event.Event) -> None:
        if self._depth == 0:
            self._was_on = gc.isenabled()
            gc.disable()
        self._depth += 1

    def on_end(self, event: event.Event) -> None:
        self._depth -= 1
        if self._depth == 0 and self._was_on:
            gc.enable()


event.register("numba:compile", _WithoutCollector())


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator that compiles at the first call. Arguments are numbers, arrays and named tuples."""
    return _with_callees(njit(nogil=True, cache=_CACHE, no_cfunc_wrapper=True)(function))


def vector_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `kernel`, for loops that the compiler vectorises: x / 0 does not raise, sums may be reordered and fused.

    NaN and infinity are kept. The result depends on the processor in the last digits, as that of torch does.
    """
    return _with_callees(
        njit(
            nogil=True,
            cache=_CACHE,
            no_cfunc_wrapper=True,
            error_model="numpy",
            fastmath={"contract", "reassoc", "nsz"},
        )(function)
    )


def _with_callees(compiled: Any) -> Callable[..., Any]:
    """The kernel, whose code on disk is valid for the same callees and constants only."""
    if _CACHE:
        content = hashlib.sha256()
        for part in sorted(set(_parts(compiled.py_func, set()))):
            content.update(part)
        file = compiled._cache._cache_file  # numba has no public way to add to the stamp of a kernel
        file._source_stamp = (file._source_stamp, content.digest())
    kernel: Callable[..., Any] = compiled
    return kernel


def _parts(function: Callable[..., Any], seen: set[Callable[..., Any]]) -> Iterator[bytes]:
    """The source files of the compiled functions that `function` calls, of those that they call, and all constants."""
    seen.add(function)
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, Dispatcher):
            yield Path(value.py_func.__code__.co_filename).read_bytes()
            if value.py_func not in seen:
                yield from _parts(value.py_func, seen)
        elif isinstance(value, np.ndarray):
            yield f"{name} {value.dtype} {value.shape} ".encode() + value.tobytes()
        elif isinstance(value, bool | int | float | str | tuple):
            yield f"{name} {value!r}".encode()


def call_in_parts(function: Callable[..., Any], arrays: Sequence[NDArray[Any]], *more: object, threads: int) -> None:
    """Call a kernel that writes, on parts of `arrays` along their first axis, at most `threads` of them at a time.

    The kernel treats each index of that axis by itself, so the number of parts does not change the result.
    """
    count = len(arrays[0])
    parts = max(1, min(threads, count, arrays[0].size // _SMALLEST_PART))
    edges = [number * count // parts for number in range(parts + 1)]

    def part(number: int) -> None:
        call(function, *(array[edges[number] : edges[number + 1]] for array in arrays), *more)

    at_once(part, parts, threads)


def at_once(task: Callable[[int], None], count: int, threads: int) -> None:
    """Call `task` with 0, 1, ..., count - 1 on at most `threads` threads, this one among them; return after the last.

    The other threads are kept for the next call, because to start one can take milliseconds. A task calls kernels, and
    never `at_once`, which would wait for itself.
    """
    numbers = iter(range(count))  # each number goes to one thread

    def work() -> None:
        for number in numbers:
            task(number)

    others = [_kept_thread(number).submit(work) for number in range(min(threads, count) - 1)]
    try:
        work()
    finally:
        wait(others)
    for other in others:
        other.result()


@cache
def _kept_thread(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=f"kernels-{number}")


os.register_at_fork(after_in_child=_kept_thread.cache_clear)  # a forked process has none of the threads


def call(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a kernel. A signal to stop takes effect when it has returned (signals.py)."""
    try:
        return after_kernel(function, *arguments)
    except OSError:  # numba compiled the kernel but could not cache it, as on a full disk; now it is in memory
        return after_kernel(function, *arguments)
