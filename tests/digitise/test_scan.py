"""Opening scans: rows as an image viewer shows them, and refusals with their reasons."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scan_cases import save

from thinline.digitise.scan import MOST_ROWS, ScanError, open_scan
from thinline.images import pages
from thinline.images.page import TurnedPage, turned
from thinline.images.tiff.page import TiffPage


def noise(height: int = 120, width: int = 50) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)


def all_rows(path: Path) -> np.ndarray:
    scan = open_scan(path)
    return scan.rows(0, scan.height)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_grey_tiff_strip_by_strip(compression: str, tmp_path: Path) -> None:
    grey = noise()
    path = tmp_path / "a.tif"
    Image.fromarray(grey).save(path, compression=compression, strip_size=50 * 16, dpi=(200, 300))
    scan = open_scan(path)
    assert isinstance(scan.pages[0], TiffPage)
    assert scan.dpi == (200, 300)
    assert (scan.height, scan.width) == grey.shape
    for start, stop in ((0, 120), (0, 1), (15, 17), (31, 97), (119, 120)):
        assert np.array_equal(scan.rows(start, stop), grey[start:stop])


def test_only_the_requested_strips_and_pages_are_in_memory(tmp_path: Path) -> None:
    images = [Image.fromarray(noise()), Image.fromarray(noise())]
    images[0].save(
        tmp_path / "a.tif", save_all=True, append_images=images[1:], compression="tiff_lzw", strip_size=50 * 16
    )
    scan = open_scan(tmp_path / "a.tif")
    first, second = scan.pages
    assert isinstance(first, TiffPage)
    assert isinstance(second, TiffPage)
    scan.rows(20, 40)
    assert list(first._held) == [1, 2]
    scan.rows(110, 130)
    assert (list(first._held), list(second._held)) == ([6, 7], [0])
    scan.rows(150, 160)
    assert (list(first._held), list(second._held)) == ([], [1, 2])


@pytest.mark.parametrize("compression", ["raw", "group3", "group4", "tiff_lzw"])
@pytest.mark.parametrize("strip", [7, 1000])
def test_one_bit_tiff(compression: str, strip: int, tmp_path: Path) -> None:
    ink = noise() > 40
    path = tmp_path / "a.tif"
    Image.fromarray(ink).save(path, compression=compression, strip_size=7 * strip)
    assert np.array_equal(open_scan(path).rows(3, 119), np.where(ink, 255, 0)[3:119])


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "png named tif.tif"])
def test_formats_are_recognised_by_content(name: str, tmp_path: Path) -> None:
    grey = np.repeat(np.repeat(noise(20, 10), 8, axis=0), 8, axis=1)
    path = tmp_path / name
    Image.fromarray(grey).save(
        path, format="PNG" if "named" in name else None, **({"quality": 100} if ".jpg" in name else {})
    )
    assert np.abs(all_rows(path).astype(int) - grey).max() <= 3


def test_pages_follow_each_other(tmp_path: Path) -> None:
    parts = [noise(30), noise(50)[::-1], noise(20)]
    images = [Image.fromarray(np.ascontiguousarray(part)) for part in parts]
    images[0].save(tmp_path / "a.tif", save_all=True, append_images=images[1:])
    scan = open_scan(tmp_path / "a.tif")
    together = np.concatenate(parts)
    assert len(scan.pages) == 3
    assert np.array_equal(scan.rows(0, 100), together)
    assert np.array_equal(scan.rows(25, 85), together[25:85])


def test_colours_16_bits_cmyk_and_transparency_become_grey(tmp_path: Path) -> None:
    grey = noise(40, 40)
    deep = grey.astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.merge("RGB", [Image.fromarray(grey)] * 3).save(tmp_path / "colour.png")
    Image.merge("RGB", [Image.fromarray(grey)] * 3).save(tmp_path / "colour.tif", compression="tiff_lzw")
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    for name in ("deep.tif", "deep.png", "colour.png", "colour.tif", "palette.png"):
        assert np.array_equal(all_rows(tmp_path / name), grey), name
    key = np.zeros((40, 40, 4), np.uint8)
    key[..., 3] = 255 - grey
    Image.fromarray(key, "CMYK").save(tmp_path / "cmyk.tif")
    assert np.abs(all_rows(tmp_path / "cmyk.tif").astype(int) - grey).max() <= 1
    clear = np.dstack([np.zeros_like(grey), 255 - grey])  # black ink as thick as the picture is dark
    Image.fromarray(clear, "LA").save(tmp_path / "clear.png")
    assert np.abs(all_rows(tmp_path / "clear.png").astype(int) - grey).max() <= 1


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_orientation_tags_are_obeyed(turn: int, name: str, tmp_path: Path) -> None:
    grey = noise(30, 20)
    exif = Image.Exif()
    exif[274] = turn
    Image.fromarray(grey).save(tmp_path / name, exif=exif)
    scan = open_scan(tmp_path / name)
    seen = scan.rows(0, scan.height)
    assert seen.shape == ((20, 30) if turn >= 5 else (30, 20))
    assert np.array_equal(seen, turned(grey, turn))
    assert turn == 1 or isinstance(scan.pages[0], TurnedPage)


def test_turned_agrees_with_pillow() -> None:
    ways = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM}
    ways |= {5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE}
    grey = noise(30, 20)
    for turn, way in (ways | {8: Image.Transpose.ROTATE_90}).items():
        assert np.array_equal(turned(grey, turn), np.asarray(Image.fromarray(grey).transpose(way))), turn


FOREIGN = {
    "a PDF; export its pages as TIFF": b"%PDF-1.7\n...",
    "a ZIP archive": b"PK\x03\x04......",
    "a LAS file": b"~Version\n",
    "an empty file": b"",
    "another kind of file": b"hello, world, this is no scan",
}


@pytest.mark.parametrize("message", FOREIGN)
def test_other_formats_are_refused_by_name(message: str, tmp_path: Path) -> None:
    (tmp_path / "scan.tif").write_bytes(FOREIGN[message])
    with pytest.raises(ScanError, match=message):
        open_scan(tmp_path / "scan.tif")
    with pytest.raises(ScanError, match="no such file"):
        open_scan(tmp_path / "other.tif")


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_a_file_cut_short_is_refused(name: str, share: float, tmp_path: Path) -> None:
    whole = save(noise(400, 300), tmp_path / f"whole_{name}").read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ScanError, match=f"{name}: expected"):
        all_rows(tmp_path / name)


def declared(path: Path, height: int, width: int) -> Path:
    """A PNG of a few bytes that declares this size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )
    return path


