"""One picture gives one grey, in whatever way a TIFF stores it; what cannot be read is refused by its tag."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn import log
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tiff_files import DEFLATE, GROUP3, GROUP4, LZW, NONE, PACKBITS, Way, tiff

from thinline.data.folder.image_files import read_image
from thinline.digitise.scan import open_scan

PICTURE = log()
SETTINGS = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def scanned(path: Path) -> np.ndarray:
    scan = open_scan(path)
    grey = np.concatenate([scan.rows(row, min(row + 23, scan.height)) for row in range(0, scan.height, 23)])
    assert scan.damage() == ()
    return grey


@st.composite
def ways(draw: st.DrawFn) -> Way:
    bits = draw(st.sampled_from([1, 2, 3, 4, 6, 8, 10, 12, 14, 16]))
    compressions = [NONE, PACKBITS, LZW, DEFLATE] + ([GROUP3, GROUP4] if bits == 1 else [])
    compression = draw(st.sampled_from(compressions))
    return Way(
        bits=bits,
        photometric=draw(st.sampled_from([0, 1])),
        compression=compression,
        rows=draw(st.sampled_from([1, 7, 16, 60, 100])),
        tile=draw(st.sampled_from([None, (16, 16), (32, 64)])),
        order=draw(st.sampled_from("<>")),
        big=draw(st.booleans()),
        predictor=draw(st.sampled_from([1, 2])) if compression in (LZW, DEFLATE) and bits in (8, 16) else 1,
        reversed_bits=draw(st.booleans()) if bits == 1 else False,
        tags={292: (draw(st.sampled_from([0, 1])),)} if compression == GROUP3 else {},
    )


@SETTINGS
@given(way=ways())
def test_one_picture_in_every_way(way: Way, tmp_path: Path) -> None:
    most = (1 << way.bits) - 1
    numbers = np.rint(PICTURE / 255 * most).astype(np.uint16 if way.bits > 8 else np.uint8)
    stored = (most - numbers).astype(numbers.dtype) if way.photometric == 0 else numbers
    path = tiff(tmp_path / "a.tif", [(stored, way)])
    expected = np.rint(numbers / most * 255)
    for grey in (scanned(path), read_image(path)):
        assert np.abs(grey - expected).max() <= 1
        assert np.abs(grey - PICTURE.astype(float)).max() <= 255 / most / 2 + 1


@SETTINGS
@given(
    samples=st.sampled_from([1, 2, 3, 4]),
    bits=st.sampled_from([8, 16]),
    planar=st.sampled_from([1, 2]),
    compression=st.sampled_from([NONE, PACKBITS, LZW, DEFLATE]),
    tile=st.sampled_from([None, (16, 32)]),
    order=st.sampled_from("<>"),
    meaning=st.sampled_from([1, 2]),
)
def test_colours_planes_and_transparency(
    samples: int,
    bits: int,
    planar: int,
    compression: int,
    tile: tuple[int, int] | None,
    order: str,
    meaning: int,
    tmp_path: Path,
) -> None:
    """The last of 2 or 4 samples is transparency; the right half is transparent and becomes white."""
    numbers = np.repeat(PICTURE[..., None], samples, axis=2)
    expected = PICTURE.copy()
    if samples in (2, 4):
        numbers[..., -1] = 255
        numbers[:, 25:, -1] = 0
        expected[:, 25:] = 255
        if meaning == 1:  # premultiplied colours
            numbers[:, 25:] = 0
    stored = numbers.astype(np.uint16) * 257 if bits == 16 else numbers
    tags = {338: (meaning,)} if samples in (2, 4) else {}
    way = Way(bits, 2 if samples > 2 else 1, compression, tile=tile, order=order, planar=planar, tags=tags)
    path = tiff(tmp_path / "a.tif", [(stored, way)])
    np.testing.assert_array_equal(scanned(path), expected)
    np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_is_looked_up(bits: int, tmp_path: Path) -> None:
    indices = np.random.default_rng(0).integers(0, 1 << bits, (60, 50), np.uint8)
    colours = np.random.default_rng(1).integers(0, 256, (1 << bits, 3))
    table = tuple(int(value) * 257 for value in colours.T.ravel())
    path = tiff(tmp_path / "a.tif", [(indices, Way(bits, 3, tags={320: table}))])
    luma = colours @ [0.299, 0.587, 0.114]
    assert np.abs(scanned(path) - luma[indices]).max() < 1
    assert np.abs(read_image(path) - luma[indices]).max() < 1


@pytest.mark.parametrize(("bits", "dtype"), [(16, np.float16), (32, np.float32), (64, np.float64)])
def test_fractions_of_one(bits: int, dtype: type, tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", [((PICTURE / 255).astype(dtype), Way(bits, form=3, order=">"))])
    np.testing.assert_array_equal(scanned(path), PICTURE)


@pytest.mark.parametrize("used", [8, 10, 12, 14])
@pytest.mark.parametrize("photometric", [0, 1])
def test_a_part_of_16_bits_is_stretched_with_a_notice(used: int, photometric: int, tmp_path: Path) -> None:
    """The scale is measured on the page, so rows do not depend on those read with them."""
    numbers = (PICTURE.astype(np.uint32) * 257 >> (16 - used)).astype(np.uint16)
    numbers[-1, 0] = (1 << used) - 1 if photometric else 0
    stored = numbers if photometric else (1 << used) - 1 - numbers
    scan = open_scan(tiff(tmp_path / "a.tif", [(stored, Way(16, photometric))]))
    one_by_one = np.concatenate([scan.rows(row, row + 1) for row in range(60)])
    np.testing.assert_array_equal(scan.rows(0, 60), one_by_one)
    if not photometric and used not in (10, 12):  # may be pale ink on white paper
        assert scan.notices == ()
        assert one_by_one.min() >= 190
        return
    assert np.abs(one_by_one[:-1] - PICTURE[:-1].astype(int)).max() <= 1
    assert f"of 16 bits: its grey levels 0..{(1 << used) - 1} were stretched to 0..255" in scan.notices[0]


def test_the_largest_sample_of_the_header_is_white(tmp_path: Path) -> None:
    numbers = (PICTURE.astype(np.uint16) * 20) + 3
    scan = open_scan(tiff(tmp_path / "a.tif", [(numbers, Way(16, tags={281: (5102,)}))]))
    assert np.abs(scan.rows(0, 60) - PICTURE.astype(int)).max() <= 1


def test_pages_may_differ_in_storage_and_height(tmp_path: Path) -> None:
    bits = PICTURE > 100
    grey16 = (65535 - PICTURE.astype(np.uint16) * 257).astype(np.uint16)
    pages = [
        (PICTURE, Way(8, 1, LZW, predictor=2)),
        (bits.astype(np.uint8), Way(1, 0, GROUP4)),
        (grey16, Way(16, 0, DEFLATE, tile=(16, 16))),
        (np.repeat(PICTURE[..., None], 3, axis=2), Way(8, 2, PACKBITS, planar=2)),
        (bits.astype(np.uint8), Way(1, 3, tags={320: (0, 65535) * 3})),
        (PICTURE[:30], Way(8, 1)),
    ]
    black = np.where(bits, 255, 0).astype(np.uint8)
    expected = np.concatenate([PICTURE, 255 - black, PICTURE, PICTURE, black, PICTURE[:30]])
    np.testing.assert_array_equal(scanned(tiff(tmp_path / "a.tif", pages)), expected)


def test_rounding_of_the_grey_of_colours(tmp_path: Path) -> None:
    """As by Pillow in scans and by OpenCV in training images, whose grey levels are part of the identity of runs."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    for name, options in (("a.png", {}), ("a.tif", {}), ("b.tif", {"compression": "tiff_lzw"}), ("a.jpg", {})):
        Image.fromarray(noise).save(tmp_path / name, **options)
        whole = cv2.imread(str(tmp_path / name), cv2.IMREAD_GRAYSCALE)
        np.testing.assert_array_equal(read_image(tmp_path / name), whole)
        with Image.open(tmp_path / name) as image:
            image.draft("L", image.size)
            np.testing.assert_array_equal(scanned(tmp_path / name), np.asarray(image.convert("L")))


@pytest.mark.parametrize("colour", [False, True])
def test_jpeg_strips_are_what_pillow_reads(colour: bool, tmp_path: Path) -> None:
    picture = np.dstack([PICTURE, PICTURE // 2, 255 - PICTURE]) if colour else PICTURE
    Image.fromarray(picture).save(tmp_path / "a.tif", compression="jpeg", strip_size=picture[:16].size)
    with Image.open(tmp_path / "a.tif") as image:
        assert len(image.tag_v2[273]) == 4
        np.testing.assert_array_equal(scanned(tmp_path / "a.tif"), np.asarray(image.convert("L")))
