"""A page that its orientation tag, 2 to 8, turns or mirrors: decoded whole, and turned."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from typing_extensions import override

from thinline.images.page import Page, Rows, turned
from thinline.images.tiff.samples import Samples
from thinline.vocabulary import UInt8


@dataclass(eq=False)
class TurnedPage(Page):
    """`page` as orientation tag `turn` asks for."""

    page: Page
    turn: int
    _grey: UInt8 | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        page, self.number = self.page, self.page.number
        self.height, self.width, self.dpi = page.height, page.width, page.dpi
        if self.turn >= 5:
            self.height, self.width, self.dpi = page.width, page.height, page.dpi[::-1]

    @property
    @override
    def damage(self) -> Rows:
        damage = self.page.damage
        if not damage or self.turn in (1, 2):
            return damage
        if self.turn >= 5:  # damaged rows of the file are columns of the picture: no row of it is whole
            return ((0, self.height, damage[0][2]),)
        return tuple((self.height - last, self.height - first, reason) for first, last, reason in reversed(damage))

    @property
    @override
    def notices(self) -> tuple[str, ...]:
        return (f"was turned or mirrored by its orientation tag ({self.turn})", *self.page.notices)

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        if self._grey is None:
            self._grey = turned(self.page.rows(0, self.page.height), self.turn)
            self.page.forget()
        return self._grey[start:stop]

    @override
    def values(self) -> Samples:
        return np.ascontiguousarray(turned(self.page.values(), self.turn))

    @override
    def forget(self) -> None:
        self._grey = None
        self.page.forget()
