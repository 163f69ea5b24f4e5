import itertools

import numpy as np
import pytest
from curve_cases import ink, lines_as_ink
from hypothesis import given, settings
from hypothesis import strategies as st

from thinline.curves.row_runs import Strands, strands_of
from thinline.curves.viterbi import COSTS, Costs, viterbi
from thinline.sheets import sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.drawing.strokes import pen_px
from thinline.sheets.true_positions import true_rows

NOWHERE = "nowhere"


def traced(found, **how):
    return viterbi(strands_of(found), px_per_mm=4.0, **how)


@st.composite
def little_scans(draw):
    """Up to three rows of up to two strands each, at places that may come back."""
    x, width, first, evidence = [], [], [0], []
    for _ in range(draw(st.integers(1, 3))):
        places = sorted(draw(st.sets(st.sampled_from([2.0, 5.0, 9.0, 40.0]), max_size=2)))
        x += places
        width += draw(st.lists(st.sampled_from([1.0, 4.0]), min_size=len(places), max_size=len(places)))
        chance = st.sampled_from([0.0, 0.1, 0.5, 0.9])
        evidence += draw(st.lists(st.tuples(chance, chance), min_size=len(places), max_size=len(places)))
        first.append(len(x))
    return Strands(
        np.array(first),
        *(np.array(v, np.float32) for v in (x, width)),
        np.array(evidence, np.float32).reshape(-1, 2),
        np.zeros(len(first) - 1, bool),
    )


def positions(strands):
    """Of every row what a curve can be at, spelled out: (strand or None, x, half width) and NOWHERE."""
    rows = []
    for row in range(strands.rows):
        own = range(strands.first[row], strands.first[row + 1])
        here = [(s, float(strands.x_px[s]), (float(strands.width_px[s]) - 1) / 2) for s in own]
        held = [each for each in rows[-1] if each != NOWHERE] if rows else []
        free = [e for e in held if all(abs(e[1] - x) > half + 1.5 for _, x, half in here)]
        rows.append([*here, *((None, x, 0.0) for _, x, _ in free), NOWHERE])
    return rows


def sideways(costs, before, after):
    """What a step across the paper costs, but for the most it may."""
    return costs.slope * max(abs(before[1] - after[1]) - before[2] - after[2], 0)


def round_the_track(costs, before, after, track):
    """Pixels of paper from one run of ink to the edge it is near to, and from the other edge to the other run."""
    reach = costs.edge_mm * 4
    left, right = track[0] + reach, track[1] - reach
    one, other = ((place[1] - place[2], place[1] + place[2]) for place in (before, after))
    return min(
        max(right - one[1], 0) + max(other[0] - left, 0),
        max(one[0] - left, 0) + max(right - other[1], 0),
    )


def step_price(costs, before, after, rows, track):
    """Of one curve from one row to the next; `rows` are all positions of the two."""
    jump = costs.jump_off_track if track is None else costs.jump
    if NOWHERE in (before, after):
        return 0 if before == after else jump
    ways = [sideways(costs, before, after), jump]
    if track is not None:
        ways.append(costs.wrap + costs.slope * round_the_track(costs, before, after, track))
        for row, lifted, on in ((0, before, after), (1, after, before)):
            inked = [place for place in rows[row] if place != NOWHERE and place[0] is not None]
            ways += [
                costs.wrap + min(sideways(costs, place, on), jump)
                for place in inked
                if lifted[0] is not None and round_the_track(costs, lifted, place, track) == 0
            ]
    return min(ways)


def price(strands, costs, k, path, *, places, tracks=None):
    """Of one course, from the formula in the module."""
    total = 0.0
    for place in path:
        if place == NOWHERE or place[0] is None:
            total += costs.gap
        else:
            evidence = strands.evidence[place[0]]
            best = costs.ink * float(evidence.max()) + costs.long * float(strands.width_px[place[0]])
            total += -np.log(max(float(evidence[k]), costs.blind)) - best
    track = None if tracks is None else tracks[k]
    for row, (before, after) in enumerate(itertools.pairwise(path)):
        total += step_price(costs, before, after, places[row : row + 2], track)
    return total


