"""SheetSpec as JSON: equal to a reference encoding, short, and with a digest that depends on every leaf."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from thinline.sheets.families import FROZEN, sample


@given(st.sampled_from(FROZEN), st.integers(0, 2**31))
def test_json_is_that_of_the_dataclass(family: str, seed: int) -> None:
    spec = sample(family, seed)
    fields = dataclasses.asdict(spec)
    assert fields.pop("field") is None  # a part of `field` sheets only, which other specs do not mention
    assert json.loads(spec.to_json()) == json.loads(json.dumps(fields))
    assert dataclasses.replace(spec).digest == spec.digest


def test_digest_changes_with_any_leaf() -> None:
    spec = sample("archive", 1)
    tracks = (dataclasses.replace(spec.tracks[0], left_mm=spec.tracks[0].left_mm + 0.001), *spec.tracks[1:])
    changed = [
        dataclasses.replace(spec, seed=2),
        dataclasses.replace(spec, tracks=tracks),
        dataclasses.replace(spec, wear=dataclasses.replace(spec.wear, seed=spec.wear.seed + 1)),
    ]
    assert len({spec.digest, *(one.digest for one in changed)}) == 4
    assert len(spec.digest) == 64


def test_specs_are_short() -> None:
    assert max(len(sample(family, seed).to_json()) for family in FROZEN for seed in range(50)) < 12_000
    values = np.random.default_rng(0).normal(size=5000)
    spec = sample("archive", 0, samples=[values])
    assert all(2 <= len(curve.shape.values) <= 400 for curve in spec.curves)


def test_missing_data_is_null() -> None:
    values = np.random.default_rng(0).normal(size=300)
    values[::7] = np.nan
    spec = sample("archive", 0, samples=[values])
    written = json.loads(spec.to_json())["curves"][0]["shape"]["values"]
    np.testing.assert_array_equal(np.array(written, float), spec.curves[0].shape.values)
