"""The objective of a run: a head, a loss and class weights, met by value.

Conventions
-----------
*Pixel* losses (`kind = "pixel"`: soft_ce, focal, spatial_soft_ce, cb_focal) turn the negative log-likelihood of each
decision into a term:

    mean over valid pixels (softmax, binary) or valid pixels x channels (sigmoid_stack) of  w f(nll)

*Region* losses (`kind = "region"`: dice, tversky, lovasz) turn probabilities and targets into one term per channel:

    mean over the channels with truth in the batch of  w_c L_c

*Mapped* losses (`kind = "mapped"`: skeleton_recall, cldice, boundary) are region losses that also look at a map of the
truth, as its skeleton: made once per sheet in training, of the batch itself where none is given. Those that judge
curves alone have no term for the background. A class is there when its map is not empty.

*Sums* (`kind = "sum"`: dice_ce, ...) add the values of their terms, each times its share.

`scale="kept"` (default) divides by the sum of the weights used, so that a weight moves the balance between classes and
not the learning rate; `scale="raw"` divides by the number of pixels or terms, as without weights.

Classes absent from the truth of a batch are left out of a region loss, because the overlap with nothing has no slope
towards anything. Their false positives are not free under a softmax, where they take probability from a class that is
there. Under sigmoid heads they *are* free in that batch: sums run over the whole batch so that it happens
seldom, and a pixel loss (alone or beside the region loss) is the remedy where it does not. If nothing is left
(no class has truth, every pixel is ignored, no sheet in the batch) the loss is zero, and so is its gradient.

Ignored pixels (255) add nothing to any sum and get no gradient.

Weights act or raise. A weight that cannot move the balance of this head and loss, or of one term of a sum, raises at
construction; all-equal weights cannot either, but say so themselves: they are the same as none (under `raw`, a common
factor).

With a `prior` the logits are adjusted by it before anything else (`logit_adjustment.py`), whatever the head and loss.

The loss is computed and returned in float32, or wider if the logits are; bf16 and fp16 logits are widened first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import torch
from torch import Tensor, nn

from thinline.losses.probability_checks import from_a_head
from thinline.losses.protocols import (
    Balances,
    HeadLike,
    Loss,
    MappedLoss,
    PixelLoss,
    RegionLoss,
    SingleLoss,
    Spreads,
    singles,
)
from thinline.losses.truth_map import TruthMap, map_of
from thinline.losses.weight_checks import Scale, check_acting, checked_weight, first_channel, shift_of


class Objective(nn.Module):
    """`objective(logits [B,c,H,W], labels [B,H,W], strokes [B,K,H,W]) -> scalar`.

    Args:
        head: how logits are read.
        loss: one of any kind.
        weight: one weight per class of the vocabulary, background first, for every head; None for none.
        scale: "kept" or "raw", see above.
        prior: share of each class of the vocabulary, to adjust the logits by; None leaves them.
        tau: strength of that adjustment.

    Raises:
        ValueError: a weight of the wrong length, negative, not finite or all zero, or one that could not act here; an
            unknown scale; a prior of the wrong length, of a class without pixels, or outweighed by label smoothing.
    """

    weight: Tensor | None
    shift: Tensor | None

    def __init__(
        self,
        head: HeadLike,
        loss: Loss,
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
        checked = None if weight is None else checked_weight(weight, head.vocabulary)
        if checked is not None:
            check_acting(checked, head, loss, scale)
        self.register_buffer("weight", checked, persistent=False)
        shift = None if prior is None else shift_of(prior, head, loss, tau)
        self.register_buffer("shift", shift, persistent=False)

    def forward(
        self, logits: Tensor, labels: Tensor, strokes: Tensor, *, maps: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """The loss of a batch; `maps` are its `truth_maps` by key, made of this batch where they are not given."""
        wide = logits if logits.dtype == torch.float64 else logits.float()
        if self.shift is not None:
            wide = wide + self.shift.to(wide.dtype)
        maps = maps or {}
        if all(_needs_only(part, maps) for _, part in singles(self.loss)):
            targets, valid = wide.new_empty(()).expand_as(wide), self.head.valid(labels, strokes)  # nobody reads them
        else:
            targets, valid = self.head.read(labels, strokes, dtype=wide.dtype)
        return self._value(self.loss, _Scene(self.head, wide, labels, targets, valid, maps))

    @property
    def truth_maps(self) -> list[TruthMap]:
        """The maps of the truth that the loss, or any term of it, looks at."""
        wanted = {part.truth_map.key: part.truth_map for _, part in singles(self.loss) if part.kind == "mapped"}
        return list(wanted.values())

    def draw(self, truth_map: TruthMap, labels: Tensor, strokes: Tensor) -> Tensor:
        """One map of `labels [B,H,W]` and `strokes [B,K,H,W]` for this head: `[B,c,H,W]`, or the curves' channels."""
        first = self.head.first_curve if truth_map.curves_only else 0
        return map_of(truth_map, self.head.read(labels, strokes, dtype=torch.float32)[0][:, first:])

    def _value(self, loss: Loss, scene: _Scene) -> Tensor:
        if loss.kind == "sum":
            values = [share * self._value(term, scene) for _, share, term in loss.parts]
            return torch.stack(values).sum()
        if loss.kind == "pixel":
            return self._pixel(loss, scene)
        return self._mapped(loss, scene) if loss.kind == "mapped" else self._region(loss, scene)

    def _pixel(self, loss: PixelLoss, scene: _Scene) -> Tensor:
        terms = loss(self.head.pixel_nll(scene.logits, self._soft(loss, scene)))
        if not isinstance(loss, Balances):
            return self._weighted_mean(terms, self.weight, scene, kept=self.scale == "kept")
        counts = torch.stack([(scene.labels == id_).sum() for id_ in range(len(self.head.vocabulary))])
        value = self._weighted_mean(terms, loss.balance(counts), scene, kept=True)
        # weights beside the loss's own are the same for all classes, or had raised
        return value if self.weight is None or self.scale == "kept" else value * self.weight[0].to(value.dtype)

    def _soft(self, loss: PixelLoss, scene: _Scene) -> Tensor:
        """What the decisions are compared with."""
        targets = loss.spread(scene.targets, scene.valid) if isinstance(loss, Spreads) else scene.targets
        return self.head.soften(targets, loss.smoothing) if loss.smoothing else targets

    def _weighted_mean(self, terms: Tensor, weight: Tensor | None, scene: _Scene, *, kept: bool) -> Tensor:
        valid = scene.valid
        if weight is None:
            weights = None if valid is None else valid.to(terms.dtype)
        else:
            weights = self.head.pixel_weights(weight.to(terms.dtype), scene.labels, scene.targets)
            weights = weights if valid is None else weights * valid
        if weights is None:
            return terms.sum() / max(terms.numel(), 1)
        weights = weights.expand_as(terms)
        divisor = weights.sum() if weight is None or kept else _count(valid, terms)
        return _ratio((terms * weights).sum(), divisor)

    def _region(self, loss: RegionLoss, scene: _Scene) -> Tensor:
        with from_a_head():
            terms = loss(scene.probabilities(precise=loss.precise), scene.targets).to(scene.logits.dtype)
        return self._mean_over_channels(terms, scene.targets.sum(dim=(0, 2, 3)) > 0)

    def _mapped(self, loss: MappedLoss, scene: _Scene) -> Tensor:
        first = first_channel(self.head, loss)
        drawn = scene.truth_map(loss.truth_map, first)
        with from_a_head():
            terms = loss(scene.probabilities()[:, first:], scene.targets[:, first:], drawn)
        return self._mean_over_channels(terms, drawn.flatten(2).any(2).any(0), first=first)

    def _mean_over_channels(self, terms: Tensor, has_truth: Tensor, *, first: int = 0) -> Tensor:
        present = has_truth.to(terms.dtype)
        if self.weight is None:
            return _ratio((terms * present).sum(), present.sum())
        weights = present * self.head.channel_weights(self.weight.to(terms.dtype))[first:]
        return _ratio((terms * weights).sum(), (weights if self.scale == "kept" else present).sum())


