"""The number format of a training: bf16 where the processor multiplies it natively, else fp32."""

from __future__ import annotations

from typing import Final, Literal

import torch

from thinline.training.settings import Machine

Precision = Literal["bf16-mixed", "32-true", "64-true"]

_PRECISIONS: Final[dict[str, Precision]] = {"bf16": "bf16-mixed", "fp32": "32-true", "fp64": "64-true"}


def precision_of(machine: Machine) -> Precision:
    """Lightning's name of `trainer.precision`. Raises ValueError for an unknown one.

    `auto` is bf16 where the processor multiplies it natively (AVX512-BF16, AMX, Ampere and later), else fp32.
    """
    if machine.precision in _PRECISIONS:
        return _PRECISIONS[machine.precision]
    if machine.precision != "auto":
        raise ValueError(f"`trainer.precision` must be auto, {', '.join(_PRECISIONS)}, got {machine.precision!r}")
    native = torch.cuda.is_bf16_supported() if on_gpu(machine) else cpu_has_bf16()
    return "bf16-mixed" if native else "32-true"


def on_gpu(machine: Machine) -> bool:
    """Whether a run on this machine trains on a GPU of NVIDIA."""
    return machine.accelerator in ("gpu", "cuda", "auto") and torch.cuda.is_available()


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bf16 natively. Without that torch is ten times slower in bf16 than in fp32."""
    features = torch.cpu.get_capabilities()
    return bool(features.get("avx512_bf16") or features.get("amx_bf16") or features.get("bf16"))
