"""The picture of a sheet: each sign where it belongs, told apart by lightness alone."""

from __future__ import annotations

import numpy as np
import pytest

from thinline.metrics.overlay import FALSE_ALARM, MEANINGS, MISS, overlay
from thinline.vocabulary import IGNORE, LOG_CLASSES, UInt8

TITLE_PX, GAP_PX = 16, 8
H, W = 60, 50
HIT, SWAP = (195, 195, 195), (0, 0, 0)
# one pixel of each sort: (row, column) -> (true, predicted)
MARKS = {
    "hit": ((5, 5), (1, 1)),
    "miss_1": ((5, 9), (1, 0)),
    "alarm_1": ((5, 13), (0, 1)),
    "miss_2": ((9, 9), (2, 0)),
    "alarm_2": ((9, 13), (0, 2)),
    "swap": ((9, 17), (1, 2)),
    "ignored": ((13, 5), (IGNORE, 2)),
    "paper": ((20, 20), (0, 0)),
    "print": ((30, 30), (0, 0)),
}


def marked() -> tuple[UInt8, UInt8, UInt8]:
    image = np.full((H, W), 240, np.uint8)
    image[MARKS["print"][0]] = 0
    true, predicted = np.zeros((2, H, W), np.uint8)
    for pixel, (in_truth, in_prediction) in MARKS.values():
        true[pixel], predicted[pixel] = in_truth, in_prediction
    return image, true, predicted


def panel(picture: UInt8, index: int, *, scale: int) -> UInt8:
    left = index * (W * scale + GAP_PX)
    return picture[TITLE_PX : TITLE_PX + H * scale, left : left + W * scale]


def colours(index: int, *, scale: int = 2) -> dict[str, tuple[int, ...]]:
    shown = panel(overlay(*marked(), classes=LOG_CLASSES, scale=scale), index, scale=scale)[::scale, ::scale]
    return {name: tuple(shown[pixel].tolist()) for name, (pixel, _) in MARKS.items()}


def lightness(colour: tuple[int, ...]) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_three_panels_and_a_legend_with_every_pixel_a_block(scale: int) -> None:
    picture = overlay(*marked(), classes=LOG_CLASSES, scale=scale)
    assert picture.dtype == np.uint8
    assert picture.shape[1] == 3 * W * scale + 2 * GAP_PX
    assert picture.shape[0] > TITLE_PX + H * scale
    for index in range(3):
        shown = panel(picture, index, scale=scale)
        blocks = shown.reshape(H, scale, W, scale, 3)
        assert np.array_equal(blocks, np.broadcast_to(blocks[:, :1, :, :1], blocks.shape))


def test_truth_and_prediction_show_their_own_labels() -> None:
    truth, prediction = colours(0), colours(1)
    assert truth["hit"] == truth["miss_1"] == truth["swap"] == prediction["hit"] == prediction["alarm_1"]
    assert truth["miss_2"] == prediction["alarm_2"] == prediction["swap"] != truth["hit"]
    assert truth["alarm_1"] == prediction["miss_1"] == truth["paper"]


def test_misses_and_false_positives_have_a_sign_of_their_own() -> None:
    shown = colours(2)
    assert shown["hit"] == HIT
    assert shown["swap"] == SWAP
    assert shown["miss_1"] == shown["miss_2"] == MISS
    assert shown["alarm_1"] == shown["alarm_2"] == FALSE_ALARM
    assert len(set(shown.values())) == len(shown) - 2, "two sorts of pixel look the same"


def test_signs_differ_in_lightness_so_that_a_grey_print_can_be_read() -> None:
    shown = {name: lightness(colour) for name, colour in colours(2).items()}
    for curve in (1, 2):
        steps = [shown["swap"], shown[f"miss_{curve}"], shown[f"alarm_{curve}"], shown["hit"], shown["print"]]
        assert min(np.diff(steps)) >= 20
    assert shown["print"] < shown["paper"], "the sheet beneath is still to be seen"


def test_an_ignored_pixel_is_neither_hit_nor_miss() -> None:
    for index in (0, 2):
        assert colours(index)["ignored"] not in {HIT, SWAP, colours(0)["miss_2"], colours(2)["alarm_2"]}


def test_the_legend_breaks_lines_and_names_every_curve() -> None:
    image, true, predicted = marked()
    few, many = (
        overlay(image, true, predicted, classes=("background", *names))
        for names in (["a"], ["gamma_ray", "resistivity_deep", "resistivity_shallow", "neutron", "density"])
    )
    assert many.shape[0] > few.shape[0]
    assert many.shape[1] == few.shape[1]
    legend_colours = {tuple(pixel) for pixel in many[TITLE_PX + 2 * H :].reshape(-1, 3).tolist()}
    assert {HIT, SWAP, colours(2)["miss_1"], colours(2)["alarm_2"]} <= legend_colours


def test_a_colour_means_one_thing_for_eight_curves() -> None:
    """No curve has the colour of an error, and an error has one colour, whichever curve it is of."""
    image, true, predicted = np.full((H, W), 255, np.uint8), *np.zeros((2, H, W), np.uint8)
    true[0, :8] = predicted[1, :8] = range(1, 9)
    names = ("background", *(f"c{k}" for k in range(8)))
    picture = overlay(image, true, predicted, classes=names, scale=1)
    truth, prediction, errors = (panel(picture, index, scale=1) for index in range(3))
    of_curves = {tuple(colour) for colour in truth[0, :8].tolist()}
    assert of_curves == {tuple(colour) for colour in prediction[1, :8].tolist()}
    assert len(of_curves) == 8
    assert {tuple(colour) for colour in errors[0, :8].tolist()} == {MISS}
    assert {tuple(colour) for colour in errors[1, :8].tolist()} == {FALSE_ALARM}
    assert of_curves.isdisjoint({MISS, FALSE_ALARM, HIT, SWAP})
    distances = [np.abs(np.subtract(curve, error)).max() for curve in of_curves for error in (MISS, FALSE_ALARM)]
    assert min(distances) >= 60


# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("kind", BLINDNESS)
def test_errors_differ_for_colour_blind_readers(kind: str) -> None:
    seen = {name: np.array(BLINDNESS[kind]) @ (np.array(colour) / 255) ** 2.2 for name, colour in MEANINGS.items()}
    shown = [255 * np.clip(colour, 0, 1) ** (1 / 2.2) for colour in seen.values()]
    for number, one in enumerate(shown):
        for other in shown[number + 1 :]:
            assert np.linalg.norm(one - other) > 60


def test_inputs_are_left_as_they_were_and_bad_ones_refused() -> None:
    image, true, predicted = marked()
    overlay(image, true, predicted, classes=LOG_CLASSES)
    assert all(np.array_equal(a, b) for a, b in zip((image, true, predicted), marked(), strict=True))
    with pytest.raises(ValueError, match="one sheet, not a batch"):
        overlay(image[None], true[None], predicted[None], classes=LOG_CLASSES)
    with pytest.raises(ValueError, match=r"one shape .*\(60, 49\)"):
        overlay(image, true[:, :-1], predicted, classes=LOG_CLASSES)
    with pytest.raises(ValueError, match="1 or more, got 0"):
        overlay(image, true, predicted, classes=LOG_CLASSES, scale=0)
