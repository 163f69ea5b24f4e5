"""Loops compiled for the CPU by numba, wherever it can keep them.

A kernel lets go of the interpreter lock and starts no threads of its own. Its compiled code is kept on disk beside the
source where that may be written, and in memory where not; a kernel is entered through `call`, which bears a disk that
becomes full in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def _on_disk() -> bool:
    """Whether numba finds a folder for compiled code that it may write; if not it raises as early as this."""
    try:
        njit(cache=True)(_on_disk)
    except RuntimeError:
        return False
    return True


_KEPT = _on_disk()


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: compile at the first call; numbers, arrays and named tuples go in."""
    made: Callable[..., Any] = njit(nogil=True, cache=_KEPT)(function)
    return made


def call(function: Callable[..., Any], *arguments: object) -> Any:
    """Enter a kernel."""
    try:
        return function(*arguments)
    except OSError:  # numba compiled it but could not keep it, as on a full disk; now it is in memory
        return function(*arguments)
