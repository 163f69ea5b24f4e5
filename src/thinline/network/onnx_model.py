"""A trained network as an ONNX model, checked by computing it with onnxruntime. Needs the extra `onnx`.

Conventions
    Input `image` float32 [batch,1,height,width], darkness 0 (white paper) to 1 (black), of the image inverted where the
    metadata say `invert`. Output `probabilities` float32 [batch,c,height,width], after the head. The batch size is
    free, height and width are fixed, because networks pad an image to multiples of their stride.

References
    Open Neural Network Exchange (ONNX) specification, https://onnx.ai.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

TOLERANCE: Final = 1e-4
"""Largest difference of a probability between onnxruntime and torch."""


class OnnxError(ValueError):
    """A network that cannot be exported, or that the exported model does not repeat."""


@dataclass(frozen=True)
class OnnxModel:
    """The bytes of the file, and the largest difference of a probability to torch, on noise."""

    content: bytes
    difference: float


class _Probabilities(nn.Module):
    """A network with the function of its head."""

    def __init__(self, network: nn.Module, probabilities: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self.probabilities = network, probabilities

    def forward(self, image: Tensor) -> Tensor:
        return self.probabilities(self.network(image))


def onnx_model(
    network: nn.Module,
    probabilities: Callable[[Tensor], Tensor],
    *,
    size: tuple[int, int],
    metadata: Mapping[str, str],
) -> OnnxModel:
    """The `network`, on the CPU, and the `probabilities` of its logits, for images of `size` (height, width) in px.

    Raises OnnxError where the extra is not installed, torch cannot export the network, or onnxruntime computes
    probabilities that differ by more than TOLERANCE.
    """
    onnxruntime = _onnxruntime()
    module = _Probabilities(network, probabilities).eval()
    noise = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0))
    content = _exported(module, noise, metadata)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = module(noise).numpy()
    difference = float(np.abs(session.run(None, {"image": noise.numpy()})[0] - expected).max())
    if not difference <= TOLERANCE:
        raise OnnxError(
            f"expected probabilities within {TOLERANCE:g} of torch, got a difference of {difference:g}; "
            "use the checkpoint itself (thinline predict)"
        )
    return OnnxModel(content, difference)


def _onnxruntime() -> Any:
    try:
        import onnx  # noqa: F401  # torch needs both to export
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise OnnxError(
            f"expected the packages onnx, onnxruntime and onnxscript, got none of the name {error.name}; install them: "
            "pip install 'thinline[onnx]'"
        ) from error
    return onnxruntime


def _exported(module: nn.Module, example: Tensor, metadata: Mapping[str, str]) -> bytes:
    from torch.onnx import export

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about its own parts
        try:
            program = export(
                module,
                (example,),
                input_names=["image"],
                output_names=["probabilities"],
                dynamic_shapes={"image": {0: torch.export.Dim("batch")}},
                dynamo=True,
                verbose=False,
            )
        except Exception as error:
            text = str(error).strip().partition("\n")[0]
            raise OnnxError(f"expected a network that torch can export, got {type(error).__name__}: {text}") from error
    model = program.model_proto
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    return bytes(model.SerializeToString())
