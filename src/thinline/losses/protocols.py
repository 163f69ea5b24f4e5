"""What an objective is made of, by shape: what it asks of a head, and the kinds of loss it can evaluate.

    pixel    negative log-likelihood of decisions -> terms of the same shape
    region   (probabilities, targets) -> one term for each channel
    mapped   (probabilities, targets, truth map) -> one term for each channel
    sum      losses and their shares

A pixel loss may also have `spread` (its targets are smeared in space first) or `balance` (it brings class weights of
its own). Losses are matched by their attributes, not by inheritance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

from thinline.losses.truth_map import TruthMap


class HeadLike(Protocol):
    """What an objective asks of a head; `thinline.heads` gives the meaning."""

    name: str
    vocabulary: tuple[str, ...]
    channels: int
    first_curve: int

    def read(self, labels: Tensor, strokes: Tensor, *, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """Targets [B,c,H,W], zero at ignored pixels, and the mask of valid ones or None."""
        ...

    def valid(self, labels: Tensor, strokes: Tensor) -> Tensor | None:
        """The mask of valid pixels alone, for a loss that has its truth from elsewhere."""
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


@runtime_checkable
class Spreads(Protocol):
    """A pixel loss whose targets are spread over neighbouring pixels."""

    def spread(self, targets: Tensor, valid: Tensor | None) -> Tensor:
        """Soft targets [B,c,H,W]."""
        ...


@runtime_checkable
class Balances(Protocol):
    """A pixel loss with class weights of its own."""

    def balance(self, counts: Tensor) -> Tensor:
        """Weights [C] from the pixels of each class [C]."""
        ...


class RegionLoss(Protocol):
    """One term per channel from probabilities and targets; `precise` if it wants probabilities in float64."""

    name: str
    kind: Literal["region"]
    precise: bool

    def __call__(self, probabilities: Tensor, targets: Tensor) -> Tensor:
        """Terms [c]."""
        ...


class MappedLoss(Protocol):
    """One term per channel from probabilities, targets and a map of the truth."""

    name: str
    kind: Literal["mapped"]
    truth_map: TruthMap
    sees_targets: bool  # False: its map says all, and targets may be anything

    def __call__(self, probabilities: Tensor, targets: Tensor, drawn: Tensor) -> Tensor:
        """Terms [c], or [c] of the curves alone where the map is theirs alone."""
        ...


class SumLoss(Protocol):
    """`parts` are (name, share, loss)."""

    name: str
    kind: Literal["sum"]

    @property
    def parts(self) -> Sequence[tuple[str, float, Loss]]:
        """The losses of the sum that have a share."""
        ...


SingleLoss: TypeAlias = PixelLoss | RegionLoss | MappedLoss
Loss: TypeAlias = SingleLoss | SumLoss


def singles(loss: Loss, path: str = "") -> Iterator[tuple[str, SingleLoss]]:
    """Every loss that is no sum, with its place in the sum, as `dice` or `both.dice`; "" for a loss that is none."""
    if loss.kind != "sum":
        yield path, loss
        return
    for name, _, part in loss.parts:
        yield from singles(part, f"{path}.{name}" if path else name)
