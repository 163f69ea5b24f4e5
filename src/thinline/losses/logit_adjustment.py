"""Logit adjustment: the prior of the classes is added to the logits in training, and not at test.

    softmax          z_c + tau log pi_c
    sigmoid, one curve a channel      z_k + tau log(pi_k / (1 - pi_k))
    sigmoid, all curves in one        z + tau log((1 - pi_0) / pi_0)

pi is the share of each class in the pixels of the training mix. The loss sees the adjusted logits; whoever decodes sees
the plain ones, which then need not carry the prior themselves and lean to the rare classes: for tau = 1 and
cross-entropy they minimise the balanced error, the mean over classes of the error within each.

The paper has the softmax. A sigmoid channel is a softmax over (0, z) with the classes no and yes, whose adjustment is
the difference of the two logarithms: the second and third line are that and nothing more. With a loss other than
cross-entropy the shift is the same, but the guarantee is not the paper's.

Label smoothing works against it. Of a pixel of class a it gives every other answer smoothing / n, and the prior
divides it by that answer's share: from `smoothing_limit` on, the best answer to a sure pixel is a rarer class. Of a
curve with one pixel in a hundred that is so from .03 on in a softmax of three, from .02 on in a channel of its own,
and smoothing by .1 paints curves everywhere.

References
----------
Menon, Jayasumana, Rawat, Jain, Veit and Kumar, "Long-tail learning via logit adjustment", ICLR 2021, equation 10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

SUM_TOLERANCE = 1e-3


def logit_shift(prior: Sequence[float] | Tensor, *, channels: int, tau: float) -> Tensor:
    """What to add to each channel's logits, float64 `[c]`.

    Args:
        prior: [C], the share of each class, background first.
        channels: C for a softmax, K = C - 1 for one curve a channel, 1 for all curves in one.
        tau: strength; 0 adds nothing, 1 is the paper's.

    Raises:
        ValueError: shares that are not above 0 or do not sum to one, another number of channels, a tau below 0.
    """
    share = torch.as_tensor(prior, dtype=torch.float64)
    if share.ndim != 1 or len(share) < 2 or not bool((share > 0).all()) or abs(float(share.sum()) - 1) > SUM_TOLERANCE:
        raise ValueError(
            f"`prior` must hold the share of each class, background first, above 0 and summing to one, got "
            f"{share.tolist()}; divide the pixel counts of the training mix by their sum"
        )
    if not (math.isfinite(tau) and tau >= 0):
        raise ValueError(f"`class_weight.tau` must be finite and at least 0, got {tau}; 1 is the paper's")
    if channels == len(share):
        return tau * share.log()
    if channels == len(share) - 1:
        return tau * share[1:].logit()
    if channels == 1:
        return -tau * share[:1].logit()
    raise ValueError(
        f"a prior of {len(share)} classes goes with {len(share)}, {len(share) - 1} or 1 channels, got {channels}; give "
        "one share for each class of the head's vocabulary"
    )


def smoothing_limit(prior: Sequence[float] | Tensor, *, channels: int, tau: float) -> float:
    """The label smoothing from which on, under this prior, the best answer to some pixel is not its own class.

    With n answers to a decision it is n / (n - 1 + r), r the largest ratio of two of their shares to the power of tau:
    there (1 - s + s / n) / pi_a**tau = (s / n) / pi_b**tau. Arguments and errors as in `logit_shift`.
    """
    shift = logit_shift(prior, channels=channels, tau=tau)
    exclusive = channels == len(torch.as_tensor(prior))
    ratio = (shift.max() - shift.min() if exclusive else shift.abs().max()).exp()
    answers = channels if exclusive else 2
    return float(answers / (answers - 1 + ratio))
