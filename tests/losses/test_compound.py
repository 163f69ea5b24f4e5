import monai.losses as monai
import pytest
import torch
import torch.nn.functional as F
from drawn_sheets import CLASSES, random_batch, torn
from hydra.utils import instantiate
from option_cases import keys, objective_of

from thinline.config.schema import compose_config
from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.compound import Compound
from thinline.losses.dice import Dice
from thinline.losses.focal import Focal
from thinline.losses.objective import Objective
from thinline.losses.soft_ce import SoftCE
from thinline.losses.tversky import Tversky

UNEVEN = [1.0, 42.0, 7.0]
TERMS = {
    "dice_ce": [Dice(), SoftCE(smoothing=0)],
    "tversky_ce": [Tversky(), SoftCE(smoothing=0)],
    "dice_focal": [Dice(), Focal()],
}


def value_and_slope(objective, batch):
    logits = batch.logits(objective.head.channels)
    value = objective(logits, *batch)
    return value, torch.autograd.grad(value, logits)[0]


def both(**shares: float) -> Compound:
    return Compound(name="both", terms={"dice": Dice(), "ce": SoftCE()}, shares=shares)


@pytest.mark.parametrize("weight", [None, UNEVEN])
@pytest.mark.parametrize("head", ["softmax", "sigmoid_stack"])
@pytest.mark.parametrize("level", TERMS)
def test_a_compound_is_the_sum_of_its_levels_each_with_its_weights(level, head, weight) -> None:
    batch = torn()
    objective = objective_of(loss=level, head=head, weight=weight)
    terms = [value_and_slope(Objective(objective.head, term, weight=weight), batch) for term in TERMS[level]]
    value, slope = value_and_slope(objective, batch)
    torch.testing.assert_close(value, sum(term[0] for term in terms))
    torch.testing.assert_close(slope, sum(term[1] for term in terms))


def test_shares_multiply_and_a_share_of_zero_leaves_a_term_out() -> None:
    batch = torn()
    dice, ce = (value_and_slope(Objective(Softmax(CLASSES), loss), batch)[0] for loss in (Dice(), SoftCE()))
    for shares in ({"dice": 0.25, "ce": 3.0}, {"dice": 0.0, "ce": 2.0}):
        value, _ = value_and_slope(Objective(Softmax(CLASSES), both(**shares)), batch)
        torch.testing.assert_close(value, shares["dice"] * dice + shares["ce"] * ce)
    only_pixels = Objective(Binary(CLASSES), both(dice=0, ce=1), weight=UNEVEN)  # dice would refuse the weight
    assert [name for name, _, _ in only_pixels.loss.parts] == ["ce"]


def test_a_compound_of_compounds_is_the_sum_of_their_terms() -> None:
    nested = Compound(
        name="nested", terms={"both": both(dice=1, ce=1), "focal": Focal()}, shares={"both": 2, "focal": 1}
    )
    flat = [value_and_slope(Objective(Softmax(CLASSES), loss), torn())[0] for loss in (Dice(), SoftCE(), Focal())]
    value, _ = value_and_slope(Objective(Softmax(CLASSES), nested), torn())
    torch.testing.assert_close(value, 2 * (flat[0] + flat[1]) + flat[2])
    with pytest.raises(ValueError, match=r"loss=nested with head=binary.*its term both\.dice has one term"):
        Objective(Binary(CLASSES), nested, weight=UNEVEN)


def test_keys_of_the_command_line_are_those_of_the_levels() -> None:
    shares = ["loss.shares.tversky=0.5", "loss.shares.ce=2"]
    of_terms = ["loss.terms.tversky.fp_weight=0.1", "loss.terms.ce.smoothing=0.2"]
    loss = instantiate(compose_config(["loss=tversky_ce", *shares, *of_terms]).loss)
    assert loss.shares == {"tversky": 0.5, "ce": 2.0}
    assert loss.terms["tversky"].fp_weight == 0.1
    assert loss.terms["ce"].smoothing == 0.2


def test_the_keys_of_a_term_are_those_of_its_level_unless_the_compound_says_otherwise() -> None:
    for term in ("dice", "focal"):
        assert keys("loss", "dice_focal").terms[term] == keys("loss", term)
    assert keys("loss", "dice_ce").terms.ce.smoothing == 0  # cross-entropy, as published


@pytest.mark.parametrize("head", [Softmax, Binary])
def test_dice_ce_equals_monai_summed_over_the_batch(head) -> None:
    batch = random_batch(0)
    objective = objective_of(loss="dice_ce", head=head.name)
    logits = batch.logits(objective.head.channels)
    options = {"softmax": head is Softmax, "sigmoid": head is not Softmax, "batch": True, "smooth_nr": 0}
    peer = monai.DiceCELoss(**options, smooth_dr=0)(logits, objective.head.targets(*batch))
    torch.testing.assert_close(objective(logits, *batch), peer)


def test_dice_ce_of_monai_takes_the_softmax_cross_entropy_of_sigmoid_channels() -> None:
    batch = random_batch(0)
    objective = objective_of(loss="dice_ce", head="sigmoid_stack")
    logits, truth = batch.logits(2), objective.head.targets(*batch)
    options = {"sigmoid": True, "batch": True, "smooth_nr": 0, "smooth_dr": 0}
    dice, peer = (loss(**options)(logits, truth) for loss in (monai.DiceLoss, monai.DiceCELoss))
    torch.testing.assert_close(peer, dice + F.cross_entropy(logits, truth))
    torch.testing.assert_close(objective(logits, *batch), dice + F.binary_cross_entropy_with_logits(logits, truth))


@pytest.mark.parametrize("head", [SigmoidStack, Binary])
def test_dice_focal_equals_monai_on_sigmoid_channels(head) -> None:
    batch = random_batch(0)
    objective = objective_of(loss="dice_focal", head=head.name)
    logits = batch.logits(objective.head.channels)
    options = {"sigmoid": True, "batch": True, "smooth_nr": 0, "smooth_dr": 0}
    peer = monai.DiceFocalLoss(**options)(logits, objective.head.targets(*batch))
    torch.testing.assert_close(objective(logits, *batch), peer)


def test_dice_focal_of_monai_takes_the_sigmoid_focal_of_a_softmax() -> None:
    batch = random_batch(0)
    objective = objective_of(loss="dice_focal")
    logits, truth = batch.logits(3), objective.head.targets(*batch)
    options = {"softmax": True, "batch": True, "smooth_nr": 0, "smooth_dr": 0}
    dice, peer = (loss(**options)(logits, truth) for loss in (monai.DiceLoss, monai.DiceFocalLoss))
    torch.testing.assert_close(peer, dice + monai.FocalLoss()(logits, truth))
    # and its softmax focal divides the one term of a pixel by the number of classes
    torch.testing.assert_close(objective(logits, *batch), dice + 3 * monai.FocalLoss(use_softmax=True)(logits, truth))


@pytest.mark.parametrize("level", TERMS)
def test_a_weight_that_one_term_cannot_use_raises_with_loss_term_and_head(level) -> None:
    with pytest.raises(ValueError, match="cannot act") as caught:
        objective_of(loss=level, head="binary", weight=UNEVEN)
    for word in (f"loss={level}", "head=binary", f"its term {level.partition('_')[0]}", "class_weight=none"):
        assert word in str(caught.value)