@settings(deadline=None, max_examples=100)
@given(
    little_scans(),
    st.sampled_from([COSTS, Costs(jump=3.0, jump_off_track=2.0, share=0.5), Costs(gap=0.5, ink=0.0, blind=0.2)]),
    st.sampled_from([None, [[-3.0, 45.0], [8.0, 20.0]], [[-6.0, 48.0], [-6.0, 48.0]]]),
)
def test_no_pair_of_courses_is_cheaper(strands, costs, tracks):
    """Against all pairs of all courses."""
    places = positions(strands)
    courses = list(itertools.product(*places))
    alone = [[price(strands, costs, k, path, places=places, tracks=tracks) for path in courses] for k in (0, 1)]
    together = {
        (a, b): sum(costs.share for p, q in zip(courses[a], courses[b], strict=True) if p == q != NOWHERE)
        for a in range(len(courses))
        for b in range(len(courses))
    }
    best = min(alone[0][a] + alone[1][b] + shared for (a, b), shared in together.items())
    edges = None if tracks is None else np.array(tracks)
    curves = viterbi(strands, px_per_mm=4.0, tracks=edges, costs=costs)
    found = [[None if np.isnan(x) else x for x in curve.x_px] for curve in curves]
    fits = [
        alone[0][a] + alone[1][b] + shared
        for (a, b), shared in together.items()
        if all(
            [p[1] if p != NOWHERE and p[0] is not None else None for p in courses[path]] == found[k]
            for k, path in enumerate((a, b))
        )
    ]
    assert min(fits) == pytest.approx(best, abs=1e-4)


def test_a_wrong_label_for_a_few_rows_is_seen_through():
    x = np.full(40, 10.0), np.full(40, 30.0)
    found = lines_as_ink(x, 48)
    found[:, 15:17] = found[::-1, 15:17]
    for curve, true in zip(traced(found), x, strict=True):
        np.testing.assert_allclose(curve.x_px, true)


def test_curves_that_touch_and_part_keep_their_names():
    """Both run up to the middle and turn back; a follower of lines goes straight on there."""
    away = np.abs(np.arange(41) - 20.0)
    found = lines_as_ink([30 - away, 31 + away], 64)
    for curve, true in zip(traced(found), [30 - away, 31 + away], strict=True):
        np.testing.assert_allclose(curve.x_px, true, atol=0.6)


def test_curves_that_cross_keep_their_names():
    down = np.arange(41) + 10.0
    curves = traced(lines_as_ink([down, down[::-1]], 64))
    for curve, true in zip(curves, [down, down[::-1]], strict=True):
        at = curve.found
        assert at.sum() >= 40
        np.testing.assert_allclose(curve.x_px[at], true[at], atol=0.6)


def test_both_strands_called_curve_1_are_parted():
    """What nobody follows has to be explained too."""
    found = lines_as_ink([np.full(30, 8.0), np.full(30, 24.0)], 32)
    found[0] = found.max(axis=0)
    found[1] *= 0.1
    middles = sorted(float(np.nanmean(curve.x_px)) for curve in traced(found))
    assert middles == pytest.approx([8, 24])


def test_gaps_of_dashes_are_gaps_and_confidence_tells():
    x = np.where(np.arange(40) % 8 < 5, 12.0, np.nan)
    curve, _ = traced(lines_as_ink([x, np.full(40, 30.0)], 40, sure=0.75))
    np.testing.assert_array_equal(curve.x_px, x)
    np.testing.assert_allclose(curve.confidence, np.where(np.isnan(x), 0, 0.75), atol=1e-6)


def test_stray_ink_far_away_is_not_followed():
    found = lines_as_ink([np.full(40, 10.0), np.full(40, 20.0)], 200)
    found[0, 20, 10], found[0, 20, 180] = 0, 0.9
    assert np.nanmax(traced(found)[0].x_px) == 10


def test_one_curve_and_three():
    one = traced(ink("1..\n.1.\n..1", curves=1))
    assert [curve.x_px.tolist() for curve in one] == [[0, 1, 2]]
    courses = np.array([[4.0] * 20, [12.0] * 20, [20.0] * 20])
    for curve, true in zip(traced(lines_as_ink(courses, 24)), courses, strict=True):
        np.testing.assert_allclose(curve.x_px, true)


