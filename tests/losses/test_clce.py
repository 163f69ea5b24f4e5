"""clCE against the authors' lines for one class, and against the formula in numpy for more."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn_sheets import CLASSES, draw, random_batch
from published_cldice import soft_skeletonise

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.clce import ClCE, clce
from thinline.losses.objective import Objective


def test_one_class_with_a_softmax_is_the_published_loss() -> None:
    batch = random_batch(0, share=0.3, curves=1)
    head = Softmax(("background", "curve_1"))
    logits = batch.logits(2, dtype=torch.float64)
    every_pixel = F.cross_entropy(logits, batch.labels, reduction="none")
    line = soft_skeletonise(logits.softmax(1), 3)[:, 1]
    true_line = soft_skeletonise(head.targets(*batch).double(), 3)[:, 1]
    peer = (every_pixel * true_line).mean() + (every_pixel * line).mean()
    ours = Objective(head, ClCE())(logits, *batch)
    torch.testing.assert_close(ours, peer)
    torch.testing.assert_close(*(torch.autograd.grad(value, logits, retain_graph=True)[0] for value in (ours, peer)))


@pytest.mark.parametrize("head", [Softmax, SigmoidStack, Binary])
@pytest.mark.parametrize("iterations", [0, 2])
def test_every_head_has_the_mean_of_its_curves(head, iterations: int) -> None:
    batch, head = random_batch(1, share=0.3), head(CLASSES)
    logits = batch.logits(head.channels)
    p, t = (x[:, head.first_curve :].double() for x in (head.probabilities(logits).detach(), head.targets(*batch)))
    lines = sum(soft_skeletonise(image, iterations).numpy() for image in (p, t))
    p, t = p.numpy(), t.numpy()
    terms = -((t * np.log(p) + (1 - t) * np.log(1 - p)) * lines).mean((0, 2, 3))
    value = Objective(head, ClCE(iterations=iterations))(logits, *batch)
    assert float(value.detach()) == pytest.approx(terms.mean(), rel=1e-4)


def test_perfect_is_zero_and_a_certain_error_is_finite() -> None:
    t = draw("......... .1.....1. .1.....1. .1..2..1. ....2.... ....2....").strokes.float()
    skeleton = (t > 0).float()
    assert clce(t, t, skeleton, iterations=2).tolist() == [0, 0]
    wrong = (1 - t).requires_grad_()
    terms = clce(wrong, t, skeleton, iterations=2)
    assert bool(terms.isfinite().all())
    assert bool((terms > 1).all())
    assert bool(torch.autograd.grad(terms.sum(), wrong)[0].isfinite().all())


def test_ignored_pixels_add_nothing() -> None:
    """A line, and beside it ignored pixels with large logits."""
    batch = draw(".1..? .1..? .1..?")
    values = []
    for size in (0.0, 9.0):
        logits = batch.logits(3).detach()
        logits[..., 4] = size * torch.arange(3.0)[None, :, None]
        values.append(Objective(Softmax(CLASSES), ClCE())(logits.requires_grad_(), *batch))
    assert values[0] == values[1]
    assert not torch.autograd.grad(values[1], logits)[0][..., 4].any()
