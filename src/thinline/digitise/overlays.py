"""Pictures of a digitised scan: the class map, and an overlay of the curves on the paper.

Conventions
    Both show the straightened paper at the run's scale, so that a row of the class map is a row of the CSV.
    The **class map** is a PNG with a palette whose values are class ids, background 0. It is compressed row by row;
    only the compressed bytes are held in memory.
    The **overlay** is enlarged ENLARGED times, unless the paper is wider than WIDE px, and cut into pictures of at most
    OVERLAY_ROWS paper rows, because viewers fail on longer ones. The paper is drawn pale. Each accepted curve is a line
    in its colour, interrupted at gaps and wraps. On the left are the depth and one bar for each curve: coloured in rows
    with a value, grey in gaps. Refused curves are not drawn; the title names them. Hidden rows, where the scan is
    damaged, are hatched and labelled with their row numbers in the scan.
    Colours: blue and vermilion of Okabe and Ito first, which differ for colour-blind readers and in a grey print.

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

from thinline.digitise.accept import Digitised
from thinline.digitise.axes import decimals
from thinline.digitise.damaged_rows import Hidden
from thinline.vocabulary import Float64, Int64, UInt8

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
WIDE: Final = 800
_FADE: Final = 0.6
GAP: Final[Colour] = (225, 225, 225)
INK: Final[Colour] = (40, 40, 40)
_DAMAGE: Final[Colour] = (200, 0, 0)
_HATCH: Final[Colour] = (255, 205, 205)
_HATCH_EVERY_PX: Final = 12
BAR_PX, _TEXT_PX, _TITLE_PX = 8, 64, 20
_LABEL_EVERY_PX: Final = 100
_LETTER: Final = 0.4


def class_map_png(bands: Iterable[UInt8], shape: tuple[int, int], *, curves: int) -> bytes:
    """The labels [h,W] of consecutive bands as one PNG with a palette."""
    height, width = shape
    palette = bytes([255, 255, 255]) + b"".join(bytes(COLOURS[k % len(COLOURS)]) for k in range(curves))
    coder = zlib.compressobj(6)
    coded, rows = [], 0
    for labels in bands:
        rows += len(labels)
        plain = np.zeros((len(labels), width + 1), np.uint8)  # each row begins with its filter type, 0 for none
        plain[:, 1:] = labels
        coded.append(coder.compress(plain.tobytes()))
    coded.append(coder.flush())
    if rows != height:
        raise ValueError(f"`bands` must have {height} rows together, got {rows}; pass every band once")
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header), _chunk(b"PLTE", palette), _chunk(b"IDAT", b"".join(coded)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def overlay_png(
    grey: UInt8, start: int, curves: Sequence[Digitised], depth: Float64, *, title: str, hidden: Hidden | None = None
) -> bytes:
    """One picture of the overlay: the curves on the paper rows from `start`. `depth [H]` and `hidden` have all rows."""
    stop = start + len(grey)
    times = 1 if grey.shape[1] > WIDE else ENLARGED
    faded = cv2.convertScaleAbs(grey, alpha=1 - _FADE, beta=255 * _FADE)
    canvas = cv2.cvtColor(faded.repeat(times, axis=0).repeat(times, axis=1), cv2.COLOR_GRAY2RGB)
    bars = margin(len(grey), depth[start:stop], curves=len(curves), times=times)
    text_px = bars.shape[1] - (BAR_PX + 2) * len(curves) - 4
    for k, curve in enumerate(curves):
        if curve.refused:
            continue
        colour = COLOURS[k % len(COLOURS)]
        _draw(canvas, curve.u_px[start:stop], curve.lap[start:stop], colour, times)
        left = text_px + k * (BAR_PX + 2)
        has = np.isfinite(curve.u_px[start:stop]).repeat(times)
        bars[:, left : left + BAR_PX] = np.where(has[:, None, None], np.array(colour), np.array(GAP))
    entries = [(title, INK)]
    if hidden is not None and hidden.rows[start:stop].any():
        _mark(canvas, hidden, (start, stop), times)
        entries.append(("hatched: damaged, no values", _DAMAGE))
    for k, curve in enumerate(curves):
        text = f"{curve.scale.name} refused" if curve.refused else curve.scale.name
        entries.append((text, INK if curve.refused else COLOURS[k % len(COLOURS)]))
    picture = np.vstack([titled(bars.shape[1] + canvas.shape[1], entries), np.hstack([bars, canvas])])
    encoded, png = cv2.imencode(".png", picture[..., ::-1])
    if not encoded:
        raise ValueError(f"the overlay of rows {start}..{stop} could not be coded as PNG; digitise fewer columns")
    return bytes(png.tobytes())


def margin(height: int, depth: Float64, *, curves: int, times: int = ENLARGED) -> UInt8:
    """The margin left of `height` paper rows of `depth [h]`: depth labels, and space for one bar for each curve."""
    step = abs(depth[-1] - depth[0]) / max(height - 1, 1) * _LABEL_EVERY_PX
    labels = [f"{depth[row]:.{decimals(step)}f}" for row in range(0, height, _LABEL_EVERY_PX)]
    wide = max(_wide(label) for label in labels)
    text_px = max(_TEXT_PX, wide + 10)
    bars = np.full((height * times, text_px + (BAR_PX + 2) * curves + 4, 3), 255, np.uint8)
    for n, label in enumerate(labels):
        at = n * _LABEL_EVERY_PX * times
        bars[at : at + 1, text_px - 6 : text_px] = INK
        _write(bars, label, 2, min(max(at + 5, 12), len(bars) - 3), INK)
    return bars


def _mark(canvas: UInt8, hidden: Hidden, part: tuple[int, int], times: int) -> None:
    """Hatch the hidden rows of the `part` (start, stop) and label them with the damaged rows of the scan."""
    start, stop = part
    rows = hidden.rows[start:stop].repeat(times)
    width = canvas.shape[1]
    stripes = np.arange(width + _HATCH_EVERY_PX) % _HATCH_EVERY_PX < _HATCH_EVERY_PX // 2
    for row in np.flatnonzero(rows).tolist():
        shift = row % _HATCH_EVERY_PX
        canvas[row, stripes[shift : shift + width]] = _HATCH
    ends = np.flatnonzero(np.diff(np.concatenate([[0], rows.astype(np.int8), [0]])))
    for row in ends.tolist():
        canvas[max(row - 1, 0) : row + 1] = _DAMAGE
    for paper_row, text in hidden.captions:
        if start <= paper_row < stop:
            _write(canvas, text, 4, min((paper_row - start) * times + _TITLE_PX - 6, len(canvas) - 3), _DAMAGE)


def _draw(canvas: UInt8, u_px: Float64, lap: Int64, colour: Colour, times: int) -> None:
    """A line through the pixel centres, interrupted at gaps and between laps."""
    finite = np.isfinite(u_px)
    joined = finite[1:] & finite[:-1] & (lap[1:] == lap[:-1])
    ends = np.flatnonzero(~joined) + 1
    fine = 8  # OpenCV draws eighths of a pixel
    for rows in np.split(np.arange(len(u_px)), ends):
        rows = rows[finite[rows]]
        if len(rows):
            x = (u_px[rows] + 0.5) * times - 0.5
            y = (rows + 0.5) * times - 0.5
            points = np.rint(np.stack([x, y], axis=1) * fine).astype(np.int32)
            cv2.polylines(canvas, [points], False, colour, 1, cv2.LINE_AA, 3)


def titled(width: int, entries: Sequence[tuple[str, Colour]]) -> UInt8:
    """The title and the legend entries in their colours, on as many lines as needed."""
    lines, left = [np.full((_TITLE_PX, width, 3), 255, np.uint8)], 4
    for text, colour in entries:
        wide = _wide(text)
        if left > 4 and left + wide > width:
            lines.append(np.full((_TITLE_PX, width, 3), 255, np.uint8))
            left = 4
        _write(lines[-1], text, left, _TITLE_PX - 6, colour)
        left += wide + 14
    return np.vstack(lines)


def _wide(text: str) -> int:
    return int(cv2.getTextSize(_drawable(text), cv2.FONT_HERSHEY_SIMPLEX, _LETTER, 1)[0][0])


def _write(canvas: UInt8, text: str, left: int, base: int, colour: Colour) -> None:
    cv2.putText(canvas, _drawable(text), (left, base), cv2.FONT_HERSHEY_SIMPLEX, _LETTER, colour, 1, cv2.LINE_AA)


def _drawable(text: str) -> str:
    """Text without invalid UTF-8. A file name may contain it, and OpenCV would end the process."""
    return text.encode("utf-8", "replace").decode()
