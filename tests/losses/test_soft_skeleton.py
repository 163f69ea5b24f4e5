import pytest
import torch
from drawn_sheets import draw
from hypothesis import given, settings
from hypothesis import strategies as st
from published_cldice import soft_skeletonise

from thinline.losses import soft_skeleton_kernel
from thinline.losses.soft_skeleton import by_pooling, soft_skeleton


def value_and_slope(skeleton, image, grad):
    z = image.clone().requires_grad_()
    value = skeleton(z)
    return value, torch.autograd.grad((value * grad).sum(), z)[0]


@given(
    seed=st.integers(0, 10_000),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    iterations=st.integers(0, 5),
    levels=st.sampled_from([None, 1, 3]),
)
@settings(max_examples=60, deadline=None)
def test_value_and_slope_are_the_published_ones_ties_included(seed, size, iterations, levels) -> None:
    """`levels` round the image to a few values, so that nearly every pixel has an equal beside it."""
    generator = torch.Generator().manual_seed(seed)
    image, grad = torch.rand(2, 2, 2, *size, generator=generator, dtype=torch.float64)
    if levels:
        image = (image * levels).round() / levels
    expected = value_and_slope(lambda x: soft_skeletonise(x, iterations), image, grad)
    for result in (lambda x: soft_skeleton(x, iterations=iterations), lambda x: by_pooling(x, iterations)):
        torch.testing.assert_close(value_and_slope(result, image, grad), expected)


def test_float32_is_as_float64() -> None:
    generator = torch.Generator().manual_seed(0)
    image, grad = torch.rand(2, 1, 3, 40, 50, generator=generator)
    single = value_and_slope(lambda x: soft_skeleton(x, iterations=4), image, grad)
    double = value_and_slope(lambda x: soft_skeleton(x, iterations=4), image.double(), grad.double())
    assert single[0].dtype == torch.float32
    torch.testing.assert_close([part.double() for part in single], list(double), rtol=1e-5, atol=1e-5)


def test_a_band_keeps_its_middle_and_a_line_is_its_own_skeleton() -> None:
    batch = draw("......... .1111111. .1111111. .1111111. ......... 222222222 .........")
    skeleton = soft_skeleton(batch.strokes.double(), iterations=2)[0]
    assert skeleton[0].sum(1).tolist() == [0, 0, 5, 0, 0, 0, 0]
    assert skeleton[0, 2, 2:-2].tolist() == [1] * 5
    assert torch.equal(skeleton[1], batch.strokes[0, 1].double())


def test_a_view_that_is_not_contiguous_is_read_right() -> None:
    image = torch.rand(2, 3, 8, 9, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(soft_skeleton(image[:, 1:], iterations=2), by_pooling(image[:, 1:].contiguous(), 2))
    turned = image.transpose(2, 3)
    torch.testing.assert_close(soft_skeleton(turned, iterations=2), by_pooling(turned.contiguous(), 2))


@pytest.mark.parametrize("name", ["_skeletons", "_slopes"])
def test_a_full_disk_while_compiled_code_is_kept_does_not_matter(monkeypatch, name: str) -> None:
    kernel, calls = getattr(soft_skeleton_kernel, name), []

    def full_at_first(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")
        kernel(*arguments)

    monkeypatch.setattr(soft_skeleton_kernel, name, full_at_first)
    image = torch.rand(1, 1, 6, 7, generator=torch.Generator().manual_seed(0))
    grad = torch.ones_like(image)
    expected = value_and_slope(lambda x: by_pooling(x, 1), image, grad)
    torch.testing.assert_close(value_and_slope(lambda x: soft_skeleton(x, iterations=1), image, grad), expected)
    assert len(calls) == 2
