"""Skew against complex products, and its identities."""

from __future__ import annotations

import cmath
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from thinline.sheets.drawing.skew import move
from thinline.sheets.spec import SkewSpec

SIZE = (50.0, 80.0)
positions = st.floats(-10, 90)


@given(positions, positions, st.floats(-5, 5))
def test_rotation_is_a_complex_product(x: float, y: float, angle: float) -> None:
    moved = move(np.array(x), np.array(y), SkewSpec(angle_deg=angle), SIZE)
    centre = complex(40, 25)
    expected = centre + (complex(x, y) - centre) * cmath.exp(1j * math.radians(angle))
    np.testing.assert_allclose(moved, (expected.real, expected.imag), atol=1e-9)


@given(positions, positions)
def test_no_skew_moves_nothing(x: float, y: float) -> None:
    np.testing.assert_allclose(move(np.array(x), np.array(y), SkewSpec(), SIZE), (x, y), atol=1e-9)


def test_shear_leaves_the_middle_row_and_every_depth() -> None:
    y = np.array([0.0, 25.0, 50.0])
    x, moved_y = move(np.full(3, 10.0), y, SkewSpec(shear=0.02), SIZE)
    np.testing.assert_allclose(x, [10 - 0.5, 10.0, 10 + 0.5])
    np.testing.assert_allclose(moved_y, y)


def test_a_wave_has_its_amplitude() -> None:
    y = np.linspace(0, 100, 1001)
    x, moved_y = move(np.zeros(1001), y, SkewSpec(wave_mm=0.4, wave_period_mm=50, stretch_mm=0.3), SIZE)
    assert np.isclose(x.max(), 0.4, atol=1e-4)
    assert np.isclose(x.min(), -0.4, atol=1e-4)
    assert np.isclose(np.abs(moved_y - y).max(), 0.3, atol=1e-4)
    np.testing.assert_allclose(x[:500], x[500:1000], atol=1e-9)
