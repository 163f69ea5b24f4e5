"""Compiled loops on a machine that keeps no compiled code."""

import runpy

import pytest
from numba.core import caching

from thinline.system import numba_kernels
from thinline.system.numba_kernels import call, kernel


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
