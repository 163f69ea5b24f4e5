"""Shares of gradients against the gradients of the single losses, put together by hand."""

import pytest
import torch
from drawn_sheets import draw, random_batch, torn
from hydra.utils import instantiate
from looped import looped
from option_cases import LEVELS, keys, option

from thinline.config.objective import build_objective
from thinline.config.schema import KEY_LEVELS
from thinline.losses.compound import Compound
from thinline.losses.dice import Dice
from thinline.losses.gradient_shares import SHARES_OF
from thinline.losses.objective import Objective
from thinline.losses.scnp import by_pooling

UNEVEN = [1.0, 42.0, 7.0]


def of_gradients(level="dice_ce", **shares):
    return instantiate(keys("loss", level), shares_of="gradient", shares=shares)


def value_and_slope(objective, batch, logits):
    value = objective(logits, *batch)
    return float(value.detach()), torch.autograd.grad(value, logits)[0]


def alone(head, weight, scale, batch, logits):
    """Value and gradient of dice, and of cross-entropy."""
    losses = (option("loss", name) for name in ("dice", "ce"))
    return [value_and_slope(Objective(head, loss, weight=weight, scale=scale), batch, logits) for loss in losses]


@looped("scale", ["kept", "raw"])
@looped("weight", [None, UNEVEN])
@pytest.mark.parametrize("head", ["softmax", "sigmoid_stack"])
@pytest.mark.parametrize("make", [torn, lambda: random_batch(0)])
def test_every_term_pulls_with_the_norm_of_its_share(make, head, weight, scale) -> None:
    batch, head = make(), option("head", head)
    logits = batch.logits(head.channels)
    (dice, slope_of_dice), (ce, slope_of_ce) = alone(head, weight, scale, batch, logits)
    norms = float(slope_of_dice.norm()), float(slope_of_ce.norm())
    mean = (norms[0] + 3 * norms[1]) / 4
    objective = Objective(head, of_gradients(dice=1.0, ce=3.0), weight=weight, scale=scale)
    value, slope = value_and_slope(objective, batch, logits)
    torch.testing.assert_close(slope, mean * (slope_of_dice / norms[0] + 3 * slope_of_ce / norms[1]))
    assert value == pytest.approx(mean * (dice / norms[0] + 3 * ce / norms[1]), rel=1e-5)


def test_a_factor_of_one_term_does_not_change_the_direction() -> None:
    """`raw` multiplies the values of both terms by other factors than `kept`, which fixed shares would pass on."""
    batch, head = random_batch(1), option("head", "softmax")
    logits = batch.logits(3)
    slopes = {}
    for shares_of in SHARES_OF:
        loss = instantiate(keys("loss", "dice_ce"), shares_of=shares_of)
        for scale in ("kept", "raw"):
            objective = Objective(head, loss, weight=UNEVEN, scale=scale)
            slopes[shares_of, scale] = value_and_slope(objective, batch, logits)[1]
    directions = {key: slope / slope.norm() for key, slope in slopes.items()}
    torch.testing.assert_close(directions["gradient", "kept"], directions["gradient", "raw"])
    assert not torch.allclose(directions["value", "kept"], directions["value", "raw"], atol=1e-3)


def test_a_term_without_gradient_is_left_out_and_without_any_the_sum_is_zero() -> None:
    """A stack has no term of dice on a sheet without curves."""
    batch, head = draw("..... ....."), option("head", "sigmoid_stack")
    logits = batch.logits(2)
    objective = Objective(head, of_gradients(dice=1.0, ce=1.0))
    _, slope = value_and_slope(objective, batch, logits)
    _, slope_of_ce = value_and_slope(Objective(head, option("loss", "ce")), batch, logits)
    torch.testing.assert_close(slope, slope_of_ce / 2)  # the mean norm counts the term of norm 0
    ignored = draw("????? ?????")
    assert not value_and_slope(objective, ignored, ignored.logits(2))[1].any()


def test_the_value_is_the_same_where_no_gradient_is_asked_for() -> None:
    batch = random_batch(2)
    logits = batch.logits(3)
    objective = Objective(option("head", "softmax"), of_gradients(dice=1.0, ce=1.0))
    with torch.no_grad():
        value = objective(logits.detach(), *batch)
    assert not value.requires_grad
    torch.testing.assert_close(value, objective(logits, *batch).detach())


@looped("pooling", ["none", "scnp"])
@looped("head", LEVELS["head"])
@pytest.mark.parametrize("level", [level for level in LEVELS["loss"] if option("loss", level).kind == "sum"])
def test_every_sum_is_that_of_its_terms_with_truth_maps_and_pooling(level, head, pooling) -> None:
    batch, head, loss = random_batch(3), option("head", head), option("loss", level)
    logits = batch.logits(head.channels)
    slopes, norms, shares = [], [], []
    for _, share, term in loss.parts:
        alone = Objective(head, term)
        targets, valid = head.read(*batch)
        pooled = (by_pooling(logits, targets, valid) if pooling == "scnp" else logits).detach().requires_grad_()
        maps = {each.key: alone.draw(each, *batch) for each in alone.truth_maps}
        slopes.append(torch.autograd.grad(alone(pooled, *batch, maps=maps), pooled)[0])
        norms.append(slopes[-1].norm())
        shares.append(share)
    mean = sum(share * norm for share, norm in zip(shares, norms, strict=True)) / sum(shares)
    expected = sum(share * mean / norm * slope for share, norm, slope in zip(shares, norms, slopes, strict=True))
    objective = Objective(head, of_gradients(level, **loss.shares), pooling=pooling)
    maps = {each.key: objective.draw(each, *batch) for each in objective.truth_maps}
    seen = logits.detach().requires_grad_()
    objective(seen, *batch, maps=maps).backward()
    if pooling == "scnp":  # back through the pooling
        expected = torch.autograd.grad(by_pooling(seen, *head.read(*batch)), seen, expected)[0]
    torch.testing.assert_close(seen.grad, expected)


def test_it_acts_or_raises() -> None:
    with pytest.raises(ValueError, match=r"shares_of=gradient acts on a sum of losses, got .*Dice; choose one"):
        build_objective(["loss=dice", "shares_of=gradient"], weight=None)
    with pytest.raises(ValueError, match="`shares_of` must be one of value, gradient, got 'norm'"):
        Compound(name="one", terms={"dice": Dice()}, shares={"dice": 1.0}, shares_of="norm")
    assert KEY_LEVELS["shares_of"] == SHARES_OF
