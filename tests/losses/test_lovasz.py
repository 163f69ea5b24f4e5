import pytest
import segmentation_models_pytorch.losses as smp
import torch
from drawn_sheets import CLASSES, random_batch, sheets
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.lovasz import Lovasz, by_kernel, by_sort, lovasz
from thinline.losses.objective import Objective

WAYS = [by_kernel, by_sort]


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
    batch = random_batch(seed, share=share, size=size)
    t = Softmax(CLASSES).targets(*batch)
    return (batch.logits(3, seed=seed).detach() + sure * t).softmax(1), t


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sure", [0.0, 3.0, 12.0])
@pytest.mark.parametrize("share", [0.01, 0.3])
def test_equals_the_loop_of_the_paper(way, sure: float, share: float) -> None:
    p, t = fields(0, share=share, sure=sure)
    terms, slopes = way(p, t)
    expected_terms, expected = from_the_paper(p, t)
    assert terms.tolist() == pytest.approx(expected_terms, rel=1e-5, abs=1e-7)
    assert (slopes.double() - expected).norm() < 1e-5 * expected.norm()
    torch.testing.assert_close(slopes.double(), expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_on_hard_predictions_it_is_one_minus_iou(way) -> None:
    t = Softmax(CLASSES).targets(*sheets())
    p = Softmax(CLASSES).targets(sheets().labels.roll(1, dims=2), sheets().strokes)
    inside, either = (p * t).sum((0, 2, 3)), torch.maximum(p, t).sum((0, 2, 3))
    torch.testing.assert_close(way(p, t)[0], 1 - inside / either)
    assert way(t, t)[0].tolist() == [0, 0, 0]


@given(seed=st.integers(0, 10_000), levels=st.integers(1, 40), share=st.floats(0, 0.6))
@settings(max_examples=60, deadline=None)
def test_kernel_and_sort_agree_to_the_bit_also_on_ties(seed: int, levels: int, share: float) -> None:
    """Probabilities on a coarse ladder, so that most errors have equals on both sides of the truth."""
    generator = torch.Generator().manual_seed(seed)
    p = torch.randint(0, levels + 1, (2, 2, 5, 7), generator=generator) / levels
    t = (torch.rand(p.shape, generator=generator) < share).float()
    (kernel_terms, kernel), (sort_terms, sort) = by_kernel(p, t), by_sort(p, t)
    torch.testing.assert_close(kernel_terms, sort_terms, rtol=1e-6, atol=0)
    torch.testing.assert_close(kernel, sort, rtol=1e-6, atol=0)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_lies_between_zero_and_one_and_does_not_care_for_the_order_of_pixels(seed: int) -> None:
    p, t = fields(seed, size=(1, 6, 8))
    order = torch.randperm(48, generator=torch.Generator().manual_seed(seed))
    moved = [field.flatten(2)[..., order].view(field.shape) for field in (p, t)]
    terms = lovasz(p, t)
    assert ((terms >= 0) & (terms <= 1 + 1e-6)).all()
    torch.testing.assert_close(lovasz(*moved), terms)


def test_permuting_channels_permutes_terms() -> None:
    p, t = fields(5)
    torch.testing.assert_close(lovasz(p[:, [2, 0, 1]], t[:, [2, 0, 1]]), lovasz(p, t)[[2, 0, 1]])


def test_gradient_by_finite_differences() -> None:
    p, t = fields(1, size=(1, 4, 5))
    assert gradcheck(lambda p: lovasz(p, t.double()), (p.double().requires_grad_(),))


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
    assert (slopes[0] - slopes[1]).norm() < 1e-6 * slopes[1].norm()


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


@pytest.mark.parametrize("way", WAYS)
def test_a_class_without_truth_has_no_term_and_no_slope(way) -> None:
    p, t = fields(0)
    t[:, 1] = 0
    terms, slopes = way(p, t)
    assert terms[1] == 0
    assert not slopes[:, 1].any()


@pytest.mark.parametrize("way", WAYS)
def test_nothing_but_truth_and_no_pixels(way) -> None:
    p = torch.tensor([[[[0.25, 1.0], [0.5, 0.0]]]])
    terms, slopes = way(p, torch.ones(1, 1, 2, 2))
    assert terms.item() == pytest.approx((0.75 + 0 + 0.5 + 1) / 4)
    torch.testing.assert_close(slopes, torch.full((1, 1, 2, 2), -0.25))
    terms, slopes = way(torch.zeros(0, 3, 4, 4), torch.zeros(0, 3, 4, 4))
    assert terms.tolist() == [0, 0, 0]
    assert slopes.shape == (0, 3, 4, 4)


@pytest.mark.parametrize("way", WAYS)
def test_any_memory_order_is_read_right(way) -> None:
    p, t = fields(3)
    nhwc = [field.to(memory_format=torch.channels_last) for field in (p, t)]
    for one, other in zip(way(*nhwc), way(p, t), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes_take_the_sort(dtype: torch.dtype) -> None:
    p, t = fields(4)
    terms = lovasz(p.to(dtype), t.to(dtype))
    assert terms.dtype == dtype
    torch.testing.assert_close(terms, by_sort(p.to(dtype).double(), t.double())[0].to(dtype))
