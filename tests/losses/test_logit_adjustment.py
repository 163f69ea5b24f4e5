import re

import pytest
import torch
import torch.nn.functional as F
from drawn_sheets import CLASSES, random_batch, sheets, torn
from hypothesis import given
from hypothesis import strategies as st

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.dice import Dice
from thinline.losses.focal import Focal
from thinline.losses.logit_adjustment import logit_shift, smoothing_limit
from thinline.losses.lovasz import Lovasz
from thinline.losses.objective import Objective
from thinline.losses.soft_ce import SoftCE
from thinline.losses.tversky import Tversky

PRIOR = [0.9, 0.07, 0.03]
HEADS = [Softmax, SigmoidStack, Binary]
LOSSES = [SoftCE(smoothing=0.05), Focal(), Dice(), Tversky(), Lovasz()]
every_head = pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)


def test_the_softmax_is_cross_entropy_of_adjusted_logits() -> None:
    """Equation 10 of the paper, by torch's own cross-entropy."""
    batch = torn()
    logits = batch.logits(3, dtype=torch.float64)
    for tau in (0.5, 1.0, 2.0):
        adjusted = logits + tau * torch.tensor(PRIOR, dtype=torch.float64).log().view(1, 3, 1, 1)
        expected = F.cross_entropy(adjusted, batch.labels, ignore_index=255)
        result = Objective(Softmax(CLASSES), SoftCE(smoothing=0.0), prior=PRIOR, tau=tau)(logits, *batch)
        torch.testing.assert_close(result, expected)


def test_one_sigmoid_is_the_softmax_of_no_and_yes() -> None:
    """A channel z beside a channel of zeros, adjusted as the paper adjusts two classes."""
    batch = sheets()
    logits = batch.logits(1, dtype=torch.float64)
    pair = torch.cat([torch.zeros_like(logits), logits], dim=1)
    two = pair + torch.tensor([0.9, 0.1], dtype=torch.float64).log().view(1, 2, 1, 1)
    expected = F.cross_entropy(two, (batch.labels > 0).long())
    result = Objective(Binary(CLASSES), SoftCE(smoothing=0.0), prior=PRIOR)(logits, *batch)
    torch.testing.assert_close(result, expected)


def test_each_channel_of_a_stack_is_adjusted_by_its_own_curve() -> None:
    batch = sheets()
    logits = batch.logits(2, dtype=torch.float64)
    terms = []
    for k, share in enumerate(PRIOR[1:]):
        z = logits[:, k] + torch.tensor(share / (1 - share), dtype=torch.float64).log()
        terms.append(F.binary_cross_entropy_with_logits(z, batch.strokes[:, k].double()))
    result = Objective(SigmoidStack(CLASSES), SoftCE(smoothing=0.0), prior=PRIOR)(logits, *batch)
    torch.testing.assert_close(result, torch.stack(terms).mean())


@every_head
def test_a_network_that_knows_nothing_but_the_prior_rests_at_zero(head) -> None:
    """All logits zero is where plain logits say that every answer is as likely: no class pulls them."""
    labels = torch.tensor([[[0] * 90 + [1] * 7 + [2] * 3]])
    strokes = torch.stack([labels == 1, labels == 2], dim=1)
    objective = Objective(head(CLASSES), SoftCE(smoothing=0.0), prior=PRIOR)
    shared = torch.zeros(1, objective.head.channels, 1, 1, dtype=torch.float64, requires_grad=True)
    objective(shared.expand(1, -1, 1, 100), labels, strokes).backward()
    assert shared.grad.flatten().tolist() == pytest.approx([0.0] * objective.head.channels, abs=1e-12)


@every_head
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_the_adjustment_changes_every_head_and_loss_and_a_tau_of_zero_does_not(head, loss) -> None:
    batch, head = random_batch(0), head(CLASSES)
    logits = batch.logits(head.channels)
    plain = Objective(head, loss)(logits, *batch)
    adjusted = Objective(head, loss, prior=PRIOR)(logits, *batch)
    (slope,) = torch.autograd.grad(adjusted, logits)
    assert not torch.isclose(adjusted, plain, rtol=1e-4)
    assert bool(slope.isfinite().all())
    assert bool(slope.any())
    assert torch.equal(Objective(head, loss, prior=PRIOR, tau=0.0)(logits, *batch), plain)


