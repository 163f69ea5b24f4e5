import pytest
import segmentation_models_pytorch.losses as smp
import torch
from drawn_sheets import CLASSES, case
from hypothesis import given
from hypothesis import strategies as st
from monai.losses import TverskyLoss as MonaiTversky

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.objective import Objective
from thinline.losses.tversky import Tversky, tversky

WEIGHTS = [(0.3, 0.7), (0.7, 0.3), (1.0, 1.0), (0.0, 1.0)]


def test_a_false_positive_costs_fp_weight_and_a_miss_fn_weight() -> None:
    truth = torch.tensor([[[[1.0, 1.0, 0.0, 0.0]]]])
    extra = torch.tensor([[[[1.0, 1.0, 1.0, 0.0]]]])
    missed = torch.tensor([[[[1.0, 0.0, 0.0, 0.0]]]])
    assert tversky(extra, truth, fp_weight=0.25, fn_weight=0).item() == pytest.approx(1 - 2 / 2.25)
    assert tversky(extra, truth, fp_weight=0, fn_weight=1).item() == 0
    assert tversky(missed, truth, fp_weight=0, fn_weight=0.25).item() == pytest.approx(1 - 1 / 1.25)
    assert tversky(missed, truth, fp_weight=1, fn_weight=0).item() == 0


def test_weights_of_one_are_the_jaccard_loss() -> None:
    batch, logits = case(Softmax)
    p, t = logits.softmax(1), Softmax(CLASSES).targets(*batch)
    hits = (p * t).sum((0, 2, 3))
    iou = hits / (p.sum((0, 2, 3)) + t.sum((0, 2, 3)) - hits)
    torch.testing.assert_close(tversky(p, t, fp_weight=1, fn_weight=1), 1 - iou)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("head", "mode"), [(Softmax, "multiclass"), (SigmoidStack, "multilabel"), (Binary, "binary")])
def test_equals_smp_with_alpha_for_false_positives(head, mode, weights) -> None:
    batch, logits = case(head)
    logits = logits.double()
    truth = batch.labels if head is Softmax else head(CLASSES).targets(*batch)
    ours = Objective(head(CLASSES), Tversky(fp_weight=weights[0], fn_weight=weights[1]))(logits, *batch)
    peer = smp.TverskyLoss(mode, alpha=weights[0], beta=weights[1])(logits, truth)
    torch.testing.assert_close(ours, peer, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("head", [Softmax, SigmoidStack, Binary])
def test_equals_monai_summed_over_the_batch(head, weights) -> None:
    batch, logits = case(head)
    ours = Objective(head(CLASSES), Tversky(fp_weight=weights[0], fn_weight=weights[1]))(logits, *batch)
    peer = MonaiTversky(
        softmax=head is Softmax,
        sigmoid=head is not Softmax,
        alpha=weights[0],
        beta=weights[1],
        batch=True,
        smooth_nr=0,
        smooth_dr=0,
    )
    torch.testing.assert_close(ours, peer(logits, head(CLASSES).targets(*batch)), rtol=1e-5, atol=1e-6)


@given(st.floats(0, 5), st.floats(0.01, 5), st.integers(0, 50))
def test_terms_lie_in_the_unit_interval_and_rise_with_the_weights(fp: float, fn: float, seed: int) -> None:
    batch, logits = case(Softmax, seed)
    p, t = logits.detach().softmax(1), Softmax(CLASSES).targets(*batch)
    terms = tversky(p, t, fp_weight=fp, fn_weight=fn)
    assert ((terms >= 0) & (terms <= 1)).all()
    assert (tversky(p, t, fp_weight=fp + 1, fn_weight=fn) >= terms).all()
    assert (tversky(p, t, fp_weight=fp, fn_weight=fn + 1) >= terms).all()
