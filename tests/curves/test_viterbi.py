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


def traced(ink_map, **how):
    return viterbi(strands_of(ink_map), px_per_mm=4.0, **how)


@st.composite
def little_scans(draw):
    """Up to three rows of up to two strands each, at columns that may repeat."""
    x, width, first, evidence = [], [], [0], []
    for _ in range(draw(st.integers(1, 3))):
        columns = sorted(draw(st.sets(st.sampled_from([2.0, 5.0, 9.0, 40.0]), max_size=2)))
        x += columns
        width += draw(st.lists(st.sampled_from([1.0, 4.0]), min_size=len(columns), max_size=len(columns)))
        chance = st.sampled_from([0.0, 0.1, 0.5, 0.9])
        evidence += draw(st.lists(st.tuples(chance, chance), min_size=len(columns), max_size=len(columns)))
        first.append(len(x))
    return Strands(
        np.array(first),
        *(np.array(v, np.float32) for v in (x, width)),
        np.array(evidence, np.float32).reshape(-1, 2),
        np.zeros(len(first) - 1, bool),
    )


def positions(strands):
    """All positions of a curve in every row: (strand or None, x, half width) and NOWHERE."""
    rows = []
    for row in range(strands.rows):
        own = range(strands.first[row], strands.first[row + 1])
        here = [(s, float(strands.x_px[s]), (float(strands.width_px[s]) - 1) / 2) for s in own]
        held = [each for each in rows[-1] if each != NOWHERE] if rows else []
        free = [e for e in held if all(abs(e[1] - x) > half + 1.5 for _, x, half in here)]
        rows.append([*here, *((None, x, 0.0) for _, x, _ in free), NOWHERE])
    return rows


def sideways(costs, before, after):
    """Cost of a step across the paper, without its upper bound."""
    return costs.slope * max(abs(before[1] - after[1]) - before[2] - after[2], 0)


def round_the_track(costs, before, after, track):
    """Pixels from one run of ink to an edge, plus those from the opposite edge to the other run."""
    reach = costs.edge_mm * 4
    left, right = track[0] + reach, track[1] - reach
    (low, high), (other_low, other_high) = ((each[1] - each[2], each[1] + each[2]) for each in (before, after))
    return min(
        max(right - high, 0) + max(other_low - left, 0),
        max(low - left, 0) + max(right - other_high, 0),
    )


def step_cost(costs, before, after, rows, track):
    """Cost of the step of one curve from one row to the next; `rows` are all positions of the two rows."""
    jump = costs.jump_off_track if track is None else costs.jump
    if NOWHERE in (before, after):
        return 0 if before == after else jump
    ways = [sideways(costs, before, after), jump]
    if track is not None:
        ways.append(costs.wrap + costs.slope * round_the_track(costs, before, after, track))
        for row, lifted, on in ((0, before, after), (1, after, before)):
            inked = [each for each in rows[row] if each != NOWHERE and each[0] is not None]
            ways += [
                costs.wrap + min(sideways(costs, each, on), jump)
                for each in inked
                if lifted[0] is not None and round_the_track(costs, lifted, each, track) == 0
            ]
    return min(ways)


def cost_of(strands, costs, k, path, *, rows, tracks=None):
    """Cost of one course, from the formula in the module."""
    total = 0.0
    for position in path:
        if position == NOWHERE or position[0] is None:
            total += costs.gap
        else:
            evidence = strands.evidence[position[0]]
            reward = costs.ink * float(evidence.max()) + costs.long * float(strands.width_px[position[0]])
            total += -np.log(max(float(evidence[k]), costs.blind)) - reward
    track = None if tracks is None else tracks[k]
    for row, (before, after) in enumerate(itertools.pairwise(path)):
        total += step_cost(costs, before, after, rows[row : row + 2], track)
    return total


