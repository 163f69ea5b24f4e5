"""A user's loss that lacks something, raises, or returns no terms is refused with a sentence."""

import pytest
import torch
from torch import nn

from thinline.heads import SigmoidStack, Softmax
from thinline.losses.cldice import ClDice
from thinline.losses.compound import Compound
from thinline.losses.dice import Dice
from thinline.losses.focal import Focal
from thinline.losses.loss_checks import LossError
from thinline.losses.objective import Objective

CLASSES = ["background", "a", "b"]
LABELS = torch.tensor([[[0, 1, 2, 0]]])
STROKES = torch.stack([LABELS == 1, LABELS == 2], dim=1)


class Own(nn.Module):
    """A loss whose terms are `make(first argument)`."""

    name, kind, precise, smoothing = "own", "region", False, 0.0

    def __init__(self, make, kind="region"):
        super().__init__()
        self.make, self.kind = make, kind

    def forward(self, first, *others):
        return self.make(first)


def value(loss, head=Softmax, size=(1, 1, 4)):
    logits = torch.zeros(size[0], head(CLASSES).channels, *size[1:], requires_grad=True)
    return Objective(head(CLASSES), loss)(logits, LABELS, STROKES)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.mean(), r"must return terms \[3\], one a channel, got tensor\(0\.33.*do not average them"),
        (lambda p: p, r"terms \[3\], one a channel, got \[1, 3, 1, 4\]"),
        (lambda p: None, "got None"),
        (lambda p: p.detach().sum((0, 2, 3)), "must return terms with a gradient, got none"),
        (lambda p: 1 / 0, r"raised ZeroDivisionError: division by zero \(test_loss_checks\.py, line \d+\); mend it"),
    ],
)
def test_terms_of_a_region_loss(make, words):
    with pytest.raises(LossError, match=rf"^loss test_loss_checks\.Own .*{words}"):
        value(Own(make))


def test_terms_of_a_pixel_loss_have_the_shape_of_the_decisions():
    with pytest.raises(LossError, match=r"of kind pixel must return terms \[1, 2, 1, 4\], one a decision.*got tensor"):
        value(Own(torch.mean, kind="pixel"), head=SigmoidStack)
    assert torch.equal(value(Own(lambda nll: nll, kind="pixel")), value(Focal(gamma=0.0)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": None}, "must have `kind`, one of pixel, region, mapped, sum, got None"),
        ({"kind": "regional"}, "got 'regional'"),
        ({"kind": "mapped"}, "of kind mapped must have name and truth_map and sees_targets, lacks truth_map"),
        ({"kind": "sum"}, "lacks parts"),
    ],
)
def test_a_loss_has_what_its_kind_needs(change, words):
    loss = Own(lambda p: p.sum((0, 2, 3)), kind=change["kind"])
    with pytest.raises(LossError, match=words):
        Objective(Softmax(CLASSES), loss)
    with pytest.raises(LossError, match=words):
        Objective(
            Softmax(CLASSES),
            Compound(name="both", terms={"dice": Dice(), "own": loss}, shares={"dice": 0.5, "own": 0.5}),
        )


@pytest.mark.parametrize("loss", [Dice(), ClDice(), Focal()])
def test_a_network_keeps_height_and_width(loss):
    with pytest.raises(ValueError, match=r"of the size of the labels \[1, 1, 4\], got \[1, 3, 1, 2\]; a network keeps"):
        value(loss, size=(1, 1, 2))
