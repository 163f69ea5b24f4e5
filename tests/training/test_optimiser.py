import math

import pytest
import torch
from torch import nn

from thinline.training.optimiser import optimiser_of
from thinline.training.settings import Schedule


def schedule(**changes):
    values = {"name": "adamw", "learning_rate": 1.0, "weight_decay": 0.0, "betas": (0.9, 0.999), "warmup_steps": 10}
    values |= {"clip_norm": 1.0, "momentum": 0.8 if changes.get("name") == "muon" else None}
    return Schedule(**values | changes)


def test_the_rate_warms_up_linearly_and_falls_as_a_cosine():
    factors = [schedule().factor(step, steps=100) for step in range(101)]
    assert factors[:10] == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert factors[55] == pytest.approx(0.5)  # half-way of the 90 steps after the warm-up
    assert factors[100] == pytest.approx(0.0, abs=1e-12)
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_the_rate_is_that_of_torch():
    """torch's own LinearLR and CosineAnnealingLR, chained."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    warm = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=0.1, end_factor=1.0, total_iters=9)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=90)
    both = torch.optim.lr_scheduler.SequentialLR(optimiser, [warm, fall], milestones=[10])
    for step in range(100):
        assert schedule().factor(step, steps=100) == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-9)
        optimiser.step()
        both.step()


def test_a_schedule_without_warm_up_starts_at_the_top():
    assert schedule(warmup_steps=0).factor(0, steps=100) == 1.0
    assert math.isfinite(schedule(warmup_steps=10).factor(10, steps=10))


def after_one_step(parameter, grad, **changes):
    """The change of `parameter` by a step of the optimiser."""
    before = parameter.detach().clone()
    parameter.grad = grad
    optimiser_of([parameter], schedule(**changes)).step()
    return parameter.detach() - before


@pytest.mark.parametrize("shape", [(16, 8, 3, 3), (24, 24), (32, 2, 3, 3)])
def test_muon_steps_by_the_nearest_orthogonal_matrix(shape):
    """The singular value decomposition gives it exactly; five Newton-Schulz iterations come within a tenth."""
    grad = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    step = after_one_step(nn.Parameter(torch.zeros(shape)), grad, name="muon", learning_rate=0.01).flatten(1)
    left, _, right = torch.linalg.svd(grad.flatten(1), full_matrices=False)
    expected = -0.01 * 0.2 * max(step.shape) ** 0.5 * left @ right
    assert float((step - expected).norm() / expected.norm()) < 0.1
    assert float(step.pow(2).mean().sqrt()) == pytest.approx(0.01 * 0.2, rel=0.15)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_muon_takes_nesterov_momentum(momentum):
    """The second of two steps beside the singular value decomposition of Nesterov's average of both gradients."""
    first, second = torch.randn(2, 12, 20, generator=torch.Generator().manual_seed(1))
    kernel = nn.Parameter(torch.zeros(12, 20))
    optimiser = optimiser_of([kernel], schedule(name="muon", learning_rate=0.01, momentum=momentum))
    for grad in (first, second):
        before = kernel.detach().clone()
        kernel.grad = grad.clone()
        optimiser.step()
    average = momentum * (1 - momentum) * first + (1 - momentum) * second
    ahead = (1 - momentum) * second + momentum * average
    left, _, right = torch.linalg.svd(ahead, full_matrices=False)
    expected = -0.01 * 0.2 * 20**0.5 * left @ right
    assert float((kernel.detach() - before - expected).norm() / expected.norm()) < 0.15


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "muon", "momentum": None}, "a number for muon and null for every other, got None for muon"),
        ({"name": "adamw", "momentum": 0.9}, "got 0.9 for adamw; of adamw, set betas"),
        ({"name": "muon", "momentum": 1.0}, "must lie in 0..1 without 1, got 1.0"),
    ],
)
def test_a_momentum_that_is_missing_unused_or_out_of_range_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        schedule(**changes)


def test_a_bias_under_muon_steps_as_under_nadamw():
    """Two steps beside the formula: AdamW whose first moment looks one gradient ahead, corrected for its start."""
    bias, expected = nn.Parameter(torch.ones(3, dtype=torch.float64)), torch.ones(3, dtype=torch.float64)
    first, second = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    optimiser = optimiser_of([bias], schedule(name="muon", learning_rate=0.1, weight_decay=0.1))
    for step, grad in enumerate(torch.tensor([[0.3, -2.0, 0.5], [0.1, 1.0, 0.5]], dtype=torch.float64), start=1):
        bias.grad = grad
        optimiser.step()
        first, second = 0.9 * first + 0.1 * grad, 0.999 * second + 0.001 * grad.square()
        ahead = (0.9 * first + 0.1 * grad) / (1 - 0.9**step)
        expected = expected * (1 - 0.1 * 0.1) - 0.1 * ahead / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
        assert bias.tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_adamw_is_that_of_torch():
    grad = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    ours = after_one_step(nn.Parameter(torch.ones(4, 3)), grad, learning_rate=0.1, weight_decay=0.5)
    first = -0.1 * 0.5 - 0.1 * grad.sign()  # Adam's first step is the sign
    assert ours.flatten().tolist() == pytest.approx(first.flatten().tolist(), abs=1e-5)


def test_an_unknown_optimiser_is_named():
    with pytest.raises(ValueError, match=r"adamw, muon.*sgd"):
        schedule(name="sgd")


QUINTIC = [(4.0848, -6.8946, 2.927), (3.9505, -6.3029, 2.6377), (3.7418, -5.5913, 2.3037)]
QUINTIC += [(2.8769, -3.1427, 1.2046), (2.8366, -3.0525, 1.2012)]


def newton_schulz(grad):
    """U f(S) V of the iterations: each is an odd polynomial, which acts on the singular values alone."""
    left, values, right = torch.linalg.svd(grad.double().flatten(1), full_matrices=False)
    values = values / values.norm()
    for a, b, c in QUINTIC:
        values = a * values + b * values**3 + c * values**5
    return left @ torch.diag(values) @ right


@pytest.mark.parametrize("shape", [(24, 16), (16, 24), (16, 150)])
@pytest.mark.parametrize(("decades", "most"), [(0, 1e-5), (2, 1e-3), (6, 0.02)])
def test_muon_iterates_in_fp32_on_a_cpu(shape, decades, most):
    """Singular values differ by `decades` powers of ten or more; in bf16, as on a GPU, errors of .05 are usual."""
    grad = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    grad *= torch.logspace(0, -decades, shape[0])[:, None]
    step = after_one_step(nn.Parameter(torch.zeros(shape)), grad, name="muon", learning_rate=0.01)
    expected = -0.01 * 0.2 * max(shape) ** 0.5 * newton_schulz(grad)
    assert float((step - expected).abs().max() / expected.abs().max()) < most
