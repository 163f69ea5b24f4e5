from __future__ import annotations

import copy
from functools import partial
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch

from thinline.network import AnySize, smp_network, unet
from thinline.network.smp import POOL_BEFORE_NORM

SMALL = {"encoder_depth": 3, "decoder_channels": [16, 8, 8]}
ENCODERS = dict.fromkeys(smp.MODEL_ARCHITECTURES_MAPPING, "mobilenet_v2") | {"dpt": "tu-vit_tiny_patch16_224"}
PRIOR = [0.9, 0.07, 0.03]


@pytest.fixture(scope="module", params=sorted(ENCODERS))
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def network(architecture: str) -> AnySize:
    """Built once for the tests of an architecture."""
    return smp_network(3, architecture=architecture, encoder=ENCODERS[architecture], prior=PRIOR)


def test_a_size_that_fits_is_the_plain_network() -> None:
    torch.manual_seed(0)
    ours = unet(3, **SMALL).eval()
    torch.manual_seed(0)
    plain = smp.Unet("resnet18", encoder_weights=None, in_channels=1, classes=3, **SMALL).eval()
    image = torch.rand(1, 1, 64, 96)
    assert torch.equal(ours(image), plain(image))


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


@pytest.mark.parametrize("build", [unet, partial(smp_network, architecture="linknet")])
def test_weights_an_encoder_has_not_are_refused_with_those_it_has(build) -> None:
    with pytest.raises(ValueError, match=r"encoder_weights='nowhere' does not go with 'resnet18'.*imagenet"):
        build(3, encoder_weights="nowhere")


@pytest.mark.parametrize("encoder", ["resnet18", "tu-resnet18"])
def test_weights_that_cannot_be_downloaded_say_what_to_do(
    encoder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"'imagenet' of '.*resnet18'.*network\.encoder_weights=null.*HF_HOME"):
        unet(3, encoder=encoder, encoder_weights="imagenet")


def test_every_architecture_takes_any_size_and_learns(network: AnySize) -> None:
    with torch.no_grad():
        for size in ((1, 1), (37, 161)):
            logits = network.eval()(torch.rand(1, 1, *size))
            assert logits.shape == (1, 3, *size)
            assert bool(logits.isfinite().all())
    logits = network.train()(torch.rand(2, 1, 32, 32))
    logits.square().sum().backward()
    assert sum(float(p.grad.abs().sum()) for p in network.parameters() if p.grad is not None) > 0


def test_an_architecture_is_smps_own(network: AnySize, architecture: str) -> None:
    own = {"dynamic_img_size": True} if architecture == "dpt" else {}
    with torch.device("meta"):  # draws no weights, which would be overwritten
        plain = smp.create_model(architecture, ENCODERS[architecture], None, in_channels=1, classes=3, **own)
    plain.load_state_dict(network.network.state_dict(), assign=True)
    image = torch.rand(1, 1, 128, 160)
    with torch.no_grad():
        assert torch.equal(network.eval()(image), plain.eval()(image))


def test_architectures_that_need_two_sheets_in_training_are_those_that_torch_refuses(
    network: AnySize, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert network.sheets == (2 if architecture in POOL_BEFORE_NORM else 1)
    monkeypatch.setattr(network, "sheets", 1)
    image = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        if architecture in POOL_BEFORE_NORM:
            with pytest.raises(ValueError, match="more than 1 value per channel"):
                network.train()(image)
        else:
            assert network.train()(image).shape == (1, 3, 64, 64)


def test_the_prior_of_every_architecture_is_where_the_logits_begin(network: AnySize) -> None:
    """With all other weights of the last layer zero, the logits are the logarithms of the prior."""
    zeroed = copy.deepcopy(network).eval()
    with torch.no_grad():
        for layer in zeroed.network.segmentation_head.modules():
            if isinstance(layer, torch.nn.Conv2d) and layer.out_channels == 3:
                layer.weight.zero_()
        probabilities = zeroed(torch.rand(1, 1, 40, 40)).softmax(1)
    assert probabilities[0, :, 7, 30].tolist() == pytest.approx(PRIOR)


def test_a_wrong_architecture_lists_close_names_and_all() -> None:
    with pytest.raises(ValueError, match=r"one of deeplabv3, .*upernet, got 'unet\+\+'; did you mean unet"):
        smp_network(3, architecture="unet++")
    with pytest.raises(ValueError, match=r"did you mean resnet18"):
        smp_network(3, architecture="fpn", encoder="resnet-18")


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("unetplusplus", "mit_b0"),
        ("linknet", "mit_b0"),
        ("dpt", "resnet18"),
        ("dpt", "tu-vit_small_patch14_dinov2"),
        ("fpn", "tu-no"),
    ],
)
def test_an_encoder_that_an_architecture_cannot_take_is_refused_with_both_names(name: str, encoder: str) -> None:
    with pytest.raises(ValueError, match=f"network.encoder='{encoder}' cannot be built as {name}: "):
        smp_network(3, architecture=name, encoder=encoder)
