"""Sheets of ids, strokes and layers for the tests of errors: drawn by hand, at random, and printed logs."""

from functools import cache

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from thinline.metrics.structure.prediction import Prediction
from thinline.metrics.structure.truth import Truth
from thinline.sheets import render, sample
from thinline.vocabulary import EDGE, GRID, IGNORE, STAIN, TEXT

BITS = {"g": GRID, "e": EDGE, "t": TEXT, "s": STAIN, "b": GRID | TEXT}


def ids(text: str) -> np.ndarray:
    """Class ids from rows of dots and digits, `x` ignored."""
    known = {".": 0, "x": IGNORE}
    return np.array([[known[sign] if sign in known else int(sign) for sign in row] for row in text.split()], np.uint8)


def printed(text: str) -> np.ndarray:
    """Layers from rows of dots and first letters; `b` is text on grid."""
    return np.array([[BITS.get(sign, 0) for sign in row] for row in text.split()], np.uint8)


def truth_of(labels: np.ndarray, *, curves: int = 2, strokes=None, layers=None, px_per_mm: float = 2.0) -> Truth:
    """Strokes are the labels unless given."""
    own = np.stack([labels == k for k in range(1, curves + 1)]) if strokes is None else strokes
    return Truth(labels, own, np.zeros_like(labels) if layers is None else layers, px_per_mm)


def prediction_of(predicted: str, true: str, **given) -> Prediction:
    """An prediction by hand."""
    return Prediction(ids(predicted), truth_of(ids(true), **given))


@st.composite
def predictions(draw):
    """Anything: 1 to 3 curves, ignored pixels, strokes beneath labels or nowhere near, any layers and scale."""
    curves = draw(st.integers(1, 3))
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    some = st.sampled_from([0] * 4 + list(range(1, curves + 1)))
    predicted = draw(arrays(np.uint8, shape, elements=st.integers(0, curves)) | arrays(np.uint8, shape, elements=some))
    labels = draw(arrays(np.uint8, shape, elements=some | st.just(IGNORE)) | arrays(np.uint8, shape, elements=some))
    sparse = st.sampled_from([False] * 6 + [True])
    strokes = draw(arrays(bool, (curves, *shape), elements=sparse) | st.just(np.zeros((curves, *shape), bool)))
    layers = draw(arrays(np.uint8, shape, elements=st.integers(0, 15)))
    scale = draw(st.sampled_from([1.0, 2.0, 3.7]))
    return Prediction(predicted, Truth(labels, strokes, layers, scale))


@cache
def sheet_of(seed: int, family: str = "archive"):
    """A drawn log at 4 px per mm."""
    return render(sample(family, seed), px_per_mm=4)


def drawn_truth(seed: int, family: str = "archive") -> Truth:
    """The truth of a drawn log."""
    sheet = sheet_of(seed, family)
    return Truth(sheet.labels, sheet.strokes, sheet.layers, 4.0)


def squared_to(mask: np.ndarray, y: int, x: int) -> float:
    """From a pixel to the nearest of a mask, by looking at all; infinite where there is none."""
    return min(((r - y) ** 2 + (c - x) ** 2 for r, c in np.argwhere(mask)), default=np.inf)
