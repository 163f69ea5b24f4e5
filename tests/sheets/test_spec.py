"""SheetSpec: JSON there and back, digests, and errors that name the key."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.sheets.families import FAMILIES, sample
from thinline.sheets.spec import SheetSpec


@given(st.sampled_from(FAMILIES), st.integers(0, 2**31))
def test_json_there_and_back(family: str, seed: int) -> None:
    spec = sample(family, seed)
    again = SheetSpec.from_json(spec.to_json())
    assert again == spec
    assert again.digest == spec.digest
    assert json.loads(spec.to_json()) == json.loads(json.dumps(dataclasses.asdict(spec)))


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
    assert max(len(sample(family, seed).to_json()) for family in FAMILIES for seed in range(50)) < 12_000
    values = np.random.default_rng(0).normal(size=5000)
    spec = sample("archive", 0, samples=[values])
    assert all(2 <= len(curve.shape.values) <= 400 for curve in spec.curves)


def test_missing_data_survives_json() -> None:
    values = np.random.default_rng(0).normal(size=300)
    values[::7] = np.nan
    spec = sample("archive", 0, samples=[values])
    again = SheetSpec.from_json(spec.to_json())
    assert again.digest == spec.digest
    np.testing.assert_array_equal(again.curves[0].shape.values, spec.curves[0].shape.values)


def change(path: list[Any], value: Any) -> str:
    """The JSON of a sheet with one leaf changed, or removed for Ellipsis."""
    whole = json.loads(sample("archive", 3).to_json())
    inside = whole
    for key in path[:-1]:
        inside = inside[key]
    if value is ...:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["cue"], ..., ["SheetSpec", "cue", "another version"]),
        (["colour"], "red", ["SheetSpec", "colour"]),
        (["tracks"], 3, ["SheetSpec.tracks", "list", "int"]),
        (["tracks", 0, "divisions"], "ten", ["SheetSpec.tracks[0].divisions", "int", "'ten'"]),
        (["wear", "paper"], True, ["SheetSpec.wear.paper", "True"]),
        (["skew"], [], ["SheetSpec.skew", "list"]),
    ],
)
def test_a_wrong_file_is_named(path: list[Any], value: Any, words: list[str]) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        SheetSpec.from_json(change(path, value))
    for word in words:
        assert word in str(error.value)


def test_whole_numbers_pass_as_floats() -> None:
    assert SheetSpec.from_json(change(["header_mm"], 7)).header_mm == 7.0
