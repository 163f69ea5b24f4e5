"""A page of a TIFF file, decoded band by band; only the bands that hold the requested rows are kept.

Damaged rows are white and listed in `damage`. If the samples are 16-bit numbers or fractions, all bands are decoded
once before the first row is returned, to find the range of the samples. So the grey level of a pixel does not depend on
which rows are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from typing_extensions import override

from thinline.images.grey import Colours, Luma, grey_of, stretched, values_of
from thinline.images.page import DarkRows, Page, Rows, Samples, ScanError, decoding
from thinline.images.tiff import layout as tiff
from thinline.images.tiff.bands import has_strict_codes, read_band, rows_of
from thinline.images.tiff.layout import Layout
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
    """The page that `layout` describes. Its rows are those of the file; the orientation tag is not applied here."""

    path: Path
    number: int
    layout: Layout
    luma: Luma
    dpi: tuple[float, float]
    _held: dict[int, Samples | None] = field(default_factory=dict, repr=False)
    _reasons: dict[int, str] = field(default_factory=dict, repr=False)
    _dark: DarkRows = field(default_factory=DarkRows, repr=False)
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
        return tuple(
            sentence for sentence in (*self._tag_notices(), self._stretched, *self._dark.notices()) if sentence
        )

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        band_rows = self.layout.band_rows
        wanted = range(start // band_rows, -(-stop // band_rows))
        self._held = {band: kept for band, kept in self._held.items() if band in wanted}
        parts = []
        with decoding(self.path):
            colours = self._measured()
            for band in wanted:
                if band not in self._held:
                    self._held[band] = self._band(band)
                samples, top, rows = self._held[band], band * band_rows, rows_of(self.layout, band)
                first, last = max(start - top, 0), min(stop - top, rows)
                if samples is None:
                    parts.append(np.full((last - first, self.width), 255, np.uint8))
                else:
                    parts.append(grey_of(samples[first:last], colours))
                    self._dark.add(top + first, parts[-1], self.height)
            self._check_any_band()
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
                self._strict = has_strict_codes(file, self.layout)

    def _measured(self) -> Colours:
        """How samples become grey levels: by the tags, and for 16 bits also by the largest sample of the page."""
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
                self._check_fractions()
            elif layout.bits == 16 and colours.model != "palette":
                count = {"rgb": 3, "cmyk": 4}.get(colours.model, 1)
                most = np.array([samples[..., :count].max() for _, samples in self._bands()])
                colours, self._stretched = stretched(most, colours, declared=layout.most)
            self._colours = colours
        return self._colours

    def _bands(self) -> Iterator[tuple[int, Samples]]:
        """Number and samples of all bands that can be read."""
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

    def _check_fractions(self) -> None:
        for _, samples in self._bands():
            low, high = float(samples.min()), float(samples.max())
            if not (low >= 0 and high <= 1):
                raise ScanError(
                    f"expected fractions of 0 (black) to 1 (white) on page {self.number}, got {low:g} to {high:g} of "
                    f"{self.layout.bits} bits; save it as 8-bit grey"
                )

    def _tag_notices(self) -> Iterator[str]:
        layout = self.layout
        if layout.reversed_bits:
            yield "stores its bits from the lowest to the highest (tag 266, FillOrder 2)"
        extra = layout.samples - {"rgb": 3, "cmyk": 4}.get(_MODELS.get(layout.photometric, "rgb"), 1)
        if extra > (layout.alpha is not None):
            yield "has samples of no stated meaning (tag 338, ExtraSamples), which were left out"

    def _check_any_band(self) -> None:
        if len(self._reasons) == self.layout.offsets.shape[1]:
            reason = next(iter(self._reasons.values()))
            raise ScanError(
                f"expected rows on page {self.number}, got none: all of its {len(self._reasons)} strips or rows of "
                f"tiles are damaged ({reason}); copy the file again, or leave the page out"
            )


def _colours(layout: Layout, luma: Luma) -> Colours:
    """How samples become grey levels by the tags alone."""
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
