"""Shapes at any size, what a pixel sees, bit-equal beginnings, and errors that say what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

from hairline.network import Attention, SlimUNet, unet

CONF = Path(__file__).parents[1] / "conf" / "network"
NETWORKS = sorted(path.stem for path in CONF.glob("*.yaml"))
SMALL = {"encoder_depth": 3, "decoder_channels": [16, 8, 8]}


def built(name: str, channels: int = 3) -> nn.Module:
    network = instantiate(OmegaConf.load(CONF / f"{name}.yaml"), channels=channels)
    assert isinstance(network, nn.Module)
    return network


def parameters_of(network: nn.Module) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in network.state_dict().values()]


def test_there_are_networks_to_choose_from() -> None:
    assert {"unet", "unet_slim"} <= set(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("channels", [1, 2, 3])
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


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (37, 50), (64, 65), (96, 33)])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_height_and_width_even_in_training_on_one_sheet(name: str, size: tuple[int, int]) -> None:
    logits = built(name)(torch.rand(1, 1, *size))
    assert logits.shape == (1, 3, *size)
    assert bool(logits.isfinite().all())


def test_padding_repeats_the_last_row_and_column_and_is_cropped_away() -> None:
    network = SlimUNet(3, widths=(4, 8)).eval()
    image = torch.rand(1, 1, 7, 9)
    by_hand = torch.cat([image, image[:, :, -1:]], dim=2)
    by_hand = torch.cat([by_hand, by_hand[..., -1:]], dim=3)
    assert torch.equal(network(image), network(by_hand)[..., :7, :9])


def test_a_size_that_fits_is_the_plain_network() -> None:
    torch.manual_seed(0)
    ours = unet(3, **SMALL).eval()
    torch.manual_seed(0)
    plain = smp.Unet("resnet18", encoder_weights=None, in_channels=1, classes=3, **SMALL).eval()
    image = torch.rand(1, 1, 64, 96)
    assert torch.equal(ours(image), plain(image))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_pixel_sees_64_px_of_its_surroundings(name: str) -> None:
    """A dash pattern is longer than 20 px and tells two curves apart; a network that cannot see it has to guess."""
    torch.manual_seed(0)
    network = built(name).eval().double()
    image = torch.rand(1, 1, 160, 160, dtype=torch.float64, requires_grad=True)
    network(image)[0, :, 80, 80].sum().backward()
    assert image.grad is not None
    rows, columns = image.grad[0, 0].nonzero().T
    for seen in (rows, columns):
        assert int(seen.max() - seen.min()) >= 64


@pytest.mark.parametrize("name", NETWORKS)
def test_one_seed_begins_bit_equal_and_two_do_not(name: str) -> None:
    states = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        states.append(parameters_of(built(name)))
    same = [torch.equal(a, b) for a, b in zip(states[0], states[1], strict=True)]
    other = [torch.equal(a, b) for a, b in zip(states[0], states[2], strict=True)]
    assert all(same)
    assert not all(other)


def test_bf16_steps_repeat_bit_for_bit_and_stay_near_float32() -> None:
    image, direction = torch.rand(2, 1, 48, 48), torch.randn(2, 3, 48, 48)
    answers: dict[str, list[torch.Tensor]] = {}
    for name, half in (("first", True), ("second", True), ("float32", False)):
        torch.manual_seed(0)
        network = SlimUNet(3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits = network(image)
        (logits.float() * direction).sum().backward()
        answers[name] = [logits.detach(), *(p.grad for p in network.parameters() if p.grad is not None)]
    assert answers["first"][0].dtype == torch.bfloat16
    assert all(torch.equal(a, b) for a, b in zip(answers["first"], answers["second"], strict=True))
    torch.testing.assert_close(answers["first"][0].float(), answers["float32"][0], atol=0.1, rtol=0.1)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_prior_is_the_last_bias(name: str) -> None:
    prior = [0.97, 0.02, 0.01]
    config = OmegaConf.load(CONF / f"{name}.yaml")
    network = instantiate(config, channels=3, prior=prior)
    bias = [tensor for path, tensor in network.named_parameters() if path.endswith("bias") and tensor.shape == (3,)]
    assert torch.stack(bias).softmax(-1)[0].tolist() == pytest.approx(prior)


@pytest.mark.parametrize("prior", [[0.5, 0.5], [1.0, 0.0, 0.0], [0.9, 0.2, float("nan")]])
def test_a_prior_that_is_none_is_refused(prior: list[float]) -> None:
    with pytest.raises(ValueError, match=r"network\.prior must hold a share .* 3 channels"):
        SlimUNet(3, prior=prior)


@pytest.mark.parametrize("bad", [{"widths": [16]}, {"widths": [16, 0]}, {"down_convs": 0}, {"up_convs": 0}])
def test_a_slim_network_of_nothing_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"network\.widths must be two or more"):
        SlimUNet(3, **bad)


def test_a_less_deep_encoder_takes_the_last_widths() -> None:
    network = unet(3, encoder_depth=3, decoder_channels=[256, 128, 64, 32, 16]).network
    assert [block.conv2[0].out_channels for block in network.decoder.blocks] == [64, 32, 16]


def test_a_wrong_encoder_lists_close_names() -> None:
    with pytest.raises(ValueError, match=r"got 'resnet-18'; did you mean resnet18"):
        unet(3, encoder="resnet-18")
    with pytest.raises(ValueError, match=r"'tu-nonsense' cannot be built.*timm\.list_models"):
        unet(3, encoder="tu-nonsense")


@pytest.mark.parametrize("depth", [0, 6])
def test_a_depth_without_widths_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match=f"encoder_depth must lie in 1..5.*got {depth}"):
        unet(3, encoder_depth=depth)


def test_weights_an_encoder_has_not_are_refused_with_those_it_has() -> None:
    with pytest.raises(ValueError, match=r"encoder_weights='nowhere' does not go with 'resnet18'.*imagenet"):
        unet(3, encoder_weights="nowhere")


@pytest.mark.parametrize("encoder", ["resnet18", "tu-resnet18"])
def test_weights_that_cannot_be_downloaded_say_what_to_do(
    encoder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"'imagenet' of '.*resnet18'.*network\.encoder_weights=null.*HF_HOME"):
        unet(3, encoder=encoder, encoder_weights="imagenet")


def test_the_slim_network_does_not_import_smp() -> None:
    """segmentation_models_pytorch takes seconds to import; only its own backbone may cost them."""
    code = "import sys, hairline.network as n; n.SlimUNet(3); sys.exit('segmentation_models_pytorch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_attention_is_torchs_transformer_layer() -> None:
    """The same weights in nn.TransformerEncoderLayer give the same answer."""
    torch.manual_seed(0)
    ours = Attention(16).eval()
    layer = torch.nn.TransformerEncoderLayer(
        16, 4, dim_feedforward=32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    pairs = [
        (layer.norm1, ours.before),
        (layer.norm2, ours.after),
        (layer.self_attn.out_proj, ours.join),
        (layer.linear1, ours.think[0]),
        (layer.linear2, ours.think[2]),
    ]
    with torch.no_grad():
        for theirs, mine in pairs:
            theirs.weight.copy_(mine.weight)
            theirs.bias.copy_(mine.bias)
        layer.self_attn.in_proj_weight.copy_(ours.ask.weight)
        layer.self_attn.in_proj_bias.copy_(ours.ask.bias)
    x = torch.randn(2, 16, 3, 5)
    expected = layer(x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape)
    assert torch.allclose(ours(x), expected, atol=1e-5)


def test_attention_sees_across_the_sheet() -> None:
    """A change in one corner reaches the other corner only through attention: the convolutions do not reach so far."""
    reached = {}
    for layers in (0, 1):
        torch.manual_seed(0)
        network = SlimUNet(3, widths=(4, 8), attention=layers).eval()
        image = torch.zeros(1, 1, 96, 96)
        changed = image.clone()
        changed[..., :4, :4] = 1.0
        with torch.no_grad():
            reached[layers] = (network(changed) - network(image))[..., -4:, -4:].abs().max().item()
    assert reached[0] == 0.0
    assert reached[1] > 0.0


@pytest.mark.parametrize(("widths", "attention"), [((4, 6), 1), ((4, 8), -1)])
def test_attention_that_cannot_be_built_is_refused(widths: tuple[int, int], attention: int) -> None:
    with pytest.raises(ValueError, match=r"network\.attention"):
        SlimUNet(3, widths=widths, attention=attention)
