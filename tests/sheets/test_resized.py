"""Resized truth against hand-made examples, a slow loop, and identities on drawn sheets."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.sheets import sample
from thinline.sheets.resized import WAYS, Remains, remains, remains_of, resize_labels


def labels_of(picture: str) -> np.ndarray:
    rows = picture.split()
    return np.array([[".12".index(letter) for letter in row] for row in rows], np.uint8)


FINE = labels_of("""
1........
1........
1........
1...1....
1...1....
1...1....
1........
1........
1....222.
""")
RENDERED = labels_of("""
1..
11.
1.2
""")


def test_nearest_keeps_the_classes_under_the_centres() -> None:
    """Column 0 lies under no centre (1, 4, 7), column 4 does; of the dash in row 8 nothing does."""
    resized = resize_labels(FINE, (3, 3), "nearest")
    np.testing.assert_array_equal(resized, labels_of("... .1. ..."))
    one, two = (remains(RENDERED, resized, number) for number in (1, 2))
    # of (0,0), (1,0), (1,1) and (2,0) only (1,1) is kept; all are its neighbours
    assert one == Remains(rendered=4, kept=1, beyond=0, resized=1, parts_rendered=1, parts_resized=1)
    assert (one.lost, one.far, one.area, one.parts) == (0.75, 0, 0.25, 1)
    assert (two.lost, two.far, two.area, two.parts) == (1, 1, 0, 0)


def test_area_keeps_classes_that_cover_half() -> None:
    """A line of one pixel covers a third of a block of nine: all of it is lost, and so are three pixels of nine."""
    resized = resize_labels(FINE, (3, 3), "area")
    assert not resized.any()
    assert remains(RENDERED, resized, 1).lost == 1
    thick = np.zeros((9, 9), np.uint8)
    thick[:, :2] = 1  # two thirds
    np.testing.assert_array_equal(resize_labels(thick, (3, 3), "area"), labels_of("1.. 1.. 1.."))


def test_far_pixels_are_lost_and_breaks_are_counted() -> None:
    rendered, resized = np.zeros((2, 9, 9), np.uint8)
    rendered[:, 4] = 1
    resized[[0, 4, 5], 4] = 1
    # rows 0, 1 and 3..6 are near a pixel that is left; rows 2, 7 and 8 are not
    assert remains(rendered, resized, 1) == Remains(9, 3, 3, 3, 1, 2)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4), st.integers(0, 99))
def test_nearest_up_repeats_every_pixel(height: int, width: int, times: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 3, (height, width), np.uint8)
    resized = resize_labels(labels, (height * times, width * times), "nearest")
    np.testing.assert_array_equal(resized, labels.repeat(times, 0).repeat(times, 1))


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3, 5]), st.integers(0, 99))
def test_both_ways_agree_with_a_slow_loop(height: int, width: int, times: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 3, (height * times, width * times), np.uint8)
    blocks = labels.reshape(height, times, width, times).swapaxes(1, 2).reshape(height, width, -1)
    np.testing.assert_array_equal(resize_labels(labels, (height, width), "nearest"), blocks[..., times * times // 2])
    most = np.array([[next((k for k in (1, 2) if (b == k).mean() >= 0.5), 0) for b in row] for row in blocks])
    np.testing.assert_array_equal(resize_labels(labels, (height, width), "area"), most)


def test_the_same_size_loses_nothing() -> None:
    specs = [sample("archive", number, size_mm=(24.0, 24.0)) for number in range(3)]
    for way in WAYS:
        for share in remains_of(specs, (4.0, 4.0), way):
            assert (share.lost, share.far, share.area, share.parts) == (0, 0, 1, 1)


def test_thin_truth_falls_apart_when_it_is_shrunk() -> None:
    """Nearest keeps one pixel of four, so about half of a line of one pixel. Counts of two sheets are those of each."""
    specs = [sample("procedural", number, size_mm=(24.0, 24.0)) for number in range(2)]
    both = remains_of(specs, (4.0, 2.0), "nearest")
    alone = [remains_of([spec], (4.0, 2.0), "nearest") for spec in specs]
    assert both == tuple(a + b for a, b in zip(*alone, strict=True))
    assert all(0.3 < share.area < 0.75 and 0.3 < share.lost < 0.8 for share in both)
    assert math.isnan(Remains().lost)


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one of .* got 'cubic'"):
        resize_labels(np.zeros((2, 2), np.uint8), (1, 1), "cubic")