def test_of_three_curves_none_follows_another() -> None:
    """A pair is traced without the third, and the third without the pair."""
    rows, nowhere = 200, np.full(200, np.nan)

    def x_of(*places):
        courses = [nowhere if place is None else np.broadcast_to(place, rows).astype(float) for place in places]
        return [curve.x_px for curve in traced(lines_as_ink(courses, 80, doubt=0))], courses

    for absent in ([10, 40, None], [None, None, 55], [None, 40, 55]):
        found, true = x_of(*absent)
        np.testing.assert_array_equal(found, true)
    dashed = np.where(np.arange(rows) % 10 < 5, 10.0, np.nan)
    found, true = x_of(dashed, 30, 13)
    np.testing.assert_array_equal(found, true)
    gap = np.where((np.arange(rows) > 90) & (np.arange(rows) < 110), np.nan, 55.0)
    found, true = x_of(20, 40, gap)
    np.testing.assert_array_equal(found, true)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_turning_the_sheet_turns_the_curves_and_naming_names_them(seed):
    rng = np.random.default_rng(seed)
    found = rng.random((2, 30, 24), np.float32) * (rng.random((2, 30, 24)) < 0.3).astype(np.float32)
    x = np.array([curve.x_px for curve in traced(found)])
    swapped = np.array([curve.x_px for curve in traced(np.ascontiguousarray(found[::-1]))])
    np.testing.assert_allclose(swapped[::-1], x)
    turned = np.array([curve.x_px for curve in traced(np.ascontiguousarray(found[:, :, ::-1]))])
    np.testing.assert_allclose(turned, 23 - x, atol=1e-4)


@pytest.mark.parametrize("empty", [np.zeros((2, 12, 9), np.float32), np.zeros((2, 0, 9), np.float32)])
def test_nothing_gives_gaps(empty):
    for curve in traced(empty):
        assert len(curve.x_px) == empty.shape[1]
        assert not curve.found.any()
        assert not curve.confidence.any()


def test_a_sheet_that_is_all_curve_has_none_and_one_strand_is_not_followed_twice():
    found = np.zeros((2, 12, 9), np.float32)
    found[0] = 1
    assert not any(curve.found.any() for curve in traced(found))
    found[0, :, 3:] = 0
    first, second = traced(found)
    np.testing.assert_allclose(first.x_px, 1.0)
    assert not second.found.any()


def test_a_lap_is_followed_where_the_track_is_known():
    """Seven rows on the other side of the track, as a value that leaves its scale leaves it."""
    x = np.where((np.arange(40) > 15) & (np.arange(40) < 23), 6.0, 93.0)
    found = lines_as_ink([x, np.full(40, 50.0)], 100)
    edges = np.array([[4.0, 95.0], [4.0, 95.0]])
    np.testing.assert_array_equal(viterbi(strands_of(found), px_per_mm=4.0, tracks=edges)[0].x_px, x)


def test_a_steep_lap_is_followed():
    """In its first and its last row the pen is lifted at one edge and set down at the other, far from the next row."""
    found = np.zeros((2, 9, 301), np.float32)
    for row, runs in enumerate(([(3, 40), (270, 297)], [(200, 269)], [(190, 199)], [(200, 297), (3, 45)]), start=2):
        for first, last in runs:
            found[0, row, first : last + 1] = 1
    found[0, :2, 40] = found[0, 6:, 45] = 1
    found[1, :, 120] = 0.9
    edges = np.array([[3.0, 297.0], [3.0, 297.0]])
    first, second = viterbi(strands_of(found), px_per_mm=4.0, tracks=edges)
    np.testing.assert_array_equal(first.x_px, [40, 40, 21.5, 234.5, 194.5, 248.5, 45, 45, 45])
    np.testing.assert_array_equal(second.x_px, np.full(9, 120.0))


@pytest.mark.parametrize("px_per_mm", [4.0, 8.0, 12.0])
def test_drawn_curves_come_back_within_half_a_pen(px_per_mm):
    """From strokes of solid pens, in rows where the ink is no wider than the pen and its steps."""
    off = []
    for number in range(60):
        spec = sample("procedural", number)
        solid = [k for k, curve in enumerate(spec.curves) if not curve.pen.dash_mm and not curve.lap_dash_mm]
        if not solid:
            continue
        sheet, true = draw(spec, px_per_mm=px_per_mm), true_rows(spec, px_per_mm=px_per_mm)
        for k in solid:
            (found,) = viterbi(strands_of(sheet.strokes[k : k + 1].astype(np.float32)), px_per_mm=px_per_mm)
            pen = pen_px(spec.curves[k].pen, px_per_mm)
            calm = found.found & np.isfinite(true[k]) & (sheet.strokes[k].sum(axis=1) <= pen + 1)
            off.append((np.abs(found.x_px - true[k]) - pen / 2)[calm])
    assert sum(map(len, off)) > 3000
    assert np.quantile(np.concatenate(off), 0.99) <= 0.5
    assert np.median(np.concatenate(off)) < 0


def test_bad_scale():
    with pytest.raises(ValueError, match="above 0, got 0"):
        viterbi(strands_of(np.zeros((1, 1, 1), np.float32)), px_per_mm=0)
