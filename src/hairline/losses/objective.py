"""The objective of a run: a head, a loss and class weights, met by value.

Conventions
-----------
*Pixel* losses (`kind = "pixel"`: soft_ce, focal) turn the negative log-likelihood of each decision into a term:

    mean over valid pixels (softmax, binary) or valid pixels x channels (sigmoid_stack) of  w f(nll)

*Region* losses (`kind = "region"`: dice, tversky, lovasz) turn probabilities and targets into one term per channel:

    mean over the channels with truth in the batch of  w_c L_c

`scale="kept"` (default) divides by the sum of the weights used, so that a weight moves the balance between classes and
not the learning rate; `scale="raw"` divides by the number of pixels or terms, as without weights.

Classes absent from the truth of a batch are left out of a region loss, because the overlap with nothing has no slope
towards anything. Their false positives are not free under a softmax, where they take probability from a class that is
there. Under sigmoid heads they *are* free in that batch: sums run over the whole batch so that it happens
seldom, and a pixel loss (alone or beside the region loss) is the remedy where it does not. If nothing is left
(no class has truth, every pixel is ignored, no sheet in the batch) the loss is zero, and so is its gradient.

Ignored pixels (255) add nothing to any sum and get no gradient.

Weights act or raise. A weight that cannot move the balance of this head and loss raises at construction; all-equal
weights cannot either, but say so themselves: they are the same as none (under `raw`, a common factor).

With a `prior` the logits are adjusted by it before anything else (`logit_adjustment.py`), whatever the head and loss.

The loss is computed and returned in float32, or wider if the logits are; bf16 and fp16 logits are widened first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, Protocol, get_args

import torch
from torch import Tensor, nn

from hairline.losses.logit_adjustment import logit_shift

Scale = Literal["kept", "raw"]


class HeadLike(Protocol):
    """What an objective asks of a head; `hairline.heads` gives the meaning."""

    name: str
    vocabulary: tuple[str, ...]
    channels: int

    def read(self, labels: Tensor, strokes: Tensor, *, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """Targets [B,c,H,W], zero at ignored pixels, and the mask of valid ones or None."""
        ...

    def soften(self, targets: Tensor, smoothing: float) -> Tensor:
        """Targets moved towards all answers alike."""
        ...

    def pixel_nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Negative log-likelihood of each decision."""
        ...

    def probabilities(self, logits: Tensor) -> Tensor:
        """[B,c,H,W] in 0..1."""
        ...

    def pixel_weights(self, weight: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """Weight of each decision."""
        ...

    def channel_weights(self, weight: Tensor) -> Tensor:
        """Weight of each channel [c]."""
        ...


class PixelLoss(Protocol):
    """Terms from the negative log-likelihood of decisions, shape kept."""

    name: str
    kind: Literal["pixel"]
    smoothing: float

    def __call__(self, nll: Tensor) -> Tensor:
        """Terms."""
        ...


class RegionLoss(Protocol):
    """One term per channel from probabilities and targets; `precise` if it wants probabilities in float64."""

    name: str
    kind: Literal["region"]
    precise: bool

    def __call__(self, probabilities: Tensor, targets: Tensor) -> Tensor:
        """Terms [c]."""
        ...


class Objective(nn.Module):
    """`objective(logits [B,c,H,W], labels [B,H,W], strokes [B,K,H,W]) -> scalar`.

    Args:
        head: how logits are read.
        loss: a pixel or region loss.
        weight: one weight per class of the vocabulary, background first, for every head; None for none.
        scale: "kept" or "raw", see above.
        prior: share of each class of the vocabulary, to adjust the logits by; None leaves them.
        tau: strength of that adjustment.

    Raises:
        ValueError: a weight of the wrong length, negative, not finite or all zero, or one that could not act here; an
            unknown scale; a prior of the wrong length or of a class without pixels.
    """

    weight: Tensor | None
    shift: Tensor | None

    def __init__(
        self,
        head: HeadLike,
        loss: PixelLoss | RegionLoss,
        *,
        weight: Sequence[float] | Tensor | None = None,
        scale: Scale = "kept",
        prior: Sequence[float] | Tensor | None = None,
        tau: float = 1.0,
    ) -> None:
        super().__init__()
        if scale not in get_args(Scale):
            raise ValueError(f"`scale` must be one of {get_args(Scale)}, got {scale!r}")
        self.head = head
        self.loss = loss
        self.scale = scale
        checked = None if weight is None else _checked(weight, head.vocabulary)
        if checked is not None:
            _must_act(checked, head, loss, scale)
        self.register_buffer("weight", checked, persistent=False)
        shift = None if prior is None else _shift(prior, head, tau)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, logits: Tensor, labels: Tensor, strokes: Tensor) -> Tensor:
        """The loss of a batch."""
        wide = logits if logits.dtype == torch.float64 else logits.float()
        if self.shift is not None:
            wide = wide + self.shift.to(wide.dtype)
        targets, valid = self.head.read(labels, strokes, dtype=wide.dtype)
        if self.loss.kind == "pixel":
            return self._pixel(self.loss, wide, labels, targets, valid)
        return self._region(self.loss, wide, targets, valid)

    def _pixel(self, loss: PixelLoss, logits: Tensor, labels: Tensor, targets: Tensor, valid: Tensor | None) -> Tensor:
        soft = self.head.soften(targets, loss.smoothing) if loss.smoothing else targets
        terms = loss(self.head.pixel_nll(logits, soft))
        if self.weight is None:
            weights = None if valid is None else valid.to(terms.dtype)
        else:
            weights = self.head.pixel_weights(self.weight.to(terms.dtype), labels, targets)
            weights = weights if valid is None else weights * valid
        if weights is None:
            return terms.sum() / max(terms.numel(), 1)
        weights = weights.expand_as(terms)
        divisor = weights.sum() if self.weight is None or self.scale == "kept" else _count(valid, terms)
        return _ratio((terms * weights).sum(), divisor)

    def _region(self, loss: RegionLoss, logits: Tensor, targets: Tensor, valid: Tensor | None) -> Tensor:
        probabilities = self.head.probabilities(logits.double() if loss.precise else logits)
        terms = loss(probabilities if valid is None else probabilities * valid, targets).to(logits.dtype)
        present = (targets.sum(dim=(0, 2, 3)) > 0).to(terms.dtype)
        if self.weight is None:
            return _ratio((terms * present).sum(), present.sum())
        weights = present * self.head.channel_weights(self.weight.to(terms.dtype))
        return _ratio((terms * weights).sum(), (weights if self.scale == "kept" else present).sum())


