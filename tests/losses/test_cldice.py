import numpy as np
import pytest
import torch
from drawn_sheets import CLASSES, draw, random_batch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from monai.losses import SoftclDiceLoss
from published_cldice import soft_cldice, soft_skeletonise

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.cldice import ClDice, SoftSkeletonOfTruth, cldice
from thinline.losses.objective import Objective


@given(
    arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))),
    st.integers(0, 4),
)
@settings(max_examples=50, deadline=None)
def test_the_skeleton_of_the_truth_is_the_soft_one_and_hard(inside, iterations: int) -> None:
    soft = soft_skeletonise(torch.from_numpy(inside)[None, None].double(), iterations)[0, 0].numpy()
    np.testing.assert_array_equal(SoftSkeletonOfTruth(iterations)(inside), soft)


@pytest.mark.parametrize("iterations", [1, 3, 10])
@pytest.mark.parametrize("head", [Softmax, SigmoidStack, Binary])
def test_value_and_slope_equal_the_published_ones_without_smoothing(head, iterations: int) -> None:
    batch, head = random_batch(0, share=0.3), head(CLASSES)
    logits = batch.logits(head.channels, dtype=torch.float64)
    p, t = (x[:, head.first_curve :].double() for x in (head.probabilities(logits), head.targets(*batch)))
    peer = soft_cldice(p, t, iterations, smooth=0).mean()
    ours = Objective(head, ClDice(iterations=iterations))(logits, *batch)
    torch.testing.assert_close(ours, peer)
    torch.testing.assert_close(*(torch.autograd.grad(value, logits, retain_graph=True)[0] for value in (ours, peer)))


def test_equals_monai_but_for_its_smoothing() -> None:
    """One channel, large sums: MONAI adds 1 to each of them, and 1e-4 to the last."""
    batch, head = random_batch(1, share=0.3, size=(4, 64, 64)), Binary(CLASSES)
    logits = batch.logits(1)
    peer = SoftclDiceLoss(iter_=3, sigmoid=True, smooth_nr=1e-9, smooth_dr=1e-9, smooth=1e-9)
    alone = [peer(logits[b : b + 1], head.targets(batch.labels[b : b + 1], batch.strokes[b : b + 1])) for b in range(4)]
    sheet_by_sheet = [Objective(head, ClDice())(logits[b : b + 1], *(x[b : b + 1] for x in batch)) for b in range(4)]
    torch.testing.assert_close(torch.stack(sheet_by_sheet), torch.stack(alone))


def test_perfect_is_zero_and_nowhere_near_is_one() -> None:
    t = draw("......... .1.....1. .1.....1. .1..2..1. ....2.... ....2....").strokes.float()
    skeleton = torch.from_numpy(np.array([[SoftSkeletonOfTruth(2)(plane.numpy() > 0) for plane in t[0]]])).float()
    torch.testing.assert_close(cldice(t, t, skeleton, iterations=2), torch.zeros(2))
    torch.testing.assert_close(cldice(t.flip(1), t, skeleton, iterations=2), torch.ones(2))
    nothing = torch.zeros_like(t).requires_grad_()
    terms = cldice(nothing, t, skeleton, iterations=2)
    assert terms.tolist() == [1, 1]
    assert torch.isfinite(torch.autograd.grad(terms.sum(), nothing)[0]).all()


def test_thickness_around_the_skeleton_is_free() -> None:
    """A band three pixels wide, predicted one pixel wide along its middle."""
    t = draw("......... 111111111 111111111 111111111 .........").strokes[:, :1].float()
    line = torch.zeros_like(t)
    line[:, :, 2] = 1
    skeleton = torch.from_numpy(SoftSkeletonOfTruth(2)(t[0, 0].numpy() > 0))[None, None].float()
    assert torch.equal(skeleton, line)
    torch.testing.assert_close(cldice(line, t, skeleton, iterations=2), torch.zeros(1))
