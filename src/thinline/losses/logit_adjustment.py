"""Logit adjustment: the log prior of the classes is added to the logits in training, and not at test.

    softmax                          z_c + tau log pi_c
    sigmoid, one channel a curve     z_k + tau log(pi_k / (1 - pi_k))
    sigmoid, one channel for all     z + tau log((1 - pi_0) / pi_0)

pi is the share of each class in the pixels of the training mix. The loss gets the adjusted logits, decoding the plain
ones, which favour rare classes: for tau = 1 and cross-entropy they minimise the balanced error, the mean over classes
of the error within each.

The paper has the softmax. A sigmoid channel is a softmax over (0, z), whose adjustment is the difference of the two
logarithms. With a loss other than cross-entropy the shift is the same, but the paper's guarantee does not hold.

Label smoothing counteracts the adjustment. It gives every other outcome of a pixel smoothing / n, and the prior divides
that by the share of the outcome: above `smoothing_limit` the optimal prediction of a pixel of certain class is a rarer
class. For a curve with 1 % of the pixels the limit is .03 in a softmax of three and .02 in a channel of its own; with
smoothing .1 a network predicts curves everywhere.

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
    """The shift of the logits of each channel, float64 `[c]`.

    Args:
        prior: [C], the share of each class, background first.
        channels: C for a softmax, K = C - 1 for one channel a curve, 1 for one channel of all curves.
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
    """The label smoothing above which, under this prior, the optimal prediction of some pixel is not its own class.

    With n outcomes of a decision it is n / (n - 1 + r), r the largest ratio of two of their shares to the power of tau:
    there (1 - s + s / n) / pi_a**tau = (s / n) / pi_b**tau. Arguments and errors as in `logit_shift`.
    """
    shift = logit_shift(prior, channels=channels, tau=tau)
    exclusive = channels == len(torch.as_tensor(prior))
    ratio = (shift.max() - shift.min() if exclusive else shift.abs().max()).exp()
    outcomes = channels if exclusive else 2
    return float(outcomes / (outcomes - 1 + ratio))
