import torch
from torch.autograd import gradcheck

from thinline.losses.soft_counts import overlap


def draw(seed: int, size=(2, 3, 4, 5)) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    p = torch.rand(size, generator=generator, dtype=torch.float64).requires_grad_()
    return p, torch.rand(size, generator=generator, dtype=torch.float64)


def test_areas_of_soft_fields_are_plain_sums() -> None:
    p, t = draw(0)
    expected = torch.einsum("bchw,bchw->c", p, t), torch.einsum("bchw->c", p), torch.einsum("bchw->c", t)
    for found, sought in zip(overlap(p, t), expected, strict=True):
        torch.testing.assert_close(found, sought)


def test_gradient_by_finite_differences() -> None:
    p, t = draw(1)
    assert gradcheck(lambda p: overlap(p, t)[:2], (p,))


def test_the_area_of_the_truth_has_no_gradient() -> None:
    p, t = draw(2)
    assert not overlap(p, t).truth.requires_grad


def test_an_area_beyond_the_reach_of_float16_is_summed() -> None:
    ones = torch.ones(1, 1, 300, 300)
    assert overlap(ones, ones).hits.item() == 90_000
