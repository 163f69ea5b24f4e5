import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinline.curves.laps import MOST_LAPS, _cheapest
from thinline.curves.row_runs import strands_of
from thinline.curves.trace import trace
from thinline.curves.viterbi import viterbi
from thinline.sheets import sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.true_positions import true_laps, true_rows

WIDE, MARGIN, SCALE = 160, 8, 4.0
TRACK = np.array([[MARGIN - 0.5, MARGIN + WIDE - 0.5]])


def drawn(u, *, across=(), wide=WIDE):
    """Ink [1,P,W] of a curve at u [P], in tracks from lap 0, drawn with the pen lifted at the edges.

    In the rows `across` it is drawn across the paper instead of around the track; NaN is white.
    """
    ink = np.zeros((1, len(u), wide + 2 * MARGIN), np.float32)
    for row, here in enumerate(u):
        if np.isnan(here):
            continue
        last = u[row - 1] if row and np.isfinite(u[row - 1]) else here
        way = np.linspace(last % 1, here % 1, 4 * wide) if row in across else np.linspace(last, here, 4 * wide) % 1
        ink[0, row, MARGIN + np.minimum((way * wide).astype(int), wide - 1)] = 1
    return ink


def traced(u, **how):
    (curve,) = viterbi(strands_of(drawn(u, **how)), px_per_mm=SCALE, tracks=TRACK)
    return curve


def right(curve, u):
    """Whether the lap is right, in the found rows in which the curve is on one lap."""
    lap = np.floor(u)
    on_one_lap = curve.traced & np.isfinite(u) & (lap == np.concatenate([lap[:1], lap[:-1]]))
    return (curve.lap == lap)[on_one_lap]


@settings(max_examples=20)
@given(
    centre=st.floats(0.15, 0.85),
    swing=st.floats(0.1, 1.2),
    period=st.integers(40, 200),
    speed=st.floats(0, 0.02),
    seed=st.integers(0, 99),
)
def test_laps_of_a_curve_that_comes_and_goes_are_found(centre, swing, period, speed, seed) -> None:
    rows, rng = np.arange(800), np.random.default_rng(seed)
    u = centre + swing * np.sin(rows * 2 * np.pi / period) * np.exp(-(((rows - 400) / 200) ** 2))
    u += speed * rng.uniform(-1, 1, len(u))
    assert right(traced(u), u).mean() > 0.98  # a lap of a row or two may be read as none


def test_a_curve_that_wraps_steeply_is_followed() -> None:
    u = np.repeat([0.31, -0.1, -0.04, 0.65, 0.3], [120, 30, 20, 40, 50])  # by .41 and .69 of the track in one row
    assert right(traced(u), u).all()


def test_a_jump_across_the_track_that_is_drawn_is_no_lap() -> None:
    u = np.repeat([0.95, 1.05, 0.95], [200, 40, 200])
    assert right(traced(u), u).all()
    across = traced(u, across=(200, 240))
    assert not across.lap.any()
    np.testing.assert_allclose(across.x_px[220], MARGIN + 0.05 * WIDE, atol=1)


def test_one_misread_row_does_not_shift_the_rest() -> None:
    u = np.full(4000, 0.9)
    u[700] = 1.05
    assert not traced(u).lap[702:].any()


def test_an_excursion_without_return_becomes_a_jump() -> None:
    """After more rows than the track is wide, whatever comes before."""
    for after, lap in ((SCALE * 20, 1), (SCALE * 60, 0)):
        u = np.repeat([0.9, 1.05], [4000, int(after)])
        assert traced(u).lap[-1] == lap, after


def test_a_sheet_is_mostly_on_lap_0() -> None:
    u = np.repeat([1.04, 0.96, 0.6], [30, 100, 120])
    assert right(traced(u), u).all()


def test_a_wrap_inside_a_gap() -> None:
    u = np.concatenate([np.linspace(0.3, 1.3, 200), np.full(200, np.nan), np.linspace(0.55, 0.45, 3000)])
    curve = traced(u)
    assert right(curve, u).mean() > 0.99
    assert not curve.lap[200:400].any(), "gaps are on lap 0"


