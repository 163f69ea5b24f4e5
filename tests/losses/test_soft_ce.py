import pytest
import segmentation_models_pytorch.losses as smp
import torch
import torch.nn.functional as F
from drawn_sheets import CLASSES, case, torn

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.objective import Objective
from thinline.losses.soft_ce import SoftCE, soft_ce

SMOOTHINGS = [0.0, 0.1, 0.5]


def ours(head, smoothing, **options):
    return Objective(head(CLASSES), SoftCE(smoothing=smoothing), **options)


def test_the_likelihood_is_returned_unchanged() -> None:
    nll = torch.rand(2, 1, 3, 3)
    assert torch.equal(soft_ce(nll), nll)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_softmax_equals_torch_and_smp(smoothing: float) -> None:
    batch, logits = case(Softmax)
    loss = ours(Softmax, smoothing)(logits, *batch)
    torch.testing.assert_close(loss, F.cross_entropy(logits, batch.labels, label_smoothing=smoothing))
    torch.testing.assert_close(loss, smp.SoftCrossEntropyLoss(smooth_factor=smoothing)(logits, batch.labels))


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_softmax_gradient_equals_torch(smoothing: float) -> None:
    batch, logits = case(Softmax)
    slopes = [
        torch.autograd.grad(loss, logits)[0]
        for loss in (
            ours(Softmax, smoothing)(logits, *batch),
            F.cross_entropy(logits, batch.labels, label_smoothing=smoothing),
        )
    ]
    torch.testing.assert_close(*slopes)


def test_ignored_pixels_are_torchs_ignore_index() -> None:
    batch = torn()
    logits = batch.logits(3)
    torch.testing.assert_close(
        ours(Softmax, 0.1)(logits, *batch),
        F.cross_entropy(logits, batch.labels, ignore_index=255, label_smoothing=0.1),
    )


@pytest.mark.parametrize("head", [SigmoidStack, Binary])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_sigmoid_is_binary_cross_entropy_with_targets_moved_towards_a_half(head, smoothing: float) -> None:
    batch, logits = case(head)
    soft = head(CLASSES).targets(*batch) * (1 - smoothing) + smoothing / 2
    torch.testing.assert_close(ours(head, smoothing)(logits, *batch), F.binary_cross_entropy_with_logits(logits, soft))


def test_smps_smoothing_for_sigmoids_is_twice_as_strong() -> None:
    batch, logits = case(SigmoidStack)
    truth = SigmoidStack(CLASSES).targets(*batch)
    peer = smp.SoftBCEWithLogitsLoss(smooth_factor=0.1)(logits, truth)
    torch.testing.assert_close(ours(SigmoidStack, 0.2)(logits, *batch), peer)


def test_weights_equal_torchs_without_smoothing() -> None:
    batch, logits = case(Softmax)
    weight = torch.tensor([1.0, 42.0, 7.0])
    torch.testing.assert_close(
        ours(Softmax, 0.0, weight=weight)(logits, *batch), F.cross_entropy(logits, batch.labels, weight=weight)
    )


def test_torch_spreads_weights_over_smoothed_classes_and_we_do_not() -> None:
    batch, logits = case(Softmax)
    weight = torch.tensor([1.0, 42.0, 7.0])
    loss = ours(Softmax, 0.1, weight=weight)(logits, *batch)
    own = weight[batch.labels]
    terms = F.cross_entropy(logits, batch.labels, label_smoothing=0.1, reduction="none")
    torch.testing.assert_close(loss, (own * terms).sum() / own.sum())
    assert abs(loss - F.cross_entropy(logits, batch.labels, weight=weight, label_smoothing=0.1)) > 0.01
