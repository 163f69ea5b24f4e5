"""SCNP against the paper's three lines, against max-poolings, by hand, and under every loss."""

import pytest
import torch
import torch.nn.functional as F
from drawn_sheets import CLASSES, random_batch, torn
from looped import looped
from option_cases import LEVELS, objective_of, option

from thinline.config.schema import KEY_LEVELS, checked, compose_config
from thinline.heads import Softmax
from thinline.losses.dice import Dice
from thinline.losses.objective import Objective
from thinline.losses.scnp import POOLINGS, by_pooling, scnp

HEADS = ("softmax", "sigmoid_stack", "binary")


def published(z, y):
    """The authors' lines, for |z| far below 9999 and no ignored pixels."""
    low = -F.max_pool2d(-(z * y + 9999 * (1 - y)), kernel_size=3, stride=1, padding=1)
    high = F.max_pool2d(z * (1 - y) - 9999 * y, kernel_size=3, stride=1, padding=1)
    return low * y + high * (1 - y)


@pytest.mark.parametrize("way", [scnp, by_pooling])
def test_it_is_the_published_pooling(way) -> None:
    batch = random_batch(0, share=0.3)
    logits = batch.logits(3, dtype=torch.float64)
    targets = Softmax(CLASSES).targets(*batch).double()
    pooled, peer = way(logits, targets, None), published(logits, targets)
    torch.testing.assert_close(pooled, peer)
    ways = (torch.autograd.grad((each * logits.detach().cos()).sum(), logits)[0] for each in (pooled, peer))
    torch.testing.assert_close(*ways)


@pytest.mark.parametrize("seed", range(3))
def test_the_kernel_is_the_poolings_bit_by_bit_with_ignored_pixels(seed) -> None:
    batch = random_batch(seed, share=0.3, size=(2, 9, 14))
    logits, targets = batch.logits(2, seed=seed), batch.strokes.float()
    valid = torch.rand(2, 1, 9, 14, generator=torch.Generator().manual_seed(seed)) > 0.2
    grad = batch.logits(2, seed=seed + 9).detach()
    ways = [way(logits, targets, valid) for way in (scnp, by_pooling)]
    assert torch.equal(*ways)
    assert torch.equal(logits.detach()[~valid.expand_as(logits)], ways[0].detach()[~valid.expand_as(logits)])
    torch.testing.assert_close(*(torch.autograd.grad(way, logits, grad)[0] for way in ways))


def test_by_hand() -> None:
    """One row, the two pixels in the middle inside: each pixel takes the worst of its neighbours of its own side."""
    logits = torch.tensor([[[[-5.0, -1.0, 3.0, 2.0, -4.0, 1.0]]]], requires_grad=True)
    targets = torch.tensor([[[[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]]]])
    pooled = scnp(logits, targets, None)
    assert pooled.tolist() == [[[[-1, -1, 2, 2, 1, 1]]]]
    pooled.sum().backward()
    assert logits.grad.tolist() == [[[[0, 2, 0, 2, 0, 2]]]]


@looped("head", HEADS)
@pytest.mark.parametrize("loss", LEVELS["loss"])
def test_every_loss_is_that_of_the_pooled_logits(loss, head) -> None:
    batch = torn()
    pooling, plain = (objective_of(loss=loss, head=head, pooling=pooling) for pooling in ("scnp", "none"))
    logits = batch.logits(plain.head.channels)
    targets, valid = plain.head.read(*batch)
    maps = {each.key: plain.draw(each, *batch) for each in plain.truth_maps}
    value, expected = pooling(logits, *batch, maps=maps), plain(by_pooling(logits, targets, valid), *batch, maps=maps)
    torch.testing.assert_close(value, expected)
    assert not torch.isclose(value, plain(logits, *batch, maps=maps))
    torch.testing.assert_close(*(torch.autograd.grad(each, logits)[0] for each in (value, expected)))


def test_an_adjustment_by_the_prior_is_the_same_before_and_after() -> None:
    batch, prior = torn(), [0.8, 0.15, 0.05]
    head, loss = option("head", "softmax"), option("loss", "ce")
    logits = batch.logits(3)
    pooled = by_pooling(logits, *head.read(*batch))
    value = Objective(head, loss, prior=prior, pooling="scnp")(logits, *batch)
    torch.testing.assert_close(value, Objective(head, loss, prior=prior)(pooled, *batch))


def test_no_sheet_and_other_words() -> None:
    nothing = torch.zeros(0, 3, 4, 5)
    assert scnp(nothing, nothing, None).shape == (0, 3, 4, 5)
    with pytest.raises(ValueError, match=r"`pooling` must be one of \('none', 'scnp'\), got 'max'"):
        Objective(Softmax(CLASSES), Dice(), pooling="max")
    with pytest.raises(ValueError, match="`pooling` must be one of none, scnp, got 'max'"):
        checked(compose_config(["pooling=max"]))
    assert KEY_LEVELS["pooling"] == POOLINGS
