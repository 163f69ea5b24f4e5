"""Which curve is which where curves meet."""

import itertools

import numpy as np
import pytest
from curve_maps import columns, maps_of, traced

from thinline.curves.many import Track, trace_track
from thinline.curves.many.naming import TEMPERATURE, _Search
from thinline.curves.many.positions import Meeting
from thinline.curves.many.stretches import Stretches

ROWS = np.arange(240)


def wander(seed, *, centre, swing=12.0):
    """A smooth course around a column."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, 2)
    return centre + swing * np.sin(ROWS / 23 + phase[0]) + 0.3 * swing * np.sin(ROWS / 9 + phase[1])


def right(found, true, tolerance=2.0):
    """Share of rows within the tolerance, with the names as they are."""
    return float((np.abs(np.asarray(found) - np.asarray(true)) <= tolerance).mean())


@pytest.mark.parametrize("centre", [True, False])
def test_straight_lines_that_cross_go_straight_on(centre):
    one = 20 + 0.4 * ROWS
    two = one[::-1]
    assert right(columns(traced([one, two], 140, centre=centre)), [one, two]) > 0.97


def test_curves_that_bend_away_before_they_cross_keep_their_sides():
    """Two parabolas whose tips touch: a course with a corner is less likely than two smooth ones."""
    away = 0.004 * (ROWS - 120.0) ** 2
    left, touching = 50 - away, 53 + away
    assert right(columns(traced([left, touching], 140)), [left, touching]) > 0.95


def test_three_curves_that_cross_in_turn():
    courses = [20 + 0.4 * ROWS, np.full(240, 70.0), 118 - 0.35 * ROWS]
    assert right(columns(traced(courses, 140)), courses) > 0.95


@pytest.mark.parametrize("difference", ["width", "dashes"])
def test_pens_decide_where_the_course_does_not(difference):
    """The curves run together for so long that nothing above the meeting says where each goes below it."""
    one = 50 + 25 * np.cos(ROWS * 2 * np.pi / 120)
    two = 100 - one
    apart = np.abs(one - two) > 16
    one, two = np.where(apart, one, 50), np.where(apart, two, 50)
    # after each stretch on one line the curves may or may not have changed sides: both are drawn
    sides = (ROWS // 60 % 4) < 2
    one, two = np.where(sides, one, two), np.where(sides, two, one)
    how = {"pen": (2.0, 5.0)} if difference == "width" else {"on": [ROWS >= 0, ROWS % 8 < 5]}
    found = columns(traced([one, two], 100, **how))
    best = max(right(found[:, apart], np.array(pair)[:, apart]) for pair in ((one, two), (two, one)))
    assert best > 0.9


def test_hints_name_the_curves_and_their_order_names_the_same_curves():
    courses = [wander(1, centre=30), wander(2, centre=60), wander(3, centre=95)]
    hints = [[(5, courses[0][5])], [(100, courses[1][100]), (200, courses[1][200])], [(150, courses[2][150])]]
    for order in itertools.permutations(range(3)):
        found = columns(traced(courses, 130, hints=[hints[k] for k in order]))
        np.testing.assert_allclose(found, np.array(courses)[list(order)], atol=1.6)


def test_permuting_hints_permutes_curves_also_where_they_cross():
    one = 20 + 0.4 * ROWS
    two = one[::-1]
    ahead, back = (columns(traced([one, two], 140, hints=hints)) for hints in ([[(3, 21)]], [[], [(3, 21)]]))
    np.testing.assert_array_equal(ahead, back[::-1])


def test_a_hint_far_from_all_ink_is_not_used():
    courses = [wander(1, centre=30), wander(2, centre=90)]
    plain, far = (columns(traced(courses, 130, hints=hints)) for hints in ((), [[(50, 128)]]))
    np.testing.assert_array_equal(plain, far)


def test_without_hints_the_curves_are_numbered_from_the_left():
    courses = [wander(4, centre=95), wander(5, centre=25), wander(6, centre=60)]
    np.testing.assert_allclose(columns(traced(courses, 130)), np.sort(courses, axis=0), atol=1.6)


def test_the_darkness_of_the_image_tells_pens_apart():
    """Both curves have one width of ink in the map; one of them is grey."""
    one = 50 + 25 * np.cos(ROWS * 2 * np.pi / 120)
    two = 100 - one
    apart = np.abs(one - two) > 16
    one, two = np.where(apart, one, 50), np.where(apart, two, 50)
    ink, centre = maps_of([one, two], 100)
    dark = maps_of([one], 100)[0] > 0
    grey = np.where(ink > 0, np.where(dark, 20, 120), 230).astype(np.uint8)
    found = columns(trace_track(ink, centre, grey, track=Track(0, 99, 2, wraps=False), px_per_mm=4.0))
    best = max(right(found[:, apart], np.array(pair)[:, apart]) for pair in ((one, two), (two, one)))
    assert best > 0.9


def name_confidence(track):
    """Confidence of the names of all curves of a traced track, [N,H]."""
    return np.array([each.name_confidence for each in track.curves])


MERGED = 50 + np.sign(ROWS - 120) * np.maximum(0, np.abs(ROWS - 120) - 24) * 0.5
"""With its mirror image a pair that runs together in rows 96 to 144: nothing says whether they cross or touch."""


@pytest.mark.parametrize("courses", [(MERGED, 100 - MERGED), (20 + 0.4 * ROWS, (20 + 0.4 * ROWS)[::-1])])
def test_names_of_one_pen_are_sure_above_a_crossing_and_not_in_it_nor_below(courses):
    sure = name_confidence(traced(courses, 140))
    assert sure[:, :90].min() > 0.99
    assert sure[:, 120:].max() < 0.6
    assert sure[:, 115].max() < 0.6  # beside the crossing, above its middle
    assert sure[:, 120:].min() > 0.4


@pytest.mark.parametrize("how", [{"pen": (2.0, 5.0)}, {"on": [ROWS >= 0, ROWS % 8 < 5]}])
def test_names_of_different_pens_are_sure_on_both_sides(how):
    assert name_confidence(traced([MERGED, 100 - MERGED], 140, **how)).min() > 0.9


def test_a_hint_makes_the_name_sure_up_to_the_next_meeting():
    """Three stretches of one pen between two meetings: the hints lie on the first and the last of them."""
    wave = 25 * np.cos(ROWS * 2 * np.pi / 160)  # meetings around the rows 40, 120, and 200
    one = np.where(np.abs(wave) > 8, 50 + wave, 50)
    sure = name_confidence(traced([one, 100 - one], 100, hints=[[(10, one[10]), (160, one[160])]]))
    assert sure[:, :20].min() > 0.99
    assert sure[:, 145:175].min() > 0.99
    assert sure[:, 60:100].max() < 0.75
    assert sure[:, 220:].max() < 0.75


def test_a_curve_alone_and_curves_that_never_meet_have_sure_names():
    assert name_confidence(traced([wander(1, centre=30)], 60)).min() == 1
    assert name_confidence(traced([wander(1, centre=30), wander(2, centre=90)], 130)).min() > 0.99


def test_a_hint_for_one_of_three_leaves_the_names_of_the_others_open():
    """Without any hint the order from the left names them; with one, nothing does."""
    courses = [wander(1, centre=30), wander(2, centre=60), wander(3, centre=95)]
    first, *others = name_confidence(traced(courses, 130, hints=[[(5, courses[0][5])]]))
    assert first.min() > 0.99
    assert np.array(others) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_the_odds_of_a_name_are_those_of_all_sequences_of_namings(seed):
    """Against every first naming and every choice to stay or to change at the meetings, of three paths."""
    rng = np.random.default_rng(seed)
    pairs = [(0, 1), (1, 2), (0, 2), (0, 1)]
    meetings = [Meeting(pair, 10 * n, 10 * n + 2) for n, pair in enumerate(pairs, start=1)]
    counts = [1 + sum(path in pair for pair in pairs) for path in range(3)]
    path = np.repeat(np.arange(3), counts)
    of = [np.flatnonzero(path == each).tolist() for each in range(3)]
    nothing = np.zeros(len(path))
    stretches = Stretches(path, nothing.astype(int), nothing.astype(int), np.zeros((len(path), 3)), nothing, of)
    costs, change = rng.exponential(1, (len(path), 3)), rng.exponential(1, (len(pairs), 2))
    totals, names = [], []
    for naming in itertools.permutations(range(3)):
        for changes in itertools.product((0, 1), repeat=len(pairs)):
            state, index, name = list(naming), [0, 0, 0], np.zeros(len(path), int)
            for (p, q), own in zip(pairs, changes, strict=True):
                for each in (p, q):
                    name[of[each][index[each]]] = state[each]
                    index[each] += 1
                if own:
                    state[p], state[q] = state[q], state[p]
            for each in range(3):
                name[of[each][index[each]]] = state[each]
            names.append(name)
            totals.append(costs[np.arange(len(path)), name].sum() + change[np.arange(len(pairs)), changes].sum())
    totals, names = np.array(totals), np.array(names)
    search = _Search(stretches, meetings, change, 3)
    best, cost = search.cheapest(costs)
    assert cost == pytest.approx(totals.min())
    np.testing.assert_array_equal(best, names[totals.argmin()])
    weight = np.exp(-totals / TEMPERATURE)
    share = np.array([weight[names[:, n] == best[n]].sum() / weight.sum() for n in range(len(path))])
    np.testing.assert_allclose(search.log_odds(costs, best), np.log(share / (1 - share)), atol=1e-9)