@settings(deadline=None, max_examples=60)
@given(
    little_scans(),
    st.sampled_from([COSTS, Costs(jump=3.0, jump_off_track=2.0, share=0.5), Costs(gap=0.5, ink=0.0, blind=0.2)]),
    st.sampled_from([None, [[-3.0, 45.0], [8.0, 20.0]], [[-6.0, 48.0], [-6.0, 48.0]]]),
)
def test_no_pair_of_courses_is_cheaper(strands, costs, tracks):

    rows = positions(strands)
    courses = list(itertools.product(*rows))
    alone = [[cost_of(strands, costs, k, path, rows=rows, tracks=tracks) for path in courses] for k in (0, 1)]
    together = {
        (a, b): sum(costs.share for p, q in zip(courses[a], courses[b], strict=True) if p == q != NOWHERE)
        for a in range(len(courses))
        for b in range(len(courses))
    }
    best = min(alone[0][a] + alone[1][b] + shared for (a, b), shared in together.items())
    edges = None if tracks is None else np.array(tracks)
    curves = viterbi(strands, px_per_mm=4.0, tracks=edges, costs=costs)
    columns = [[None if np.isnan(x) else x for x in curve.x_px] for curve in curves]
    fits = [
        alone[0][a] + alone[1][b] + shared
        for (a, b), shared in together.items()
        if all(
            [p[1] if p != NOWHERE and p[0] is not None else None for p in courses[path]] == columns[k]
            for k, path in enumerate((a, b))
        )
    ]
    assert min(fits) == pytest.approx(best, abs=1e-4)


AWAY, DOWN = np.abs(np.arange(41) - 20.0), np.arange(41) + 10.0


@pytest.mark.parametrize(
    ("courses", "mislabelled"),
    [
        ([np.full(41, 10.0), np.full(41, 30.0)], slice(15, 17)),
        ([30 - AWAY, 31 + AWAY], slice(0)),  # they touch and part; an edge follower continues straight
        ([DOWN, DOWN[::-1]], slice(0)),
    ],
)
def test_curves_keep_their_labels(courses, mislabelled):
    """Over rows with wrong labels, where curves touch, and where they cross."""
    ink_map = lines_as_ink(courses, 64)
    ink_map[:, mislabelled] = ink_map[::-1, mislabelled]
    for curve, true in zip(traced(ink_map), courses, strict=True):
        at = curve.traced
        assert at.sum() >= 40
        np.testing.assert_allclose(curve.x_px[at], true[at], atol=0.6)


def test_two_strands_with_one_label_go_to_both_curves():
    """Unused strands cost as well."""
    ink_map = lines_as_ink([np.full(30, 8.0), np.full(30, 24.0)], 32)
    ink_map[0] = ink_map.max(axis=0)
    ink_map[1] *= 0.1
    middles = sorted(float(np.nanmean(curve.x_px)) for curve in traced(ink_map))
    assert middles == pytest.approx([8, 24])


def test_gaps_between_dashes_have_no_confidence():
    x = np.where(np.arange(40) % 8 < 5, 12.0, np.nan)
    curve, _ = traced(lines_as_ink([x, np.full(40, 30.0)], 40, sure=0.75))
    np.testing.assert_array_equal(curve.x_px, x)
    np.testing.assert_allclose(curve.confidence, np.where(np.isnan(x), 0, 0.75), atol=1e-6)


def test_stray_ink_far_away_is_not_followed():
    ink_map = lines_as_ink([np.full(40, 10.0), np.full(40, 20.0)], 200)
    ink_map[0, 20, 10], ink_map[0, 20, 180] = 0, 0.9
    assert np.nanmax(traced(ink_map)[0].x_px) == 10


def test_one_curve_and_three():
    one = traced(ink("1..\n.1.\n..1", curves=1))
    assert [curve.x_px.tolist() for curve in one] == [[0, 1, 2]]
    courses = np.array([[4.0] * 20, [12.0] * 20, [20.0] * 20])
    for curve, true in zip(traced(lines_as_ink(courses, 24)), courses, strict=True):
        np.testing.assert_allclose(curve.x_px, true)


def test_none_of_three_curves_follows_another() -> None:
    """A pair is traced without the third curve, and the third without the pair."""
    rows, nowhere = 200, np.full(200, np.nan)

    def x_of(*columns):
        courses = [nowhere if x is None else np.broadcast_to(x, rows).astype(float) for x in columns]
        return [curve.x_px for curve in traced(lines_as_ink(courses, 80, doubt=0))], courses

    for absent in ([10, 40, None], [None, None, 55], [None, 40, 55]):
        x_px, true = x_of(*absent)
        np.testing.assert_array_equal(x_px, true)
    dashed = np.where(np.arange(rows) % 10 < 5, 10.0, np.nan)
    x_px, true = x_of(dashed, 30, 13)
    np.testing.assert_array_equal(x_px, true)
    gap = np.where((np.arange(rows) > 90) & (np.arange(rows) < 110), np.nan, 55.0)
    x_px, true = x_of(20, 40, gap)
    np.testing.assert_array_equal(x_px, true)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_mirrored_sheets_and_swapped_labels(seed):
    rng = np.random.default_rng(seed)
    ink_map = rng.random((2, 30, 24), np.float32) * (rng.random((2, 30, 24)) < 0.3).astype(np.float32)
    x = np.array([curve.x_px for curve in traced(ink_map)])
    swapped = np.array([curve.x_px for curve in traced(np.ascontiguousarray(ink_map[::-1]))])
    np.testing.assert_allclose(swapped[::-1], x)
    turned = np.array([curve.x_px for curve in traced(np.ascontiguousarray(ink_map[:, :, ::-1]))])
    np.testing.assert_allclose(turned, 23 - x, atol=1e-4)


