"""Composition by hand on a sheet of eight pixels, and the contact sheet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from thinline.sheets import composition, contact_sheet
from thinline.sheets.sheet import Sheet
from thinline.vocabulary import EDGE, GRID, STAIN, TEXT

LABELS = np.array([[0, 0, 1, 2], [0, 0, 0, 0]], np.uint8)
LAYERS = np.array([[0, GRID, GRID, 0], [GRID | TEXT, EDGE | GRID, STAIN, STAIN | GRID]], np.uint8)
SHEET = Sheet(np.full((2, 4), 255, np.uint8), LABELS, np.stack([LABELS == 1, LABELS == 2]), LAYERS, ())


def test_composition_by_hand() -> None:
    assert composition([SHEET, SHEET]) == {
        "background": 6 / 8,
        "curve_1": 1 / 8,
        "curve_2": 1 / 8,
        "background/paper": 1 / 6,
        "background/text": 1 / 6,
        "background/edge": 1 / 6,
        "background/grid": 2 / 6,
        "background/stain": 1 / 6,
    }


def test_the_truth_is_beside_the_image() -> None:
    both = dataclasses.replace(SHEET, strokes=np.stack([LABELS == 1, LABELS > 0]))
    page = contact_sheet([both, SHEET, SHEET], columns=2)
    assert page.shape == (2 * (2 + 6), 2 * (8 + 6), 3)
    assert (page[3:5, 3:7] == 255).all()
    crossing, second = tuple(page[3, 9]), tuple(page[3, 10])
    assert crossing != second
    assert tuple(page[3, 14 + 9]) not in {crossing, second}
    assert (page[8:, 14:] == 255).all()


@pytest.mark.parametrize("function", [composition, contact_sheet])
def test_no_sheets_are_refused(function: Callable[[list[Sheet]], object]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        function([])
