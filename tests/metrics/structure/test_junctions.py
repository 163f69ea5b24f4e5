"""Junctions on drawn skeletons, and their matching against all ways to pair points."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from mask_cases import drawn, pairs
from skimage.morphology import skeletonize

from thinline.metrics.structure.curve_pixels import curve_pixels
from thinline.metrics.structure.distances import Pair
from thinline.metrics.structure.junctions import JunctionCounts, junction_f1, junctions, matched

TEE = drawn("........... ........... ########### .....#..... .....#..... .....#.....")
FLAT = drawn("........... ........... ########### ........... ........... ...........")


def junctions_of(text):
    return curve_pixels(drawn(text)).junctions.tolist()


def test_a_tee_a_cross_and_a_fork() -> None:
    assert junctions_of("##### ..#.. ..#..") == [[0.25, 2.0]]  # the mean of the four pixels with three neighbours
    assert junctions_of("#...# .#.#. ..#.. .#.#. #...#") == [[2.0, 2.0]]
    assert junctions_of("#...# .#.#. ..#.. ..#.. ..#..") == [[2.0, 2.0]]


@pytest.mark.parametrize(
    "text",
    [
        "##### ..... .....",
        "##... .##.. ..##.",  # a staircase: pixels with three neighbours, two arms
        "##... ##... .....",  # a square without arms
        "#.... .#... ..##. ..##.",  # an end two pixels wide
        ".###. #...# .###.",  # a ring
        "..... ..... .....",
    ],
)
def test_no_junction(text) -> None:
    assert junctions_of(text) == []


def test_a_ring_with_a_tail_has_one() -> None:
    assert len(junctions_of(".###... #...### .###...")) == 1


@given(pairs())
@settings(max_examples=60)
def test_junctions_do_not_depend_on_a_frame_or_a_reflection(pair) -> None:
    line = skeletonize(pair[0])
    plain = sorted(curve_pixels(line).junctions.tolist())
    framed = curve_pixels(np.pad(line, 2)).junctions - 2
    mirrored = curve_pixels(line[:, ::-1]).junctions * [1, -1] + [0, line.shape[1] - 1]
    np.testing.assert_allclose(sorted(framed.tolist()), plain)
    np.testing.assert_allclose(sorted(mirrored.tolist()), plain)


@pytest.mark.parametrize("seed", range(8))
def test_the_number_of_pairs_is_the_largest_of_all_ways_to_pair(seed) -> None:
    generator = np.random.default_rng(seed)
    few, many = generator.uniform(0, 8, (4, 2)), generator.uniform(0, 8, (6, 2))
    near = np.hypot(*(few[:, None] - many[None]).transpose(2, 0, 1)) <= 3
    best = max(sum(near[i, j] for i, j in enumerate(order)) for order in permutations(range(6), 4))
    assert matched(few, many, tolerance_px=3) == matched(many, few, tolerance_px=3) == best


def test_a_junction_is_in_one_pair_and_within_the_tolerance() -> None:
    assert junctions(Pair(TEE, TEE)) == JunctionCounts(1, 1, 1)
    assert junctions(Pair(np.roll(TEE, 3, axis=1), TEE)).pairs == 1
    assert junctions(Pair(np.roll(TEE, 3, axis=1), TEE), tolerance_px=2.9).pairs == 0
    assert matched(np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([[0.0, 0.5]]), tolerance_px=3) == 1


def test_rates() -> None:
    missed, invented = junctions(Pair(FLAT, TEE)), junctions(Pair(TEE, FLAT))
    assert junction_f1(missed) == 0
    assert np.isnan(junction_f1(invented))  # nothing true to compare with
    assert junction_f1(missed + invented + junctions(Pair(TEE, TEE))) == 0.5
