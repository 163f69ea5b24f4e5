"""A page of a TIFF: decoded band by band, only the bands that hold the rows asked for are held.

Damaged rows are white and are told by `damage`. What a page of 16 bits or fractions holds is measured over all its
bands when the first row is asked for, so that no grey level depends on which rows those are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from typing_extensions import override

from thinline.images.grey import Colours, Luma, full_scale, grey_of, values_of
from thinline.images.page import Page, Rows, ScanError, Tally, decoding
from thinline.images.tiff import layout as tiff
from thinline.images.tiff.bands import keeps_to_the_letter, read_band, rows_of
from thinline.images.tiff.layout import Layout
from thinline.images.tiff.samples import Samples
from thinline.vocabulary import UInt8

_MODELS: Final = {
    tiff.WHITE_IS_ZERO: "grey",
    tiff.BLACK_IS_ZERO: "grey",
    tiff.RGB: "rgb",
    tiff.PALETTE: "palette",
    tiff.CMYK: "cmyk",
}


@dataclass(eq=False)
class TiffPage(Page):
    """The page of a `layout`, as it is stored: `oriented.py` turns it."""

    path: Path
    number: int
    layout: Layout
    luma: Luma
    dpi: tuple[float, float]
    _held: dict[int, Samples | None] = field(default_factory=dict, repr=False)
    _reasons: dict[int, str] = field(default_factory=dict, repr=False)
    _tally: Tally = field(default_factory=Tally, repr=False)
    _colours: Colours | None = field(default=None, repr=False)
    _strict: bool = False
    _stretched: str = ""

    def __post_init__(self) -> None:
        self.height, self.width = self.layout.height, self.layout.width

    @property
    @override
    def damage(self) -> Rows:
        damage: list[tuple[int, int, str]] = []
        for band, reason in sorted(self._reasons.items()):
            first = band * self.layout.band_rows
            last = first + rows_of(self.layout, band)
            if damage and damage[-1][1:] == (first, reason):
                first = damage.pop()[0]
            damage.append((first, last, reason))
        return tuple(damage)

    @property
    @override
    def notices(self) -> tuple[str, ...]:
        return tuple(sentence for sentence in (*self._said(), self._stretched, *self._tally.notices()) if sentence)

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        band_rows = self.layout.band_rows
        wanted = range(start // band_rows, -(-stop // band_rows))
        self._held = {band: kept for band, kept in self._held.items() if band in wanted}
        parts = []
        with decoding(self.path):
            colours = self._look()
            for band in wanted:
                if band not in self._held:
                    self._held[band] = self._band(band)
                samples, top, rows = self._held[band], band * band_rows, rows_of(self.layout, band)
                first, last = max(start - top, 0), min(stop - top, rows)
                if samples is None:
                    parts.append(np.full((last - first, self.width), 255, np.uint8))
                else:
                    parts.append(grey_of(samples[first:last], colours))
                    self._tally.add(top + first, parts[-1], self.height)
            self._check_some()
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @override
    def values(self) -> Samples:
        with decoding(self.path):
            colours = _colours(self.layout, self.luma)
            self._prepare()
            parts = [samples for _, samples in self._bands()]
            if self._reasons:
                first, last, reason = self.damage[0]
                raise ScanError(f"expected a whole image, got rows {first} to {last - 1} damaged: {reason}")
            return values_of(np.concatenate(parts) if len(parts) > 1 else parts[0], colours)

    @override
    def forget(self) -> None:
        self._held = {}

    def _prepare(self) -> None:
        if self.layout.compression in (tiff.RLE, tiff.GROUP3, tiff.GROUP4):
            with self.path.open("rb") as file:
                self._strict = keeps_to_the_letter(file, self.layout)

    def _look(self) -> Colours:
        """What the numbers look like, measured where the tags do not say."""
        if self._colours is None:
            self._prepare()
            colours, layout = _colours(self.layout, self.luma), self.layout
            if layout.kind == "i" or (layout.kind == "u" and layout.bits > 16):
                raise ScanError(
                    f"expected 1 to 16 bits without sign on page {self.number}, got {layout.bits} bits of SampleFormat "
                    f"{'2, with sign' if layout.kind == 'i' else '1'} (tags 258 and 339), whose white is not known; "
                    "save it as 8-bit grey"
                )
            if layout.kind == "f":
                self._check_fractions(colours)
            elif layout.bits == 16 and colours.model != "palette":
                colours = self._measured(colours)
            self._colours = colours
        return self._colours

    def _bands(self) -> Iterator[tuple[int, Samples]]:
        """All bands that can be read."""
        for band in range(self.layout.offsets.shape[1]):
            samples = self._band(band)
            if samples is not None:
                yield band, samples

    def _band(self, band: int) -> Samples | None:
        with self.path.open("rb") as file:
            samples, reason = read_band(file, self.layout, band, strict=self._strict)
        if samples is None:
            self._reasons[band] = reason
        return samples

    def _check_fractions(self, colours: Colours) -> None:
        for _, samples in self._bands():
            low, high = float(samples.min()), float(samples.max())
            if not (low >= 0 and high <= 1):
                raise ScanError(
                    f"expected fractions of 0 (black) to 1 (white) on page {self.number}, got {low:g} to {high:g} of "
                    f"{self.layout.bits} bits; save it as 8-bit grey"
                )

    def _measured(self, colours: Colours) -> Colours:
        """16 bits by what the page uses of them."""
        count = {"rgb": 3, "cmyk": 4}.get(colours.model, 1)
        most = max((int(samples[..., :count].max()) for _, samples in self._bands()), default=0)
        white, said = full_scale(most, bits=16, inverted=colours.inverted), self.layout.most
        if said is not None and 255 <= said < 65535 and most <= said:
            white = said
        if white == 65535:
            return colours
        self._stretched = f"uses 0 to {most} of 16 bits: its grey levels 0..{white} were stretched to 0..255"
        return Colours(
            colours.model,
            white,
            colours.inverted,
            most_alpha=colours.most_alpha,
            alpha=colours.alpha,
            premultiplied=colours.premultiplied,
            luma=colours.luma,
        )

    def _said(self) -> Iterator[str]:
        layout = self.layout
        if layout.reversed_bits:
            yield "stores its bits from the lowest to the highest (tag 266, FillOrder 2)"
        extra = layout.samples - {"rgb": 3, "cmyk": 4}.get(_MODELS.get(layout.photometric, "rgb"), 1)
        if extra > (layout.alpha is not None):
            yield "has samples of no stated meaning (tag 338, ExtraSamples), which were left out"

    def _check_some(self) -> None:
        if len(self._reasons) == self.layout.offsets.shape[1]:
            reason = next(iter(self._reasons.values()))
            raise ScanError(
                f"expected rows on page {self.number}, could not decode one of its {len(self._reasons)} strips or rows "
                f"of tiles ({reason}); the file is damaged: copy it again, or leave the page out"
            )


def _colours(layout: Layout, luma: Luma) -> Colours:
    """What the tags say of the numbers."""
    model = _MODELS.get(layout.photometric, "rgb")
    if layout.photometric == tiff.YCBCR and layout.compression != tiff.JPEG:
        model = "grey"  # its first sample is the luma
    most = 1.0 if layout.kind == "f" else (1 << layout.bits) - 1
    return Colours(
        model,
        most,
        layout.photometric == tiff.WHITE_IS_ZERO,
        most_alpha=most,
        alpha=layout.alpha,
        premultiplied=layout.premultiplied,
        palette=layout.palette,
        luma=luma,
    )
