"""Pixels and grey levels of classes, against a count pixel by pixel."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from thinline.data.folder.class_greys import NEAR_PX, class_greys

IDS = st.sampled_from([0, 0, 1, 2, 255])


@settings(max_examples=20)
@given(st.integers(1, 9), st.integers(1, 14), st.data())
def test_counts_and_means_are_those_of_the_pixels(height: int, width: int, data: st.DataObject) -> None:
    image = data.draw(arrays(np.uint8, (height, width)))
    labels = data.draw(arrays(np.uint8, (height, width), elements=IDS))
    greys = class_greys(image, labels, 3)
    counted = [(y, x) for y in range(height) for x in range(width) if labels[y, x] != 255]
    for number in range(3):
        mine = [int(image[at]) for at in counted if labels[at] == number]
        others = [int(image[at]) for at in counted if labels[at] != number]
        assert greys.pixels[number] == len(mine)
        np.testing.assert_allclose(greys.on[number], np.mean(mine) if mine else np.nan)
        np.testing.assert_allclose(greys.off[number], np.mean(others) if others else np.nan)
        if counted:
            np.testing.assert_allclose(greys.shares[number], len(mine) / len(counted))
        ys, xs = np.nonzero(labels == number)
        near = [
            int(image[at])
            for at in counted
            if number and labels[at] == 0 and (np.maximum(abs(ys - at[0]), abs(xs - at[1])) <= NEAR_PX).any()
        ]
        np.testing.assert_allclose(greys.contrast[number], np.mean(mine) - np.mean(near) if mine and near else np.nan)


def test_a_sum_is_that_of_the_images_side_by_side() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 8, 8), np.uint8)
    labels = rng.integers(0, 3, (2, 8, 8), np.uint8)
    both = class_greys(np.hstack([*images]), np.hstack([*labels]), 3)
    total = class_greys(images[0], labels[0], 3) + class_greys(images[1], labels[1], 3)
    np.testing.assert_array_equal(total.pixels, both.pixels)
    np.testing.assert_allclose(total.on, both.on)
    np.testing.assert_allclose(total.off, both.off)
