"""The optimisers AdamW and Muon.

References
----------
adamw   Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
muon    Jordan, Jin, Boza, You, Cesista, Newhouse and Bernstein, "Muon: an optimizer for hidden layers in neural
        networks", 2024, as timm implements it. A convolution is the matrix [out, in * height * width]; its step is the
        orthogonal matrix nearest to the momentum, times 0.2 sqrt(max(rows, columns)), so that one learning rate serves
        both (Liu et al., "Muon is scalable for LLM training", 2025, section 2.2). Biases and norms take NAdamW: AdamW
        whose first moment looks one gradient ahead (Dozat, ICLR workshop 2016).

Muon computes the orthogonal matrix in bf16, by five Newton-Schulz iterations. On a processor without native bf16 they
are computed in fp32: in bf16 they would take 14 times as long (374 ms instead of 26 ms for a step of the slim network,
one thread of an AMD EPYC held to AVX2). As with `trainer.precision=auto`, runs on such a processor differ by rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import nn

from thinline.training.precision import cpu_has_bf16
from thinline.training.settings import Schedule


def optimiser_of(parameters: Iterable[nn.Parameter], schedule: Schedule) -> torch.optim.Optimizer:
    """The optimiser of `schedule` at its full learning rate; `schedule.factor` scales that rate step by step."""
    if schedule.name == "adamw":
        return torch.optim.AdamW(
            parameters, lr=schedule.learning_rate, betas=schedule.betas, weight_decay=schedule.weight_decay
        )
    assert schedule.momentum is not None
    # Inside the function: importing timm takes seconds
    from timm.optim import muon as timm_muon

    class Muon(timm_muon.Muon):  # type: ignore[misc]
        """Muon whose iterations are in fp32 on a processor without native bf16."""

        def step(self, closure: Any = None) -> Any:
            on_cpu = self.param_groups[0]["params"][0].device.type == "cpu"
            if not on_cpu or cpu_has_bf16():
                return super().step(closure)
            return _in_fp32(timm_muon, partial(super().step, closure))

    muon: torch.optim.Optimizer = Muon(
        parameters,
        lr=schedule.learning_rate,
        betas=schedule.betas,
        momentum=schedule.momentum,
        nesterov=True,
        weight_decay=schedule.weight_decay,
    )
    return muon


def _in_fp32(timm_muon: ModuleType, step: partial[Any]) -> Any:
    """Call `step` with Newton-Schulz iterations in fp32. timm's function has the parameter, its optimiser has none."""
    iterate = timm_muon.zeropower_via_newtonschulz
    timm_muon.zeropower_via_newtonschulz = partial(iterate, dtype=torch.float32)  # type: ignore[attr-defined]
    try:
        return step()
    finally:
        timm_muon.zeropower_via_newtonschulz = iterate  # type: ignore[attr-defined]
