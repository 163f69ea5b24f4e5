"""Registration against planted shifts, and what it must not do: leave its bounds, or register without ink."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from thinline.digitise.labels.las_course import Course, LabelError
from thinline.digitise.labels.registration import MOST_MM, Bounds, distance_to, register, shifts_mm

PX_PER_MM = 5.0
HEIGHT, WIDTH = 300, 160


def wavy(rows: np.ndarray) -> np.ndarray:
    return 70 + 30 * np.sin(rows / 17) + 12 * np.sin(rows / 5.3)


def course(rows: np.ndarray) -> Course:
    edges = np.stack([wavy(rows - 0.5), wavy(rows + 0.5)])
    return Course(edges.min(axis=0), edges.max(axis=0), 10.0, 150.0)


def inked(own: Course) -> np.ndarray:
    columns = np.arange(WIDTH)
    return (columns >= np.floor(own.low)[:, None] - 1) & (columns <= np.ceil(own.high)[:, None] + 1)


ROWS = np.arange(HEIGHT, dtype=float)
INK = inked(course(ROWS))


@given(st.integers(-20, 20), st.integers(-4, 4))
@settings(max_examples=15, deadline=None)
def test_a_planted_shift_is_found(down: int, right: int) -> None:
    moved = course(ROWS - down)
    moved = Course(moved.low + right, moved.high + right, moved.left, moved.right)
    found = register(moved, distance_to(INK, px_per_mm=PX_PER_MM), None, Bounds(), px_per_mm=PX_PER_MM)
    inner = slice(30, -30)  # near the ends the moved course is not on the page
    assert found.registered[inner].all()
    assert np.abs(found.depth_px[inner] - down).max() <= 2
    assert np.abs(found.side_px[inner] + right).max() <= 2


def test_the_order_of_rows_is_kept_and_the_bounds_too() -> None:
    stretched = course(ROWS * 1.05 - 6)
    bounds = Bounds(3.0, 0.4)
    found = register(stretched, distance_to(INK, px_per_mm=PX_PER_MM), None, bounds, px_per_mm=PX_PER_MM)
    source = np.arange(HEIGHT) + found.depth_px
    assert (np.diff(source) >= 0).all()
    assert np.abs(found.depth_px).max() <= 15
    assert np.abs(found.side_px).max() <= 2
    true = (np.arange(HEIGHT) + 6) / 1.05 - np.arange(HEIGHT)
    assert np.median(np.abs(found.depth_px - true)[40:-40]) <= 1


def test_blank_paper_is_doubtful_and_a_dash_gap_is_bridged() -> None:
    ink = INK.copy()
    ink[100:160] = False
    ink[220:226] = False
    found = register(course(ROWS), distance_to(ink, px_per_mm=PX_PER_MM), None, Bounds(), px_per_mm=PX_PER_MM)
    assert not (found.registered | found.bridged)[105:155].any()
    assert (found.registered | found.bridged)[200:250].all()
    assert found.bridged[221:225].all()
    assert found.registered[20:90].all()


def test_dark_pixels_fill_what_the_network_misses() -> None:
    ink = INK.copy()
    ink[100:130] = False
    distances = [distance_to(each, px_per_mm=PX_PER_MM) for each in (ink, INK)]
    found = register(course(ROWS), *distances, Bounds(), px_per_mm=PX_PER_MM)
    assert found.registered[20:280].all()
    nothing = distance_to(np.zeros_like(INK), px_per_mm=PX_PER_MM)
    assert not register(course(ROWS), nothing, distances[1], Bounds(), px_per_mm=PX_PER_MM).registered.any()


def test_gaps_of_the_file_are_doubtful() -> None:
    own = course(ROWS)
    own.low[80:120] = own.high[80:120] = np.nan
    found = register(own, distance_to(INK, px_per_mm=PX_PER_MM), None, Bounds(0, 0), px_per_mm=PX_PER_MM)
    assert not (found.registered | found.bridged)[80:120].any()
    assert found.registered[30:75].all()


def test_the_distance_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    ink = rng.random((5000, 40)) < 0.002  # more rows than are computed at once
    expected = np.minimum(distance_transform_edt(~ink) / (MOST_MM * PX_PER_MM), 1) * 255
    assert np.abs(distance_to(ink, px_per_mm=PX_PER_MM).astype(float) - expected).max() <= 1
    assert (distance_to(np.zeros((9, 9), bool), px_per_mm=5) == 255).all()


def test_the_shifts_are_in_mm() -> None:
    found = register(course(ROWS - 10), distance_to(INK, px_per_mm=PX_PER_MM), None, Bounds(), px_per_mm=PX_PER_MM)
    down, _ = shifts_mm(found, px_per_mm=PX_PER_MM)
    assert len(down) == found.registered.sum()
    assert np.median(down) == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize(("bounds", "words"), [((-1, 1), "--depth-tolerance"), ((1, 99), "--side-tolerance")])
def test_bounds_are_checked(bounds, words) -> None:
    with pytest.raises(LabelError, match=f"{words}: expected 0 to"):
        Bounds(*bounds)
