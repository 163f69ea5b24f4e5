import numpy as np
from curve_cases import lines_as_ink

from thinline.curves.edge_follower import LOOK_BACK, REACH_MM, edge_follower


def followed(*courses):
    return edge_follower(lines_as_ink(courses, 64), px_per_mm=4.0)


def test_a_line_alone_is_followed_through_dashes():
    x = 20 + 0.5 * np.arange(40)
    seen = np.where(np.arange(40) % 7 < 4, x, np.nan)
    (curve,) = followed(seen)
    np.testing.assert_allclose(curve.x_px[curve.traced], x[curve.traced], atol=0.6)
    assert curve.traced.sum() == np.isfinite(seen).sum()


def test_straight_lines_that_cross_keep_their_labels():
    down = np.arange(41) + 10.0
    for curve, true in zip(followed(down, down[::-1]), [down, down[::-1]], strict=True):
        np.testing.assert_allclose(curve.x_px[curve.traced], true[curve.traced], atol=1.1)


def test_lines_that_touch_and_part_are_taken_for_a_crossing():
    """The follower continues straight, so each curve ends on the other line: the failure that the source describes."""
    away = np.abs(np.arange(41) - 20.0)
    left, right = 30 - away, 31 + away
    one, two = followed(left, right)
    assert abs(one.x_px[-1] - right[-1]) < 1.5
    assert abs(two.x_px[-1] - left[-1]) < 1.5


def test_the_slope_is_kept_over_a_gap_after_an_earlier_gap():
    """The row LOOK_BACK above is a gap; a line that begins at the column last seen is not the continuation."""
    rows = np.arange(20)
    gap = ((rows >= 9 - LOOK_BACK) & (rows < 11 - LOOK_BACK)) | ((rows >= 10) & (rows < 13))
    line = np.where(gap, np.nan, 3.0 * rows)
    other = np.where(rows >= 13, line[9], np.nan)
    curve, _ = followed(line, other)
    np.testing.assert_array_equal(curve.x_px, line)


def test_a_curve_starts_and_ends_with_its_ink():
    x = np.where((np.arange(30) >= 5) & (np.arange(30) < 22), 12.0, np.nan)
    (curve,) = followed(x)
    np.testing.assert_array_equal(curve.x_px, x)


def test_reach_grows_with_the_gap_and_no_faster():
    x = np.full(20, 10.0)
    reach = REACH_MM * 4
    for jump, rows, reached in (
        (reach, 0, True),
        (reach + 1, 0, False),
        (3 * reach, 2, True),
        (3 * reach + 1, 2, False),
    ):
        course = x.copy()
        course[8 : 8 + rows] = np.nan
        course[8 + rows] += jump
        course[9 + rows :] = np.nan
        (curve,) = followed(course)
        assert np.isfinite(curve.x_px[8 + rows]) == reached


def test_nothing_gives_gaps():
    for curve in edge_follower(np.zeros((2, 6, 5), np.float32), px_per_mm=4.0):
        assert not curve.traced.any()
