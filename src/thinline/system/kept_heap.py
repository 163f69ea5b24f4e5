"""glibc's heap kept between steps of training.

glibc returns blocks above a threshold, and the free top of its heap, to the system at once. Every activation of every
step is such a block: it is mapped, filled with zeros page by page, used once and unmapped. With the largest thresholds
the same pages serve every step, and a step of a slim network takes about a fifth less time (experiments/LOG.md). The
process then keeps the most memory that it has ever used.

References
----------
mallopt(3): M_MMAP_THRESHOLD, M_TRIM_THRESHOLD.
"""

from __future__ import annotations

import ctypes
import platform
from typing import Final

_TRIM: Final = (-1, 2**31 - 1)  # M_TRIM_THRESHOLD, bytes: the largest int
_MMAP: Final = (-3, 2**25)  # M_MMAP_THRESHOLD, bytes: the largest that glibc takes on 64 bits


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees; False, without effect, where the C library is not glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return all(library.mallopt(option, size) == 1 for option, size in (_TRIM, _MMAP))
