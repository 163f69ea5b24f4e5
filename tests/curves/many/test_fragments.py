import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from thinline.curves.many.fragments import fragments_of
from thinline.curves.many.runs import runs_of


def of(ink, at_edge=None):
    ink = np.asarray(ink, np.uint8)
    runs = runs_of(ink, None, None, left=np.zeros(len(ink)), right=np.full(len(ink), ink.shape[1] - 1.0))
    edges = np.zeros((len(runs.row), 2), bool)
    if at_edge:
        edges = np.stack([runs.low == 0, runs.high == ink.shape[1] - 1], axis=1)
    return runs, fragments_of(runs, edges, px_per_mm=4.0)


def picture(text):
    return [[255 * (mark == "#") for mark in line.strip()] for line in text.strip().splitlines()]


def test_curves_that_cross_are_five_fragments():
    _, fragments = of(
        picture("""
        #......#
        .#....#.
        ..#..#..
        ...##...
        ..#..#..
        .#....#.
        """)
    )
    assert list(zip(fragments.top.tolist(), fragments.bottom.tolist(), strict=True)) == [
        (0, 2),
        (0, 2),
        (3, 3),
        (4, 5),
        (4, 5),
    ]
    np.testing.assert_allclose(fragments.slope[:2], [[1, 1], [-1, -1]])


def test_a_gap_ends_a_fragment_and_touching_corners_do_not():
    _, fragments = of(picture("#..\n.#.\n...\n.#."))
    np.testing.assert_array_equal(fragments.top, [0, 3])
    np.testing.assert_array_equal(fragments.bottom, [1, 3])


def test_the_slope_is_that_of_numpy():
    x = np.array([3, 3, 4, 6, 9, 9, 9, 8, 6, 5])
    ink = np.zeros((len(x), 14))
    for row, column in enumerate(x):
        near = x[max(row - 1, 0)]
        ink[row, min(column, near) : max(column, near) + 1] = 255
    runs, fragments = of(ink)
    assert len(fragments) == 1
    for end, part in ((0, slice(0, 7)), (1, slice(-7, None))):
        np.testing.assert_allclose(fragments.slope[0, end], np.polyfit(np.arange(7), runs.x[part], 1)[0], atol=1e-9)


def test_a_curve_at_one_edge_is_cut_where_the_other_edge_has_ink():
    text = "......#\n......#\n##....#\n......#\n......#"
    assert len(of(picture(text))[1]) == 2
    _, cut = of(picture(text), at_edge=True)
    assert (cut.bottom[cut.ends[:, 0] >= 0] - cut.top).max() < 3


def test_the_pen_is_the_ink_by_the_length_of_the_course():
    ink = np.zeros((20, 60))
    for row in range(20):
        ink[row, 2 * row : 2 * row + 9] = 255
    runs, fragments = of(ink)
    np.testing.assert_allclose(fragments.pen_px(runs), 9 * 20 / (1 + 19 * np.sqrt(5)), rtol=1e-6)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 8), st.integers(1, 12)), elements=st.sampled_from([0, 255])))
def test_every_run_is_in_one_fragment_and_fragments_have_no_choice(ink):
    runs, fragments = of(ink)
    assert sorted(fragments.order.tolist()) == list(range(len(runs.row)))
    assert (np.diff(fragments.top) >= 0).all()

    def joined(a, b):
        return runs.row[b] == runs.row[a] + 1 and runs.low[b] <= runs.high[a] + 1 and runs.low[a] <= runs.high[b] + 1

    below = [[b for b in range(len(runs.row)) if joined(a, b)] for a in range(len(runs.row))]
    above = [[a for a in range(len(runs.row)) if joined(a, b)] for b in range(len(runs.row))]
    following = {}
    for first, last in zip(fragments.first[:-1], fragments.first[1:], strict=True):
        own = fragments.order[first:last]
        following |= dict(zip(own[:-1].tolist(), own[1:].tolist(), strict=True))
    for a in range(len(runs.row)):
        sole = len(below[a]) == 1 and len(above[below[a][0]]) == 1
        assert following.get(a) == (below[a][0] if sole else None)
    for fragment, run in enumerate(fragments.ends[:, 0]):
        assert fragments.number[run] == fragment
