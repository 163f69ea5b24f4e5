import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from thinline.data.folder.image_files import PictureError, read_image, read_mask, resized

NOISE = np.random.default_rng(0).integers(0, 256, (23, 31, 3), np.uint8)


def saved(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff"])
def test_grey_comes_back_as_it_was(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(NOISE[..., 0]))
    np.testing.assert_array_equal(read_image(path), NOISE[..., 0])
    np.testing.assert_array_equal(read_mask(path), NOISE[..., 0])


def test_colours_become_their_luma(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(NOISE))
    luma = NOISE @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_image(path) - luma).max() < 1.01  # some libraries cut, some round
    jpeg = saved(tmp_path / "a.jpg", Image.fromarray(np.full((16, 16, 3), 90, np.uint8)))
    assert np.abs(read_image(jpeg).astype(int) - 90).max() <= 2


@pytest.mark.parametrize("compression", ["raw", "group4", "packbits"])
def test_a_one_bit_tiff_is_black_and_white(tmp_path: Path, compression: str) -> None:
    bits = NOISE[..., 0] > 128
    path = saved(tmp_path / "a.tif", Image.fromarray(bits), compression=compression)
    with Image.open(path) as picture:
        assert picture.mode == "1"
    for read in (read_image, read_mask):
        np.testing.assert_array_equal(read(path), np.where(bits, 255, 0))


def test_masks_keep_sixteen_bits_and_equal_channels(tmp_path: Path) -> None:
    deep = NOISE[..., 0].astype(np.uint16) * 200
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    np.testing.assert_array_equal(read_mask(tmp_path / "deep.png"), deep)
    opaque = np.dstack([NOISE[..., :1]] * 3 + [np.full_like(NOISE[..., :1], 255)])
    path = saved(tmp_path / "rgba.png", Image.fromarray(opaque))
    np.testing.assert_array_equal(read_mask(path), NOISE[..., 0])


def test_masks_of_colours_or_fractions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="got colours"):
        read_mask(saved(tmp_path / "a.png", Image.fromarray(NOISE)))
    with pytest.raises(PictureError, match="got float32 with fractions"):
        read_mask(saved(tmp_path / "a.tif", Image.fromarray(NOISE[..., 0].astype(np.float32) / 2)))


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_file_cut_short_is_unreadable_and_not_half_an_image(tmp_path: Path, suffix: str, share: float) -> None:
    buffer = io.BytesIO()
    Image.fromarray(NOISE).save(buffer, {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix))
    whole = buffer.getvalue()
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(whole[: int(len(whole) * share)])
    for read in (read_image, read_mask):
        with pytest.raises(PictureError, match="cannot be read"):
            read(path)


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="No such file"):
        read_image(tmp_path / "gone.png")


def test_resizing_keeps_flat_grey_and_means() -> None:
    flat = np.full((10, 8), 77, np.uint8)
    assert (resized(flat, (40, 32)) == 77).all()
    np.testing.assert_array_equal(resized(np.array([[0, 100], [100, 200]], np.uint8), (1, 1)), [[100]])
