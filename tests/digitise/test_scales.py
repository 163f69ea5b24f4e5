from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hairline.digitise.scales import AWAY_MM, CurveScale, DepthScale, ScaleError, laps

edges = st.tuples(st.floats(-50, 500), st.floats(1, 2000)).map(lambda e: (e[0], e[0] + e[1]))
linear = st.tuples(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4)).map(lambda e: (e[0], e[0] + e[1]))
logs = st.tuples(st.floats(1e-3, 10), st.floats(1.5, 1e4)).map(lambda e: (e[0], e[0] * e[1]))


@given(track=edges, ends=linear, falling=st.booleans(), u=st.lists(st.floats(-2.9, 2.9), min_size=1, max_size=9))
def test_values_and_places_invert_each_other(track, ends, falling, u) -> None:
    scale = CurveScale("GR", "API", *track, *ends, "linear", falling)
    values = ends[0] + (ends[1] - ends[0]) * np.array(u)
    x, lap = scale.places(values)
    size = np.abs(ends).max() + ends[1] - ends[0]
    assert scale.values(x, lap) == pytest.approx(values, abs=1e-9 * size)
    assert (scale.position(x) >= -1e-9).all()
    assert (scale.position(x) <= 1 + 1e-9).all()


@given(track=edges, ends=logs, falling=st.booleans(), u=st.lists(st.floats(-2.9, 2.9), min_size=1, max_size=9))
def test_so_do_those_of_a_log_scale(track, ends, falling, u) -> None:
    scale = CurveScale("RT", "OHMM", *track, *ends, "log", falling)
    values = ends[0] * (ends[1] / ends[0]) ** np.array(u)
    assert scale.values(*scale.places(values)) == pytest.approx(values, rel=1e-6)


def test_the_edges_of_a_track_are_its_two_values() -> None:
    x, none = np.array([10.0, 110.0]), np.zeros(2, np.int64)
    assert CurveScale("A", "", 10, 110, 0, 150).values(x, none).tolist() == [0, 150]
    assert CurveScale("A", "", 10, 110, 0, 150, falling=True).values(x, none).tolist() == [150, 0]
    assert CurveScale("A", "", 10, 110, 0.2, 2000, "log").values(np.array([35.0]), none[:1]) == pytest.approx([2.0])
    assert CurveScale("A", "", 10, 110, 0, 150).values(x, none + 1).tolist() == [150, 300]
    assert CurveScale("A", "", 10, 110, 0, 150, falling=True).values(x, none + 1).tolist() == [0, -150]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"left": 150, "right": 0}, "left below right"),
        ({"left": 5, "right": 5}, "left below right"),
        ({"left": 0, "right": 10, "kind": "log"}, "log scale must lie above zero"),
        ({"left": -1, "right": 10, "kind": "log"}, "log scale must lie above zero"),
        ({"left": 0, "right": float("nan")}, "finite"),
        ({"left": 0, "right": 1, "kind": "root"}, "linear or log"),
        ({"left": 0, "right": 1, "left_px": 300.0}, "left edge of the track"),
    ],
)
def test_scales_that_cannot_be_are_refused(keys, told) -> None:
    with pytest.raises(ScaleError, match=told):
        CurveScale(**{"name": "GR", "unit": "", "left_px": 0.0, "right_px": 200.0} | keys)


@pytest.mark.parametrize(("top", "bottom"), [(1200, 1000), (1000, 1000), (float("nan"), 5), (0, float("inf"))])
def test_depths_must_increase(top: float, bottom: float) -> None:
    with pytest.raises(ScaleError, match="--top"):
        DepthScale(top, bottom, 0, 100, "m")


def test_the_row_of_the_top_stands_above() -> None:
    assert DepthScale(1000, 1100, 10, 60, "m").depths(np.array([10.0, 60.0, 110.0])).tolist() == [1000, 1100, 1200]
    with pytest.raises(ScaleError, match="--rows"):
        DepthScale(1000, 1100, 60, 10, "m")


def wrapped(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lap = np.floor(u)
    return u - lap, lap


NO_INK = np.zeros(4000, np.float32)


@given(
    centre=st.floats(0.15, 0.85),
    swing=st.floats(0.1, 1.2),
    period=st.integers(150, 500),
    speed=st.floats(0, 0.02),
    seed=st.integers(0, 99),
)
def test_laps_of_a_smooth_curve_are_found(centre, swing, period, speed, seed) -> None:
    rows = np.arange(2000)
    u = centre + swing * np.sin(rows * 2 * np.pi / period) * np.exp(-(((rows - 1000) / 500) ** 2))
    t, lap = wrapped(u + speed * np.random.default_rng(seed).uniform(-1, 1, len(u)))
    t[np.random.default_rng(seed).random(len(t)) < 0.1] = np.nan
    known = np.isfinite(t)
    assert (laps(t, NO_INK[:2000], px_per_mm=4) == lap)[known].all()


def test_a_jump_across_the_track_that_is_drawn_is_no_lap() -> None:
    t = np.where(np.arange(400) < 200, 0.95, 0.05)
    ink = np.zeros(400, np.float32)
    assert laps(t, ink, px_per_mm=4).tolist() == [0] * 200 + [1] * 200
    ink[200] = 0.5
    assert not laps(t, ink, px_per_mm=4).any()


def test_one_misread_row_does_not_shift_the_rest() -> None:
    t = np.full(4000, 0.9)
    t[700] = 0.05
    assert not laps(t, NO_INK, px_per_mm=4)[701:].any()
    t = np.where(np.arange(4000) < 700, 0.9, 0.05)  # and what never comes back was a jump
    assert AWAY_MM * 4 < 4000 - 700
    assert not laps(t, NO_INK, px_per_mm=4).any()


def test_a_lap_may_be_left_unseen_in_a_gap() -> None:
    u = np.concatenate([np.linspace(0.5, 1.4, 200), np.full(60, np.nan), np.linspace(0.55, 0.45, 3000)])
    t, lap = u - np.floor(u), np.floor(u)
    assert (laps(t, NO_INK[: len(t)], px_per_mm=4)[:200] == lap[:200]).all()
    assert not laps(t, NO_INK[: len(t)], px_per_mm=4)[260:].any()


def test_curves_of_nothing_have_no_laps() -> None:
    assert laps(np.full(9, np.nan), NO_INK[:9], px_per_mm=4).tolist() == [0] * 9
    assert laps(np.array([np.nan, 0.3, np.nan]), NO_INK[:3], px_per_mm=4).tolist() == [0] * 3
