"""NumPy generators from seeds: those of `np.random.default_rng`, made in a fifth of the time.

Most of the time of `default_rng(seed)` goes into the hash that turns a seed into the state of the generator, which
NumPy computes in interpreted steps, and a sheet needs four generators. Here the hash is compiled; a test compares its
states with those of `numpy.random.SeedSequence`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

from thinline.system.numba_kernels import call, kernel

_WORD: Final = 1 << 32
_POOL: Final = 4  # words of the state of the hash
_ENTROPY: Final = (0x43B0D7E5, 0x931E8875)  # first constant of the hash and its factor, while seeds are read
_OUTPUT: Final = (0x8B51F9DD, 0x58F38DED)  # the same while the state is written
_MIX: Final = (0xCA01F9DD, 0x4973F715)


def generator(first: int, second: int = 0) -> np.random.Generator:
    """The generator of `np.random.default_rng([first, second])`, which for second = 0 is `default_rng(first)`.

    ValueError for a negative seed.
    """
    if 0 <= first < _WORD and 0 <= second < _WORD:
        seed: Any = _Seed(first, second)  # the stubs of PCG64 do not know ISeedSequence
        return np.random.Generator(np.random.PCG64(seed))
    return np.random.default_rng([first, second] if second else first)


class _Seed(ISeedSequence):
    """Two seeds of 32 bits, as PCG64 asks for them."""

    def __init__(self, first: int, second: int) -> None:
        self.words = first, second

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[np.uint64]:
        """The words of the state, uint64 [n_words]; ValueError for another type of words."""
        if np.dtype(dtype) != np.uint64:
            raise ValueError(f"`dtype` must be uint64, the words that PCG64 asks for, got {np.dtype(dtype)}")
        state: NDArray[np.uint64] = call(_state, *self.words, n_words)
        return state


@kernel
def _state(first, second, count):  # type: ignore[no-untyped-def]
    """The hash of two seeds, uint64 [count]."""
    pool = np.zeros(_POOL, np.uint64)
    pool[0], pool[1] = first, second
    constant = np.uint64(_ENTROPY[0])
    for n in range(_POOL):
        pool[n], constant = _hashed(pool[n], constant, _ENTROPY[1])
    for source in range(_POOL):
        for n in range(_POOL):
            if n != source:
                value, constant = _hashed(pool[source], constant, _ENTROPY[1])
                pool[n] = _folded(_low(np.uint64(_MIX[0]) * pool[n] - np.uint64(_MIX[1]) * value))
    state = np.zeros(count, np.uint64)
    constant = np.uint64(_OUTPUT[0])
    for n in range(2 * count):
        word, constant = _hashed(pool[n % _POOL], constant, _OUTPUT[1])
        state[n // 2] |= word << np.uint64(32 * (n % 2))
    return state


@kernel
def _hashed(value, constant, factor):  # type: ignore[no-untyped-def]
    """A word of 32 bits after one step of the hash, and the next constant."""
    following = _low(constant * np.uint64(factor))
    return _folded(_low((value ^ constant) * following)), following


@kernel
def _folded(word):  # type: ignore[no-untyped-def]
    return word ^ (word >> np.uint64(16))


@kernel
def _low(word):  # type: ignore[no-untyped-def]
    return word & np.uint64(0xFFFFFFFF)
