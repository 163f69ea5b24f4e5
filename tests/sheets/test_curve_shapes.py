"""Families of shape: what each is named for can be measured on it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from thinline.sheets.curve_shapes import KINDS, values_at_nodes
from thinline.sheets.spec import ShapeSpec
from thinline.vocabulary import Float64

PLAIN = ShapeSpec("smooth", 5, 0.5, 0.2, 0.0, 12.0, 0.0, 0.25, 0.0, ())
NODES = 2000


def made(**changed: object) -> Float64:
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
    value = made()
    assert abs(value.mean() - 0.5) < 0.05
    assert abs(value).max() < 1
    assert np.abs(np.diff(value)).max() < 0.08
    crossings = np.count_nonzero(np.diff(value > 0.5))
    assert 0.4 < crossings / (NODES * 0.25 / 6.0) < 1.2  # two half periods of 6 mm, some of which stay on a side


def test_jitter_is_as_strong_as_it_says() -> None:
    kicks = made(kind="jittery", rough=0.03) - made(kind="jittery", rough=0.0)
    assert abs(kicks.std() - 0.03) < 0.002
    slow = made(kind="jittery", rough=0.03, rough_step_mm=1.0) - made(kind="jittery", rough=0.0)
    assert np.abs(np.diff(slow)).mean() < 0.5 * np.abs(np.diff(kicks)).mean()


def test_detail_is_a_share_of_the_swing() -> None:
    fine = made(detail=0.5) - made(detail=0.0)
    assert 0.05 < fine.std() < 0.12


def test_blocks_are_flat_with_jumps() -> None:
    step = np.diff(made(kind="blocky"))
    assert np.count_nonzero(step) < 0.1 * NODES
    assert np.abs(step[step != 0]).mean() > 0.05


def test_spikes_are_few_and_tall() -> None:
    quiet, spiky = made(kind="smooth"), made(kind="spiky", events_per_mm=0.05)
    spikes = np.abs(spiky - quiet)
    assert 0.01 < (spikes > 0.05).mean() < 0.2
    assert spikes.max() > 0.3
    np.testing.assert_array_equal(made(kind="spiky"), quiet)


def test_samples_are_gone_through_and_gaps_stay_gaps() -> None:
    values = (0.0, 1.0, 0.5, np.nan, 0.25)
    found = values_at_nodes(dataclasses.replace(PLAIN, kind="samples", values=values), 9)
    np.testing.assert_allclose(found, [0.0, 0.5, 1.0, 0.75, 0.5, np.nan, np.nan, np.nan, 0.25])


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match="'wiggly'"):
        made(kind="wiggly")