@every_head
def test_half_precision_is_adjusted_in_float32(head) -> None:
    batch, objective = sheets(), Objective(head(CLASSES), Focal(), prior=PRIOR)
    logits = batch.logits(objective.head.channels, dtype=torch.bfloat16)
    value = objective(logits, *batch)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, objective(logits.float(), *batch))
    assert not objective.state_dict()


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=6), st.floats(0, 3))
def test_the_three_heads_agree_on_two_classes_and_scale_with_tau(counts: list[int], tau: float) -> None:
    prior = torch.tensor(counts, dtype=torch.float64) / sum(counts)
    channels = len(counts)
    for c in (channels, channels - 1, 1):
        torch.testing.assert_close(logit_shift(prior, channels=c, tau=tau), tau * logit_shift(prior, channels=c, tau=1))
    softmax = logit_shift(prior, channels=channels, tau=tau)
    stack = logit_shift(prior, channels=channels - 1, tau=tau)
    rest = (1 - prior[1:]).log() * tau
    torch.testing.assert_close(stack, softmax[1:] - rest)
    if channels == 2:
        torch.testing.assert_close(stack, logit_shift(prior, channels=1, tau=tau))


def best_answers(head, shift: torch.Tensor, *, smoothing: float) -> list[int]:
    """What `head` decodes at one sure pixel of each class once its logits minimise the loss of them plus `shift`."""
    labels = torch.arange(len(CLASSES))[None, None]
    strokes = torch.stack([labels == k for k in range(1, len(CLASSES))], dim=1)
    objective = Objective(head, SoftCE(smoothing=smoothing))
    logits = torch.zeros(1, head.channels, 1, len(CLASSES), dtype=torch.float64, requires_grad=True)
    descent = torch.optim.LBFGS([logits], lr=1, max_iter=200, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def value() -> torch.Tensor:
        descent.zero_grad()
        result = objective(logits + shift.view(-1, 1, 1), labels, strokes)
        result.backward()
        return result

    descent.step(value)
    return head.decode(head.probabilities(logits.detach())).flatten().tolist()


@every_head
@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("prior", [PRIOR, [0.9808, 0.0105, 0.0087], [0.2, 0.3, 0.5]], ids=str)
def test_below_the_limit_of_smoothing_the_optimum_names_every_pixel_rightly_and_above_it_does_not(
    head, tau, prior
) -> None:
    """The optimum by descent over free logits, the limit by its formula."""
    head = head(CLASSES)
    shift = logit_shift(prior, channels=head.channels, tau=tau)
    limit = smoothing_limit(prior, channels=head.channels, tau=tau)
    right = head.truth(torch.arange(len(CLASSES))[None, None]).flatten().tolist()
    assert 0 < limit < 1
    assert best_answers(head, shift, smoothing=0.98 * limit) == right
    assert best_answers(head, shift, smoothing=1.02 * limit) != right


@every_head
def test_smoothing_that_outweighs_the_prior_raises_and_says_how_much_would_not(head) -> None:
    head = head(CLASSES)
    limit = smoothing_limit(PRIOR, channels=head.channels, tau=1.0)
    with pytest.raises(ValueError, match=r"set loss\.smoothing below") as raised:
        Objective(head, SoftCE(smoothing=1.01 * limit), prior=PRIOR)
    advised = float(re.search(r"below ([\d.]+\d)", str(raised.value))[1])
    assert limit - 0.001 < advised <= limit + 1e-9
    assert Objective(head, SoftCE(smoothing=0.999 * advised), prior=PRIOR).shift is not None


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ([0.9, 0.1], "one share for each of"),
        ([1.0, 0.0, 0.0], "above 0 and summing to one"),
        ([0.9, 0.2, 0.1], "above 0 and summing to one"),
        ([0.9, float("nan"), 0.1], "above 0 and summing to one"),
    ],
)
@every_head
def test_an_impossible_prior_is_shown(head, prior, message) -> None:
    with pytest.raises(ValueError, match=message):
        Objective(head(CLASSES), Dice(), prior=prior)


def test_an_impossible_tau_and_an_odd_number_of_channels_are_shown() -> None:
    for tau in (-1.0, float("nan")):
        with pytest.raises(ValueError, match=r"class_weight\.tau"):
            logit_shift(PRIOR, channels=3, tau=tau)
    with pytest.raises(ValueError, match="3, 2 or 1 channels, got 4"):
        logit_shift(PRIOR, channels=4, tau=1.0)
