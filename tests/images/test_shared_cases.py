"""Files that were read wrongly once, with the right values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thinline.data.folder.image_files import PictureError, read_image, read_mask
from thinline.digitise.scan import open_scan

CASES = Path(__file__).parents[2] / ".." / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases at {CASES}")


def scanned(name: str) -> np.ndarray:
    scan = open_scan(CASES / name)
    grey = scan.rows(0, scan.height)
    assert scan.damage() == ()
    return grey


def pair(case: str, number: int) -> tuple[np.ndarray, np.ndarray]:
    image, mask = (next((CASES / f"folder_{case}" / "data" / part).glob(f"{number}.*")) for part in ("images", "masks"))
    return read_image(image), read_mask(mask)


@pytest.mark.parametrize("name", ["digitise_16bit_miniswhite/miw16.tif", "digitise_12bit/l12.tif"])
def test_bits_and_polarity_do_not_change_the_picture(name: str) -> None:
    np.testing.assert_array_equal(scanned(name), scanned("digitise_16bit_miniswhite/ref16.tif"))


def test_damaged_rows_of_g4() -> None:
    scan, whole = open_scan(CASES / "digitise_g4_hurt" / "hurt.tif"), scanned("digitise_g4_hurt/whole.tif")
    grey = scan.rows(0, scan.height)
    (damage,) = scan.damage()
    assert (damage.first_row, damage.last_row, damage.page, damage.reason) == (320, 384, 1, "a bad code word")
    others = np.r_[0:320, 384 : scan.height]
    np.testing.assert_array_equal(grey[others], whole[others])
    assert (grey[320:384] == 255).all()


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize(
    "case", ["alpha_mask", "int32", "palette", "transparent_image", "transparent_shaded", "twelve"]
)
def test_a_pair_equals_the_reference_pair(case: str, number: int) -> None:
    (good, classes), (image, mask) = pair("good", number), pair(case, number)
    np.testing.assert_array_equal(mask > 0, classes > 0)
    assert np.unique(mask).tolist() == ([0, 1] if case in ("int32", "palette") else [0, 255])
    if case.startswith("transparent"):
        assert (image[classes == 0] == 255).all()
        assert image[classes > 0].mean() < 45
    else:
        assert np.abs(image.astype(int) - good).max() <= 1


@pytest.mark.parametrize("number", range(6))
def test_orientation_of_image_and_mask(number: int) -> None:
    good, classes = pair("good", number)
    image, mask = pair("exif_pair", number)
    turned = [np.rot90(good, turns) for turns in range(4)]
    assert sum(np.array_equal(image, one) for one in turned) == 1
    assert image[mask > 0].mean() == good[classes > 0].mean()


def test_several_pages_are_refused_by_their_number() -> None:
    for part, read in (("images", read_image), ("masks", read_mask)):
        with pytest.raises(PictureError, match="expected one page, got 3 pages"):
            read(CASES / "folder_multipage" / "data" / part / "0.tif")


def test_soft_masks_keep_their_values() -> None:
    assert len(np.unique(pair("soft", 0)[1])) > 10
