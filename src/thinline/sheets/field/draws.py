"""Random numbers of one sheet. NumPy draws them in blocks: a call of NumPy for each would take longer than drawing."""

from __future__ import annotations

import math
from typing import Final, TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK: Final = 256


class Draws:
    """Random numbers from a generator; lengths and shares are rounded to three digits to keep specs short."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._left: list[float] = []

    def share(self) -> float:
        """A number in [0, 1), not rounded."""
        if not self._left:
            self._left = self.rng.random(_BLOCK).tolist()
        return self._left.pop()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.share() < probability

    def uniform(self, low: float, high: float) -> float:
        """A uniform number."""
        return round(low + (high - low) * self.share(), 3)

    def log(self, low: float, high: float) -> float:
        """A number whose logarithm is uniform."""
        return round(float(low * (high / low) ** self.share()), 3)

    def normal(self, deviation: float) -> float:
        """A normal number of mean 0."""
        radius = math.sqrt(-2 * math.log(1 - self.share()))
        return round(deviation * radius * math.cos(2 * math.pi * self.share()), 4)

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int((high - low + 1) * self.share())

    def pick(self, items: tuple[T, ...]) -> T:
        """One of the items, each as likely; repeat an item to make it more likely."""
        return items[int(len(items) * self.share())]

    def weighted(self, odds: tuple[tuple[T, float], ...]) -> T:
        """One of the items of `odds`, whose probabilities sum to 1."""
        rest = self.share()
        for item, probability in odds:
            rest -= probability
            if rest < 0:
                return item
        return odds[-1][0]

    def seed(self) -> int:
        """A seed of 31 bits."""
        return int(self.share() * 2**31)
