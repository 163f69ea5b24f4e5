"""A page of a PNG or JPEG file: decoded as a whole; a damaged file is refused, as no row is known to be right."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image
from typing_extensions import override

from thinline.images import png as portable
from thinline.images.grey import Colours, Luma, grey_of, stretched, values_of
from thinline.images.jpeg import stream
from thinline.images.page import DarkRows, Page, Samples, ScanError, decoding
from thinline.images.png import Png
from thinline.vocabulary import UInt8

_SAMPLES: Final = {"1": 1, "L": 1, "P": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}


@dataclass(eq=False)
class WholePage(Page):
    """The picture of a PNG (`png` holds its chunks) or of a JPEG (`png` is None), as stored."""

    path: Path
    number: int
    height: int
    width: int
    dpi: tuple[float, float]
    png: Png | None
    luma: Luma
    _decoded: tuple[Samples, Colours] | None = field(default=None, repr=False)
    _dark: DarkRows = field(default_factory=DarkRows, repr=False)
    _stretched: str = ""

    @property
    @override
    def notices(self) -> tuple[str, ...]:
        return tuple(filter(None, (self._stretched, *self._dark.notices())))

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        with decoding(self.path):
            if self._decoded is None:
                samples, colours = self._decode(grey=True)
                used = samples[..., : 3 if colours.model == "rgb" else 1]
                colours, self._stretched = stretched(used, colours)
                self._decoded = samples, colours
            samples, colours = self._decoded
            grey = grey_of(samples[start:stop], colours)
        self._dark.add(start, grey, self.height)
        return grey

    @override
    def values(self) -> Samples:
        with decoding(self.path):
            return values_of(*self._decode(grey=False))

    @override
    def forget(self) -> None:
        self._decoded = None

    def _decode(self, *, grey: bool) -> tuple[Samples, Colours]:
        """Numbers [H,W,samples] and their meaning; for `grey`, a JPEG is reduced to its luma."""
        if self.png is not None and self.png.bits == 16 and self.png.colour != portable.GREY:
            return self._decode_deep()
        if self.png is None and (reason := stream.damage_of(self.path.read_bytes())):
            raise ScanError(
                f"expected a whole image, got {reason}; the file is damaged: copy it again, or open it in an image "
                "viewer and save it anew"
            )
        with Image.open(self.path) as image:
            if grey and self.png is None:
                image.draft("L", image.size)
            image.load()
            numbers, mode = np.asarray(image), image.mode
        if mode.startswith("I;16"):
            return numbers[..., None], self._of_chunks("grey", 65535)
        if mode not in _SAMPLES:
            raise ScanError(f"expected grey, a palette, RGB or CMYK, got the mode {mode}; save it as 8-bit grey")
        if mode == "1":
            numbers = numbers.astype(np.uint8)
        numbers = numbers.reshape(self.height, self.width, _SAMPLES[mode])
        model = {"P": "palette", "RGB": "rgb", "RGBA": "rgb", "CMYK": "cmyk"}.get(mode, "grey")
        return numbers, self._of_chunks(model, 1 if mode == "1" else 255, alpha={"LA": 1, "RGBA": 3}.get(mode))

    def _decode_deep(self) -> tuple[Samples, Colours]:
        """Colours or transparency of 16 bits, which Pillow reduces to 8."""
        pixels = cv2.imdecode(np.frombuffer(self.path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
            raise ScanError("expected a PNG of 16 bits, could not decode it; save it as 8-bit grey")
        alpha = 3 if pixels.shape[2] == 4 else None
        numbers = pixels[..., [2, 1, 0, 3]] if alpha else pixels[..., ::-1]
        return numbers, Colours("rgb", 65535, most_alpha=65535, alpha=alpha, luma=self.luma)

    def _of_chunks(self, model: str, most: int, alpha: int | None = None) -> Colours:
        """The meaning of the numbers with the palette (PLTE) and transparency (tRNS) of a PNG."""
        if self.png is None:
            return Colours(model, most, most_alpha=most, alpha=alpha, luma=self.luma)
        clear, palette, key = self.png.chunks.get(b"tRNS", b""), None, None
        if model == "palette":
            entries = self.png.chunks.get(b"PLTE", b"")
            if not entries or len(entries) % 3:
                raise ScanError("expected a palette (PLTE) in the PNG, got none; the file is damaged: copy it again")
            palette = np.frombuffer(entries, np.uint8).reshape(-1, 3)
            if clear:
                opaque = np.frombuffer(clear[: len(palette)].ljust(len(palette), b"\xff"), np.uint8)
                palette = np.column_stack([palette, opaque])
        elif clear:
            key = tuple(int.from_bytes(clear[at : at + 2], "big") for at in range(0, len(clear) - 1, 2))
            if self.png.bits in (2, 4):  # Pillow scales these to 0..255
                key = tuple(value * 255 // ((1 << self.png.bits) - 1) for value in key)
        return Colours(model, most, most_alpha=most, alpha=alpha, palette=palette, key=key, luma=self.luma)
