import math

import pytest
import segmentation_models_pytorch.losses as smp
import torch
import torch.nn.functional as F
from drawn_sheets import CLASSES, case
from hypothesis import given
from hypothesis import strategies as st
from monai.losses import FocalLoss as MonaiFocal
from torch.autograd import gradcheck
from torchvision.ops import sigmoid_focal_loss

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.focal import Focal, focal
from thinline.losses.objective import Objective
from thinline.losses.soft_ce import SoftCE

HEADS = [Softmax, SigmoidStack, Binary]
GAMMAS = [0.0, 0.5, 1.0, 2.0, 5.0]


def test_the_formula_at_a_half() -> None:
    assert focal(torch.tensor(math.log(2)), gamma=2).item() == pytest.approx(0.25 * math.log(2))


@pytest.mark.parametrize("head", HEADS)
def test_gamma_zero_is_cross_entropy(head) -> None:
    batch, logits = case(head)
    losses = [Objective(head(CLASSES), loss)(logits, *batch) for loss in (Focal(gamma=0), SoftCE(smoothing=0))]
    slopes = [torch.autograd.grad(loss, logits)[0] for loss in losses]
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_softmax_equals_monai_up_to_its_mean_over_classes(gamma: float) -> None:
    batch, logits = case(Softmax)
    ours = Objective(Softmax(CLASSES), Focal(gamma=gamma))(logits, *batch)
    peer = MonaiFocal(use_softmax=True, gamma=gamma)(logits, Softmax(CLASSES).targets(*batch))
    torch.testing.assert_close(ours, peer * 3)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("head", [SigmoidStack, Binary])
def test_sigmoid_equals_monai_torchvision_and_smp(head, gamma: float) -> None:
    batch, logits = case(head)
    truth = head(CLASSES).targets(*batch)
    ours = Objective(head(CLASSES), Focal(gamma=gamma))(logits, *batch)
    torch.testing.assert_close(ours, MonaiFocal(gamma=gamma)(logits, truth))
    torch.testing.assert_close(ours, sigmoid_focal_loss(logits, truth, alpha=-1, gamma=gamma, reduction="mean"))
    mode = "multilabel" if head is SigmoidStack else "binary"
    torch.testing.assert_close(ours, smp.FocalLoss(mode, gamma=gamma)(logits, truth))


def test_multiclass_focal_of_smp_is_the_sigmoid_one() -> None:
    batch, logits = case(Softmax)
    peer = smp.FocalLoss("multiclass", gamma=0)(logits, batch.labels)
    one_hot = Softmax(CLASSES).targets(*batch)
    torch.testing.assert_close(peer, F.binary_cross_entropy_with_logits(logits, one_hot))
    ours = Objective(Softmax(CLASSES), Focal(gamma=0))(logits, *batch)
    torch.testing.assert_close(ours, F.cross_entropy(logits, batch.labels))
    assert abs(ours - peer) > 0.3


@pytest.mark.parametrize("gamma", GAMMAS)
def test_gradient_by_finite_differences(gamma: float) -> None:
    nll = torch.tensor([1e-2, 0.1, 0.7, 3.0, 20.0], dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda n: focal(n, gamma=gamma), (nll,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("gamma", [0.1, 0.5, 0.9, 1.0, 3.0])
def test_a_pixel_beyond_doubt_has_a_small_finite_slope(gamma: float, dtype: torch.dtype) -> None:
    nll = torch.tensor([0.0, 1e-30, 1e-12, 1e-8], dtype=dtype, requires_grad=True)
    (slope,) = torch.autograd.grad(focal(nll, gamma=gamma).sum(), nll)
    assert torch.isfinite(slope).all()
    assert (slope <= (1 + gamma) * (2 * torch.finfo(dtype).eps + nll) ** gamma).all()


@given(st.floats(0, 4), st.floats(0.01, 2), st.floats(0, 30))
def test_more_gamma_never_raises_a_term(gamma: float, more: float, nll: float) -> None:
    term = focal(torch.tensor(nll, dtype=torch.float64), gamma=gamma)
    assert 0 <= focal(torch.tensor(nll, dtype=torch.float64), gamma=gamma + more) <= term <= nll
