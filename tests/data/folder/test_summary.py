"""Warnings name what is odd about a folder; there are none where nothing is odd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from folder_cases import CLASSES_OF_TWO, draw_folder, folder_of

from thinline.data.folder.image_folder import read_folder
from thinline.data.folder.summary import oddities, span, summaries

SIZES = [(60, 50), (64, 48), (60, 50), (70, 40), (60, 50), (60, 50), (60, 50)]
FOUR = {0: "background", 50: "vessel", 100: "crack", 200: "road"}
SPLITS = {"file": "splits.csv", "ratio": [1, 1, 1]}

Change = Callable[[np.ndarray], np.ndarray]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return draw_folder(tmp_path / "own", SIZES)


def change(root: Path, folder: str, numbers: list[int], how: Change) -> None:
    for number in numbers:
        path = str(root / f"{folder}/p{number}.png")
        cv2.imwrite(path, how(cv2.imread(path, cv2.IMREAD_GRAYSCALE)))


def odd(root: Path, table: dict[int, str] | None = None, **keys: object) -> list[str]:
    folder = folder_of(root, table, **keys)
    return oddities(folder, read_folder(folder, seed=0))


def inverted(plane: np.ndarray) -> np.ndarray:
    return 255 - plane


def test_summaries_are_those_of_the_files(root: Path) -> None:
    photos = read_folder(folder_of(root), seed=0)
    rows = summaries(photos)
    assert [row.part for row in rows] == ["train", "val", "test"]
    for row in rows:
        mine = photos[row.part]
        masks = [cv2.imread(str(photo.mask), cv2.IMREAD_GRAYSCALE) for photo in mine]
        images = [cv2.imread(str(photo.image), cv2.IMREAD_GRAYSCALE) for photo in mine]
        vessel = np.concatenate([mask.ravel() for mask in masks]) == 255
        grey = np.concatenate([image.ravel() for image in images])
        assert row.images == len(mine)
        assert row.heights == (min(map(len, masks)), max(map(len, masks)))
        assert row.holding == (len(mine), len(mine))
        np.testing.assert_array_equal(row.greys.pixels, [(~vessel).sum(), vessel.sum()])
        np.testing.assert_allclose(row.greys.on, [grey[~vessel].mean(), grey[vessel].mean()])
        np.testing.assert_allclose(row.greys.off, [grey[vessel].mean(), grey[~vessel].mean()])


def test_images_without_anomaly_have_no_warning(root: Path, tmp_path: Path) -> None:
    assert odd(root) == []
    assert odd(draw_folder(tmp_path / "four", SIZES, list(FOUR)), FOUR) == []
    change(root, "images", list(range(7)), inverted)
    assert odd(root, invert=True) == []


@pytest.mark.parametrize("invert", [False, True])
def test_a_polarity_against_invert_advises_the_other_value(root: Path, invert: bool) -> None:
    if not invert:
        change(root, "images", list(range(7)), inverted)
    (sentence,) = odd(root, invert=invert)
    assert "lighter than the background around it: vessel by" in sentence
    assert sentence.endswith(f"set data_mix.invert={str(not invert).lower()}")


def test_a_dark_surround_is_no_polarity(root: Path) -> None:
    """A photo on a black table: the mean of the whole background is dark, the paper next to a line is not."""

    def surrounded(image: np.ndarray) -> np.ndarray:
        return cv2.copyMakeBorder(image, 200, 200, 200, 200, cv2.BORDER_CONSTANT, value=0)

    change(root, "images", list(range(7)), surrounded)
    change(root, "masks", list(range(7)), surrounded)
    greys = summaries(read_folder(folder_of(root), seed=0))[0].greys
    assert greys.on[1] > greys.off[1]
    assert odd(root) == []


@pytest.mark.parametrize(
    ("turned", "named", "word"), [([1, 4], [1, 4], "lighter"), ([0, 1, 2, 3, 5, 6], [4], "darker")]
)
def test_images_unlike_the_others_are_named(root: Path, turned: list[int], named: list[int], word: str) -> None:
    change(root, "images", turned, inverted)
    sentence = odd(root)[-1]
    names = ", ".join(f"p{number}.png" for number in named)
    assert sentence.startswith(f"{len(named)} of 7 images have structures {word} than the background, unlike")
    assert f": {names}; invert these files" in sentence
    assert len(odd(root)) == 1 + (word == "darker")  # and most of them against invert


def test_classes_of_two_polarities_get_no_advice_to_invert(tmp_path: Path) -> None:
    root = draw_folder(tmp_path / "own", SIZES, list(FOUR))
    for number in range(7):
        image, mask = (cv2.imread(str(root / f"{name}/p{number}.png"), 0) for name in ("images", "masks"))
        image[mask == 0] = 128
        image[mask == 200] = 250
        cv2.imwrite(str(root / f"images/p{number}.png"), image)
    (sentence,) = odd(root, FOUR)
    assert "road by 122 grey levels" in sentence
    assert "vessel, crack are; no value of data_mix.invert suits all classes" in sentence


@pytest.mark.parametrize("how", [np.fliplr, np.flipud, lambda plane: np.roll(plane, 25, 1)])
def test_a_mask_that_is_turned_or_shifted_is_named(root: Path, how: Change) -> None:
    for number in range(7):  # one line on the left third, so that its mirror image is beside it
        mask = np.zeros((60, 50), np.uint8)
        cv2.line(mask, (3, 0), (17, 29), 255, 2)
        cv2.imwrite(str(root / f"masks/p{number}.png"), mask)
        cv2.imwrite(str(root / f"images/p{number}.png"), np.where(mask, 40, 230 + number).astype(np.uint8))
    assert odd(root) == []
    change(root, "masks", [2], lambda mask: np.ascontiguousarray(how(mask)))
    (sentence,) = odd(root)
    assert sentence.startswith("1 of 7 masks do not lie on the structures")
    assert ": p2.png; is one of the pair turned" in sentence


def test_a_class_that_a_split_lacks_is_named_with_what_helps(root: Path) -> None:
    table = CLASSES_OF_TWO | {128: "rare"}
    parts = ["train", "train", "train", "val", "val", "test", "test"]
    lines = [f"p{number},{part}\n" for number, part in enumerate(parts)]
    (root / "splits.csv").write_text("file,split\n" + "".join(lines))

    def with_rare(mask: np.ndarray) -> np.ndarray:
        mask[:4, :4] = 128
        return mask

    change(root, "masks", [5], with_rare)
    (sentence,) = (text for text in odd(root, table, split=SPLITS) if "rare" in text)
    assert sentence == (
        "class rare has no pixel in train and val: it cannot be learned, and it has no score in val; 1 image has it, "
        "each split needs one"
    )
    change(root, "masks", [0, 1, 6], with_rare)
    (sentence,) = (text for text in odd(root, table, split=SPLITS) if "rare" in text)
    assert sentence.endswith("in val; list an image that has it there in splits.csv")
    assert "cannot be learned" not in sentence
    change(root, "masks", [3], with_rare)
    assert [text for text in odd(root, table, split=SPLITS) if "no pixel" in text] == []


def test_a_swapped_map_is_named_and_inverting_is_not_advised(root: Path) -> None:
    (sentence,) = odd(root, {255: "background", 0: "vessel"})
    assert "class vessel covers" in sentence
    assert "% of train" in sentence
    assert "swapped in data_mix.class_map" in sentence


@pytest.mark.parametrize("numbers", [[2], [0, 5, 6]])
def test_masks_that_are_inverted_among_others_are_named(root: Path, numbers: list[int]) -> None:
    change(root, "masks", numbers, inverted)
    sentences = odd(root)
    names = ", ".join(f"p{number}.png" for number in numbers)
    (sentence,) = (text for text in sentences if "are their values swapped" in text)
    assert sentence.startswith(f"class vessel covers more than half of {len(numbers)} of 7 masks, and usually ")
    assert set(sentence.split(": ")[1].split(";")[0].split(", ")) == set(names.split(", "))
    assert not any("invert" in text for text in sentences)


def test_a_span_of_one_value_is_that_value() -> None:
    assert (span((3, 3)), span((3, 9))) == ("3", "3..9")
