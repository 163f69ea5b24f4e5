"""Distances between masks, against looking at all pairs of pixels."""

import numpy as np
from hypothesis import given, settings
from mask_cases import pairs

from thinline.metrics.structure.distances import ClassMask, Pair, within


@given(pairs())
@settings(max_examples=40)
def test_distances_are_the_least_over_all_pixels(pair) -> None:
    ways = Pair(*pair).distances
    for way, mask, other in zip(ways, pair, pair[::-1], strict=True):
        points = np.argwhere(mask)
        assert len(way.positions) == len(points)
        for squared, target in ((way.to_surface, ClassMask(other).surface), (way.to_mask, other)):
            ends = np.argwhere(target)
            every = ((points[:, None] - ends[None]) ** 2).sum(-1)
            expected = every.min(1) if len(ends) else np.full(len(points), np.inf)
            np.testing.assert_array_equal(squared, expected)


@given(pairs())
@settings(max_examples=40)
def test_a_part_of_a_mask_has_the_distances_of_its_pixels(pair) -> None:
    way = Pair(*pair).distances[0]
    part = ClassMask(pair[0]).surface
    np.testing.assert_array_equal(way.within_part(part), way.to_mask[way.on_surface])


def test_within_takes_the_limit_in() -> None:
    np.testing.assert_array_equal(within(np.array([0.0, 1.0, 2.0, 4.0, np.inf]), (0.0, 1.0, 2.0)), [1, 2, 4])
