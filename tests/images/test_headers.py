"""Headers of TIFF files that are refused, each by its tag or its number of bits."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from drawn import log
from tiff_files import DEFLATE, LZW, Way, tiff

from thinline.data.folder.image_files import PictureError, read_image
from thinline.digitise.scan import ScanError, open_scan

PICTURE = log()
REFUSED = {
    "old-style JPEG": ({259: (6,)}, r"tag 259 \(Compression\) of page 1, got 6, old-style JPEG"),
    "Zstandard": ({259: (50000,)}, "got 50000, Zstandard"),
    "an unknown compression": ({259: (999,)}, "got 999, an unknown one"),
    "Lab": ({262: (8,)}, r"tag 262 \(PhotometricInterpretation\) of page 1, got 8, CIE"),
    "RGB of one sample": ({262: (2,)}, "expected 3 samples or more"),
    "a palette that is missing": ({262: (3,)}, r"tag 320 \(ColorMap\) of page 1"),
    "24 bits": ({258: (24,)}, r"tag 258 \(BitsPerSample\) of page 1, got 24 bits"),
    "unequal bits": ({258: (8, 4)}, "got 1 samples of 8, 4 bits"),
    "a third plane": ({284: (3,)}, r"tag 284 \(PlanarConfiguration\)"),
    "bytes from their end": ({266: (2,)}, r"tag 266 \(FillOrder\)"),
    "G4 of 8 bits": ({259: (4,)}, "expected 1 bit a pixel with G3 or G4 on page 1, got 1 x 8 bits"),
    "an unknown predictor": ({259: (8,), 317: (7,)}, r"tag 317 \(Predictor\)"),
    "complex numbers": ({339: (6,)}, r"tag 339 \(SampleFormat\)"),
    "no width": ({256: (0,)}, "got 0 x 60 px"),
    "too few strips": ({257: (90,)}, "expected 6 strips of rows of page 1 within .* got 4"),
    "a strip beyond the end": ({273: (16, 16, 16, 1 << 30)}, "got 4, 3 of them in the file"),
    "strips over each other": ({273: (16, 20, 3000, 4000), 279: (800,) * 4}, "overlap|in the file"),
    "8 bits with sign": ({339: (2,)}, "8 bits of SampleFormat 2, with sign"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_header_is_refused_by_its_tag(what: str, tmp_path: Path) -> None:
    tags, words = REFUSED[what]
    path = tiff(tmp_path / "a.tif", [(PICTURE, Way(tags=tags))])
    with pytest.raises(ScanError, match=words):
        open_scan(path).rows(0, 10)
    with pytest.raises(PictureError, match=words):
        read_image(path)


@pytest.mark.parametrize("form", [1, 2])
def test_32_bits_have_no_known_white(form: int, tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", [(PICTURE.astype(np.uint32), Way(32, form=form))])
    with pytest.raises(ScanError, match="expected 1 to 16 bits without sign on page 1, got 32 bits"):
        open_scan(path).rows(0, 10)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.5, 255.0])
def test_fractions_without_a_known_white(value: float, tmp_path: Path) -> None:
    """The whole page is checked, whichever rows are read."""
    numbers = (PICTURE / 255).astype(np.float32)
    numbers[50, 3] = value
    path = tiff(tmp_path / "a.tif", [(numbers, Way(32, form=3))])
    with pytest.raises(ScanError, match=r"expected fractions of 0 \(black\) to 1 \(white\) on page 1"):
        open_scan(path).rows(0, 10)


def test_a_tag_that_is_missing(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", [(PICTURE, Way())])
    content = path.read_bytes()
    entry = struct.pack("<HHI", 262, 3, 1)
    path.write_bytes(content.replace(entry, struct.pack("<HHI", 263, 3, 1)))
    with pytest.raises(ScanError, match=r"expected tag 262 \(PhotometricInterpretation\) of page 1, it is missing"):
        open_scan(path)


def test_directories_in_a_cycle_or_beyond_the_end(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", [(PICTURE, Way(compression=DEFLATE)), (PICTURE, Way(compression=LZW))])
    content = path.read_bytes()
    (first,) = struct.unpack("<I", content[4:8])
    (count,) = struct.unpack("<H", content[first : first + 2])
    link = first + 2 + 12 * count
    for at in (first, len(content) + 5, len(content) - 1):
        path.write_bytes(content[:link] + struct.pack("<I", at) + content[link + 4 :])
        with pytest.raises(ScanError, match="page 2"):
            open_scan(path)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Way(dpi=300), r"50 px at 200 dpi on page 1 and 50 px at 300 dpi on page 2 \(tag 282, XResolution; tag"),
        (Way(tags={274: (6,)}), r"50 px at 200 dpi on page 1 and 60 px at 200 dpi on page 2 \(tag 256, ImageWidth\)"),
    ],
)
def test_pages_that_cannot_follow_each_other(other: Way, words: str, tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", [(PICTURE, Way()), (PICTURE, other)])
    with pytest.raises(ScanError, match=words):
        open_scan(path)


def test_resolutions_may_be_rounded(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", [(PICTURE, Way(dpi=203.2)), (PICTURE, Way(dpi=203.21))])
    assert open_scan(path).height == 120
