"""Soft counts by plain sums; region losses refuse what are no probabilities, an objective skips that check."""

import pytest
import torch
from drawn_sheets import CLASSES, random_batch
from torch.autograd import gradcheck

from thinline.heads import SigmoidStack, Softmax
from thinline.losses.boundary import Boundary, boundary
from thinline.losses.cldice import ClDice, cldice
from thinline.losses.dice import Dice, dice
from thinline.losses.lovasz import Lovasz, lovasz
from thinline.losses.objective import Objective
from thinline.losses.skeleton_recall import SkeletonRecall, skeleton_recall
from thinline.losses.soft_counts import by_torch, check_probabilities, overlap
from thinline.losses.tversky import Tversky, tversky


def draw(seed: int, size=(2, 3, 4, 5)) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    p = torch.rand(size, generator=generator, dtype=torch.float64).requires_grad_()
    return p, torch.rand(size, generator=generator, dtype=torch.float64)


def test_areas_of_soft_fields_are_plain_sums() -> None:
    p, t = draw(0)
    expected = torch.einsum("bchw,bchw->c", p, t), torch.einsum("bchw->c", p), torch.einsum("bchw->c", t)
    for result, sought in zip(overlap(p, t), expected, strict=True):
        torch.testing.assert_close(result, sought)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_compiled_counts_and_their_gradient_are_those_of_torch(dtype, layout) -> None:
    values, t = (field.detach().to(dtype).contiguous(memory_format=layout) for field in draw(3, (3, 4, 17, 31)))
    weights = torch.rand(2, 4, dtype=dtype, generator=torch.Generator().manual_seed(4))
    results = []
    for counts in (overlap, by_torch):
        p = values.clone().requires_grad_()
        area = counts(p, t)
        (weights * torch.stack([area.hits, area.predicted])).sum().backward()
        results.append((*area, p.grad))
    for result, expected in zip(*results, strict=True):
        torch.testing.assert_close(result, expected)


def test_the_area_of_the_truth_has_no_gradient() -> None:
    p, t = draw(2)
    assert not overlap(p, t).truth.requires_grad


def test_an_area_beyond_the_reach_of_float16_is_summed() -> None:
    ones = torch.ones(1, 1, 300, 300)
    assert overlap(ones, ones).hits.item() == 90_000


FUNCTIONS = {
    "dice": dice,
    "tversky": lambda p, t: tversky(p, t, fp_weight=0.3, fn_weight=0.7),
    "lovasz": lovasz,
    "cldice": lambda p, t: cldice(p, t, t, iterations=2),
    "skeleton_recall": skeleton_recall,
    "boundary": boundary,
}
MODULES = {loss.name: loss for loss in (Dice(), Tversky(), Lovasz(), ClDice(), SkeletonRecall(), Boundary())}
LOSSES = pytest.mark.parametrize("name", FUNCTIONS)


def some() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(2, 3, 8, 9, generator=generator)
    return p, (torch.rand(p.shape, generator=generator) > 0.7).float()


def called(name: str, p: torch.Tensor, t: torch.Tensor) -> list[torch.Tensor]:
    """The terms of the function and of the module."""
    loss = MODULES[name]
    return [FUNCTIONS[name](p, t), loss(p, t, t) if loss.kind == "mapped" else loss(p, t)]


@LOSSES
@pytest.mark.parametrize(("pixel", "value"), [(0, -0.2), (0, 1.3), (-1, -3.0), (-1, float("nan"))])
def test_a_value_outside_of_0_to_1_is_refused_with_the_range(name, pixel, value) -> None:
    p, t = some()
    p.view(-1)[pixel] = value
    for call in (lambda: FUNCTIONS[name](p, t), lambda: called(name, p, t)[1]):
        with pytest.raises(ValueError, match=r"must lie in 0\.\.1, got .*logits"):
            call()


@LOSSES
def test_gradient_by_finite_differences(name) -> None:
    p, t = draw(1)
    hard = (t > 0.5).double()
    assert gradcheck(lambda p: FUNCTIONS[name](p, hard), (p,))


@LOSSES
def test_rounding_passes_and_so_does_nothing(name) -> None:
    p, t = some()
    p.view(-1)[:2] = torch.tensor([-1e-6, 1 + 1e-6])
    assert all(torch.isfinite(terms).all() for terms in called(name, p, t))
    assert FUNCTIONS[name](p[:0], t[:0]).shape == (3,)


@pytest.mark.parametrize("loss", [Dice(), Tversky()], ids=lambda loss: loss.name)
def test_float32_is_as_float64_on_a_large_sheet(loss) -> None:
    batch, objective = random_batch(3, share=0.01, size=(2, 512, 512)), Objective(Softmax(CLASSES), loss)
    logits = batch.logits(3).detach()
    exact = objective(logits.double(), *batch)
    torch.testing.assert_close(objective(logits, *batch).double(), exact, rtol=0, atol=2e-5)


def test_there_is_one_of_every_region_loss() -> None:
    assert {loss.kind for loss in MODULES.values()} == {"region", "mapped"}
    assert set(MODULES) == set(FUNCTIONS)


@pytest.mark.parametrize("loss", MODULES.values(), ids=str)
def test_an_objective_does_not_look_at_probabilities_it_made(loss, monkeypatch) -> None:
    def looked(*_: object) -> None:
        raise AssertionError("looked")

    batch, head = random_batch(0), SigmoidStack(CLASSES)
    logits = batch.logits(head.channels)
    monkeypatch.setattr(torch.Tensor, "aminmax", looked)
    assert torch.isfinite(Objective(head, loss)(logits, *batch))
    with pytest.raises(AssertionError, match="looked"):
        check_probabilities(logits)
