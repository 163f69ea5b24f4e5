"""Pictures of a digitised scan: the class map, and the curves laid over the paper.

Conventions
    Both show the straightened paper at the run's scale, so that a row of the class map is a row of the CSV.
    The **class map** is one PNG with a palette: its values are class ids, background 0, and shown in colours. It is
    coded as it comes, row by row; only the coded bytes are held.
    The **overlay** is enlarged ENLARGED times and cut into pictures of at most OVERLAY_ROWS paper rows, because viewers
    choke on longer ones. The paper is faded; each curve that is told is a line in its colour, broken at gaps and where
    it wraps. On the left stand the depth and one bar for each curve: coloured where it has a value, grey in a gap.
    Curves that were refused are named in the title and not drawn.
    Colours: blue and vermilion of Okabe and Ito first, which colour-blind readers tell apart and a grey print too.

References
    Okabe and Ito, "Color universal design: how to make figures that are colorblind friendly", 2002.
    PNG (Portable Network Graphics) specification, third edition, W3C 2025.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

import cv2
import numpy as np

from hairline.digitise.judging import Digitised
from hairline.vocabulary import Float64, UInt8

Colour = tuple[int, int, int]
COLOURS: Final[tuple[Colour, ...]] = (
    (0, 90, 180),
    (213, 94, 0),
    (0, 120, 90),
    (190, 90, 150),
    (110, 90, 0),
    (60, 170, 215),
)
OVERLAY_ROWS: Final = 4000
ENLARGED: Final = 2
_FADE: Final = 0.6
_GAP: Final[Colour] = (225, 225, 225)
_INK: Final[Colour] = (40, 40, 40)
_BAR_PX, _TEXT_PX, _TITLE_PX = 8, 64, 20
_LABEL_EVERY_PX: Final = 100
_LETTER: Final = 0.4


def class_map_png(bands: Iterable[UInt8], shape: tuple[int, int], *, curves: int) -> bytes:
    """The labels [h,W] of bands, one below the other, as a PNG with a palette."""
    height, width = shape
    palette = bytes([255, 255, 255]) + b"".join(bytes(COLOURS[k % len(COLOURS)]) for k in range(curves))
    coder = zlib.compressobj(6)
    coded, seen = [], 0
    for labels in bands:
        seen += len(labels)
        plain = np.zeros((len(labels), width + 1), np.uint8)  # each row begins with its filter, 0 for none
        plain[:, 1:] = labels
        coded.append(coder.compress(plain.tobytes()))
    coded.append(coder.flush())
    if seen != height:
        raise ValueError(f"`bands` must have {height} rows together, got {seen}; pass every band once")
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header), _chunk(b"PLTE", palette), _chunk(b"IDAT", b"".join(coded)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def overlay_png(grey: UInt8, start: int, curves: Sequence[Digitised], depth: Float64, *, title: str) -> bytes:
    """The curves over paper rows start.. of grey levels [h,W]; `depth [P]` of all rows."""
    stop = start + len(grey)
    faded = cv2.convertScaleAbs(grey, alpha=1 - _FADE, beta=255 * _FADE)
    canvas = cv2.cvtColor(faded.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1), cv2.COLOR_GRAY2RGB)
    margin = np.full((len(canvas), _TEXT_PX + (_BAR_PX + 2) * len(curves) + 4, 3), 255, np.uint8)
    for k, curve in enumerate(curves):
        if curve.refused:
            continue
        colour = COLOURS[k % len(COLOURS)]
        _draw(canvas, curve.u_px[start:stop], curve.lap[start:stop], colour)
        left = _TEXT_PX + k * (_BAR_PX + 2)
        has = np.isfinite(curve.u_px[start:stop]).repeat(ENLARGED)
        margin[:, left : left + _BAR_PX] = np.where(has[:, None, None], np.array(colour), np.array(_GAP))
    for row in range(0, len(grey), _LABEL_EVERY_PX):
        at = row * ENLARGED
        margin[at : at + 1, _TEXT_PX - 6 : _TEXT_PX] = _INK
        _write(margin, f"{depth[start + row]:.2f}", 2, min(max(at + 5, 12), len(margin) - 3), _INK)
    picture = np.vstack([_titled(margin.shape[1] + canvas.shape[1], curves, title), np.hstack([margin, canvas])])
    done, png = cv2.imencode(".png", picture[..., ::-1])
    if not done:
        raise ValueError(f"the overlay of rows {start}..{stop} could not be coded as PNG; digitise fewer columns")
    return bytes(png.tobytes())


def _draw(canvas: UInt8, u_px: Float64, lap: np.ndarray[tuple[int], np.dtype[np.int64]], colour: Colour) -> None:
    """A line through the centres of the pixels, lifted at gaps and between laps."""
    known = np.isfinite(u_px)
    whole = known[1:] & known[:-1] & (lap[1:] == lap[:-1])
    ends = np.flatnonzero(~whole) + 1
    fine = 8  # fractions of a pixel that OpenCV draws
    for rows in np.split(np.arange(len(u_px)), ends):
        rows = rows[known[rows]]
        if len(rows):
            x = (u_px[rows] + 0.5) * ENLARGED - 0.5
            y = (rows + 0.5) * ENLARGED - 0.5
            points = np.rint(np.stack([x, y], axis=1) * fine).astype(np.int32)
            cv2.polylines(canvas, [points], False, colour, 1, cv2.LINE_AA, 3)


def _titled(width: int, curves: Sequence[Digitised], title: str) -> UInt8:
    """The title and the legend, as many lines as they need."""
    entries = [(title, _INK)]
    for k, curve in enumerate(curves):
        told = f"{curve.scale.name} refused" if curve.refused else curve.scale.name
        entries.append((told, _INK if curve.refused else COLOURS[k % len(COLOURS)]))
    lines, left = [np.full((_TITLE_PX, width, 3), 255, np.uint8)], 4
    for text, colour in entries:
        wide = int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, _LETTER, 1)[0][0])
        if left > 4 and left + wide > width:
            lines.append(np.full((_TITLE_PX, width, 3), 255, np.uint8))
            left = 4
        _write(lines[-1], text, left, _TITLE_PX - 6, colour)
        left += wide + 14
    return np.vstack(lines)


def _write(canvas: UInt8, text: str, left: int, base: int, colour: Colour) -> None:
    cv2.putText(canvas, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, _LETTER, colour, 1, cv2.LINE_AA)
