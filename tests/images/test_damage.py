"""Damaged rows are white and reported; a file of which single rows cannot be trusted is refused."""

from __future__ import annotations

import io
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from drawn import log
from PIL import Image
from tiff_files import DEFLATE, GROUP3, GROUP4, LZW, NONE, PACKBITS, Way, tiff

from thinline.data.folder.image_files import PictureError, read_image, read_mask
from thinline.digitise.scan import Scan, ScanError, open_scan
from thinline.images import Damage

PICTURE = log(64, 50)


def strip_ends(path: Path, page: int = 0) -> list[tuple[int, int]]:
    """Offset and end of each strip or tile."""
    with Image.open(path) as image:
        image.seek(page)
        tags = image.tag_v2
        at, sizes = (tags[273], tags[279]) if 273 in tags else (tags[324], tags[325])
    return [(offset, offset + size) for offset, size in zip(at, sizes, strict=True)]


def overwrite(path: Path, strips: list[int], page: int = 0) -> Path:
    """Overwrite the middle of strips."""
    content = bytearray(path.read_bytes())
    for strip in strips:
        first, last = strip_ends(path, page)[strip]
        third = max(1, (last - first) // 3)
        content[first + third : first + 2 * third] = (b"\0\xff\xa5" * third)[:third]
    path.write_bytes(content)
    return path


def read(scan: Scan) -> np.ndarray:
    return np.concatenate([scan.rows(row, min(row + 10, scan.height)) for row in range(0, scan.height, 10)])


@pytest.mark.parametrize("compression", [GROUP3, GROUP4, LZW, DEFLATE])
@pytest.mark.parametrize("tile", [None, (16, 32)])
def test_a_damaged_strip_is_white_and_reported(compression: int, tile: tuple[int, int] | None, tmp_path: Path) -> None:
    fax = compression in (GROUP3, GROUP4)
    numbers = (PICTURE > 100).astype(np.uint8) if fax else PICTURE
    grey = numbers * 255 if fax else numbers
    path = tiff(tmp_path / "a.tif", [(numbers, Way(1 if fax else 8, 1, compression, tile=tile))])
    scan = open_scan(overwrite(path, [2 * (2 if tile else 1)]))
    assert scan.damage() == ()
    for _ in range(2):  # rows that are read again are not reported again
        picture = read(scan)
        (damage,) = scan.damage()
        assert (damage.first_row, damage.last_row, damage.page) == (32, 48, 1)
    assert damage.reason
    assert (picture[32:48] == 255).all()
    others = np.r_[0:32, 48:64]
    np.testing.assert_array_equal(picture[others], grey[others])
    for read_file in (read_image, read_mask):
        with pytest.raises(PictureError, match="rows 32 to 47"):
            read_file(path)


def test_damage_is_in_rows_of_the_scan_and_adjacent_rows_are_joined(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", [(PICTURE, Way(compression=DEFLATE))] * 2)
    overwrite(overwrite(path, [3]), [0, 1, 3], page=1)
    scan = open_scan(path)
    read(scan)
    damage = scan.damage()
    assert [(part.first_row, part.last_row, part.page) for part in damage] == [(48, 64, 1), (64, 96, 2), (112, 128, 2)]
    assert all(isinstance(part, Damage) and "deflate data" in part.reason for part in damage)


@pytest.mark.parametrize(("turn", "rows"), [(2, (32, 48)), (3, (16, 32)), (4, (16, 32)), (6, (0, 50)), (8, (0, 50))])
def test_damage_of_a_turned_page(turn: int, rows: tuple[int, int], tmp_path: Path) -> None:
    path = overwrite(tiff(tmp_path / "a.tif", [(PICTURE, Way(compression=DEFLATE, tags={274: (turn,)}))]), [2])
    scan = open_scan(path)
    read(scan)
    assert [(part.first_row, part.last_row) for part in scan.damage()] == [rows]
    assert scan.notices[0] == f"page 1 was turned or mirrored by its orientation tag ({turn})"


@pytest.mark.parametrize("compression", [NONE, PACKBITS, LZW, DEFLATE])
def test_a_page_of_damaged_strips_is_refused(compression: int, tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", [(PICTURE, Way(compression=compression, tags={256: (51,)}))])
    scan = open_scan(path)
    with pytest.raises(ScanError, match=r"a\.tif: expected rows on page 1, got none: all of its 4 strips"):
        read(scan)


def test_more_bytes_than_the_rows_need_are_not_unpacked(tmp_path: Path) -> None:
    """A strip of 16 rows that inflates to 20 MB."""
    bomb = zlib.compress(b"\0" * 20_000_000)
    path = tiff(tmp_path / "a.tif", [(PICTURE, Way(compression=DEFLATE))])
    ends, size = strip_ends(path), path.stat().st_size
    offsets = (size, *(first for first, _ in ends[1:]))
    counts = (len(bomb), *(last - first for first, last in ends[1:]))
    tiff(path, [(PICTURE, Way(compression=DEFLATE, tags={273: offsets, 279: counts}))])
    path.write_bytes(path.read_bytes() + bomb)
    scan = open_scan(path)
    tracemalloc.start()
    read(scan)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(part.first_row, part.last_row) for part in scan.damage()] == [(0, 16)]
    assert most < 1_000_000


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_with_bad_codes_is_refused(progressive: bool, tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(log(200, 160)).save(file, "JPEG", quality=90, progressive=progressive)
    content = bytearray(file.getvalue())
    middle = len(content) * 2 // 3
    content[middle : middle + 40] = bytes(range(1, 41))
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ScanError, match=r"a\.jpg: expected a whole image, got .*JPEG"):
        open_scan(tmp_path / "a.jpg").rows(0, 10)
    with pytest.raises(PictureError, match="JPEG"):
        read_image(tmp_path / "a.jpg")


def test_a_jpeg_strip_with_bad_codes_is_damaged(tmp_path: Path) -> None:
    page = Image.fromarray(log(200, 160))
    page.save(tmp_path / "a.tif", compression="jpeg", strip_size=160 * 40)
    whole = open_scan(tmp_path / "a.tif").rows(0, 200)
    scan = open_scan(overwrite(tmp_path / "a.tif", [3]))
    picture = read(scan)
    assert [(part.first_row, part.last_row) for part in scan.damage()] == [(120, 160)]
    np.testing.assert_array_equal(picture[:120], whole[:120])


def test_every_byte_of_a_png_is_checked(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(PICTURE).save(file, "PNG", dpi=(200, 200))
    path = tmp_path / "a.png"
    for at in np.random.default_rng(0).choice(np.arange(8, len(file.getvalue())), 25, replace=False):
        content = bytearray(file.getvalue())
        content[at] ^= 16
        path.write_bytes(content)
        with pytest.raises(ScanError, match=r"a\.png: "):
            open_scan(path)
        with pytest.raises(PictureError):
            read_mask(path)


def test_a_dark_page_gives_a_notice(tmp_path: Path) -> None:
    bits = (PICTURE > 100).astype(np.uint8)
    pages = [(bits, Way(1, 1, GROUP4)), (bits, Way(1, 0, GROUP4)), (PICTURE, Way(tags={254: (1,)}))]
    scan = open_scan(tiff(tmp_path / "a.tif", pages))
    assert scan.height == 128
    read(scan)
    left_out, dark = scan.notices
    assert left_out == "page 3 is a thumbnail of another page and was left out"
    assert dark.startswith("page 2 is mostly dark (96% of its pixels): black and white may be exchanged")
