"""The traced track as a whole: identities, gaps, wraps, missing curves, drawn sheets, real tiles."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from curve_maps import columns, maps_of, traced
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from thinline.curves.course_agreement import agreement, best_names
from thinline.curves.many import Track, TrackTracer, trace_track
from thinline.sheets import render, sample
from thinline.sheets.true_positions import true_rows

TILES = Path(__file__).parents[3] / "../shared/data/real_logs/tiles"
ROWS = np.arange(200)


def course(seed, *, centre, swing=14.0, rough=0.0):
    rng = np.random.default_rng(seed)
    smooth = swing * np.sin(ROWS / 17 + rng.uniform(0, 6)) + 0.4 * swing * np.sin(ROWS / 6 + rng.uniform(0, 6))
    return centre + smooth + rough * rng.standard_normal(len(ROWS))


def fields(track):
    return [np.stack([each.curve.x_px, each.curve.confidence, each.curve.lap, each.bridged]) for each in track.curves]


@pytest.mark.parametrize("seed", range(3))
def test_a_mirrored_map_gives_mirrored_courses(seed):
    courses = [course(seed, centre=45, rough=1.0), course(seed + 10, centre=62, rough=0.5)]
    on = np.random.default_rng(seed).random((2, 200)) < 0.8
    ink, centre = maps_of(courses, 120, on=on)
    hints = [[(20, courses[0][20])], [(20, courses[1][20])]]
    across = [[(row, 119 - column) for row, column in each] for each in hints]
    plain = trace_track(ink, centre, track=Track(0, 119, 2, hints=hints), px_per_mm=4.0)
    mirrored = trace_track(ink[:, ::-1], centre[:, ::-1], track=Track(0, 119, 2, hints=across), px_per_mm=4.0)
    np.testing.assert_allclose(columns(plain), 119 - columns(mirrored), atol=1e-9)


@settings(max_examples=15)
@given(st.lists(st.integers(0, 200), max_size=6), st.integers(0, 3))
def test_strips_give_what_one_map_gives(cuts, seed):
    courses = [course(seed, centre=50, rough=1.5), course(seed + 7, centre=66)]
    ink, centre = maps_of(courses, 120)
    left = np.linspace(0, 6, 200)
    track = Track(left, left + 110, 2)
    tracer = TrackTracer(track, px_per_mm=4.0)
    ends = [0, *sorted(cuts), 200]
    for top, bottom in pairwise(ends):
        tracer.push(ink[top:bottom], centre[top:bottom])
    whole = trace_track(ink, centre, track=track, px_per_mm=4.0)
    np.testing.assert_array_equal(fields(tracer.finish()), fields(whole))


def test_floats_and_bytes_give_the_same():
    ink, centre = maps_of([course(1, centre=60)], 120)
    track = Track(0, 119, 1)
    ones = trace_track(ink, centre, track=track, px_per_mm=4.0)
    floats = trace_track(*(np.float32(each / 255) for each in (ink, centre)), track=track, px_per_mm=4.0)
    np.testing.assert_array_equal(fields(ones), fields(floats))


maps = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 16)), elements=st.sampled_from([0, 0, 90, 255])
)


@settings(max_examples=60)
@given(maps, st.integers(1, 4), st.booleans(), st.booleans())
def test_any_map_gives_curves_within_their_bounds(ink, number, wraps, centre):
    lines = ink[::-1].copy() if centre else None
    track = trace_track(ink, lines, track=Track(0, ink.shape[1] - 1, number, wraps=wraps), px_per_mm=2.0)
    assert len(track.curves) == number
    assert 0 <= track.found <= number
    assert bool(track.message) == (track.found < number)
    for each in track.curves:
        x, confidence = each.curve.x_px, each.curve.confidence
        assert len(x) == len(confidence) == len(each.curve.lap) == len(each.bridged) == len(ink)
        known = np.isfinite(x)
        assert ((x[known] >= 0) & (x[known] <= ink.shape[1] - 1)).all()
        assert (confidence[~known] == 0).all()
        assert ((confidence >= 0) & (confidence <= 1)).all()
        assert not each.bridged[~known].any()
        assert (each.curve.lap[~known] == 0).all()
    assert sum(each.curve.traced.any() for each in track.curves) <= track.found


def test_no_ink_and_no_rows():
    nothing = trace_track(np.zeros((50, 40), np.uint8), track=Track(0, 39, 2, name="track 2"), px_per_mm=4.0)
    assert (nothing.found, nothing.message) == (0, "ink of no curve in track 2; you named two")
    assert not any(each.curve.traced.any() for each in nothing.curves)
    empty = TrackTracer(Track(0, 39, 1), px_per_mm=4.0).finish()
    assert empty.found == 0
    assert len(empty.curves[0].curve.x_px) == 0


def test_fewer_curves_than_named_are_said():
    one = course(3, centre=60)
    track = traced([one], 120, curves=2)
    assert (track.found, track.message) == (1, "ink of one curve in the track; you named two")
    np.testing.assert_allclose(track.curves[0].curve.x_px, one, atol=1.6)
    assert not track.curves[1].curve.traced.any()


def test_a_hint_says_which_of_two_named_curves_is_there():
    one = course(3, centre=60)
    track = traced([one], 120, curves=2, hints=[[], [(30, one[30])]])
    assert not track.curves[0].curve.traced.any()
    assert track.curves[1].curve.traced.all()


def test_short_gaps_are_bridged_and_long_ones_stay():
    x = 30 + 0.2 * ROWS
    holes = ((ROWS >= 50) & (ROWS < 56)) | ((ROWS >= 100) & (ROWS < 130))
    ink, _ = maps_of([np.where(holes, np.nan, x)], 120)
    track = trace_track(ink, track=Track(0, 119, 1), px_per_mm=4.0, bridge_mm=2.0)
    (found,) = track.curves
    long = (ROWS >= 100) & (ROWS < 130)
    np.testing.assert_array_equal(np.isnan(found.curve.x_px), long)
    np.testing.assert_allclose(found.curve.x_px[~long], x[~long], atol=1.0)
    np.testing.assert_array_equal(found.bridged, holes & ~long)
    np.testing.assert_allclose(found.curve.confidence[[10, 52]], [1, 1 - 6 / 9])


def test_the_centre_line_between_dashes_is_followed_and_marked():
    x = course(5, centre=60)
    on = [ROWS % 12 < 7]
    (found,) = traced([x], 120, on=on).curves
    np.testing.assert_allclose(found.curve.x_px, x, atol=1.6)
    np.testing.assert_array_equal(found.bridged, ~on[0])


def test_a_band_of_ink_is_followed_by_its_middle():
    """Jitter so dense that each row is a run of 10 to 60 px: the course is the middle of the run."""
    rng = np.random.default_rng(0)
    low, high = 50 - rng.uniform(5, 30, 200), 50 + rng.uniform(5, 30, 200)
    ink = np.zeros((200, 120), np.uint8)
    for row in range(200):
        ink[row, int(low[row]) : int(high[row]) + 1] = 255
    (found,) = trace_track(ink, track=Track(0, 119, 1), px_per_mm=4.0).curves
    np.testing.assert_allclose(found.curve.x_px, (low.astype(int) + high.astype(int)) / 2)


def test_a_curve_alone_on_its_ink_is_in_the_middle_of_it():
    """Two centre lines on one stretch of ink, as jitter gives: one curve is the middle, two curves part it."""
    ink, centre = np.zeros((2, 60, 100), np.float32)
    ink[:, 30:61] = 1.0
    centre[:, 33:36] = centre[:, 55:58] = 1.0
    one = trace_track(ink, centre, track=Track(0, 99, 1), px_per_mm=4.0)
    np.testing.assert_array_equal(columns(one)[0], 45)
    two = trace_track(ink, centre, track=Track(0, 99, 2), px_per_mm=4.0)
    np.testing.assert_array_equal(columns(two)[:, 30], [34, 56])


def test_ink_of_another_group_does_not_move_a_curve():
    ink, centre = np.zeros((2, 60, 100), np.float32)
    ink[:, 30:41], ink[:, 43:71] = 1.0, 0.6
    centre[:, 31:34] = centre[:, 37:40] = 1.0
    centre[:, 56:59] = 0.6
    curve = trace_track(ink, centre, track=Track(0, 99, 1), px_per_mm=4.0)
    np.testing.assert_array_equal(columns(curve)[0], 35)


def test_a_wrap_is_followed_and_counted():
    u = 0.8 + 0.45 * np.sin(ROWS * 2 * np.pi / 200)  # leaves the track on the right, and comes back
    lap, t = np.floor(u).astype(int), u % 1
    x = t * 119
    change = np.flatnonzero(np.diff(lap))
    ink = np.zeros((200, 120), np.uint8)
    for stretch in np.split(ROWS, change + 1):
        part = np.full(200, np.nan)
        part[stretch] = x[stretch]
        ink |= maps_of([part], 120)[0]
    (found,) = trace_track(ink, track=Track(0, 119, 1), px_per_mm=4.0).curves
    near = np.abs(found.curve.x_px - x) < 3
    assert near.mean() > 0.97
    assert (found.curve.lap == lap).mean() > 0.97
    (other,) = trace_track(ink, track=Track(0, 119, 1, wraps=False), px_per_mm=4.0).curves
    assert not other.curve.lap.any()


def test_tilted_edges_of_the_track_leave_the_neighbour_out():
    edge = 60 + 0.2 * ROWS
    own, other = edge - 20, edge + 12
    ink, centre = maps_of([own, other], 140)
    (found,) = trace_track(ink, centre, track=Track(edge - 40, edge, 1), px_per_mm=4.0).curves
    np.testing.assert_allclose(found.curve.x_px, own, atol=1.0)


@pytest.mark.parametrize(
    ("family", "seeds", "floor"), [("archive", (1000, 1003, 1005), 0.85), ("procedural", (1005, 1007), 0.9)]
)
def test_curves_of_drawn_sheets_are_traced(family, seeds, floor):
    right = []
    for seed in seeds:
        spec = sample(family, seed)
        sheet, courses = render(spec, px_per_mm=4.0), true_rows(spec, px_per_mm=4.0)
        ink, centre = maps_of(courses, sheet.image.shape[1], pen=1.5)
        ink = np.where(sheet.strokes.any(axis=0), np.uint8(255), np.uint8(0))
        for track in {curve.track for curve in spec.curves}:
            own = [k for k, curve in enumerate(spec.curves) if curve.track == track]
            edges = [4.0 * each - 0.5 for each in (spec.tracks[track].left_mm, spec.tracks[track].right_mm)]
            found = columns(trace_track(ink, centre, sheet.image, track=Track(*edges, len(own)), px_per_mm=4.0))
            for k, name in zip(own, best_names(found, courses[own]), strict=True):
                right.append(agreement(found[name], courses[k], depth_per_row=1.0).rows_right)
    assert np.mean(right) > floor


@pytest.mark.skipif(not TILES.is_dir(), reason="the tiles of real logs are not in the repository")
def test_the_true_ink_of_real_tiles_is_traced():
    right = []
    for file in sorted(TILES.glob("*_mask.png")):
        mask = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        assert mask is not None
        ink = np.where((mask == 1) | (mask == 2), np.uint8(255), np.uint8(0))
        courses = np.array([middle_of(mask == k) for k in (1, 2)])
        whole = Track(0, mask.shape[1] - 1, 2, wraps=False)
        found = columns(trace_track(ink, track=whole, px_per_mm=8.0))
        for k, name in enumerate(best_names(found, courses)):
            right.append(agreement(found[name], courses[k], depth_per_row=1.0).rows_right)
    assert np.mean(right) > 0.9


def middle_of(ink):
    """The middle of the first and the last column with ink of each row, NaN without."""
    first, last = ink.argmax(axis=1), ink.shape[1] - 1 - ink[:, ::-1].argmax(axis=1)
    return np.where(ink.any(axis=1), (first + last) / 2, np.nan)


def test_bad_input():
    ink = np.zeros((4, 5), np.uint8)
    for how, message in (
        ({"px_per_mm": 0.0}, "above 0, got 0"),
        ({"track": Track(0, 4, 0)}, "1 to 6 curves, got 0"),
        ({"track": Track(0, 4, 7)}, "1 to 6 curves, got 7"),
        ({"track": Track(0, 4, 1, hints=[[], []])}, "at most 1 curves, got 2"),
        ({"track": Track(np.zeros(3), 4, 1)}, "must reach row 4, got 3"),
    ):
        with pytest.raises(ValueError, match=message):
            trace_track(ink, **{"track": Track(0, 4, 1), "px_per_mm": 4.0} | how)
    tracer = TrackTracer(Track(0, 4, 1), px_per_mm=4.0)
    with pytest.raises(ValueError, match=r"`centre` must have the shape of `ink` \(4, 5\), got \(3, 5\)"):
        tracer.push(ink, ink[:3])
    with pytest.raises(ValueError, match=r"`ink` must be \[h,W\]"):
        tracer.push(ink[None])
    with pytest.raises(TypeError, match="float64"):
        tracer.push(ink.astype(np.float64))
    with pytest.raises(ValueError, match=r"0\.\.1, got 0\.0\.\.2\.0"):
        tracer.push(np.float32([[0, 2]]))