def _count(valid: Tensor | None, terms: Tensor) -> Tensor:
    """Number of valid terms."""
    return terms.new_tensor(terms.numel()) if valid is None else valid.expand_as(terms).sum().to(terms.dtype)


def _ratio(total: Tensor, divisor: Tensor) -> Tensor:
    """`total / divisor`; where there is nothing to divide by, zero with a zero gradient."""
    return total / divisor.clamp_min(torch.finfo(divisor.dtype).tiny)


def _checked(weight: Sequence[float] | Tensor, classes: tuple[str, ...]) -> Tensor:
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


def _shift(prior: Sequence[float] | Tensor, head: HeadLike, tau: float) -> Tensor:
    """[c,1,1], what is added to the logits."""
    share = torch.as_tensor(prior, dtype=torch.float64)
    if share.shape != (len(head.vocabulary),):
        raise ValueError(
            f"`prior` must hold one share for each of {list(head.vocabulary)}, got {share.tolist()}; background comes "
            "first"
        )
    return logit_shift(share, channels=head.channels, tau=tau).view(-1, 1, 1)


def _must_act(weight: Tensor, head: HeadLike, loss: PixelLoss | RegionLoss, scale: Scale) -> None:
    """Raise unless `weight` moves the balance between classes, or is the same for all of them."""
    if loss.kind == "pixel" or bool((weight == weight[0]).all()):
        return
    used = head.channel_weights(weight)
    acts = bool((used != used[0]).any()) if scale == "kept" else bool((used != 1).any())
    if not acts or not used.any():
        raise ValueError(
            f"weight {weight.tolist()} cannot act on loss={loss.name} with head={head.name} and scale={scale}: "
            f"this loss has one term for each channel, and the weights of these are {used.tolist()}; use "
            "head=softmax, class_weight.scale=raw, class_weight=none, or a loss that counts pixels (soft_ce, focal)"
        )
