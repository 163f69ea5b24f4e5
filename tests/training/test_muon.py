"""timm's Muon is the reference; a step makes few calls for many kernels."""

import copy

import pytest
import segmentation_models_pytorch as smp
import torch
from timm.optim import muon as timm_muon
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from thinline.network import SlimUNet
from thinline.training import optimiser as muon
from thinline.training.optimiser import Muon, Stack, newton_schulz, stacks_of, suits_muon

OPTIONS = {"lr": 0.01, "betas": (0.9, 0.99), "momentum": 0.8, "weight_decay": 0.1}
SHAPES = [(12, 6, 3, 3), (12, 6, 3, 3), (12, 12), (24, 8), (8, 24, 1, 1), (6, 12, 3, 3), (24, 8), (4, 2, 3, 3)]
OTHERS = [(12,), (), (12, 1, 3, 3), (1, 12, 3, 3), (3, 2, 2, 2), (4, 1000), (2, 2)]


def tensors(shapes, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(shape, generator=generator) for shape in shapes]
    return [each.to(memory_format=torch.channels_last) if each.ndim == 4 else each for each in drawn]


def parameters():
    return [nn.Parameter(tensor) for tensor in tensors(SHAPES + OTHERS)]


def in_fp32(monkeypatch):
    """timm's iterations in fp32, as ours on a CPU, where rounding does not hide a mistake."""
    iterate = timm_muon.zeropower_via_newtonschulz

    def exact(matrix, *arguments, **options):
        return iterate(matrix, *arguments, **options, dtype=torch.float32)

    monkeypatch.setattr(timm_muon, "zeropower_via_newtonschulz", exact)


def step_both(ours, theirs, optimisers, *, seed):
    """The largest difference of a step, in units of the largest change of each parameter."""
    for mine, other, grad in zip(ours, theirs, tensors([each.shape for each in ours], seed=seed), strict=True):
        mine.grad, other.grad = grad, grad.clone()
    before = [each.detach().clone() for each in theirs]
    for optimiser in optimisers:
        optimiser.step()
    pairs = zip(ours, theirs, before, strict=True)
    return max(float(((a - b).abs().max() / (b - old).abs().max()).detach()) for a, b, old in pairs)


@pytest.mark.parametrize(("spare", "groups"), [(0.0, 6), (1.5e5, 3), (1e9, 1)])
def test_steps_are_those_of_timm(spare, groups, monkeypatch):
    """With exact shapes, with some padding, and with all kernels in one group."""
    in_fp32(monkeypatch)
    monkeypatch.setitem(muon.FLOP_OF_LAUNCHES, "cpu", spare)
    ours = parameters()
    theirs = copy.deepcopy(ours)
    optimisers = Muon(ours, **OPTIONS), timm_muon.Muon(theirs, nesterov=True, **OPTIONS)
    assert len(stacks_of([each for each in ours if suits_muon(each)])) == groups
    for seed in range(1, 5):
        assert step_both(ours, theirs, optimisers, seed=seed) < 1e-4


def test_a_run_of_timms_muon_goes_on(monkeypatch):
    in_fp32(monkeypatch)
    theirs = parameters()
    reference = timm_muon.Muon(theirs, nesterov=True, **OPTIONS)
    for each, grad in zip(theirs, tensors([each.shape for each in theirs], seed=1), strict=True):
        each.grad = grad
    reference.step()
    ours = copy.deepcopy(theirs)
    resumed = Muon(ours, **OPTIONS)
    resumed.load_state_dict(copy.deepcopy(reference.state_dict()))
    assert step_both(ours, theirs, (resumed, reference), seed=2) < 1e-4


def test_the_same_parameters_are_kernels():
    for shape in [*SHAPES, *OTHERS, (2, 512, 1, 1), (4, 512), (4, 513)]:
        assert suits_muon(torch.zeros(shape)) == timm_muon._is_suitable_for_muon(torch.zeros(shape)), shape


def test_a_parameter_without_gradient_stays_and_the_closure_returns_the_loss():
    used, unused = parameters()[:2]
    before = unused.detach().clone()
    optimiser = Muon([used, unused], **OPTIONS)

    def closure():
        loss = used.square().sum()
        loss.backward()
        return loss

    assert float(optimiser.step(closure).detach()) > 0
    assert torch.equal(unused, before)
    assert used.grad is not None


def test_padding_changes_no_matrix():
    """Each matrix alone beside all of them in one padded stack; zero gradients stay zero."""
    kernels = [nn.Parameter(tensor) for tensor in tensors(SHAPES)]
    updates = [*tensors(SHAPES[:-1], seed=3), torch.zeros(SHAPES[-1])]
    together = Stack(list(range(len(kernels))), kernels).orthogonal(updates)
    for i, update in enumerate(updates):
        (alone,) = Stack([i], kernels).orthogonal([update])
        assert together[i].shape == (len(update), update[0].numel())
        assert torch.allclose(together[i], alone, atol=0.02 * float(alone.abs().max()))
    assert not together[-1].any()


def test_wide_and_tall_matrices_become_orthogonal():
    for stack in (newton_schulz(torch.stack(tensors([(8, 20)] * 3))), newton_schulz(torch.stack(tensors([(20, 8)])))):
        values = torch.linalg.svdvals(stack.float())
        assert 0.7 < float(values.min()) < float(values.max()) < 1.3


def test_the_iterations_of_a_gpu_and_of_a_cpu_have_one_result():
    matrices = torch.stack(tensors([(12, 40)] * 3))
    matrices = matrices / torch.linalg.vector_norm(matrices, dim=(1, 2), keepdim=True)
    assert torch.allclose(muon._by_gram_matrix(matrices), muon._by_matrix(matrices), atol=1e-5)


class Launches(TorchDispatchMode):
    """Counts the calls that compute; views and allocations launch nothing."""

    VIEWS = ("view", "permute", "transpose", "unbind", "select", "split", "empty", "record_function", "detach")

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        self.count += not any(name in str(function) for name in self.VIEWS)
        return function(*arguments, **(options or {}))


@pytest.mark.parametrize(("network", "most", "of_timm"), [("slim", 40, 925), ("resnet18", 160, 1357)])
def test_a_step_with_the_groups_of_a_gpu_makes_few_calls(network, most, of_timm, monkeypatch):
    """On `meta`, where nothing is computed. timm's calls were counted once, on a CPU."""
    monkeypatch.setitem(muon.FLOP_OF_LAUNCHES, "meta", muon.FLOP_OF_LAUNCHES["cuda"])
    unet = SlimUNet(3) if network == "slim" else smp.Unet("resnet18", encoder_weights=None, in_channels=1, classes=3)
    unet = unet.to("meta").to(memory_format=torch.channels_last)
    for parameter in unet.parameters():
        parameter.grad = torch.empty_like(parameter)
    optimiser = Muon(unet.parameters(), **OPTIONS)
    optimiser.step()
    with Launches() as launches:
        optimiser.step()
    assert 30 < launches.count <= most < of_timm
