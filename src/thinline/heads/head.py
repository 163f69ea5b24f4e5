"""Base class of all heads, with their checks; the docstring of the package defines the conventions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from thinline.vocabulary import BACKGROUND, IGNORE, Bool

POSITIVE_ABOVE = 0.5
"""A sigmoid channel is positive above this probability; exactly one half is negative."""


class Truth(NamedTuple):
    """`targets [B,c,H,W]` and `valid [B,1,H,W]` bool, None when no pixel is ignored."""

    targets: Tensor
    valid: Tensor | None


class ChannelConflicts(NamedTuple):
    """Counts before decoding: pixels, pixels where two or more curves are positive, pixels where no curve is."""

    pixels: int
    twice: int
    none: int


class Head(ABC):
    """A likelihood model of pixels. Subclasses are final.

    `vocabulary` are the C class names of the labels, `classes` the names of the ids that `decode` returns. Channels
    from `first_curve` on belong to curves. The last `unscored` channels stand for no class of `decode` and have no
    pixel metrics. `link` makes probabilities of logits; None is any other function.
    """

    name: ClassVar[str]
    first_curve: ClassVar[int] = 0
    unscored: ClassVar[int] = 0
    link: ClassVar[Literal["softmax", "sigmoid"] | None] = None
    vocabulary: tuple[str, ...]
    classes: tuple[str, ...]
    channels: int

    def __init__(self, classes: Sequence[str]) -> None:
        self.vocabulary = tuple(classes)
        background_first = len(self.vocabulary) >= 2 and self.vocabulary[0] == BACKGROUND
        if not background_first or len(set(self.vocabulary)) != len(self.vocabulary):
            raise ValueError(
                f"`classes` must be {BACKGROUND!r} and then one or more different curve names, got "
                f"{list(self.vocabulary)}; put the background first and name each curve once"
            )

    def read(self, labels: Tensor, strokes: Tensor, *, dtype: torch.dtype = torch.float32) -> Truth:
        """Targets and valid mask of a batch.

        Raises:
            ValueError: ids outside 0..C-1 and 255 (CPU tensors only), or shapes that differ.
            TypeError: labels that are not integers, strokes that are not bool.
        """
        valid = self.valid(labels, strokes)
        return Truth(self._targets(labels, strokes, valid, dtype), valid)

    def valid(self, labels: Tensor, strokes: Tensor) -> Tensor | None:
        """The valid mask of `read` alone; errors as there."""
        self._check(labels, strokes)
        return valid_pixels(labels, len(self.vocabulary))

    def targets(self, labels: Tensor, strokes: Tensor) -> Tensor:
        """`[B,c,H,W]` float32, zero at ignored pixels; errors as in `read`."""
        return self.read(labels, strokes).targets

    def truth(self, labels: Tensor) -> Tensor:
        """`labels [B,H,W]` in the ids that `decode` returns (for binary: 1 on any curve), 255 kept."""
        if self.classes == self.vocabulary:
            return labels
        return torch.where(labels == IGNORE, labels, (labels > 0).to(labels.dtype))

    @property
    def channel_names(self) -> tuple[str, ...]:
        """A name for each channel: those of the classes, and for channels that stand for no class the vocabulary's."""
        return (self.vocabulary if self.unscored else self.classes)[-self.channels :]

    @property
    def scored_classes(self) -> tuple[str, ...]:
        """The classes that have a channel of their own, in the order of the first channels."""
        return self.classes[len(self.classes) - self.channels + self.unscored :]

    def scored(self, probabilities: Tensor) -> Tensor:
        """The channels of `scored_classes`, `[B,c',H,W]` of probabilities `[B,c,H,W]`."""
        return probabilities[:, : self.channels - self.unscored]

    def scored_strokes(self, strokes: Bool) -> Bool:
        """The true ink of the classes after the background, `[C-1,H,W]` of strokes `[K,H,W]`."""
        return strokes if self.classes == self.vocabulary else np.asarray(strokes.any(axis=0, keepdims=True), np.bool_)

    def conflicts(self, probabilities: Tensor, *, valid: Tensor | None = None) -> ChannelConflicts:
        """Count the (valid) pixels with two or more positive curves and with none; exact integers."""
        self._check_channels(probabilities, "probabilities")
        positive = (probabilities[:, self.first_curve :] > POSITIVE_ABOVE).sum(dim=1, keepdim=True)
        if valid is not None:
            positive = positive[valid]
        return ChannelConflicts(positive.numel(), int((positive > 1).sum()), int((positive == 0).sum()))

    @abstractmethod
    def _targets(self, labels: Tensor, strokes: Tensor, valid: Tensor | None, dtype: torch.dtype) -> Tensor:
        """Targets from checked labels and strokes."""

    @abstractmethod
    def nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Negative log-likelihood `[B,c,H,W]` of hard or soft targets, channel by channel."""

    @abstractmethod
    def pixel_nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Negative log-likelihood of each decision, `[B,1,H,W]` (softmax, binary) or `[B,K,H,W]`."""

    @abstractmethod
    def probabilities(self, logits: Tensor) -> Tensor:
        """`[B,c,H,W]` in 0..1."""

    @abstractmethod
    def decode(self, probabilities: Tensor) -> Tensor:
        """Class ids `[B,H,W]` int64 into `classes`; each head states its tie rule."""

    @abstractmethod
    def soften(self, targets: Tensor, smoothing: float) -> Tensor:
        """Targets with label smoothing: moved towards the uniform distribution by `smoothing` in 0..1."""

    def positives(self, counts: Tensor) -> Tensor:
        """Pixels on each class `[C]`, from the numbers of labels `[C]`: the same, where a label is one class."""
        return counts

    @abstractmethod
    def pixel_weights(self, weight: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """Weight of each decision of `pixel_nll`, from `weight [C]`; unspecified at ignored pixels."""

    @abstractmethod
    def channel_weights(self, weight: Tensor) -> Tensor:
        """Weight of each channel `[c]`, from `weight [C]`."""

    def _check(self, labels: Tensor, strokes: Tensor) -> None:
        if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
            raise TypeError(f"`labels` must be integers [B,H,W], got {labels.dtype}; convert with `.long()`")
        if strokes.dtype != torch.bool:
            raise TypeError(f"`strokes` must be bool [B,K,H,W], got {strokes.dtype}; compare with `strokes > 0`")
        if labels.ndim != 3:
            raise ValueError(f"`labels` must be [B,H,W], got {list(labels.shape)}; drop the channel axis")
        expected = (labels.shape[0], len(self.vocabulary) - 1, *labels.shape[1:])
        if tuple(strokes.shape) != expected:
            raise ValueError(
                f"`strokes` must be {list(expected)} for labels {list(labels.shape)} and classes "
                f"{list(self.vocabulary)}, got {list(strokes.shape)}; take both from the same sheet"
            )

    def _check_channels(self, field: Tensor, name: str) -> None:
        if field.ndim != 4 or field.shape[1] != self.channels:
            raise ValueError(
                f"`{name}` must be [B,{self.channels},H,W] for head {self.name!r}, got {list(field.shape)}; "
                f"give the network {self.channels} output channels"
            )

    def _check_pair(self, logits: Tensor, targets: Tensor) -> None:
        self._check_channels(logits, "logits")
        if logits.shape != targets.shape:
            raise ValueError(
                f"`logits` {list(logits.shape)} and `targets` {list(targets.shape)} must have one shape; "
                "cut image and labels to the same tile"
            )


def valid_pixels(labels: Tensor, classes: int) -> Tensor | None:
    """`[B,1,H,W]` bool, false at 255; None for a CPU tensor without ignored pixels, which saves a multiplication.

    Raises:
        ValueError: a CPU tensor holds an id that is neither in 0..classes-1 nor 255.
    """
    if labels.device.type == "cpu":
        if labels.numel() == 0:
            return None
        ids = labels.numpy()
        if ids.view(f"u{ids.itemsize}").max() < classes:  # a negative id is a large one; half the time of torch
            return None
        wrong = labels[((labels < 0) | (labels >= classes)) & (labels != IGNORE)]
        if wrong.numel():
            raise ValueError(
                f"`labels` must hold ids 0..{classes - 1} or {IGNORE}, got {int(wrong[0])}; "
                "was the mask drawn with another vocabulary?"
            )
    return (labels != IGNORE)[:, None]


def weight_of_label(weight: Tensor, labels: Tensor) -> Tensor:
    """`[B,1,H,W]`: the weight of each pixel's class, zero where it is ignored."""
    table = weight.new_zeros(IGNORE + 1)
    table[: len(weight)] = weight
    return table.index_select(0, labels.flatten().long()).view(labels.shape)[:, None]
