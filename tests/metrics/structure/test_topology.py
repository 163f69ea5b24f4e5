"""Betti numbers against gudhi and against labelled images; gaps and their repairs by hand and by slow loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from mask_cases import drawn, pairs
from scipy import ndimage

from thinline.metrics.structure.distances import ClassMask, Pair
from thinline.metrics.structure.topology import DRAWS, TopologyCounts, betti_numbers, topology, topology_rates

EIGHT = np.ones((3, 3))
DENSITIES = (0.02, 0.1, 0.3, 0.5, 0.7, 0.95)
NOTHING = np.zeros((5, 9), dtype=bool)
LINE = drawn("......... ......... ######### ......... .........")
BROKEN = drawn("......... ......... ##..##... ......... .........")  # a gap of two pixels, an end of three


def labelled(mask):
    """b0 and b1 from labelled images: the background of the padded sheet has one part outside."""
    return [ndimage.label(mask, EIGHT)[1], ndimage.label(np.pad(~mask, 1, constant_values=True))[1] - 1]


@pytest.mark.parametrize("density", DENSITIES)
def test_betti_numbers_are_those_of_gudhi(density) -> None:
    gudhi = pytest.importorskip("gudhi", reason="gudhi is not installed")
    generator = np.random.default_rng(round(100 * density))
    for shape in ((1, 1), (1, 12), (12, 1), (17, 23), (40, 31)):
        mask = generator.random(shape) < density
        squares = gudhi.CubicalComplex(top_dimensional_cells=np.where(mask, 0.0, 1.0))
        squares.compute_persistence()
        expected = squares.persistent_betti_numbers(0.0, 0.5)[:2] if mask.any() else [0, 0]
        assert betti_numbers(ClassMask(mask)).tolist() == list(expected)


@given(pairs())
@settings(max_examples=60)
def test_betti_numbers_are_components_of_ink_and_enclosed_parts_of_the_background(pair) -> None:
    for mask in pair:
        assert betti_numbers(ClassMask(mask)).tolist() == labelled(mask)


def test_a_part_that_reaches_the_edge_of_the_sheet_is_no_hole() -> None:
    assert betti_numbers(ClassMask(drawn("##### #...# ##### #.... #####"))).tolist() == [1, 1]
    diamond = drawn(".#. #.# .#.")  # closed for ink that touches at corners
    assert betti_numbers(ClassMask(diamond)).tolist() == [1, 1]
    assert betti_numbers(ClassMask(diamond[1:])).tolist() == [1, 0]


def repaired(predicted, true):
    """The prediction with every group of missed pixels filled whose neighbourhood has two parts or more."""
    groups, count = ndimage.label(true & ~predicted, EIGHT)
    parts = ndimage.label(predicted, EIGHT)[0]
    gaps = np.zeros_like(predicted)
    for number in range(1, count + 1):
        near = ndimage.binary_dilation(groups == number, EIGHT)
        if len(set(parts[near]) - {0}) > 1:
            gaps |= groups == number
    return gaps, predicted | gaps


@given(pairs())
@settings(max_examples=60)
def test_gaps_and_both_errors_are_those_of_a_slow_loop(pair) -> None:
    predicted, true = pair
    counts = topology(Pair(predicted, true))
    gaps, filled = repaired(predicted, true)
    assert (counts.missed, counts.in_gaps) == ((true & ~predicted).sum(), gaps.sum())
    assert counts.errors.tolist() == np.abs(np.subtract(labelled(predicted), labelled(true))).tolist()
    assert counts.filled == abs(labelled(filled)[0] - labelled(true)[0])
    assert counts.sheets == (predicted | true).any()


def test_the_random_fill_is_near_its_expectation() -> None:
    """Two of five missed pixels: of the ten ways to choose them one joins the parts."""
    counts = topology(Pair(BROKEN, LINE))
    assert (counts.missed, counts.in_gaps, counts.filled) == (5, 2, 0)
    missed = np.argwhere(LINE & ~BROKEN)
    errors = []
    for i in range(5):
        for j in range(i):
            mask = BROKEN.copy()
            mask[tuple(missed[[i, j]].T)] = True
            errors.append(labelled(mask)[0] - 1)
    spread = np.std(errors) / np.sqrt(DRAWS)
    assert spread > 0
    assert counts.random / DRAWS == pytest.approx(np.mean(errors), abs=3 * spread)
    assert topology(Pair(BROKEN, LINE)).random == counts.random


def test_where_all_that_is_missing_lies_in_gaps_a_random_fill_is_the_repair() -> None:
    split = drawn("......... ......... ##.###.## ......... .........")
    rates = topology_rates(topology(Pair(split, LINE)))
    assert rates == {
        "betti0_error": 2,
        "betti1_error": 0,
        "betti0_error_filled": 0,
        "betti0_error_random": 0,
        "fragmenting": 1,
    }


def test_a_sheet_without_the_class_is_not_counted_and_one_missed_or_invented_is() -> None:
    absent = topology(Pair(NOTHING, NOTHING))
    assert all(np.isnan(value) for value in topology_rates(absent).values())
    total: TopologyCounts = absent + topology(Pair(NOTHING, LINE)) + topology(Pair(BROKEN, NOTHING))
    rates = topology_rates(total)
    assert (total.sheets, rates["betti0_error"], rates["betti0_error_random"]) == (2, 1.5, 1.5)
    assert rates["fragmenting"] == 0  # a line that is missing as a whole is no gap
