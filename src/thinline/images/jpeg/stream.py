"""JPEG streams, whole files or strips of a TIFF: decoded by Pillow, and read once more for what is wrong with them.

Pillow throws the warnings of libjpeg away and shows the picture it made up. OpenCV's libjpeg writes them to standard
error of the process; it decodes the stream once more, and what it writes there meanwhile is read.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import cv2
import numpy as np
from PIL import Image

from thinline.images.jpeg.huffman import wrong_codes
from thinline.images.jpeg.tables import changed_table
from thinline.images.page import ScanError

_REPORTS: Final = re.compile(
    r"^(?:Corrupt JPEG data|Premature end of JPEG|Inconsistent progression|Invalid (?:SOS|crop)|Unsupported marker|"
    r"Bogus|Unknown|Invalid|.*libjpeg).*$",
    re.MULTILINE,
)
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LOCK: Final = threading.Lock()


def frame(stream: bytes) -> tuple[int, int, int, int]:
    """Bits, height, width and components that a stream declares. ScanError where it declares none."""
    for marker, place in segments(stream):
        if marker in _FRAMES and place + 10 <= len(stream):
            bits = stream[place + 4]
            height, width = (int.from_bytes(stream[at : at + 2], "big") for at in (place + 5, place + 7))
            return bits, height, width, stream[place + 9]
    raise ScanError("expected a JPEG with a frame, got none; the file is damaged: copy it again")


def segments(stream: bytes) -> Iterator[tuple[int, int]]:
    """Markers before the first pixels and where each stands."""
    place = 2
    while place + 4 <= len(stream):
        if stream[place] != 0xFF:
            return
        marker = stream[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        yield marker, place
        if marker in (0xDA, 0xD9):
            return
        place += 2 + max(2, int.from_bytes(stream[place + 2 : place + 4], "big"))


def _components(stream: bytes) -> bytes:
    """The names of its components."""
    place = next(place for marker, place in segments(stream) if marker in _FRAMES)
    return stream[place + 10 : place + 10 + 3 * stream[place + 9] : 3]


def damage_of(stream: bytes) -> str:
    """What is wrong with a stream, nothing for one that is right."""
    try:
        with _errors() as lines:
            whole = cv2.imdecode(np.frombuffer(stream, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        return f"JPEG data that OpenCV refuses ({error.err})"
    if lines:
        return lines[0][0].lower() + lines[0][1:] if lines[0].startswith("Premature") else lines[0]
    if whole is None:
        return "JPEG data that cannot be decoded"
    return changed_table(stream) or wrong_codes(stream)


def strip(stream: bytes, tables: bytes, shape: tuple[int, int, int], *, ycbcr: bool) -> tuple[np.ndarray | None, str]:
    """Numbers [rows, width, samples] of a strip or a tile of a TIFF, or what is wrong with it.

    `tables` is the JPEGTables tag. RGB and YCbCr differ by the tags of the TIFF alone: the stream is marked by it.
    """
    if not stream.startswith(b"\xff\xd8"):
        return None, "JPEG data without a beginning"
    colour = b"" if shape[2] != 3 else b"\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0" + bytes([ycbcr])
    inner = tables[2:-2] if tables.startswith(b"\xff\xd8") and tables.endswith(b"\xff\xd9") else b""
    whole = b"\xff\xd8" + colour + inner + stream[2:]
    try:
        bits, height, width, samples = frame(whole)
    except ScanError:
        return None, "JPEG data without a frame"
    if (bits, height, width, samples) != (8, *shape):
        return None, f"JPEG data of {width} x {height} px of {samples} x {bits} bits instead of {shape[1]} x {shape[0]}"
    if ycbcr and _components(whole) == b"RGB":
        return None, "JPEG data of red, green and blue where tag 262 says YCbCr"
    reason = damage_of(whole)
    if reason:
        return None, reason
    try:
        with Image.open(io.BytesIO(whole)) as image:
            numbers = np.asarray(image)
    except (OSError, ValueError, SyntaxError) as error:
        return None, f"JPEG data that cannot be decoded ({error})"
    if numbers.size != np.prod(shape):
        return None, "JPEG data of another shape"
    return numbers.reshape(shape), ""


@contextmanager
def _errors() -> Iterator[list[str]]:
    """What libjpeg writes to standard error meanwhile, filled in at the end; all else is written there afterwards."""
    lines: list[str] = []
    with _LOCK, tempfile.TemporaryFile() as caught:
        if sys.stderr is not None:
            sys.stderr.flush()
        try:
            kept = os.dup(2)
        except OSError:  # a process without standard error
            kept = os.open(os.devnull, os.O_WRONLY)
        os.dup2(caught.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            caught.seek(0)
            text = caught.read().decode("utf-8", "replace")
            lines += _REPORTS.findall(text)
            other = _REPORTS.sub("", text).strip("\n")
            if other:
                os.write(kept, other.encode("utf-8", "replace") + b"\n")
            os.close(kept)
