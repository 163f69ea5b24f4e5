"""Ranks and their agreement, on orders known by hand."""

from itertools import combinations

import numpy as np
import pytest
from effect_cases import drawn, samples_of
from scipy import stats

from thinline.study.stats.ranks import better_up, compared, tau_of

LEVELS = ("ce", "dice", "tversky")


def tables_of(values, measure="iou"):
    """P(A > B) and ranks of conditions that are the levels themselves; `values [L,S]`."""
    data = samples_of(np.asarray(values, float)[..., None], measure=measure)
    pairs, ranks = compared(data, np.eye(len(values)), LEVELS[: len(values)])
    return pairs.set_index(["level_a", "level_b"])["p_better"], ranks.set_index("level")


def test_a_clear_order_is_all_but_certain():
    pairs, ranks = tables_of(np.random.default_rng(0).normal([[0.1], [0.2], [0.3]], 1e-4, (3, 5)))
    assert len(pairs) == 6
    assert pairs["tversky", "dice"] > 0.999
    assert pairs["ce", "tversky"] < 0.001
    for name in ("rank", "low_rank", "high_rank"):
        assert ranks[name].to_dict() == {"ce": 3, "dice": 2, "tversky": 1}


def test_a_probability_is_students_t_of_the_paired_difference():
    values = np.random.default_rng(1).normal(0.5, 0.02, (3, 5))
    pairs, ranks = tables_of(values)
    for (a, level_a), (b, level_b) in combinations(enumerate(LEVELS), 2):
        expected = stats.ttest_rel(values[a], values[b], alternative="greater").pvalue
        assert pairs[level_a, level_b] == pytest.approx(1 - expected, abs=1e-9)
        assert pairs[level_b, level_a] == pytest.approx(expected, abs=1e-9)
    assert (ranks["low_rank"] == 1).all()
    assert (ranks["high_rank"] == 3).all()
    assert ranks["rank"].tolist() == stats.rankdata(-values.mean(1)).tolist()


def test_equal_levels_share_their_rank():
    steady = [[0.5, 0.4, 0.6], [0.4, 0.6, 0.5], [0.1, 0.2, 0.3]]
    pairs, ranks = tables_of(steady)
    assert pairs["ce", "dice"] == pairs["dice", "ce"] == 0.5
    assert ranks["rank"].tolist() == [1.5, 1.5, 3]


def test_lower_errors_are_better():
    errors = np.array([0.1, 0.2])
    assert better_up(errors, "viterbi_bridged_mae_track").tolist() == [-0.1, -0.2]
    assert better_up(errors, "iou") is errors
    values = np.random.default_rng(0).normal([[0.1], [0.2]], 1e-4, (2, 5))
    pairs, ranks = tables_of(values, measure="viterbi_bridged_mae_track")
    assert pairs["ce", "dice"] > 0.999
    assert ranks["rank"].to_dict() == {"ce": 1, "dice": 2}


def test_ranks_are_over_the_seeds_that_have_all_levels():
    values = np.array([[0.5, 0.5, 0.51, 0.99], [0.6, 0.61, 0.6, np.nan]])
    data = samples_of(np.where(np.isnan(values), 0, values)[..., None], np.isfinite(values).astype(float)[..., None])
    _, ranks = compared(data, np.eye(2), LEVELS[:2])
    assert ranks["rank"].tolist() == [2, 1]
    nothing = samples_of(np.zeros((2, 3, 1)), np.zeros((2, 3, 1)))
    pairs, ranks = compared(nothing, np.eye(2), LEVELS[:2])
    assert np.isnan(pairs["p_better"].to_numpy(float)).all()
    assert ranks.empty


def test_fewer_than_two_levels_have_empty_tables():
    for count in (0, 1):
        tables = compared(samples_of(np.ones((3, 4, 1))), np.eye(3)[:count], LEVELS[:count])
        assert all(table.empty for table in tables)


def test_intervals_of_ranks_hold_all_true_ranks_in_95_of_100_studies():
    truth, rng, studies = [0.5, 0.51, 0.53, 0.53], np.random.default_rng(4), 300
    # levels that are equal may stand in either order
    lowest, highest = np.array([4, 3, 1, 1]), np.array([4, 3, 2, 2])
    held = 0
    for _ in range(studies):
        data = drawn(rng, truth, sheets=1, seeds=5, cell_sd=0.01)
        _, ranks = compared(data, np.eye(4), ("a", "b", "c", "d"))
        held += bool(((ranks["low_rank"] <= lowest) & (ranks["high_rank"] >= highest)).all())
    assert held / studies >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / studies)
    assert (ranks["low_rank"] > 1).any()


def test_tau_by_hand_and_against_scipy():
    (tau,) = tau_of({"iou": np.array([1.0, 2, 3, 4]), "f1": np.array([1.0, 3, 2, 4])})["tau"]
    assert tau == pytest.approx((5 - 1) / 6)  # of six pairs one is discordant
    noise = np.random.default_rng(0)
    values = {name: noise.integers(0, 6, 20).astype(float) for name in ("iou", "f1", "recall")}
    values["recall"][3] = np.nan
    taus = tau_of(values).set_index(["measure_a", "measure_b"])["tau"]
    assert list(taus.index) == [("iou", "f1"), ("iou", "recall"), ("f1", "recall")]
    assert taus["iou", "f1"] == pytest.approx(stats.kendalltau(values["iou"], values["f1"]).statistic)
    kept = np.isfinite(values["recall"])
    expected = stats.kendalltau(values["f1"][kept], values["recall"][kept]).statistic
    assert taus["f1", "recall"] == pytest.approx(expected)


def test_a_constant_measure_has_no_order():
    steady = 0.1 + np.array([0, 1e-17, -1e-17, 0])
    assert np.isnan(tau_of({"iou": steady, "f1": np.arange(4.0)})["tau"]).all()
    assert np.isnan(tau_of({"iou": np.array([1.0]), "f1": np.array([1.0])})["tau"]).all()
