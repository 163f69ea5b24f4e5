import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hairline.curves.laps import AWAY_MM, laps


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
