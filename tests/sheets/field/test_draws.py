"""Draws follow their distributions and depend on the generator alone."""

from __future__ import annotations

import numpy as np

from thinline.sheets.field.draws import Draws


def test_numbers_follow_their_distributions() -> None:
    draws = Draws(np.random.default_rng(5))
    logs = np.log([draws.log(0.5, 8.0) for _ in range(4000)])
    assert abs(logs.mean() - np.log(2.0)) < 0.05  # the middle of 0.5 and 8 on a logarithmic axis
    normal = np.array([draws.normal(2.0) for _ in range(4000)])
    assert abs(normal.mean()) < 0.15
    assert abs(normal.std() - 2.0) < 0.1
    wholes = [draws.whole(3, 5) for _ in range(600)]
    assert set(wholes) == {3, 4, 5}
    picks = [draws.weighted((("a", 0.7), ("b", 0.2), ("c", 0.1))) for _ in range(3000)]
    assert abs(picks.count("a") / 3000 - 0.7) < 0.05
    assert abs(picks.count("c") / 3000 - 0.1) < 0.03
    assert abs(np.mean([draws.chance(0.25) for _ in range(3000)]) - 0.25) < 0.04


def test_equal_generators_give_equal_numbers() -> None:
    first, second = (Draws(np.random.default_rng(7)) for _ in range(2))
    assert [first.uniform(0, 9) for _ in range(1000)] == [second.uniform(0, 9) for _ in range(1000)]
    assert first.seed() == second.seed()
    assert Draws(np.random.default_rng(8)).share() != Draws(np.random.default_rng(7)).share()
