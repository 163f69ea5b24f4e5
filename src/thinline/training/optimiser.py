"""The optimisers AdamW and Muon.

References
----------
adamw   Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
muon    Jordan, Jin, Boza, You, Cesista, Newhouse and Bernstein, "Muon: an optimizer for hidden layers in neural
        networks", 2024, as timm implements it. A convolution is treated as the matrix [out, in * height * width]. Its
        step is the orthogonal matrix nearest to the momentum, times 0.2 sqrt(max(rows, columns)), so that AdamW and
        Muon can use one learning rate (Liu et al., "Muon is scalable for LLM training", 2025, section 2.2). Biases and
        norms are updated by NAdamW: AdamW with Nesterov momentum (Dozat, ICLR workshop 2016).

Muon computes the orthogonal matrix in bf16, by five Newton-Schulz iterations. On a processor without native bf16 they
are computed in fp32: in bf16 they would take 14 times as long (374 ms instead of 26 ms for a step of the slim network,
one thread of an AMD EPYC held to AVX2). As with `trainer.precision=auto`, runs on such a processor differ by rounding.
muon.py computes them for several kernels at once.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from thinline.training.muon import Muon
from thinline.training.settings import Schedule


def optimiser_of(parameters: Iterable[nn.Parameter], schedule: Schedule) -> torch.optim.Optimizer:
    """The optimiser of `schedule` at its full learning rate; `schedule.factor` scales that rate step by step."""
    if schedule.name == "adamw":
        return torch.optim.AdamW(
            parameters, lr=schedule.learning_rate, betas=schedule.betas, weight_decay=schedule.weight_decay
        )
    assert schedule.momentum is not None
    return Muon(
        parameters,
        lr=schedule.learning_rate,
        betas=schedule.betas,
        momentum=schedule.momentum,
        weight_decay=schedule.weight_decay,
    )
