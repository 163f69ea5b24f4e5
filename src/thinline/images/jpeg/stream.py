"""Decode JPEG streams (files or strips of a TIFF) with Pillow, and check them for damage.

Pillow discards the warnings of libjpeg and returns the picture that libjpeg invented. OpenCV's libjpeg writes its
warnings to standard error, so the stream is decoded a second time with OpenCV while standard error is captured.
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

from thinline.images.jpeg.header import changed_table, component_names, frame
from thinline.images.jpeg.huffman import wrong_codes
from thinline.images.page import ScanError

_REPORTS: Final = re.compile(
    r"^(?:Corrupt JPEG data|Premature end of JPEG|Inconsistent progression|Invalid (?:SOS|crop)|Unsupported marker|"
    r"Bogus|Unknown|Invalid|.*libjpeg).*$",
    re.MULTILINE,
)
_LOCK: Final = threading.Lock()


def damage_of(stream: bytes) -> str:
    """The reason why a stream is damaged; empty for a right one."""
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
    """Numbers [rows, width, samples] of a strip or tile of a TIFF, or None and the reason of damage.

    `tables` is the JPEGTables tag. Only the tags of the TIFF distinguish RGB from YCbCr, so a marker is added.
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
    if ycbcr and component_names(whole) == b"RGB":
        return None, "JPEG data in RGB, but tag 262 states YCbCr"
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
    """Collect the lines that libjpeg writes to standard error (complete at exit); other output is passed on."""
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
