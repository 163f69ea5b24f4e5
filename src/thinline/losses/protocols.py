"""Interfaces of the objective: what it needs of a head, the four kinds of loss, and truth maps. Support, no loss.

    pixel    negative log-likelihood of decisions -> terms of the same shape
    region   (probabilities, targets) -> one term for each channel
    mapped   (probabilities, targets, truth map) -> one term for each channel
    sum      losses and their shares

A pixel loss may also have `spread` (it blurs its targets in space) or `balance` (it brings its own class weights).
Losses match by their attributes, without inheritance.

A *truth map* is an image that a loss needs and that is computed from the truth, for example a skeleton or a distance
map. It is a function of one plane of the head's targets, `[H,W]` bool. So it is computed once per sheet, and then cut
and flipped with the tile. Its `key` names everything that its pixels depend on, with parameters and version. If no maps
are given, an objective computes them from the targets of the tile, in which the curve beyond the edge is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from thinline.vocabulary import Bool, Float32, UInt8

Link: TypeAlias = Literal["softmax", "sigmoid"]
"""What makes probabilities of logits."""


class TruthMap(Protocol):
    """Maps a plane `[H,W]` bool of targets to uint8 of 0 and 1, or to float32 (the cache may keep it as float16)."""

    @property
    def key(self) -> str:
        """Name, parameters and version."""

    @property
    def curves_only(self) -> bool:
        """Whether the background has no map."""

    def __call__(self, inside: Bool) -> UInt8 | Float32:
        """The map [H,W] of the pixels `inside [H,W]`."""


def map_of(truth_map: TruthMap, targets: Tensor) -> Tensor:
    """The map `[B,c,H,W]`, uint8 or float32, of hard `targets [B,c,H,W]`, on their device."""
    inside = (targets > 0.5).cpu().numpy()
    planes = [truth_map(plane) for plane in inside.reshape(-1, *inside.shape[2:])]
    maps = np.stack(planes) if planes else np.zeros(0, dtype=np.uint8)
    return torch.from_numpy(maps).view(targets.shape).to(targets.device)


class HeadLike(Protocol):
    """What an objective needs of a head, documented in `thinline.heads.head`."""

    name: str
    vocabulary: tuple[str, ...]
    channels: int
    first_curve: int
    link: Link | None

    def read(self, labels: Tensor, strokes: Tensor, *, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """Targets [B,c,H,W] and valid mask or None."""

    def valid(self, labels: Tensor, strokes: Tensor) -> Tensor | None:
        """The valid mask alone."""

    def soften(self, targets: Tensor, smoothing: float) -> Tensor:
        """Targets with label smoothing."""

    def pixel_nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Negative log-likelihood of each decision."""

    def probabilities(self, logits: Tensor) -> Tensor:
        """[B,c,H,W] in 0..1."""

    def positives(self, counts: Tensor) -> Tensor:
        """Pixels on each class [C], from the numbers of labels [C]."""

    def pixel_weights(self, weight: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """Weight of each decision."""

    def channel_weights(self, weight: Tensor) -> Tensor:
        """Weight of each channel [c]."""


class PixelLoss(Protocol):
    """Terms from the negative log-likelihood of decisions, of the same shape."""

    name: str
    kind: Literal["pixel"]
    smoothing: float

    def __call__(self, nll: Tensor) -> Tensor:
        """Terms."""


@runtime_checkable
class Spreads(Protocol):
    """A pixel loss whose targets are spread over neighbouring pixels."""

    def spread(self, targets: Tensor, valid: Tensor | None) -> Tensor:
        """Soft targets [B,c,H,W]."""


@runtime_checkable
class Balances(Protocol):
    """A pixel loss with its own class weights."""

    def balance(self, counts: Tensor) -> Tensor:
        """Weights [C] from the pixels of each class [C]."""


class RegionLoss(Protocol):
    """One term per channel from probabilities and targets; `precise` asks for probabilities in float64."""

    name: str
    kind: Literal["region"]
    precise: bool

    def __call__(self, probabilities: Tensor, targets: Tensor) -> Tensor:
        """Terms [c]."""


@runtime_checkable
class OfLogits(Protocol):
    """A region loss that also computes its terms from float32 logits on a CPU, faster than from probabilities."""

    def of_logits(self, logits: Tensor, targets: Tensor, valid: Tensor | None, *, link: Link) -> Tensor:
        """Terms [c]; a pixel that is not `valid [B,1,H,W]` has probability 0."""


class MappedLoss(Protocol):
    """One term per channel from probabilities, targets and a truth map; `sees_targets` False: targets are not read."""

    name: str
    kind: Literal["mapped"]
    truth_map: TruthMap
    sees_targets: bool

    def __call__(self, probabilities: Tensor, targets: Tensor, drawn: Tensor) -> Tensor:
        """Terms [c], of the curves only where the map is `curves_only`."""


@runtime_checkable
class OnMapOnly(Protocol):
    """A mapped loss that reads no targets, and no probability where its map is 0 in every channel.

    On a CPU it is called with the other pixels alone, as one row `[1,c,1,P]`.
    """

    on_map_only: Literal[True]


class SumLoss(Protocol):
    """A weighted sum of losses."""

    name: str
    kind: Literal["sum"]

    @property
    def parts(self) -> Sequence[tuple[str, float, Loss]]:
        """(name, share, loss) of every loss with a share above 0."""


SingleLoss: TypeAlias = PixelLoss | RegionLoss | MappedLoss
Loss: TypeAlias = SingleLoss | SumLoss


def singles(loss: Loss, path: str = "") -> Iterator[tuple[str, SingleLoss]]:
    """Every loss of a sum with its path, for example `dice` or `both.dice`; a loss that is no sum has the path ""."""
    if loss.kind != "sum":
        yield path, loss
        return
    for name, _, part in loss.parts:
        yield from singles(part, f"{path}.{name}" if path else name)
