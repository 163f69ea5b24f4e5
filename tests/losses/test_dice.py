import pytest
import segmentation_models_pytorch.losses as smp
import torch
from drawn_sheets import CLASSES, case, random_batch, sheets
from monai.losses import DiceLoss as MonaiDice

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.dice import Dice, dice
from thinline.losses.objective import Objective
from thinline.losses.tversky import tversky

HEADS = (Softmax, SigmoidStack, Binary)


def objective(head, **options):
    return Objective(head(CLASSES), Dice(), **options)


def test_the_formula_on_four_pixels() -> None:
    p = torch.tensor([[[[0.5, 1.0], [0.25, 0.0]]]])
    t = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    assert dice(p, t).item() == pytest.approx(1 - 2 * 1.5 / (1.75 + 2))


def test_sums_run_over_the_whole_batch() -> None:
    # sheet by sheet the terms would be 0 and 1 - 2/5, and their mean .3
    p = torch.tensor([[[[1.0, 1.0]]], [[[1.0, 0.0]]]])
    t = torch.tensor([[[[1.0, 1.0]]], [[[1.0, 0.0]]]]) * torch.tensor([1.0, 0.0]).view(2, 1, 1, 1)
    assert dice(p, t).item() == pytest.approx(1 - 2 * 2 / (3 + 2))


def test_is_tversky_with_equal_halves() -> None:
    batch, logits = case(Softmax)
    p, t = logits.softmax(1), Softmax(CLASSES).targets(*batch)
    torch.testing.assert_close(dice(p, t), tversky(p, t, fp_weight=0.5, fn_weight=0.5))


@pytest.mark.parametrize("hard", [0.0, 1.0])
def test_perfect_is_zero_and_all_wrong_is_one(hard: float) -> None:
    t = Softmax(CLASSES).targets(*sheets())
    p = t if hard else t.roll(1, dims=1)
    torch.testing.assert_close(dice(p, t), torch.full((3,), 1 - hard))


def test_permuting_channels_permutes_terms() -> None:
    batch, logits = case(Softmax)
    p, t, order = logits.softmax(1), Softmax(CLASSES).targets(*batch), [2, 0, 1]
    torch.testing.assert_close(dice(p[:, order], t[:, order]), dice(p, t)[order])


@pytest.mark.parametrize(("head", "mode"), [(Softmax, "multiclass"), (SigmoidStack, "multilabel"), (Binary, "binary")])
def test_equals_smp_in_float64_where_every_class_is_present(head, mode) -> None:
    batch, logits = case(head)
    logits = logits.double()
    truth = batch.labels if head is Softmax else head(CLASSES).targets(*batch)
    torch.testing.assert_close(objective(head)(logits, *batch), smp.DiceLoss(mode)(logits, truth), rtol=1e-6, atol=0)


@pytest.mark.parametrize("head", HEADS)
def test_equals_monai_summed_over_the_batch(head) -> None:
    batch, logits = case(head)
    peer = MonaiDice(softmax=head is Softmax, sigmoid=head is not Softmax, batch=True, smooth_nr=0, smooth_dr=0)(
        logits, head(CLASSES).targets(*batch)
    )
    torch.testing.assert_close(objective(head)(logits, *batch), peer)


def test_monai_reduces_sheet_by_sheet_by_default_and_scores_an_absent_class_one() -> None:
    batch = sheets()  # curve 2 is on the first sheet only
    logits = batch.logits(3)
    p, t = logits.softmax(1), Softmax(CLASSES).targets(*batch)
    peer = MonaiDice(softmax=True, smooth_nr=0)(logits, t)
    alone = torch.stack([dice(p[:1], t[:1]), dice(p[1:], t[1:])])
    assert alone[1, 2] == 1
    torch.testing.assert_close(peer, alone.mean())
    assert abs(peer - objective(Softmax)(logits, *batch)) > 0.01


def test_smp_scores_an_absent_class_zero_and_divides_by_it_all_the_same() -> None:
    batch = random_batch(0)
    labels = batch.labels.masked_fill(batch.labels == 2, 0)
    logits = batch.logits(3)
    ours = objective(Softmax)(logits, labels, batch.strokes)
    torch.testing.assert_close(smp.DiceLoss("multiclass")(logits.double(), labels), ours.double() * 2 / 3)


def test_eps_is_the_least_denominator() -> None:
    nothing = torch.zeros(1, 1, 2, 2, requires_grad=True)
    terms = dice(nothing, torch.zeros(1, 1, 2, 2))
    terms.sum().backward()
    assert terms.tolist() == [1.0]
    assert nothing.grad is not None
    assert torch.isfinite(nothing.grad).all()
