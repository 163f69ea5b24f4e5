"""Generators against those of NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from thinline.sheets.generators import generator

SEEDS = [0, 1, 2**31 - 1, 2**32 - 1, 2**32, 2**70, *np.random.default_rng(0).integers(0, 2**32, 200).tolist()]


def test_states_are_those_of_numpy() -> None:
    for seed in SEEDS:
        assert generator(seed).bit_generator.state == np.random.default_rng(seed).bit_generator.state
        for first in (1, 2**32 - 1):
            expected = np.random.default_rng([first, seed]) if seed else np.random.default_rng(first)
            assert generator(first, seed).bit_generator.state == expected.bit_generator.state


def test_a_zero_that_follows_a_seed_does_not_change_it() -> None:
    assert generator(7, 0).random() == np.random.default_rng([7, 0]).random()


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        generator(-1)
