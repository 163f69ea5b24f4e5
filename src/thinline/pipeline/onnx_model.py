"""A trained network as an ONNX model, checked by computing it with onnxruntime. Needs the extra `onnx`.

Conventions
    Input `image` float32 [batch,1,height,width], darkness 0 (white paper) to 1 (black), of the image inverted where the
    metadata say `invert`. Output `probabilities` float32 [batch,c,height,width], after the head. The batch size is
    free, height and width are fixed, because networks pad an image to multiples of their stride.
    The metadata of the model: run, head, classes (of the ids), channels (of the probabilities), px_per_mm, invert,
    thresholds. Lists are JSON.

References
    Open Neural Network Exchange (ONNX) specification, https://onnx.ai.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from thinline.heads import Head
from thinline.pipeline.load import LoadedRun

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
    """The network and its head."""

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, image: Tensor) -> Tensor:
        return self.head.probabilities(self.network(image))


def onnx_model(run: LoadedRun, *, height: int, width: int) -> OnnxModel:
    """The network of `run`, on the CPU, for images of `height` x `width` px.

    Raises OnnxError where the extra is not installed, torch cannot export the network, or onnxruntime computes
    probabilities that differ by more than TOLERANCE.
    """
    onnxruntime = _onnxruntime()
    module = _Probabilities(run.network, run.head).eval()
    noise = torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(0))
    content = _exported(module, noise, _metadata(run))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = module(noise).numpy()
    difference = float(np.abs(session.run(None, {"image": noise.numpy()})[0] - expected).max())
    if not difference <= TOLERANCE:
        raise OnnxError(
            f"{run.name}: expected probabilities within {TOLERANCE:g} of torch, got a difference of {difference:g}; "
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


def _exported(module: nn.Module, example: Tensor, metadata: dict[str, str]) -> bytes:
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


def _metadata(run: LoadedRun) -> dict[str, str]:
    head = run.head
    return {
        "run": run.name,
        "head": head.name,
        "classes": json.dumps(head.classes),
        "channels": json.dumps(head.classes[-head.channels :]),
        "px_per_mm": f"{run.px_per_mm:g}",
        "invert": json.dumps(run.invert),
        "thresholds": json.dumps(run.thresholds),
    }
