"""The objective of a run: one scalar from a head, a loss and class weights, and what divides a weighted loss.

Conventions
-----------
*Pixel* losses (`kind = "pixel"`: soft_ce, focal, spatial_soft_ce, cb_focal) are functions of the negative
log-likelihood of each decision:

    weighted mean over valid pixels (softmax, binary) or valid pixels x channels (sigmoid_stack) of  w f(nll)

*Region* losses (`kind = "region"`: dice, tversky, lovasz) have one term per channel, from probabilities and targets:

    weighted mean over the channels with truth in the batch of  w_c L_c

*Mapped* losses (`kind = "mapped"`: skeleton_recall, cldice, boundary) are region losses that also need a truth map, for
example a skeleton. In training the map of a sheet is computed once and cached. If no map is given, it is computed from
the batch. If a loss has maps of the curves only, it has no term for the background. A class is present if its map is
not empty. If a loss reads only the pixels on its map (`on_map_only`, skeleton_recall), it gets the probabilities of
these pixels alone, on a CPU.

*Sums* (`kind = "sum"`: dice_ce, ...) add the values of their terms, each times its share, or with
`shares_of = "gradient"` their gradients of equal norm (gradient_shares.py).

Both means divide by the sum of the weights used under `scale="kept"` (default), so that a weight changes the balance
between classes and not the learning rate. Under `scale="raw"` they divide by the number of pixels or terms, as without
weights.

A region loss has no term for a class that is absent from the truth of the batch, because this term would have no
gradient. False positives of an absent class: with a softmax head they lower the probabilities of the present classes,
which raises the terms of these; with a sigmoid head they do not change the loss. A class is absent only if no tile of
the batch has it, which is rare; a pixel loss, alone or in a sum, has terms for absent classes too. If no term is left
(no class has truth, every pixel is ignored, no sheet in the batch), loss and gradient are zero.

Ignored pixels (255) add nothing to any sum and get no gradient.

A weight that cannot change the balance of this head and loss, or of one term of a sum, raises an error at construction.
Equal weights for all classes are no error: they act as no weights, or under `raw` as a common factor.

With a `prior` the logits are adjusted first (`logit_adjustment.py`), and with `pooling="scnp"` replaced by those of the
worst neighbours (`scnp.py`), for any head and loss. The loss is computed and returned in float32, or in float64 for
float64 logits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

import torch
from torch import Tensor, nn

from thinline.losses.gradient_shares import WithGradient, combined
from thinline.losses.loss_checks import check_loss, terms_of
from thinline.losses.map_pixels import picked_pixels, pixels_on
from thinline.losses.protocols import (
    Balances,
    HeadLike,
    Loss,
    MappedLoss,
    OfLogits,
    OnMapOnly,
    PixelLoss,
    RegionLoss,
    SingleLoss,
    Spreads,
    SumLoss,
    TruthMap,
    map_of,
    singles,
)
from thinline.losses.scnp import POOLINGS, scnp
from thinline.losses.soft_counts import trusted_probabilities
from thinline.losses.weight_checks import Scale, check_acting, checked_weight, first_channel, shift_of


class Objective(nn.Module):
    """`objective(logits [B,c,H,W], labels [B,H,W], strokes [B,K,H,W]) -> scalar`.

    Args:
        head: gives targets, likelihoods and probabilities.
        loss: of any kind.
        weight: one weight per class of the vocabulary, background first, for every head; None for no weights.
        scale: "kept" or "raw", see above.
        prior: share of each class of the vocabulary, for logit adjustment; None for no adjustment.
        tau: strength of that adjustment.
        pooling: "none", or "scnp" for the logits of the worst neighbours.

    Raises:
        ValueError: a weight of the wrong length, negative, not finite or all zero, or without effect here; an unknown
            scale or pooling; a prior of the wrong length, of a class without pixels, or outweighed by label smoothing;
            a loss that lacks what its kind needs (loss_checks.py).
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
        pooling: str = "none",
    ) -> None:
        super().__init__()
        for name, value, known in (("scale", scale, get_args(Scale)), ("pooling", pooling, POOLINGS)):
            if value not in known:
                raise ValueError(f"`{name}` must be one of {known}, got {value!r}")
        check_loss(loss)
        self.head = head
        self.loss = loss
        self.scale = scale
        self.pooling = pooling
        checked = None if weight is None else checked_weight(weight, head.vocabulary)
        if checked is not None:
            check_acting(checked, head, loss, scale)
        self.register_buffer("weight", checked, persistent=False)
        shift = None if prior is None else shift_of(prior, head, loss, tau)
        self.register_buffer("shift", shift, persistent=False)

    def forward(
        self, logits: Tensor, labels: Tensor, strokes: Tensor, *, maps: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """The loss of a batch; `maps` are its `truth_maps` by key, computed from the batch where they are not given.

        Raises ValueError for logits of another size than the labels, and what `terms_of` raises.
        """
        if logits.ndim == 4 and (logits.shape[0], *logits.shape[2:]) != tuple(labels.shape):
            raise ValueError(
                f"`logits` must be [B,c,H,W] of the size of the labels {list(labels.shape)}, got {list(logits.shape)}; "
                "a network keeps height and width (thinline.network.AnySize pads and crops)"
            )
        wide = logits if logits.dtype == torch.float64 else logits.float()
        if self.shift is not None:
            wide = wide + self.shift.to(wide.dtype)
        maps = maps or {}
        if self.pooling == "none" and all(_needs_only(part, maps) for _, part in singles(self.loss)):
            targets, valid = (
                wide.new_empty(()).expand_as(wide),
                self.head.valid(labels, strokes),
            )  # targets are not read
        else:
            targets, valid = self.head.read(labels, strokes, dtype=wide.dtype)
        if self.pooling == "scnp":
            wide = scnp(wide, targets, valid)
        return self._value(self.loss, _Batch(self.head, wide, labels, targets, valid, maps))

    @property
    def truth_maps(self) -> list[TruthMap]:
        """The truth maps that the loss, or any term of it, needs."""
        maps = {part.truth_map.key: part.truth_map for _, part in singles(self.loss) if part.kind == "mapped"}
        return list(maps.values())

    def draw(self, truth_map: TruthMap, labels: Tensor, strokes: Tensor) -> Tensor:
        """A truth map of `labels [B,H,W]` and `strokes [B,K,H,W]` for this head: `[B,c,H,W]`, or its curve channels."""
        first = self.head.first_curve if truth_map.curves_only else 0
        return map_of(truth_map, self.head.read(labels, strokes, dtype=torch.float32)[0][:, first:])

    def _value(self, loss: Loss, batch: _Batch) -> Tensor:
        if loss.kind == "sum":
            if getattr(loss, "shares_of", "value") == "gradient":
                return self._of_gradients(loss, batch)
            values = [share * self._value(term, batch) for _, share, term in loss.parts]
            return torch.stack(values).sum()
        if loss.kind == "pixel":
            return self._pixel(loss, batch)
        return self._mapped(loss, batch) if loss.kind == "mapped" else self._region(loss, batch)

    def _of_gradients(self, loss: SumLoss, batch: _Batch) -> Tensor:
        """A sum whose shares are those of gradients, also where no gradient is asked for."""
        with torch.enable_grad():
            own = replace(batch, logits=batch.logits.detach().requires_grad_(), by_precision={})
            value, gradient = combined([(share, self._value(term, own)) for _, share, term in loss.parts], own.logits)
        result: Tensor = WithGradient.apply(batch.logits, value, gradient)
        return result

    def _pixel(self, loss: PixelLoss, batch: _Batch) -> Tensor:
        nll = self.head.pixel_nll(batch.logits, self._soft(loss, batch))
        terms = terms_of(loss, nll, shape=nll.shape)
        if not isinstance(loss, Balances):
            return self._weighted_mean(terms, self.weight, batch, kept=self.scale == "kept")
        counts = torch.stack([(batch.labels == id_).sum() for id_ in range(len(self.head.vocabulary))])
        value = self._weighted_mean(terms, loss.balance(self.head.positives(counts)), batch, kept=True)
        # here `self.weight` is equal for all classes: other weights raise an error at construction
        return value if self.weight is None or self.scale == "kept" else value * self.weight[0].to(value.dtype)

    def _soft(self, loss: PixelLoss, batch: _Batch) -> Tensor:
        """Targets with spatial and label smoothing."""
        targets = loss.spread(batch.targets, batch.valid) if isinstance(loss, Spreads) else batch.targets
        return self.head.soften(targets, loss.smoothing) if loss.smoothing else targets

    def _weighted_mean(self, terms: Tensor, weight: Tensor | None, batch: _Batch, *, kept: bool) -> Tensor:
        valid = batch.valid
        if weight is None:
            weights = None if valid is None else valid.to(terms.dtype)
        else:
            weights = self.head.pixel_weights(weight.to(terms.dtype), batch.labels, batch.targets)
            weights = weights if valid is None else weights * valid
        if weights is None:
            return terms.sum() / max(terms.numel(), 1)
        weights = weights.expand_as(terms)
        divisor = weights.sum() if weight is None or kept else _count(valid, terms)
        return _ratio(torch.dot(terms.flatten(), weights.flatten()), divisor)

    def _region(self, loss: RegionLoss, batch: _Batch) -> Tensor:
        link, z = self.head.link, batch.logits
        if link and isinstance(loss, OfLogits) and z.dtype == torch.float32 and z.device.type == "cpu":
            terms = loss.of_logits(z, batch.targets, batch.valid, link=link)
        else:
            with trusted_probabilities():
                probabilities = batch.probabilities(precise=loss.precise)
                terms = terms_of(loss, probabilities, batch.targets, shape=probabilities.shape[1:2]).to(z.dtype)
        return self._mean_over_channels(terms, _present(batch.targets))

    def _mapped(self, loss: MappedLoss, batch: _Batch) -> Tensor:
        first = first_channel(self.head, loss)
        drawn = batch.truth_map(loss.truth_map, first)
        present = _present(drawn)
        if isinstance(loss, OnMapOnly) and drawn.device.type == "cpu":
            batch, drawn = batch.on_map(drawn)
        with trusted_probabilities():
            probabilities = batch.probabilities()[:, first:]
            terms = terms_of(
                loss,
                probabilities,
                batch.targets[:, first:],
                drawn.to(batch.logits.dtype),
                shape=probabilities.shape[1:2],
            )
        return self._mean_over_channels(terms, present, first=first)

    def _mean_over_channels(self, terms: Tensor, has_truth: Tensor, *, first: int = 0) -> Tensor:
        present = has_truth.to(terms.dtype)
        if self.weight is None:
            return _ratio((terms * present).sum(), present.sum())
        weights = present * self.head.channel_weights(self.weight.to(terms.dtype))[first:]
        return _ratio((terms * weights).sum(), (weights if self.scale == "kept" else present).sum())


@dataclass
class _Batch:
    """A batch that the terms of a sum share; probabilities are computed once, and zero at ignored pixels."""

    head: HeadLike
    logits: Tensor
    labels: Tensor
    targets: Tensor
    valid: Tensor | None
    maps: Mapping[str, Tensor]
    by_precision: dict[bool, Tensor] = field(default_factory=dict)

    def probabilities(self, *, precise: bool = False) -> Tensor:
        """`[B,c,H,W]` in the dtype of the logits, or in float64."""
        if precise not in self.by_precision:
            probabilities = self.head.probabilities(self.logits.double() if precise else self.logits)
            self.by_precision[precise] = probabilities if self.valid is None else probabilities * self.valid
        return self.by_precision[precise]

    def truth_map(self, truth_map: TruthMap, first: int) -> Tensor:
        """`[B,c,H,W]` of the channels from `first` on."""
        given = self.maps.get(truth_map.key)
        drawn = map_of(truth_map, self.targets[:, first:]) if given is None else given
        if drawn.shape != self.targets[:, first:].shape:
            raise ValueError(
                f"the truth map {truth_map.key!r} must be {list(self.targets[:, first:].shape)} for head "
                f"{self.head.name!r}, got {list(drawn.shape)}; draw it with this head and cut it as the labels"
            )
        return drawn

    def on_map(self, drawn: Tensor) -> tuple[_Batch, Tensor]:
        """This batch and the map at the pixels where any channel of the map is not 0, as one sheet of one row."""
        on = pixels_on(drawn)

        def picked(image: Tensor) -> Tensor:
            return image.reshape(-1)[on].view(1, 1, -1)

        logits, drawn = (picked_pixels(image, on) for image in (self.logits, drawn))
        targets = logits.new_empty(()).expand_as(logits)  # not read
        valid = None if self.valid is None else picked(self.valid)[None]
        return _Batch(self.head, logits, picked(self.labels), targets, valid, {}), drawn


def _needs_only(loss: SingleLoss, maps: Mapping[str, Tensor]) -> bool:
    """Whether `maps` hold all that the loss reads of the truth, so that no targets are needed."""
    return loss.kind == "mapped" and not loss.sees_targets and loss.truth_map.key in maps


def _present(drawn: Tensor) -> Tensor:
    """Which channels of a map `[B,c,H,W]` are not empty, bool `[c]`; on a CPU no sheet after the first such is read."""
    if drawn.device.type != "cpu" or not drawn.numel():
        return drawn.flatten(2).any(2).any(0)
    return torch.tensor(
        [any(bool(sheet.any()) for sheet in channel) for channel in drawn.detach().numpy().swapaxes(0, 1)]
    )


def _count(valid: Tensor | None, terms: Tensor) -> Tensor:
    """Number of valid terms."""
    return terms.new_tensor(terms.numel()) if valid is None else valid.expand_as(terms).sum().to(terms.dtype)


def _ratio(total: Tensor, divisor: Tensor) -> Tensor:
    """`total / divisor`; for a divisor of 0 zero with a zero gradient."""
    return total / divisor.clamp_min(torch.finfo(divisor.dtype).tiny)
