"""Masks for the tests of measures: drawn by hand, at random, and a curve that is moved."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def drawn(text: str) -> np.ndarray:
    """A mask from rows of dots and hashes."""
    return np.array([[letter == "#" for letter in row] for row in text.split()])


@st.composite
def pairs(draw):
    """Two masks of one shape, sparse ones more often."""
    shape = draw(st.tuples(st.integers(1, 14), st.integers(1, 14)))
    fill = arrays(bool, shape) | arrays(bool, shape, elements=st.sampled_from([False] * 5 + [True]))
    return draw(fill), draw(fill)


def curve(width: int = 1, *, shift: int = 0, jitter: int = 0, height: int = 512, total: int = 640) -> np.ndarray:
    """A log-like curve [512,640] of `width` px, joined from row to row, moved sideways or every row at random."""
    y = np.arange(height)
    x = 320 + 60 * np.sin(y / 60.0) + 10 * np.sin(y / 13.0)
    x = np.rint(x).astype(int) + shift
    if jitter:
        x = x + np.random.default_rng(0).integers(-jitter, jitter + 1, height)
    mask = np.zeros((height, total), dtype=bool)
    for row in range(height):
        low, high = sorted((x[row], x[max(row - 1, 0)]))
        first, last = (low + 1, high) if x[row] > x[max(row - 1, 0)] else (low, high - 1)
        first, last = (x[row], x[row]) if low == high else (first, last)
        mask[row, first - (width - 1) // 2 : last + width // 2 + 1] = True
    return mask
