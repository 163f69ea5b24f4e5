"""Pictures for the tests of image files."""

from __future__ import annotations

import numpy as np


def log(height: int = 60, width: int = 50, *, seed: int = 0) -> np.ndarray:
    """Grey levels of a curve on paper with a grid, uint8 [height, width]."""
    rng = np.random.default_rng(seed)
    paper = rng.integers(238, 250, (height, width)).astype(np.uint8)
    paper[:, ::10] = paper[::10] = 200
    x = np.clip(width / 2 + rng.normal(0, 1.5, height).cumsum(), 1, width - 3).astype(int)
    for pen in range(2):
        paper[np.arange(height), x + pen] = 25
    return paper