@dataclass
class _Scene:
    """One batch as the terms of a sum share it; probabilities are computed once, and zero at ignored pixels."""

    head: HeadLike
    logits: Tensor
    labels: Tensor
    targets: Tensor
    valid: Tensor | None
    maps: Mapping[str, Tensor]
    known: dict[bool, Tensor] = field(default_factory=dict)

    def probabilities(self, *, precise: bool = False) -> Tensor:
        """`[B,c,H,W]` in the dtype of the logits, or in float64."""
        if precise not in self.known:
            found = self.head.probabilities(self.logits.double() if precise else self.logits)
            self.known[precise] = found if self.valid is None else found * self.valid
        return self.known[precise]

    def truth_map(self, truth_map: TruthMap, first: int) -> Tensor:
        """`[B,c,H,W]` of the channels from `first` on, in the dtype of the logits."""
        given = self.maps.get(truth_map.key)
        drawn = map_of(truth_map, self.targets[:, first:]) if given is None else given
        if drawn.shape != self.targets[:, first:].shape:
            raise ValueError(
                f"the truth map {truth_map.key!r} must be {list(self.targets[:, first:].shape)} for head "
                f"{self.head.name!r}, got {list(drawn.shape)}; draw it with the head in use and cut it as the labels"
            )
        return drawn.to(self.logits.dtype)


def _needs_only(loss: SingleLoss, maps: Mapping[str, Tensor]) -> bool:
    """Whether `maps` hold all that the loss looks at, so that nobody has to make targets."""
    return loss.kind == "mapped" and not loss.sees_targets and loss.truth_map.key in maps


def _count(valid: Tensor | None, terms: Tensor) -> Tensor:
    """Number of valid terms."""
    return terms.new_tensor(terms.numel()) if valid is None else valid.expand_as(terms).sum().to(terms.dtype)


def _ratio(total: Tensor, divisor: Tensor) -> Tensor:
    """`total / divisor`; where there is nothing to divide by, zero with a zero gradient."""
    return total / divisor.clamp_min(torch.finfo(divisor.dtype).tiny)
