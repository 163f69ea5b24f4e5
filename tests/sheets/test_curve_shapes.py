"""Shapes have the properties of their kind; windows of real values lie inside the track, vary, and keep gaps."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from thinline.sheets.curve_shapes import KINDS, MOST, _add_kicks, _turns, checked, values_at_nodes, window
from thinline.sheets.spec import ShapeSpec
from thinline.vocabulary import Float64

PLAIN = ShapeSpec("smooth", 5, 0.5, 0.2, 0.0, 12.0, 0.0, 0.25, 0.0, ())
NODES = 2000


def values(**changed: object) -> Float64:
    return values_at_nodes(dataclasses.replace(PLAIN, **changed), NODES)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_a_shape_is_a_function_of_its_spec(kind: str) -> None:
    shape = dataclasses.replace(PLAIN, kind=kind, rough=0.01, detail=0.3, events_per_mm=0.1, values=(0.2, 0.5, 0.1))
    first = values_at_nodes(shape, 288)
    values_at_nodes(dataclasses.replace(shape, seed=6), 100)
    assert first.shape == (288,)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, values_at_nodes(shape, 288))


def test_smooth_swings_about_the_centre_at_its_period() -> None:
    value = values()
    assert abs(value.mean() - 0.5) < 0.05
    assert abs(value).max() < 1
    assert np.abs(np.diff(value)).max() < 0.08
    crossings = np.count_nonzero(np.diff(value > 0.5))
    assert 0.4 < crossings / (NODES * 0.25 / 6.0) < 1.2  # two half periods of 6 mm, some of which stay on a side


def test_jitter_has_the_strength_of_its_spec() -> None:
    kicks = values(kind="jittery", rough=0.03) - values(kind="jittery", rough=0.0)
    assert abs(kicks.std() - 0.03) < 0.002
    slow = values(kind="jittery", rough=0.03, rough_step_mm=1.0) - values(kind="jittery", rough=0.0)
    assert np.abs(np.diff(slow)).mean() < 0.5 * np.abs(np.diff(kicks)).mean()


def test_detail_is_a_share_of_the_swing() -> None:
    fine = values(detail=0.5) - values(detail=0.0)
    assert 0.05 < fine.std() < 0.12


def test_blocks_are_flat_with_jumps() -> None:
    step = np.diff(values(kind="blocky"))
    assert np.count_nonzero(step) < 0.1 * NODES
    assert np.abs(step[step != 0]).mean() > 0.05


def test_spikes_are_few_and_tall() -> None:
    quiet, spiky = values(kind="smooth"), values(kind="spiky", events_per_mm=0.05)
    spikes = np.abs(spiky - quiet)
    assert 0.01 < (spikes > 0.05).mean() < 0.2
    assert spikes.max() > 0.3
    np.testing.assert_array_equal(values(kind="spiky"), quiet)


def test_samples_are_interpolated_and_gaps_stay() -> None:
    shape = dataclasses.replace(PLAIN, kind="samples", values=(0.0, 1.0, 0.5, np.nan, 0.25))
    expected = [0.0, 0.5, 1.0, 0.75, 0.5, np.nan, np.nan, np.nan, 0.25]
    np.testing.assert_allclose(values_at_nodes(shape, 9), expected)


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match="'wiggly'"):
        values(kind="wiggly")


@pytest.mark.parametrize("smooth", [False, True])
def test_most_values_of_a_window_are_inside_the_track(smooth: bool) -> None:
    rng = np.random.default_rng(1)
    logs = [np.cumsum(rng.normal(size=3000)) * 40 + 1000, np.exp(rng.normal(size=3000))]
    windows = [window(logs, rng, smooth=smooth) for _ in range(50)]
    assert all(2 <= len(each) <= MOST for each in windows)
    assert np.mean([np.mean((each >= 0) & (each <= 1)) for each in windows]) > 0.9


def test_a_flat_log_is_used_only_if_there_is_no_other() -> None:
    rng = np.random.default_rng(2)
    logs = [np.full(3000, 8.5), np.full(3000, np.pi), rng.normal(size=3000)]
    assert min(np.ptp(window(logs, rng, smooth=False)) for _ in range(40)) > 0
    flat = window(logs[:1], rng, smooth=False)
    assert np.ptp(flat) == 0
    assert 0.3 < flat[0] < 0.7


def test_gaps_of_a_window() -> None:
    log = np.sin(np.arange(150) / 5)
    log[60:70] = np.nan
    assert 0 < np.isnan(window([log], np.random.default_rng(3), smooth=True)).sum() <= 10
    sparse = np.full(5000, np.nan)
    sparse[[10, 4000]] = 1.0, 2.0
    assert np.isfinite(window([sparse], np.random.default_rng(0), smooth=False)).sum() == 2
    np.testing.assert_array_equal(checked(np.array([1, np.inf, 2, -np.inf]), 0), [1, np.nan, 2, np.nan])


def test_kicks_are_interpolated_as_opencv_resizes() -> None:
    rng = np.random.default_rng(4)
    for count in (2, 64, 288, 511):
        for number in (1, 2, 7, count):
            kicks, course = rng.standard_normal(number), np.zeros(count)
            _add_kicks(course, kicks, 1.0)
            np.testing.assert_array_equal(course, cv2.resize(kicks[None], (count, 1))[0])


def test_swings_pass_through_their_turning_points() -> None:
    """Against NumPy's interp over the turning points, then a smooth step between them."""
    draws = np.random.default_rng(5).random((3, 20))
    at = np.cumsum(0.6 + 0.8 * draws[0]) * 16 - 24
    sides = np.where(np.arange(20) % 2, -1, 1) * np.where(draws[2] < 0.2, -1, 1)
    height = 0.4 + 0.3 * (0.2 + 1.6 * draws[1]) * sides
    phase = np.interp(np.arange(200), at, np.arange(20))
    before = phase.astype(int)
    share = phase - before
    expected = height[before] + np.diff(height)[before] * (share * share * (3 - 2 * share))
    np.testing.assert_array_equal(_turns(draws, 200, 16.0, 0.4, 0.3), expected)
