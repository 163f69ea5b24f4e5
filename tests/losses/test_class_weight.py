import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinline.losses.class_weight import (
    EffectiveNumber,
    Fixed,
    Imbalance,
    LogitAdjustment,
    Measured,
    NoWeight,
    Sqrt,
    TunedThreshold,
    far_from_measured,
    measured_ratio,
)

COUNTS = [970_000, 20_000, 10_000]
COUNTED = [Measured(), Sqrt(), EffectiveNumber()]


def test_each_level_on_numbers_done_by_hand() -> None:
    assert NoWeight()(COUNTS) is None
    assert Fixed()(COUNTS).tolist() == [1, 42, 42]
    assert Fixed(value=10)(COUNTS).tolist() == [1, 10, 10]
    assert Measured()(COUNTS).tolist() == [1, 48.5, 97]
    assert Sqrt()(COUNTS).tolist() == pytest.approx([1, math.sqrt(48.5), math.sqrt(97)])
    # beta = 1/2: E = 2 (1 - 2^-n), so 1, 1.5, 1.75 for 1, 2, 3
    assert EffectiveNumber(beta=0.5)([3, 2, 1]).tolist() == pytest.approx([1, 1.75 / 1.5, 1.75])


@pytest.mark.parametrize("weighting", [Fixed(), *COUNTED])
@pytest.mark.parametrize("counts", [COUNTS, torch.tensor(COUNTS), torch.tensor([*COUNTS, 7])])
def test_background_is_one_and_there_is_a_weight_for_each_class(weighting, counts) -> None:
    weight = weighting(counts)
    assert weight.dtype == torch.float64
    assert weight.shape == (len(counts),)
    assert weight[0] == 1


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=6))
def test_a_rarer_class_never_weighs_less(counts: list[int]) -> None:
    order = sorted(range(len(counts)), key=lambda c: -counts[c])
    for weighting in (Measured(), Sqrt(), EffectiveNumber(beta=1 - 1e-10)):
        weight = weighting(counts)[order]
        assert (weight.diff() >= -1e-12 * weight[:-1]).all()


@given(st.lists(st.integers(1, 10**4), min_size=2, max_size=4))
def test_effective_number_has_measured_as_its_limit(counts: list[int]) -> None:
    torch.testing.assert_close(EffectiveNumber(beta=1 - 1e-9)(counts), Measured()(counts), rtol=1e-4, atol=0)


def test_a_beta_for_images_is_refused_for_pixels() -> None:
    with pytest.raises(ValueError, match=r"beta=0\.999 gives every class the same weight.*1 - 1 / 970000"):
        EffectiveNumber(beta=0.999)(COUNTS)
    assert EffectiveNumber(beta=0.999)([50_000, 50_000]).tolist() == [1, 1]  # equal counts, equal weights


@pytest.mark.parametrize("weighting", COUNTED)
@pytest.mark.parametrize("counts", [[10, 0, 5], [0, 5], [10, -1]])
def test_a_class_that_was_never_seen_has_no_ratio(weighting, counts: list[int]) -> None:
    with pytest.raises(ValueError, match=r"`counts` must be at least 1.*class_weight=none or fixed"):
        weighting(counts)


@pytest.mark.parametrize("counts", [[1.5, 2.0], [[1, 2]], [3], [True, False]])
def test_counts_are_a_vector_of_integers(counts) -> None:
    with pytest.raises(ValueError, match=r"`counts` must be integers \[C\]"):
        Fixed()(counts)


def test_impossible_options_name_their_keys() -> None:
    for value in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"class_weight\.value"):
            Fixed(value=value)
    for beta in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match=r"class_weight\.beta"):
            EffectiveNumber(beta=beta)


def test_ratio_of_each_curve() -> None:
    assert measured_ratio(COUNTS).tolist() == [48.5, 97]
    assert measured_ratio([10, 0, 5]).tolist() == [math.inf, 2]
    assert measured_ratio([0, 5, 10]).tolist() == [0, 0]


def test_no_level_that_uses_no_counts_refuses_them() -> None:
    """A message that advises class_weight=none or fixed would reach users who have set it."""
    for counts in ([0, 27], [9, 0], [0, 0]):
        assert NoWeight()(counts) is None
        assert Fixed(value=3)(counts).tolist() == [1, 3]
        assert measured_ratio(counts).shape == (1,)


def test_the_measured_ratio_is_advised_only_where_it_exists() -> None:
    assert "class_weight=measured" in str(far_from_measured([1, 42], [9000, 9]))
    assert "class_weight=" not in str(far_from_measured([1, 42], [9000, 0]))


@pytest.mark.parametrize(
    ("value", "counts", "near"),
    [
        (42, [42_000, 1_000, 1_000], True),
        (42, [62_000, 1_000, 1_000], True),
        (42, [64_000, 1_000, 1_000], False),
        (42, [27_000, 1_000, 1_000], False),
        (42, [42_000, 1_000, 100], False),
        (42, [42_000, 1_000, 0], False),
    ],
)
def test_a_fixed_weight_far_from_the_ratio_is_reported_with_both(value: float, counts: list[int], near: bool) -> None:
    message = far_from_measured(Fixed(value=value)(counts), counts)
    assert (message is None) == near
    if message is not None:
        assert "42 for measured" in message
        assert f"{counts[0] / 1000:g}" in message


def test_only_the_balance_is_compared_and_no_weight_is_silent() -> None:
    assert far_from_measured(None, COUNTS) is None
    assert far_from_measured([2.0, 97.0, 194.0], COUNTS) is None


def test_the_controls_weigh_nothing_and_one_knows_the_prior() -> None:
    assert TunedThreshold()(COUNTS) is None
    assert LogitAdjustment()(COUNTS) is None
    assert LogitAdjustment().prior([90, 7, 3]).tolist() == [0.9, 0.07, 0.03]
    with pytest.raises(ValueError, match="`counts` must be at least 1"):
        LogitAdjustment().prior([90, 0, 3])


def test_weight_prior_and_thresholds_are_one_object() -> None:
    assert NoWeight().imbalance(COUNTS) == Imbalance()
    assert Measured(scale="raw").imbalance(COUNTS) == Imbalance(weight=(1, 48.5, 97), scale="raw")
    assert TunedThreshold().imbalance(COUNTS) == Imbalance(tuned=True)
    assert LogitAdjustment(tau=2).imbalance([90, 7, 3]) == Imbalance(prior=(0.9, 0.07, 0.03), tau=2)
