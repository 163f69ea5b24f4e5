"""Images and masks made smaller: mean over the area, and the class with the largest part of it."""

from pathlib import Path

import cv2
import numpy as np
from folder_cases import draw_folder, folder_of

from thinline.data.folder.image_folder import read_folder
from thinline.data.folder.scaling import enlarged, scaled_image, scaled_labels

BLOCKS = np.array(
    [
        [0, 0, 1, 0, 2, 2, 1, 2],
        [0, 0, 1, 0, 2, 0, 255, 255],
        [0, 1, 0, 0, 1, 1, 255, 0],
        [0, 0, 0, 0, 0, 0, 255, 255],
    ],
    np.uint8,
)


def test_a_block_is_of_its_most_frequent_class_and_a_tie_with_the_background_is_not_background() -> None:
    assert scaled_labels(BLOCKS, 0.5).tolist() == [[0, 1, 2, 255], [0, 0, 1, 255]]


def test_a_grey_level_is_the_mean_of_its_block() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 12), np.uint8)
    means = image.reshape(10, 2, 6, 2).mean(axis=(1, 3))
    assert np.abs(scaled_image(image, 0.5) - means).max() <= 0.5
    assert scaled_image(image, 0.3).shape == (6, 4)
    assert scaled_image(image, 0.05).shape == scaled_labels(image, 0.05).shape == (1, 1)


def test_a_folder_is_read_at_its_scale_and_its_px_per_mm_follow(tmp_path: Path) -> None:
    root = draw_folder(tmp_path, [(60, 48)] * 3)
    folder = folder_of(root, scale=0.5, px_per_mm=8.0)
    assert folder.read_px_per_mm == 4.0
    photo = read_folder(folder, seed=0)["train"][0]
    image, labels = photo.load()
    grey, mask = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in (photo.image, photo.mask))
    assert (photo.height, photo.width) == image.shape == labels.shape == (30, 24)
    assert np.abs(image - grey.reshape(30, 2, 24, 2).mean(axis=(1, 3))).max() <= 0.5
    assert np.array_equal(labels > 0, mask.reshape(30, 2, 24, 2).mean(axis=(1, 3)) >= 255 / 2)


def test_enlarged_probabilities_keep_their_mean_and_range() -> None:
    planes = np.random.default_rng(1).random((2, 8, 6), np.float32)
    large = enlarged(planes, (16, 12))
    assert large.shape == (2, 16, 12)
    assert planes.min() <= large.min() <= large.max() <= planes.max()
    assert np.allclose(enlarged(np.full((1, 3, 3), 0.25, np.float32), (7, 9)), 0.25)