def bomb(path: Path, height: int, width: int) -> Path:
    """A TIFF of a few bytes that declares this size, in one strip."""
    tags = {256: width, 257: height, 258: 8, 259: 8, 262: 1, 273: 8, 277: 1, 278: height, 279: 8}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    path.write_bytes(b"II*\0" + struct.pack("<I", 16) + b"\0" * 8 + struct.pack("<H", len(tags)) + entries + b"\0" * 4)
    return path


def test_declared_sizes_are_refused_before_anything_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", never)
    for path, message in (
        (bomb(tmp_path / "a.tif", 100_000, 1_000_000), "may be decoded at once"),
        (bomb(tmp_path / "b.tif", 4_000_000_000, 100), "may be decoded at once"),
        (bomb(tmp_path / "c.tif", MOST_ROWS + 1, 100), "300,000 rows, the file declares 300,001"),
        (bomb(tmp_path / "d.tif", 100, 30_000), "20,000 columns"),
        (declared(tmp_path / "e.png", 200_000, 15_000), "may be decoded at once"),
        (declared(tmp_path / "f.png", 4, 100), "expected 8 to"),
    ):
        with pytest.raises(ScanError, match=message):
            open_scan(path)


def test_a_scan_of_the_most_rows_opens(tmp_path: Path) -> None:
    assert open_scan(bomb(tmp_path / "a.tif", MOST_ROWS, 2_000)).height == MOST_ROWS


def test_pillows_own_limit_is_as_it_was(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    all_rows(save(noise(), tmp_path / "a.png"))
    with pytest.raises(ScanError):
        open_scan(bomb(tmp_path / "a.tif", 100_000, 1_000_000))
    assert before == Image.MAX_IMAGE_PIXELS
    assert pages.MOST_BYTES == 1 << 30


def test_rows_outside_are_refused(tmp_path: Path) -> None:
    scan = open_scan(save(noise(), tmp_path / "a.png"))
    for start, stop in ((-1, 5), (5, 5), (0, 121)):
        with pytest.raises(ValueError, match=r"rows must lie in 0\.\.120"):
            scan.rows(start, stop)


def test_a_resolution_that_is_no_number_is_none(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    Image.fromarray(np.full((40, 40), 255, np.uint8)).save(path, dpi=(100, 100))
    content = path.read_bytes()
    tag = content.index(struct.pack("<HHI", 283, 5, 1))  # YResolution, one rational
    (offset,) = struct.unpack("<I", content[tag + 8 : tag + 12])
    path.write_bytes(content[:offset] + bytes(8) + content[offset + 8 :])  # 0/0
    assert open_scan(path).dpi == (0, 0)
