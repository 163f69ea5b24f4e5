"""Rankings and their agreement, on orders known by hand."""

import numpy as np
import pytest
from scipy import stats

from hairline.study.ranks import better_up, pairs_of, ranks_of, tau_of

LEVELS = ("ce", "dice", "tversky")


def by_pair(drawn):
    return pairs_of(drawn, LEVELS[: drawn.shape[1]]).set_index(["level_a", "level_b"])["p_better"]


def test_a_clear_order_is_certain():
    drawn = np.random.default_rng(0).normal([0.1, 0.2, 0.3], 1e-3, (500, 3))
    found = by_pair(drawn)
    assert found["tversky", "dice"] == found["dice", "ce"] == found["tversky", "ce"] == 1
    assert found["ce", "tversky"] == 0
    ranks = ranks_of(drawn, LEVELS).set_index("level")
    assert ranks["mean_rank"].to_dict() == {"ce": 3, "dice": 2, "tversky": 1}
    assert ranks["first"].to_dict() == {"ce": 0, "dice": 0, "tversky": 1}
    assert (ranks["low_rank"] == ranks["high_rank"]).all()


def test_what_can_be_exchanged_is_near_a_half():
    drawn = np.random.default_rng(0).normal(size=(4000, 3))
    found = by_pair(drawn)
    assert len(found) == 6
    np.testing.assert_allclose(found, 0.5, atol=3 * 0.5 / np.sqrt(4000))
    ranks = ranks_of(drawn, LEVELS)
    np.testing.assert_allclose(ranks["mean_rank"], 2, atol=0.06)
    np.testing.assert_allclose(ranks["first"], 1 / 3, atol=0.03)
    assert (ranks["low_rank"] == 1).all()
    assert (ranks["high_rank"] == 3).all()


def test_equal_levels_share():
    drawn = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.6], [np.nan, 9]])
    found = by_pair(drawn)
    assert found["ce", "dice"] == pytest.approx(1 / 3)
    assert found["dice", "ce"] == pytest.approx(2 / 3)
    ranks = ranks_of(drawn, LEVELS[:2]).set_index("level")
    assert ranks["mean_rank"].to_dict() == pytest.approx({"ce": (1.5 + 1.5 + 2) / 3, "dice": (1.5 + 1.5 + 1) / 3})
    assert ranks["first"].to_dict() == pytest.approx({"ce": 1 / 3, "dice": 2 / 3})


def test_without_levels_or_draws_there_is_nothing():
    assert pairs_of(np.zeros((10, 0)), ()).empty
    assert ranks_of(np.full((10, 2), np.nan), LEVELS[:2]).empty


def test_lower_errors_are_better():
    errors = np.array([0.1, 0.2])
    assert better_up(errors, "viterbi_bridged_mae_track").tolist() == [-0.1, -0.2]
    assert better_up(errors, "iou") is errors


def test_tau_by_hand_and_against_scipy():
    one, other = np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4])
    (tau,) = tau_of({"iou": one, "f1": other})["tau"]
    assert tau == pytest.approx((5 - 1) / 6)  # of six pairs one is discordant
    noise = np.random.default_rng(0)
    values = {name: noise.integers(0, 6, 20).astype(float) for name in ("iou", "f1", "recall")}
    values["recall"][3] = np.nan
    found = tau_of(values).set_index(["measure_a", "measure_b"])["tau"]
    assert list(found.index) == [("iou", "f1"), ("iou", "recall"), ("f1", "recall")]
    assert found["iou", "f1"] == pytest.approx(stats.kendalltau(values["iou"], values["f1"]).statistic)
    kept = np.isfinite(values["recall"])
    expected = stats.kendalltau(values["f1"][kept], values["recall"][kept]).statistic
    assert found["f1", "recall"] == pytest.approx(expected)


def test_a_constant_measure_has_no_order():
    steady = 0.1 + np.array([0, 1e-17, -1e-17, 0])
    assert np.isnan(tau_of({"iou": steady, "f1": np.arange(4.0)})["tau"]).all()
    assert np.isnan(tau_of({"iou": np.array([1.0]), "f1": np.array([1.0])})["tau"]).all()
