import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from thinline.curves.many.runs import MOST, Runs, runs_of

LEVELS = {".": 0, "-": 90, "+": 200, "#": 255}


def rows(*texts):
    return np.array([[LEVELS[mark] for mark in text] for text in texts], np.uint8)


def found(ink, centre=None, grey=None):
    height, width = ink.shape
    edges = {"left": np.zeros(height), "right": np.full(height, width - 1.0)}
    return runs_of(ink, centre, grey, **edges)


@pytest.mark.parametrize(
    ("ink", "centre", "low", "high", "x"),
    [
        ("..###...#.", None, [2, 8], [4, 8], [3, 8]),
        ("..#.#.....", None, [2], [4], [3]),  # a hole of one pixel
        ("..##..##..", None, [2, 6], [3, 7], [2.5, 6.5]),
        ("..-###-...", None, [3], [5], [4]),  # faint borders of sure ink
        ("...--.....", None, [3], [4], [3.5]),  # faint ink alone
        ("..........", ".....##...", [5], [6], [5.5]),  # between dashes
        ("..#######.", ".....#....", [2], [8], [5]),  # a broad pen: both sides alike
        ("..#######.", "..#.......", [2], [8], [5]),  # a band of which a part has a centre line
        (".########.", "..#....#..", [1, 5], [4, 8], [2, 7]),  # two curves in one run of ink
        (".##.......", "..######..", [1], [7], [4]),  # a dash of a steep curve
    ],
)
def test_a_row_as_runs(ink, centre, low, high, x):
    runs = found(rows(ink), None if centre is None else rows(centre))
    np.testing.assert_array_equal(runs.low, low)
    np.testing.assert_array_equal(runs.high, high)
    np.testing.assert_array_equal(runs.x, x)


def test_ink_strength_and_pen():
    ink, centre = rows(".###....-.", "..........")[:, :], rows("..#.......", "....+.....")
    grey = np.full((2, 10), 200, np.uint8)
    grey[0, 1:4] = 100
    runs = found(ink, centre, grey)
    np.testing.assert_allclose(runs.width, [3, 90 / 255, 0], rtol=1e-6)
    np.testing.assert_allclose(runs.strength, [1, 45 / 255, 200 / 255], rtol=1e-6)
    np.testing.assert_allclose(runs.pen, [1.5, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(runs.inked, [True, True, False])
    np.testing.assert_array_equal(found(ink, centre).pen, found(ink, centre).width)


def test_runs_outside_of_the_track_are_left_out():
    ink = rows("#..##..#", "#..##..#")
    runs = runs_of(ink, None, None, left=np.array([1.0, 4.0]), right=np.array([6.0, 7.0]))
    np.testing.assert_array_equal(runs.row, [0, 1, 1])
    np.testing.assert_array_equal(runs.low, [3, 4, 7])


def test_the_strongest_runs_of_a_row_are_kept():
    ink = np.zeros((1, 80), np.uint8)
    ink[0, ::3] = 130 + np.arange(27) * 3
    np.testing.assert_array_equal(found(ink).low, 3 * np.arange(27 - MOST, 27))


levels = st.sampled_from([0, 40, 70, 120, 140, 255])
maps = arrays.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 24)), elements=levels)


@given(maps, st.data())
def test_rows_are_independent_so_strips_give_the_whole(ink, data):
    centre = data.draw(arrays.arrays(np.uint8, ink.shape, elements=levels))
    cut = data.draw(st.integers(0, len(ink)))
    whole = found(ink, centre)
    parts = Runs.joined([found(each, lines) for each, lines in ((ink[:cut], centre[:cut]), (ink[cut:], centre[cut:]))])
    assert parts.rows == whole.rows == len(ink)
    for name in ("row", "low", "high", "x", "width", "strength", "pen"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


@given(maps)
def test_against_a_loop_over_pixels_without_centre_lines(ink):
    for number, line in enumerate(ink):
        stretches, here = [], []
        for column, value in enumerate([*line.tolist(), 0]):
            if value >= 64:
                here.append(column)
            elif here:
                stretches.append(here)
                here = []
        kept = []
        for stretch in stretches:
            least = 128 if max(line[c] for c in stretch) >= 128 else 64
            kept += [c for c in stretch if line[c] >= least]
        expected = []
        for column in kept:
            if expected and column - expected[-1][1] <= 2:
                expected[-1][1] = column
            else:
                expected.append([column, column])
        runs = found(ink[number : number + 1])
        np.testing.assert_array_equal(
            np.stack([runs.low, runs.high], axis=1).reshape(-1, 2), np.reshape(expected, (-1, 2))
        )


def test_no_strips_are_no_rows():
    nothing = Runs.joined([])
    assert nothing.rows == 0
    assert not len(nothing.x)