@pytest.mark.parametrize("empty", [np.zeros((2, 12, 9), np.float32), np.zeros((2, 0, 9), np.float32)])
def test_nothing_gives_gaps(empty):
    for curve in traced(empty):
        assert len(curve.x_px) == empty.shape[1]
        assert not curve.traced.any()
        assert not curve.confidence.any()


def test_a_full_sheet_has_no_curve_and_one_strand_is_followed_once():
    ink_map = np.zeros((2, 12, 9), np.float32)
    ink_map[0] = 1
    assert not any(curve.traced.any() for curve in traced(ink_map))
    ink_map[0, :, 3:] = 0
    first, second = traced(ink_map)
    np.testing.assert_allclose(first.x_px, 1.0)
    assert not second.traced.any()


def test_a_lap_is_followed_where_the_track_is_known():
    """Seven rows on the other side of the track."""
    x = np.where((np.arange(40) > 15) & (np.arange(40) < 23), 6.0, 93.0)
    ink_map = lines_as_ink([x, np.full(40, 50.0)], 100)
    edges = np.array([[4.0, 95.0], [4.0, 95.0]])
    np.testing.assert_array_equal(viterbi(strands_of(ink_map), px_per_mm=4.0, tracks=edges)[0].x_px, x)


def test_a_steep_lap_is_followed():
    """In its first and last row the pen is lifted at one edge and set down at the other, far from the next row."""
    ink_map = np.zeros((2, 9, 301), np.float32)
    for row, runs in enumerate(([(3, 40), (270, 297)], [(200, 269)], [(190, 199)], [(200, 297), (3, 45)]), start=2):
        for first, last in runs:
            ink_map[0, row, first : last + 1] = 1
    ink_map[0, :2, 40] = ink_map[0, 6:, 45] = 1
    ink_map[1, :, 120] = 0.9
    edges = np.array([[3.0, 297.0]] * 2)
    first, second = traced(ink_map, tracks=edges)
    np.testing.assert_array_equal(first.x_px, [40, 40, 21.5, 234.5, 194.5, 248.5, 45, 45, 45])
    np.testing.assert_array_equal(second.x_px, np.full(9, 120.0))


@pytest.mark.parametrize("px_per_mm", [4.0, 8.0, 12.0])
def test_drawn_curves_come_back_within_half_a_pen(px_per_mm):
    """Strokes of solid pens, in rows where the ink is no wider than the pen and its steps."""
    errors = []
    for number in range(30):
        spec = sample("procedural", number)
        solid = [k for k, curve in enumerate(spec.curves) if not curve.pen.dash_mm and not curve.lap_dash_mm]
        if not solid:
            continue
        sheet, true = draw(spec, px_per_mm=px_per_mm), true_rows(spec, px_per_mm=px_per_mm)
        for k in solid:
            (curve,) = viterbi(strands_of(sheet.strokes[k : k + 1].astype(np.float32)), px_per_mm=px_per_mm)
            pen = pen_px(spec.curves[k].pen, px_per_mm)
            narrow = curve.traced & np.isfinite(true[k]) & (sheet.strokes[k].sum(axis=1) <= pen + 1)
            errors.append((np.abs(curve.x_px - true[k]) - pen / 2)[narrow])
    assert sum(map(len, errors)) > 3000
    assert np.quantile(np.concatenate(errors), 0.99) <= 0.5
    assert np.median(np.concatenate(errors)) < 0


def test_bad_scale():
    with pytest.raises(ValueError, match="above 0, got 0"):
        viterbi(strands_of(np.zeros((1, 1, 1), np.float32)), px_per_mm=0)
