"""CPU kernels compiled by numba.

A kernel releases the interpreter lock and starts no threads. Its compiled code is cached on disk beside the source
where that folder is writable, otherwise in memory. Call kernels through `call`, which survives a full disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def _cacheable() -> bool:
    """Whether numba finds a writable folder for compiled code; otherwise its decorator raises."""
    try:
        njit(cache=True)(_cacheable)
    except RuntimeError:
        return False
    return True


_CACHE = _cacheable()


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator that compiles at the first call. Arguments are numbers, arrays and named tuples."""
    compiled: Callable[..., Any] = njit(nogil=True, cache=_CACHE)(function)
    return compiled


def vector_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `kernel`, for loops that the compiler vectorises: x / 0 does not raise, sums may be reordered and fused.

    NaN and infinity are kept. The result depends on the processor in the last digits, as that of torch does.
    """
    compiled: Callable[..., Any] = njit(
        nogil=True, cache=_CACHE, error_model="numpy", fastmath={"contract", "reassoc", "nsz"}
    )(function)
    return compiled


def call(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a kernel."""
    try:
        return function(*arguments)
    except OSError:  # numba compiled the kernel but could not cache it, as on a full disk; now it is in memory
        return function(*arguments)
