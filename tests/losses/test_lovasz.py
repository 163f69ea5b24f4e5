import pytest
import segmentation_models_pytorch.losses as smp
import torch
from drawn_sheets import CLASSES, random_batch, sheets
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.lovasz import Lovasz, _steps, lovasz, lovasz_of_logits
from thinline.losses.objective import Objective

LINKS = {"softmax": lambda z: z.softmax(1), "sigmoid": torch.sigmoid}


def by_kernel(z: torch.Tensor, t: torch.Tensor, link) -> torch.Tensor:
    return lovasz_of_logits(z, t, None, link=link)


def by_sort(z: torch.Tensor, t: torch.Tensor, link) -> torch.Tensor:
    return lovasz(LINKS[link](z.double()), t.double())


every_way = pytest.mark.parametrize("way", [by_kernel, by_sort])
every_link = pytest.mark.parametrize("link", LINKS)


def with_gradient(way, z: torch.Tensor, t: torch.Tensor, link) -> tuple[torch.Tensor, torch.Tensor]:
    """Terms, and the gradient of their sum with the shares 1, 2, ... by the logits; both in float64."""
    z = z.clone().requires_grad_()
    terms = way(z, t, link)
    shares = torch.arange(1, len(terms) + 1, dtype=terms.dtype)
    return terms.detach().double(), torch.autograd.grad((shares * terms).sum(), z)[0].double()


def from_the_paper(p: torch.Tensor, t: torch.Tensor) -> tuple[list[float], torch.Tensor]:
    """Algorithm 1 as a loop in float64: sort, grow the set of wrong pixels, take differences of the Jaccard loss."""
    slopes = torch.zeros(p.shape, dtype=torch.float64).transpose(0, 1).contiguous()
    terms = []
    for channel in range(p.shape[1]):
        probability, truth = (field[:, channel].double().flatten().tolist() for field in (p, t))
        errors = [abs(one - other) for one, other in zip(truth, probability, strict=True)]
        total, hit, outside, before, term = sum(truth), 0.0, 0.0, 0.0, 0.0
        for pixel in sorted(range(len(errors)), key=lambda i: (-errors[i], -truth[i])) if total else []:
            hit, outside = hit + truth[pixel], outside + 1 - truth[pixel]
            jaccard = 1 - (total - hit) / (total + outside)
            slopes[channel].view(-1)[pixel] = (jaccard - before) * (-1 if truth[pixel] else 1)
            term += errors[pixel] * (jaccard - before)
            before = jaccard
        terms.append(term)
    return terms, slopes.transpose(0, 1)


def fields(seed: int, *, share: float = 0.1, size=(2, 16, 24), sure: float = 0.0):
    """Logits and targets."""
    batch = random_batch(seed, share=share, size=size)
    t = Softmax(CLASSES).targets(*batch)
    return batch.logits(3, seed=seed).detach() + sure * t, t


def close(one: torch.Tensor, other: torch.Tensor, *, share: float) -> bool:
    """Whether all numbers differ by at most `share` of the largest."""
    return bool((one - other).abs().max() <= share * other.abs().max())


@every_way
@every_link
@pytest.mark.parametrize("sure", [0.0, 3.0, 12.0])
@pytest.mark.parametrize("share", [0.01, 0.3])
def test_equals_the_loop_of_the_paper(way, link, sure: float, share: float) -> None:
    z, t = fields(0, share=share, sure=sure)
    double = z.double().requires_grad_()
    p = LINKS[link](double)
    expected, slopes = from_the_paper(p.detach(), t)
    shares = torch.arange(1, 4).view(3, 1, 1)
    (gradient,) = torch.autograd.grad((p * slopes * shares).sum(), double)
    terms, own = with_gradient(way, z, t, link)
    assert terms.tolist() == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert close(own, gradient, share=3e-6)


