"""Checks of class weights and priors: their form, and whether they change the balance between classes at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from thinline.losses.logit_adjustment import logit_shift, smoothing_limit
from thinline.losses.protocols import Balances, HeadLike, Loss, SingleLoss, singles

Scale = Literal["kept", "raw"]


def first_channel(head: HeadLike, loss: SingleLoss) -> int:
    """The first channel that has a term in the loss."""
    return head.first_curve if loss.kind == "mapped" and loss.truth_map.curves_only else 0


def checked_weight(weight: Sequence[float] | Tensor, classes: tuple[str, ...]) -> Tensor:
    """The weight as float64 [C]. ValueError for another length, negative or non-finite numbers, and all zero."""
    vector = torch.as_tensor(weight, dtype=torch.float64).detach().clone()
    if vector.ndim != 1 or len(vector) != len(classes):
        raise ValueError(
            f"`weight` must hold one number for each of {list(classes)}, got {vector.tolist()}; background comes first"
        )
    if not all(math.isfinite(value) and value >= 0 for value in vector.tolist()) or not vector.any():
        raise ValueError(
            f"`weight` must be finite, not negative and not all zero, got {vector.tolist()}; "
            "count the pixels of each class, or use class_weight=none"
        )
    return vector


def shift_of(prior: Sequence[float] | Tensor, head: HeadLike, loss: Loss, tau: float) -> Tensor:
    """The shift of the logits, [c,1,1].

    Raises ValueError for a prior of another length or without pixels, and for a loss with a term whose label smoothing
    outweighs the prior. Spatial smoothing (spatial_soft_ce) is not checked.
    """
    share = torch.as_tensor(prior, dtype=torch.float64)
    if share.shape != (len(head.vocabulary),):
        raise ValueError(
            f"`prior` must hold one share for each of {list(head.vocabulary)}, got {share.tolist()}; background comes "
            "first"
        )
    limit = smoothing_limit(share, channels=head.channels, tau=tau)
    for term, part in singles(loss):
        if part.kind == "pixel" and part.smoothing and part.smoothing >= limit:
            key = f"loss.terms.{term}.smoothing" if term else "loss.smoothing"
            raise ValueError(
                f"class_weight=logit_adjustment cannot act on loss={loss.name} with head={head.name} and {key}="
                f"{part.smoothing:g}: smoothing gives the rarest class more of each pixel than the prior "
                f"{share.tolist()} does, so that it is optimal for a pixel of the commonest; set {key} below "
                f"{math.floor(limit * 1000) / 1000:g}, or to 0 as in the paper (loss=ce), or use class_weight="
                "tuned_threshold"
            )
    return logit_shift(share, channels=head.channels, tau=tau).view(-1, 1, 1)


def check_acting(weight: Tensor, head: HeadLike, loss: Loss, scale: Scale) -> None:
    """ValueError unless `weight` changes the balance between classes in every term, or is equal for all of them."""
    if bool((weight == weight[0]).all()):
        return
    for term, part in singles(loss):
        subject = f"its term {term}" if term else "this loss"
        if isinstance(part, Balances):
            raise ValueError(
                f"weight {weight.tolist()} cannot act on loss={loss.name} with head={head.name}: {subject} balances "
                "the classes itself, and further weights would do so twice; use class_weight=none, or loss=focal with "
                "class_weight=effective_number"
            )
        if part.kind == "pixel":
            continue
        used = head.channel_weights(weight)[first_channel(head, part) :]
        acts = bool((used != used[0]).any()) if scale == "kept" else bool((used != 1).any())
        if not acts or not used.any():
            settings = (("head=softmax", head.name), ("class_weight.scale=raw", scale))
            others = [text for text, current in settings if not text.endswith(f"={current}")]
            raise ValueError(
                f"weight {weight.tolist()} cannot act on loss={loss.name} with head={head.name} and scale={scale}: "
                f"{subject} has one term for each channel, and the weights of "
                f"these are {used.tolist()}; use {', '.join([*others, 'class_weight=none'])}, or a loss that counts "
                "pixels (soft_ce, focal)"
            )
