"""Sheets of noise, of any size and with any number of curves, for tests of the cache and the batches."""

from dataclasses import dataclass

import numpy as np

from thinline.sheets import Sheet


@dataclass(frozen=True)
class Drawing:
    """A stand-in for a SheetSpec that is drawn from noise: any size, any number of curves."""

    number: int
    height: int = 24
    width: int = 20
    curves: int = 2
    apart: bool = False

    @property
    def digest(self) -> str:
        return repr(self)

    @property
    def size_mm(self) -> tuple[float, float]:
        return (float(self.height), float(self.width))


def noise(drawing: Drawing) -> Sheet:
    """Strokes at random, also across each other unless `apart`; a pixel is the last curve's, and some are ignored."""
    rng = np.random.default_rng(drawing.number)
    size = (drawing.height, drawing.width)
    strokes = rng.random((drawing.curves, *size)) < 0.2
    labels = np.zeros(size, dtype=np.uint8)
    for k, stroke in enumerate(strokes):
        labels[stroke] = k + 1
    labels[rng.random(size) < 0.05] = 255
    if drawing.apart:
        strokes = np.stack([labels == k + 1 for k in range(drawing.curves)])
    image = rng.integers(0, 256, size, dtype=np.uint8)
    return Sheet(image, labels, strokes, rng.integers(0, 16, size, dtype=np.uint8), ())
