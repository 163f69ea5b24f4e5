"""Files of many formats in one folder: the arrays they were made from, or an error that names the file."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from folder_cases import draw_folder, folder_of
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from thinline.data.folder.image_folder import FolderError, read_folder
from thinline.vocabulary import UInt8

DAMAGED = 60


def write_image(path: Path, grey: UInt8, how: str) -> None:
    """The grey levels as a file of a format, with its suffix."""
    if how == "alpha":  # light paper is transparent and black below, as drawing programs save it
        opacity = np.where(grey == 255, 0, 255).astype(np.uint8)
        plane = np.where(opacity == 0, 0, grey).astype(np.uint8)
        Image.fromarray(np.dstack([plane] * 3 + [opacity])).save(path.with_suffix(".png"))
    elif how in ("16 bit png", "16 bit tif"):
        cv2.imwrite(str(path.with_suffix(f".{how[-3:]}")), grey.astype(np.uint16) * 257)
    elif how == "jpeg":
        Image.fromarray(grey).save(path.with_suffix(".jpg"), quality=100)
    elif how == "colour":
        Image.fromarray(np.dstack([grey] * 3)).save(path.with_suffix(".PNG"))
    else:
        Image.fromarray(grey).save(path.with_suffix(how))


def write_mask(path: Path, mask: UInt8, how: str) -> None:
    """Values 0 and 255 as a file of a format, with its suffix."""
    if how == "1 bit":
        Image.fromarray(mask > 0).save(path.with_suffix(".png"))
    elif how == "colour":
        Image.fromarray(np.dstack([mask] * 3)).save(path.with_suffix(".TIF"))
    elif how == "16 bit":
        cv2.imwrite(str(path.with_suffix(".png")), mask.astype(np.uint16))
    else:
        Image.fromarray(mask).save(path.with_suffix(how))


IMAGES = st.sampled_from([".png", ".PNG", ".tiff", "16 bit png", "16 bit tif", "jpeg", "colour", "alpha"])
MASKS = st.sampled_from([".png", ".Png", ".tif", "1 bit", "colour", "16 bit"])


@settings(max_examples=12)
@given(st.lists(st.tuples(IMAGES, MASKS, st.integers(8, 30), st.integers(8, 30)), min_size=3, max_size=5), st.data())
def test_files_of_any_format_are_the_arrays_they_were_made_from(files, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("images", "masks"):
            (root / name).mkdir()
        for number, (image_how, mask_how, height, width) in enumerate(files):
            mask = np.zeros((height, width), np.uint8)
            mask[:, 2 + number] = 255
            grey = np.where(mask, 0, 255 - rng.integers(0, 9, mask.shape)).astype(np.uint8)
            grey[0] = np.where(mask[0], 0, 255)
            write_image(root / f"images/n{number}", grey, image_how)
            write_mask(root / f"masks/n{number}", mask, mask_how)
            made[f"n{number}"] = grey, mask, 6 if image_how == "jpeg" else 1
        photos = [photo for part in read_folder(folder_of(root), seed=0).values() for photo in part]
        assert sorted(photo.name for photo in photos) == sorted(made)
        for photo in photos:
            image, labels = photo.load()
            grey, mask, tolerance = made[photo.name]
            np.testing.assert_array_equal(labels, mask // 255)
            assert np.abs(image.astype(int) - grey).max() <= tolerance


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """The bytes of a file cut short, with bits flipped, or with a block of it overwritten."""
    kind, size = rng.integers(4), len(content)
    if kind == 0:
        return content[: int(rng.integers(size))]
    changed = bytearray(content)
    if kind == 1:
        for at in rng.integers(size, size=int(rng.integers(1, 9))):
            changed[at] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        start = int(rng.integers(size))
        block = bytes(rng.integers(0, 256, int(rng.integers(1, 60)), dtype=np.uint8))
        changed[start : start + len(block)] = block
    else:
        changed[int(rng.integers(min(size, 64)))] = int(rng.integers(256))  # in the header
    return bytes(changed)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images and masks as PNG, TIFF and JPEG."""
    root = draw_folder(tmp_path_factory.mktemp("good"), [(40, 32)] * 4)
    for number, suffix in ((1, ".tif"), (2, ".jpg")):
        path = root / f"images/p{number}.png"
        cv2.imwrite(str(path.with_suffix(suffix)), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
        path.unlink()
    mask = root / "masks/p1.png"
    Image.open(mask).save(mask.with_suffix(".tif"), compression="tiff_lzw")
    mask.unlink()
    return root


def test_a_damaged_file_is_named_or_its_values_are_those_of_the_whole_one(good: Path, tmp_path: Path) -> None:
    """Where flipped bits hit nothing but text or padding, the values are the same; else it is refused by name.

    JPEG and uncompressed TIFF carry no checksum: a changed value of theirs cannot be known, but keeps its size.
    """
    rng = np.random.default_rng(17)
    whole = {photo.name: photo for part in read_folder(folder_of(good), seed=0).values() for photo in part}
    before = {name: photo.load() for name, photo in whole.items()}
    files = sorted(path.relative_to(good) for name in ("images", "masks") for path in (good / name).iterdir())
    refused = unnamed = 0
    for number in range(DAMAGED):
        victim = files[number % len(files)]
        root = tmp_path / str(number)
        shutil.copytree(good, root)
        (root / victim).write_bytes(damaged((good / victim).read_bytes(), rng))
        try:
            photos = [photo for part in read_folder(folder_of(root), seed=0).values() for photo in part]
        except FolderError as error:
            refused += 1
            unnamed += victim.name not in str(error)
            continue
        for photo in photos:
            image, labels = photo.load()
            assert image.shape == before[photo.name][0].shape
            if victim.suffix == ".png" or photo.name != victim.stem:
                np.testing.assert_array_equal(image, before[photo.name][0])
                np.testing.assert_array_equal(labels, before[photo.name][1])
    assert unnamed == 0
    assert DAMAGED / 3 < refused < DAMAGED
