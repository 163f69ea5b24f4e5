import pytest
import torch
from drawn_sheets import CLASSES, draw, random_batch, torn
from hypothesis import given, settings
from hypothesis import strategies as st

from thinline.heads import Binary, Curves, SigmoidStack, Softmax
from thinline.losses.cb_focal import ClassBalancedFocal, effective_weights
from thinline.losses.class_weight import EffectiveNumber
from thinline.losses.compound import Compound
from thinline.losses.dice import Dice
from thinline.losses.focal import Focal
from thinline.losses.objective import Objective

HEADS = [Softmax, SigmoidStack, Binary]


def test_weights_by_hand_and_of_the_absent() -> None:
    # beta = 1/2: E = 1.75, 1.5, 1 for 3, 2, 1 pixels
    weights = effective_weights(torch.tensor([3, 2, 1]), beta=0.5)
    inverse = [1 / 1.75, 1 / 1.5, 1]
    assert weights.tolist() == pytest.approx([3 * one / sum(inverse) for one in inverse])
    assert effective_weights(torch.tensor([7, 0, 7]), beta=0.9).tolist() == pytest.approx([1, 0, 1])
    assert effective_weights(torch.tensor([0, 0]), beta=0.9).tolist() == [0, 0]


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=5), st.sampled_from([0.9, 0.999, 0.9999]))
@settings(deadline=None)
def test_weights_are_those_of_the_paper_added_term_by_term(counts: list[int], beta: float) -> None:
    weights = effective_weights(torch.tensor(counts), beta=beta)
    inverse = torch.tensor([(1 - beta) / (1 - beta**count) for count in counts], dtype=torch.float64)
    torch.testing.assert_close(weights, len(counts) * inverse / inverse.sum(), rtol=1e-6, atol=0)


def test_beta_zero_weighs_all_alike_and_beta_near_one_by_the_inverse_count() -> None:
    counts = torch.tensor([900, 90, 10])
    assert effective_weights(counts, beta=0.0).tolist() == [1, 1, 1]
    inverse = 1 / counts.double()
    torch.testing.assert_close(effective_weights(counts, beta=1 - 1e-10), 3 * inverse / inverse.sum())


@pytest.mark.parametrize("scale", ["kept", "raw"])
@pytest.mark.parametrize("head", HEADS)
def test_is_focal_with_the_effective_numbers_of_its_batch(head, scale) -> None:
    batch = torn()
    counts = [int((batch.labels == id_).sum()) for id_ in range(3)]
    logits = batch.logits(head(CLASSES).channels)
    expected = Objective(head(CLASSES), Focal(), weight=EffectiveNumber(beta=0.99)(counts))(logits, *batch)
    result = Objective(head(CLASSES), ClassBalancedFocal(beta=0.99), scale=scale)(logits, *batch)
    torch.testing.assert_close(result, expected)


@pytest.mark.parametrize("head", HEADS)
def test_beta_zero_is_focal(head) -> None:
    batch = torn()
    logits = batch.logits(head(CLASSES).channels)
    losses = (ClassBalancedFocal(beta=0), Focal())
    torch.testing.assert_close(*(Objective(head(CLASSES), loss)(logits, *batch) for loss in losses))


def test_a_class_39_times_rarer_has_a_slope_39_times_larger() -> None:
    batch = draw("1" + 19 * "." + " " + 20 * ".")
    slopes = []
    for loss in (Focal(), ClassBalancedFocal()):
        logits = torch.zeros(1, 3, 2, 20, requires_grad=True)
        (slope,) = torch.autograd.grad(Objective(Softmax(CLASSES), loss)(logits, *batch), logits)
        slopes.append((slope[0, 1, 0, 0] / slope[0, 1, 1, 0]).abs().item())
    assert slopes[1] == pytest.approx(slopes[0] * 39, rel=0.01)


@pytest.mark.parametrize("head", HEADS)
def test_other_weights_would_weigh_twice_and_raise_with_both_names(head) -> None:
    loss = ClassBalancedFocal()
    with pytest.raises(ValueError, match=r"weight \[1.0, 42.0, 42.0\] cannot act on loss=cb_focal.*would do so twice"):
        Objective(head(CLASSES), loss, weight=[1, 42, 42])
    both = Compound(name="both", terms={"dice": Dice(), "cb": loss}, shares={"dice": 1, "cb": 1})
    with pytest.raises(ValueError, match="loss=both with head=softmax: its term cb balances"):
        Objective(Softmax(CLASSES), both, weight=[1, 42, 7])
    batch = random_batch(0)
    logits = batch.logits(head(CLASSES).channels)
    plain, equal = (Objective(head(CLASSES), loss, weight=weight)(logits, *batch) for weight in (None, [5, 5, 5]))
    torch.testing.assert_close(equal, plain)


@pytest.mark.parametrize("pen_px", [1, 3])
def test_the_ink_under_a_centre_line_counts_as_ink(pen_px: int) -> None:
    """In labels a centre line replaces the ink: that of a pen of 1 px has no pixel of its own."""
    ink = torch.zeros(1, 64, 64, dtype=torch.bool)
    ink[:, :, 20 : 20 + pen_px] = True
    centre = torch.zeros_like(ink)
    centre[:, :, 20 + pen_px // 2] = True
    labels, strokes = ink.long() + centre.long(), torch.stack([ink, centre], dim=1)
    logits = torch.zeros(1, 2, 64, 64, requires_grad=True)
    loss = ClassBalancedFocal()
    (slope,) = torch.autograd.grad(Objective(Curves(), loss)(logits, labels, strokes), logits)
    weight = effective_weights(torch.tensor([64 * (64 - pen_px), 64 * pen_px, 64]), beta=loss.beta)
    off, on = slope[0, 0, 0, 0].item(), slope[0, 0, 0, 20].item()
    assert -on / off == pytest.approx((weight[1] / weight[0]).item(), rel=1e-4)
