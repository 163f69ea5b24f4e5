"""Randomly damaged files are refused, or their damaged rows reported, or the picture changes in a few pixels."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from drawn import log
from PIL import Image
from tiff_files import DEFLATE, GROUP3, GROUP4, LZW, PACKBITS, Way, tiff

from thinline.data.folder.image_files import PictureError, read_image, read_mask
from thinline.digitise.scan import ScanError, open_scan

GREY = log(160, 120)
BITS = (GREY > 100).astype(np.uint8)
FEW = 200  # px that differ by more than 40 levels: a JPEG block or two, three short rows of G4
KINDS = ["g4.tif", "g3.tif", "bits.tif", "lzw.tif", "deflate.tif", "tiles16.tif", "jpeg.tif"]
KINDS += ["a.png", "rgb.jpg", "g.jpg"]


def save(kind: str, path: Path) -> Path:
    ways = {
        "g4.tif": (BITS, Way(1, 1, GROUP4, 32)),
        "g3.tif": (BITS, Way(1, 0, GROUP3, 32, tags={292: (1,)})),
        "bits.tif": (BITS, Way(1, 1, PACKBITS, 32)),
        "lzw.tif": (GREY, Way(8, 1, LZW, 32, predictor=2)),
        "deflate.tif": (np.dstack([GREY] * 3), Way(8, 2, DEFLATE, 32, order=">")),
        "tiles16.tif": (GREY.astype(np.uint16) * 257, Way(16, 1, DEFLATE, tile=(32, 32), big=True)),
    }
    if kind in ways:
        return tiff(path, [ways[kind]])
    picture = np.dstack([GREY, GREY, 255 - GREY]) if "rgb" in kind else GREY
    options = {"compression": "jpeg", "strip_size": 120 * 32} if kind.endswith("tif") else {}
    Image.fromarray(picture).save(path, dpi=(200, 200), **options)
    return path


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut short, bits flipped, bytes overwritten, or a byte of the first or last kilobyte (headers) changed."""
    damaged, kind = bytearray(content), rng.integers(4)
    if kind == 0:
        return bytes(damaged[: rng.integers(len(damaged))])
    if kind == 1:
        for at in rng.integers(0, len(damaged), rng.integers(1, 4)):
            damaged[at] ^= 1 << rng.integers(8)
    elif kind == 2:
        at = rng.integers(len(damaged))
        size = min(len(damaged) - at, rng.integers(1, 40))
        damaged[at : at + size] = rng.bytes(size)
    else:
        at = rng.integers(200) if rng.random() < 0.5 else len(damaged) - 1 - rng.integers(200)
        damaged[at] = rng.integers(256)
    return bytes(damaged)


@pytest.mark.parametrize("kind", KINDS)
def test_no_wrong_picture_without_a_report(kind: str, tmp_path: Path) -> None:
    path = save(kind, tmp_path / f"a{Path(kind).suffix}")
    content, whole = path.read_bytes(), open_scan(path)
    expected = whole.rows(0, whole.height).astype(int)
    rng, reported = np.random.default_rng(KINDS.index(kind)), 0
    for _ in range(8):
        path.write_bytes(damage(content, rng))
        for read_file in (read_image, read_mask):
            with contextlib.suppress(PictureError):
                read_file(path)
        try:
            scan = open_scan(path)
            grey = scan.rows(0, scan.height)
        except ScanError:
            reported += 1
            continue
        reported += bool(scan.damage() or scan.notices)
        if not scan.notices:
            assert grey.shape == expected.shape
            kept = np.ones(scan.height, bool)
            for part in scan.damage():
                kept[part.first_row : part.last_row] = False
            assert (np.abs(grey[kept] - expected[kept]) > 40).sum() <= FEW
    assert reported > 0