@every_way
def test_on_hard_predictions_it_is_one_minus_iou(way) -> None:
    t = Softmax(CLASSES).targets(*sheets())
    p = Softmax(CLASSES).targets(sheets().labels.roll(1, dims=2), sheets().strokes)
    inside, either = (p * t).sum((0, 2, 3)), torch.maximum(p, t).sum((0, 2, 3))
    terms = way(1000 * p, t, "softmax")
    torch.testing.assert_close(terms.float(), 1 - inside / either)
    assert way(1000 * t, t, "softmax").tolist() == pytest.approx([0, 0, 0], abs=1e-300)


@given(seed=st.integers(0, 10_000), levels=st.integers(1, 40), share=st.floats(0, 0.6))
@settings(max_examples=60, deadline=None)
def test_of_equal_errors_the_inside_come_first_then_the_first_in_reading_order(seed, levels, share) -> None:
    """Logits on a coarse ladder, so that most errors have equals on both sides of the truth."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randint(-levels, levels + 1, (2, 2, 5, 7), generator=generator) / 8
    t = (torch.rand(z.shape, generator=generator) < share).float()
    terms, gradient = with_gradient(by_kernel, z, t, "sigmoid")
    sign = 1 - 2 * t.double()
    errors = (sign * z).sigmoid()
    planes = [(e.flatten(), i.flatten() > 0) for e, i in zip(errors.transpose(0, 1), t.transpose(0, 1), strict=True)]
    steps = torch.stack([_steps(error, inside) for error, inside in planes]).view(2, 2, 5, 7).transpose(0, 1)
    torch.testing.assert_close(terms, (steps * errors).sum((0, 2, 3)), rtol=1e-6, atol=0)
    expected = steps * sign * errors * (1 - errors) * torch.tensor([1, 2]).view(2, 1, 1)
    torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=4e-7 / max(1, int(t.sum())))


@every_link
@pytest.mark.parametrize("sure", [0.0, 3.0])
def test_a_large_batch_has_the_gradient_of_float64(link, sure: float) -> None:
    """Large enough for pixels that are not sorted. A few errors are equal, but for the rounding of the sort."""
    z, t = fields(7, share=0.01, size=(2, 256, 256), sure=sure)
    (terms, gradient), (expected_terms, expected) = (with_gradient(way, z, t, link) for way in (by_kernel, by_sort))
    torch.testing.assert_close(terms, expected_terms, rtol=1e-7, atol=0)
    assert (gradient - expected).norm() < 1e-5 * expected.norm()


@every_link
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_every_number_of_threads_gives_the_same_bits(link, threads: int) -> None:
    z, t = fields(2, share=0.02, size=(3, 33, 65))
    t[:, 1] = 0  # a class without truth
    before = torch.get_num_threads()
    results = []
    for number in (1, threads):
        torch.set_num_threads(number)
        results.append(with_gradient(by_kernel, z, t, link))
    torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_lies_between_zero_and_one_and_does_not_care_for_the_order_of_pixels(seed: int) -> None:
    z, t = fields(seed, size=(1, 6, 8))
    p = z.softmax(1)
    order = torch.randperm(48, generator=torch.Generator().manual_seed(seed))
    moved = [field.flatten(2)[..., order].view(field.shape) for field in (p, t)]
    terms = lovasz(p, t)
    assert ((terms >= 0) & (terms <= 1 + 1e-6)).all()
    torch.testing.assert_close(lovasz(*moved), terms)


def test_permuting_channels_permutes_terms() -> None:
    z, t = fields(5)
    p = z.softmax(1)
    torch.testing.assert_close(lovasz(p[:, [2, 0, 1]], t[:, [2, 0, 1]]), lovasz(p, t)[[2, 0, 1]])


def test_gradient_by_finite_differences() -> None:
    z, t = fields(1, size=(1, 4, 5))
    assert gradcheck(lambda p: lovasz(p, t.double()), (z.double().softmax(1).requires_grad_(),))


@pytest.mark.parametrize("sure", [0.0, 4.0, 14.0])
@pytest.mark.parametrize("head", [Softmax, SigmoidStack, Binary])
def test_float32_logits_have_the_gradient_of_float64_however_sure_the_network(head, sure: float) -> None:
    batch = random_batch(6, share=0.02, size=(2, 128, 128))
    objective = Objective(head(CLASSES), Lovasz())
    truth = objective.head.targets(*batch)
    logits = batch.logits(truth.shape[1]).detach() + sure * (2 * truth - 1)
    slopes = []
    for z in (logits.clone().requires_grad_(), logits.double().requires_grad_()):
        slopes.append(torch.autograd.grad(objective(z, *batch), z)[0].double())
    assert (slopes[0] - slopes[1]).norm() < 3e-6 * slopes[1].norm()


def test_multiclass_equals_smp() -> None:
    batch = random_batch(2)
    logits = batch.logits(3)
    loss = Objective(Softmax(CLASSES), Lovasz())(logits, *batch)
    peer = smp.LovaszLoss("multiclass", ignore_index=255)(logits, batch.labels)
    torch.testing.assert_close(loss, peer)
    torch.testing.assert_close(
        torch.autograd.grad(loss, logits)[0], torch.autograd.grad(peer, logits)[0], atol=1e-6, rtol=1e-4
    )


@pytest.mark.parametrize("head", [SigmoidStack, Binary])
def test_sigmoid_channels_of_smp_get_the_hinge_another_surrogate(head) -> None:
    batch = random_batch(2)
    logits = batch.logits(head(CLASSES).channels)
    truth = head(CLASSES).targets(*batch)
    hinge = smp.LovaszLoss("binary", per_image=False)(logits, truth)
    assert hinge > 1  # a hinge has no upper end; an error of probabilities has
    assert Objective(head(CLASSES), Lovasz())(logits, *batch) < 1


@every_way
@every_link
def test_a_class_without_truth_has_no_term_and_no_slope(way, link) -> None:
    z, t = fields(0)
    t[:, 1:] = 0
    terms, gradient = with_gradient(way, z, t, link)
    assert terms[0] > 0
    assert terms[1:].tolist() == [0, 0]
    assert link == "softmax" or not gradient[:, 1:].any()


@every_way
def test_nothing_but_truth_and_no_pixels(way) -> None:
    p = torch.tensor([[[[0.25, 0.75], [0.5, 0.0625]]]])
    terms, gradient = with_gradient(way, p.logit(), torch.ones(1, 1, 2, 2), "sigmoid")
    assert terms.item() == pytest.approx((0.75 + 0.25 + 0.5 + 0.9375) / 4)
    torch.testing.assert_close(gradient, (-0.25 * p * (1 - p)).double())
    terms, gradient = with_gradient(way, torch.zeros(0, 3, 4, 4), torch.zeros(0, 3, 4, 4), "softmax")
    assert terms.tolist() == [0, 0, 0]
    assert gradient.shape == (0, 3, 4, 4)


def test_any_memory_order_is_read_right() -> None:
    z, t = fields(3)
    nhwc = [field.to(memory_format=torch.channels_last) for field in (z, t)]
    for one, other in zip(*(with_gradient(by_kernel, *pair, "softmax") for pair in (nhwc, (z, t))), strict=True):
        assert torch.equal(one, other)


@every_link
@pytest.mark.parametrize("where", [0, 1])
def test_a_nan_is_passed_on(link, where: int) -> None:
    z, t = torch.tensor([[[[0.5, 0.25]], [[1.0, 2.0]]]]), torch.tensor([[[[0.0, 1.0]], [[1.0, 0.0]]]])
    z[0, 1, 0, where] = torch.nan
    terms, gradient = with_gradient(by_kernel, z, t, link)
    assert terms[1].isnan()
    assert gradient[0, 1].isnan().all()


def test_targets_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`logits` must be \[2, 3, 4, 4\] as the targets, got \[2, 2, 4, 4\]"):
        lovasz_of_logits(torch.zeros(2, 2, 4, 4), torch.zeros(2, 3, 4, 4), None, link="softmax")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_terms_have_the_dtype_of_the_probabilities(dtype: torch.dtype) -> None:
    z, t = fields(4)
    p = z.softmax(1).to(dtype)
    terms = lovasz(p, t.to(dtype))
    assert terms.dtype == dtype
    torch.testing.assert_close(terms, lovasz(p.double(), t.double()).to(dtype))