def test_without_a_track_or_ink_there_are_no_laps() -> None:
    u = np.linspace(0.2, 1.2, 300)
    assert traced(u).lap[-1] == 1
    for method in ("viterbi", "centroid", "edge_follower"):
        (curve,) = trace(drawn(u), px_per_mm=SCALE, method=method)
        assert curve.lap.dtype == np.int64
        assert not curve.lap.any()
    assert traced(np.full(9, np.nan)).lap.tolist() == [0] * 9
    (none,) = viterbi(strands_of(np.zeros((1, 0, 20), np.float32)), px_per_mm=SCALE, tracks=TRACK)
    assert none.lap.shape == (0,)


@pytest.mark.parametrize("scale", [4.0, 8.0])
def test_laps_of_drawn_sheets(scale) -> None:
    """Tall archive sheets, traced from their true labels; errors are rows in which a curve is on two laps."""
    hits, rows, away = 0, 0, 0
    for number in range(900, 918):
        spec = sample("archive", number, size_mm=(128.0, 64.0))
        ink = np.asarray(draw(spec, px_per_mm=scale).labels == np.array([1, 2])[:, None, None], np.float32)
        edges = [(spec.tracks[c.track].left_mm, spec.tracks[c.track].right_mm) for c in spec.curves]
        curves = viterbi(strands_of(ink), px_per_mm=scale, tracks=np.array(edges) * scale - 0.5)
        x, lap = true_rows(spec, px_per_mm=scale), true_laps(spec, px_per_mm=scale)
        for k, curve in enumerate(curves):
            known = curve.traced & np.isfinite(x[k])
            hits, rows, away = hits + (curve.lap == lap[k])[known].sum(), rows + known.sum(), away + (lap[k] != 0).sum()
    assert away > 300
    assert hits / rows > 0.99


@given(data=st.data(), rows=st.integers(1, 4))
def test_the_chain_is_the_cheapest_of_all(data, rows) -> None:
    costs = st.lists(st.floats(0, 5), min_size=3, max_size=3)
    steps = np.array(data.draw(st.lists(costs, min_size=rows, max_size=rows)))

    def cost_of(chains):
        """Of chains [n,rows]."""
        moves = np.diff(chains, axis=1)
        taken = steps[np.arange(1, rows), 1 + np.clip(moves, -1, 1)]
        return np.abs(chains).sum(1) + np.where(np.abs(moves) > 1, np.inf, taken).sum(1)

    every = np.array(list(itertools.product(range(-MOST_LAPS, MOST_LAPS + 1), repeat=rows)))
    assert cost_of(_cheapest(steps)[None]) == pytest.approx(cost_of(every).min())


@pytest.mark.parametrize("scale", [4.0, 8.0])
def test_costs_are_lengths_of_paper(scale) -> None:
    """An excursion of up to nearly two widths of a track of 40 mm is accepted, at any scale."""
    wide = round(40 * scale)

    def traced_at(u):
        ink = strands_of(drawn(u, wide=wide))
        (curve,) = viterbi(ink, px_per_mm=scale, tracks=np.array([[MARGIN - 0.5, MARGIN + wide - 0.5]]))
        return curve

    for mm, lap in ((60, 1), (66, 1), (80, 0)):
        rows = round(mm * scale)
        u = np.concatenate([np.full(900, 0.98), np.full(rows, 1.02), np.full(900, 0.98)])
        assert traced_at(u).lap[900 + rows // 2] == lap, mm


def test_a_wrap_within_a_row_that_is_not_full() -> None:
    """From .35 over the left edge to -.35: two runs of ink in one row, a third of the track each, on a wide sheet."""
    u = np.repeat([0.35, -0.35, 0.35], [300, 60, 300])
    ink = np.concatenate([drawn(u), np.zeros((1, len(u), 220), np.float32)], axis=2)
    (curve,) = viterbi(strands_of(ink), px_per_mm=SCALE, tracks=TRACK)
    assert right(curve, u).all()


def test_each_curve_has_the_laps_of_its_own_track() -> None:
    u = np.repeat([0.95, 1.05, 0.95], [200, 60, 200])
    ink = np.zeros((2, len(u), 2 * (WIDE + 2 * MARGIN)), np.float32)
    ink[0, :, : WIDE + 2 * MARGIN], ink[1, :, WIDE + 2 * MARGIN :] = drawn(u)[0], drawn(2 * u.mean() - u)[0]
    tracks = np.concatenate([TRACK, TRACK + WIDE + 2 * MARGIN])
    one, two = viterbi(strands_of(ink), px_per_mm=SCALE, tracks=tracks)
    assert right(one, u).all()
    assert right(two, 2 * u.mean() - u).all()
    assert (one.lap != two.lap).any()
