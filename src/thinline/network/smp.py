"""Architectures and encoders of segmentation_models_pytorch by name, for any height and width.

`unet` is its U-Net with decoder widths as parameters; `smp_network` is any of its architectures with its defaults.

References
----------
Iakubovskii, "Segmentation Models Pytorch", 2019, version 0.6.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from torch import nn

from thinline.network.pretrained import load_into, packaged, weights_file
from thinline.network.sizes import AnySize, set_prior

SMP_STRIDE: Final = 32
"""Encoders of segmentation_models_pytorch halve the image at most five times."""

SMALLEST_PX: Final = {"pan": 128}
"""Architectures that halve the last map of the encoder further, with the smallest height and width they need."""

POOL_BEFORE_NORM: Final = frozenset({"deeplabv3", "deeplabv3plus", "pan", "upernet"})
"""Architectures with a batch norm after a global pooling: they train on batches of two or more sheets."""


def unet(
    channels: int,
    *,
    in_channels: int = 1,
    encoder: str = "resnet18",
    encoder_depth: int = 5,
    decoder_channels: Sequence[int] = (256, 128, 64, 32, 16),
    encoder_weights: str | None = None,
    prior: Sequence[float] | None = None,
) -> AnySize:
    """A U-Net of segmentation_models_pytorch with any of its encoders; a less deep encoder uses the last widths.

    `encoder_weights` is null or a set of weights of the encoder, as "imagenet", downloaded once and cached; those of
    tu-tf_efficientnet_lite0 come from a package (pretrained.py). Raises `ValueError` for an unknown encoder, depth or
    weights, `RuntimeError` if the weights cannot be downloaded or the package is missing.
    """
    _check_encoder(encoder)
    if not 1 <= encoder_depth <= len(decoder_channels) <= 5:
        raise ValueError(
            f"network.encoder_depth must lie in 1..5 and have a decoder width for each level, got {encoder_depth} and "
            f"decoder_channels={list(decoder_channels)}; name the widths from the bottom up"
        )
    # imported here because it takes seconds and only these networks need it
    import segmentation_models_pytorch as smp

    weights = _weights(encoder, encoder_weights)
    with _explained(encoder, encoder_weights):
        network = smp.Unet(
            encoder_name=encoder,
            encoder_depth=encoder_depth,
            encoder_weights=weights,
            decoder_channels=list(decoder_channels)[-encoder_depth:],
            in_channels=in_channels,
            classes=channels,
        )
    if packaged(encoder, encoder_weights):
        load_into(network.encoder, in_channels=in_channels)
    set_prior(network.segmentation_head[0].bias, prior)
    return AnySize(network, stride=SMP_STRIDE)


def smp_network(
    channels: int,
    *,
    in_channels: int = 1,
    architecture: str = "unetplusplus",
    encoder: str = "resnet18",
    encoder_weights: str | None = None,
    prior: Sequence[float] | None = None,
) -> AnySize:
    """Any architecture of segmentation_models_pytorch with any encoder, with its own depth and decoder.

    `architecture` is the name in lower case, as `linknet`, `fpn`, `deeplabv3plus`; `encoder_weights` as for `unet`.
    Most of them compute logits at an eighth or a quarter of the image size and upsample them; `unetplusplus`, `unet`,
    `linknet` and `manet` keep full resolution. Raises as `unet`, and `ValueError` if the two do not fit.
    """
    import segmentation_models_pytorch as smp

    known = sorted(smp.MODEL_ARCHITECTURES_MAPPING)
    if architecture not in known:
        close = difflib.get_close_matches(architecture.lower(), known, n=3, cutoff=0.4)
        raise ValueError(
            f"network.architecture must be one of {', '.join(known)}, got {architecture!r}; did you mean "
            f"{', '.join(close) or 'unetplusplus'}?"
        )
    _check_encoder(encoder)
    weights = _weights(encoder, encoder_weights)
    with _explained(encoder, encoder_weights, architecture):
        network = smp.create_model(
            architecture,
            encoder_name=encoder,
            encoder_weights=weights,
            in_channels=in_channels,
            classes=channels,
            # a vision transformer has learned positions for one image size; this option interpolates them
            **({"dynamic_img_size": True} if architecture == "dpt" else {}),
        )
        if SMP_STRIDE % network.encoder.output_stride:
            raise ValueError(f"its patches of {network.encoder.output_stride} px do not divide {SMP_STRIDE}")
    if packaged(encoder, encoder_weights):
        load_into(network.encoder, in_channels=in_channels)
    last = [layer for layer in network.segmentation_head.modules() if isinstance(layer, nn.Conv2d)][-1]
    set_prior(last.bias, prior)
    return AnySize(
        network,
        stride=SMP_STRIDE,
        smallest=SMALLEST_PX.get(architecture),
        sheets=2 if architecture in POOL_BEFORE_NORM else 1,
    )


def _check_encoder(encoder: str) -> None:
    import segmentation_models_pytorch as smp

    known = list(smp.encoders.get_encoder_names())
    if encoder not in known and not encoder.startswith("tu-"):
        close = difflib.get_close_matches(encoder, known, n=5, cutoff=0.4)
        raise ValueError(
            f"network.encoder must be one of {len(known)} encoders of segmentation_models_pytorch, got {encoder!r}; "
            f"did you mean {', '.join(close) or 'resnet18'}? (`tu-` before a name of timm works as well)"
        )


def _weights(encoder: str, weights: str | None) -> str | bool | None:
    """The argument of smp: the name of an encoder of timm contains its weights, so True loads them.

    Raises what `weights_file` raises.
    """
    if packaged(encoder, weights):
        weights_file()  # before the network is built
        return None
    return True if weights and encoder.startswith("tu-") else weights


@contextmanager
def _explained(encoder: str, weights: str | None, architecture: str = "unet") -> Iterator[None]:
    """Translate errors of segmentation_models_pytorch, timm and the download into advice on the configuration."""
    try:
        yield
    except KeyError as error:
        raise ValueError(
            f"network.encoder_weights={weights!r} does not go with {encoder!r}: {error.args[0]}"
        ) from error
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise RuntimeError(
            f"network.encoder_weights={weights!r} of {encoder!r} are not in the cache and could not be downloaded: "
            f"{reason} Next: network.encoder_weights=null trains from scratch; or build this network once where there "
            "is a connection, and copy the Hugging Face cache (the folder named by HF_HOME) to this machine"
        ) from error
    except (RuntimeError, ValueError, TypeError) as error:
        raise ValueError(
            f"network.encoder={encoder!r} cannot be built as {architecture}: {error}. Take another of the two; names "
            "after `tu-` are those of timm.list_models()"
        ) from error
