"""Moves along the normal: against moves along rows and columns for straight lines, and against turned sheets."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from looped import looped
from mask_cases import pairs

from thinline.metrics.normal_moves import centreline, moved_along_normal

SIZE = 96


def moved(mask, px):
    """`mask` moved by `px`, a number or one for each pixel of the centreline."""
    line = centreline(mask)
    return moved_along_normal(mask, line, np.broadcast_to(np.float64(px), len(line.normals)))


def polyline(*points, pen=1):
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.polylines(mask, [np.array(points, np.int32)], False, 1, thickness=pen)
    return mask > 0


def components(mask):
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1


@pytest.mark.parametrize("pen", [1, 3])
@pytest.mark.parametrize("px", [-2, -1, 1, 3])
def test_a_vertical_line_moves_along_the_rows_and_a_horizontal_one_along_the_columns(pen, px):
    bar = np.zeros((SIZE, SIZE), bool)
    bar[:, 40 : 40 + pen] = True
    np.testing.assert_array_equal(moved(bar, px), np.roll(bar, px, axis=1))
    np.testing.assert_array_equal(moved(bar.T, px), np.roll(bar.T, px, axis=0))


@given(pairs())
@settings(max_examples=40)
def test_a_move_by_nothing_changes_nothing(pair):
    np.testing.assert_array_equal(moved(pair[0], 0), pair[0])


@looped("degrees", range(0, 180, 10))
@pytest.mark.parametrize("px", [1, 2, 5])
def test_a_straight_line_is_on_average_as_far_from_itself_as_it_was_moved(degrees, px):
    """Distances from the exact line: the pixels lie up to .5 px beside it, moved or not."""
    along = np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])
    ends = np.rint(48 + np.array([-38, 38])[:, None] * along).astype(int)
    direction = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    normal = np.array([direction[1], -direction[0]])
    line = polyline(*ends)
    before, after = (((np.argwhere(mask)[:, ::-1] - ends[0]) @ normal).mean() for mask in (line, moved(line, px)))
    assert abs(after - before) == pytest.approx(px, abs=0.1)
    assert abs(int(moved(line, px).sum()) - int(line.sum())) <= 1 + px  # as thin as it was


def test_a_diagonal_moves_by_half_of_its_diagonal():
    line = np.eye(SIZE, dtype=bool)
    np.testing.assert_array_equal(moved(line, 1), np.eye(SIZE, k=1, dtype=bool))
    np.testing.assert_array_equal(moved(line, 2), np.eye(SIZE, k=3, dtype=bool))  # 2.12 px, not 1.41


def test_normals_are_across_the_line_and_to_one_side_of_it():
    """Of a circle: along its radii, all to the outside or all to the inside."""
    ring = np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(ring, (48, 48), 30, 1)
    line = centreline(ring > 0)
    rows, columns = np.divmod(line.pixels.positions, SIZE)
    radii = np.stack([columns, rows], axis=1) - 48.0
    away = (line.normals * radii).sum(1) / np.linalg.norm(radii, axis=1)
    assert np.abs(away).min() > 0.97
    assert len(set(np.sign(away))) == 1
    np.testing.assert_allclose(np.linalg.norm(line.normals, axis=1), 1)
    outside = np.linalg.norm(np.argwhere(moved(ring > 0, np.sign(away[0]) * 4)) - 48, axis=1)
    assert outside.min() > 32.9
    assert outside.max() < 35.1
    assert outside.mean() == pytest.approx(np.linalg.norm(radii, axis=1).mean() + 4, abs=0.15)


@pytest.mark.parametrize("mask", [polyline((10, 20), (80, 60)), polyline((10, 20), (30, 90))])
def test_the_side_is_the_right_one(mask):
    """A line that runs down to the right moves to the right, and so up."""
    line = centreline(mask)
    assert (line.normals[:, 0] > 0).all()
    assert (line.normals[:, 1] < 0).all()
    assert (centreline(mask[::-1]).normals > 0).all()


@given(st.lists(st.tuples(st.integers(12, 84), st.integers(12, 84)), min_size=2, max_size=6), st.integers(0, 99))
@settings(max_examples=40)
def test_what_was_connected_stays_connected(points, seed):
    mask = polyline(*points)
    line = centreline(mask)
    by = np.random.default_rng(seed).integers(-2, 3, len(line.normals))
    answer = moved_along_normal(mask, line, by.astype(float))
    assert components(answer) == components(mask) == 1
    near = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[answer]
    assert near.max(initial=0) <= 2 + np.sqrt(2)  # two pixels and the rounding of both ends


def test_what_leaves_the_sheet_is_lost_and_an_empty_mask_stays_empty():
    edge = np.zeros((9, 7), bool)
    assert not moved(edge, 1).any()
    edge[:, 6] = True
    assert not moved(edge, 1).any()
    edge[:, 5] = True
    np.testing.assert_array_equal(moved(edge, 1).sum(1), np.ones(9))


def test_a_single_pixel_moves_to_the_right():
    dot = np.zeros((5, 5), bool)
    dot[2, 2] = True
    np.testing.assert_array_equal(np.argwhere(moved(dot, 1)), [[2, 3]])
