"""Compiled loops on a machine that keeps no compiled code."""

import gc
import importlib
import multiprocessing
import runpy
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from numba.core import caching, event

from thinline.system import numba_kernels
from thinline.system.numba_kernels import at_once, call, call_in_parts, kernel


def half(number: float) -> float:
    return number / 2


def test_where_no_folder_can_be_written_a_kernel_is_compiled_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a package installed read-only for a user without a home; numba's own decorator raises there."""
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache function"):
        kernel(half)
    imported = runpy.run_path(numba_kernels.__file__)
    compiled = imported["kernel"](half)
    assert imported["call"](compiled, 3.0) == 1.5
    assert len(compiled.signatures) == 1


def test_a_full_disk_does_not_stop_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    compiled = kernel(half)
    monkeypatch.setattr(compiled._cache, "save_overload", full)
    monkeypatch.setattr(compiled._cache, "load_overload", lambda *_: None)
    assert call(compiled, 3.0) == 1.5


class Recorded(event.Listener):
    """Whether the collector is on at each start and end of a compilation."""

    def __init__(self) -> None:
        self.during: list[bool] = []

    def on_start(self, event: event.Event) -> None:
        self.during.append(gc.isenabled())

    def on_end(self, event: event.Event) -> None:
        self.during.append(gc.isenabled())


@pytest.mark.parametrize("was_on", [True, False])
def test_no_garbage_is_collected_while_kernels_compile_and_then_as_before(
    monkeypatch: pytest.MonkeyPatch, was_on: bool
) -> None:
    monkeypatch.setattr(numba_kernels, "_CACHE", False)
    inner = kernel(half)
    outer, enabled = kernel(lambda number: inner(number) + 1), gc.isenabled()
    (gc.enable if was_on else gc.disable)()
    try:
        with event.install_listener("numba:compile", Recorded()) as recorded:
            assert outer(3.0) == 2.5
        assert recorded.during == [False, False, False, was_on], "outer starts, inner starts and ends, outer ends"
        assert gc.isenabled() == was_on
    finally:
        (gc.enable if enabled else gc.disable)()


CALLEE = (
    "from thinline.system.numba_kernels import kernel\n\nSTEP = {step}\n\n@kernel\ndef inner(x):\n    return {inner}"
)
CALLER = (
    "from thinline.system.numba_kernels import kernel\nfrom {callee} import STEP, inner\n\n"
    "@kernel\ndef middle(x):\n    return inner(x)\n\n@kernel\ndef outer(x):\n    return middle(x) + STEP\n"
)


def outer_of(folder: Path, *, step: float, inner: str) -> float:
    """outer(1) of two modules in a folder, imported anew as by another process."""
    (folder / "callee_of_test.py").write_text(CALLEE.format(step=step, inner=inner))
    (folder / "caller_of_test.py").write_text(CALLER.format(callee="callee_of_test"))
    for name in ("callee_of_test", "caller_of_test"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return float(call(importlib.import_module("caller_of_test").outer, 1.0))


def test_an_edited_callee_or_constant_is_compiled_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """numba itself looks at the file of the called kernel alone, and would run the code of the older callee."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert outer_of(tmp_path, step=10, inner="x + 1") == 12
    assert outer_of(tmp_path, step=10, inner="x + 2") == 13
    assert outer_of(tmp_path, step=20, inner="x + 2") == 23
    assert len(list(tmp_path.rglob("*.nbi"))) == 3, "compiled code is on disk, else this shows nothing"


def squares(numbers: np.ndarray, out: np.ndarray, shift: float) -> None:
    for i in range(len(numbers)):
        out[i] = numbers[i] * numbers[i] + shift


@pytest.mark.parametrize("threads", [1, 2, 3, 50])
def test_parts_of_arrays_give_what_the_whole_gives(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba_kernels, "_SMALLEST_PART", 2)
    numbers = np.arange(7.0)
    out = np.full(7, np.nan)
    call_in_parts(kernel(squares), (numbers, out), 0.5, threads=threads)
    assert out.tolist() == [0.5, 1.5, 4.5, 9.5, 16.5, 25.5, 36.5]


def test_small_and_empty_arrays_stay_in_this_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba_kernels, "_kept_thread", None)
    for length in (0, 5):
        out = np.zeros(length)
        call_in_parts(kernel(squares), (np.arange(float(length)), out), 0.0, threads=4)
        assert out.tolist() == [i * i for i in range(length)]


def test_every_number_is_done_once_and_by_two_threads_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=60)  # breaks unless the first two tasks run at the same time
    done = []

    def task(number: int) -> None:
        if number < 2:
            both.wait()
        done.append(number)

    for _ in range(2):  # the second time with the kept thread
        done.clear()
        at_once(task, 6, 2)
        assert sorted(done) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("wrong", [0, 1])
def test_an_error_of_any_thread_is_raised_when_all_have_ended(wrong: int) -> None:
    both, ended = threading.Barrier(2, timeout=60), []

    def task(number: int) -> None:
        both.wait()
        if number == wrong:
            raise ZeroDivisionError
        ended.append(number)

    with pytest.raises(ZeroDivisionError):
        at_once(task, 2, 2)
    assert ended == [1 - wrong]
    at_once(ended.append, 2, 2)
    assert sorted(ended[1:]) == [0, 1]


def of_a_child() -> None:
    done: list[int] = []
    at_once(done.append, 4, 3)
    sys.exit(0 if sorted(done) == [0, 1, 2, 3] else 1)


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")  # of Python 3.12
def test_a_forked_process_makes_threads_of_its_own() -> None:
    at_once(lambda _: None, 3, 3)
    child = multiprocessing.get_context("fork").Process(target=of_a_child, daemon=True)
    child.start()
    child.join(60)
    assert child.exitcode == 0
