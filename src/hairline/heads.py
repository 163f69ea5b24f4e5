"""Heads: how logits answer the question "what is on this pixel?", so that no loss has to know it.

Conventions
-----------
`logits [B,c,H,W]`, `labels [B,H,W]` integer ids with 255 = ignored, `strokes [B,K,H,W]` bool; C classes, background
first, K = C - 1 curves. The vocabulary is an argument: nothing here assumes two curves.

    head            c   one decision             targets             probabilities  nll of a channel
    softmax         C   which class a pixel has  one-hot of labels   softmax        -t_c log p_c
    sigmoid_stack   K   is curve k's ink here    strokes             sigmoid        -t_k log p_k - (1-t_k) log(1-p_k)
    binary          1   is any curve's ink here  union of strokes    sigmoid        the same

A crossing is therefore positive in two channels of the sigmoid stack, and in one class of the softmax.
Targets are float and may be soft (rows of the softmax sum to one); at ignored pixels they are zero in every channel.

`pixel_nll` has one plane per *decision*: for the softmax the sum of `nll` over the classes (the cross-entropy of the
pixel), for the sigmoid heads `nll` itself. With hard targets it is -log p_t, p_t the probability of the truth.

Weights (`[C]`, background first, for every head). A pixel decision is weighted by its true class: softmax by
w[label]; channel k of the stack by w[k+1] where its ink is and by w[0] elsewhere; binary by w[label] where ink is (the
curve drawn last, on a crossing) and by w[0] elsewhere. A channel of a region loss is weighted by its class: w, w[1:],
and for binary, whose one channel holds every curve, the mean of w[1:].

Accuracy: log-probabilities are right to about one unit of the dtype's epsilon in absolute terms, as torch's
log_softmax is.

Checks: shapes and dtypes always; ids of `labels` on CPU only, because reading them on a GPU would make the host wait
for the device in every step. (On a GPU torch's own index check stops the run, with a worse message.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from hairline.vocabulary import BACKGROUND, IGNORE

CLAIM = 0.5
"""A sigmoid channel claims a pixel when its probability is above this; exactly one half claims nothing."""


class Truth(NamedTuple):
    """What a head is asked to say: `targets [B,c,H,W]` and `valid [B,1,H,W]` bool, None when no pixel is ignored."""

    targets: Tensor
    valid: Tensor | None


class Claims(NamedTuple):
    """Counts before decode: pixels looked at, claimed by two or more curves, claimed by no curve."""

    pixels: int
    twice: int
    none: int


class Head(ABC):
    """What every head answers. Subclasses are final.

    `vocabulary` are the C class names of the labels, `classes` the names of what `decode` returns. Channels from
    `first_curve` on belong to curves.
    """

    name: ClassVar[str]
    first_curve: ClassVar[int] = 0
    vocabulary: tuple[str, ...]
    classes: tuple[str, ...]
    channels: int

    def __init__(self, classes: Sequence[str]) -> None:
        self.vocabulary = tuple(classes)
        named = len(self.vocabulary) >= 2 and self.vocabulary[0] == BACKGROUND
        if not named or len(set(self.vocabulary)) != len(self.vocabulary):
            raise ValueError(
                f"`classes` must be {BACKGROUND!r} and then one or more different curve names, got "
                f"{list(self.vocabulary)}; put the background first and name each curve once"
            )

    def read(self, labels: Tensor, strokes: Tensor, *, dtype: torch.dtype = torch.float32) -> Truth:
        """Targets and valid mask of a batch.

        Raises:
            ValueError: ids outside 0..C-1 and 255 (CPU tensors only), or shapes that do not belong together.
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

    def claims(self, probabilities: Tensor, *, valid: Tensor | None = None) -> Claims:
        """How many of the (valid) pixels two or more curves claim, and how many none does; exact integers."""
        self._check_channels(probabilities, "probabilities")
        claimants = (probabilities[:, self.first_curve :] > CLAIM).sum(dim=1, keepdim=True)
        if valid is not None:
            claimants = claimants[valid]
        return Claims(claimants.numel(), int((claimants > 1).sum()), int((claimants == 0).sum()))

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
        """Targets moved towards "every answer alike" by `smoothing` in 0..1."""

    @abstractmethod
    def pixel_weights(self, weight: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """Weight of each decision of `pixel_nll`, from `weight [C]`; what it holds at ignored pixels is unspecified."""

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
                f"{list(self.vocabulary)}, got {list(strokes.shape)}; draw both from the same sheet"
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


class Softmax(Head):
    """Exclusive classes. `decode` takes the largest probability; of equal ones the lowest id, so background first."""

    name = "softmax"
    first_curve = 1

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__(classes)
        self.classes = self.vocabulary
        self.channels = len(self.vocabulary)

    def _targets(self, labels: Tensor, strokes: Tensor, valid: Tensor | None, dtype: torch.dtype) -> Tensor:
        batch, rows, columns = labels.shape
        targets = torch.empty(batch, self.channels, rows, columns, dtype=dtype, device=labels.device)
        ids = labels.to(torch.uint8)  # a quarter of the time of comparing int64; no class has the id 255
        for channel in range(self.channels):
            torch.eq(ids, channel, out=targets[:, channel])
        return targets

    def nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """-t_c log p_c."""
        self._check_pair(logits, targets)
        return -targets * logits.log_softmax(dim=1)

    def pixel_nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of the pixel, `[B,1,H,W]`."""
        self._check_pair(logits, targets)
        return _apply(_SoftmaxCrossEntropy, logits, targets)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax over the channels."""
        self._check_channels(logits, "logits")
        return logits.softmax(dim=1)

    def decode(self, probabilities: Tensor) -> Tensor:
        """Largest probability; ties go to the lowest id."""
        self._check_channels(probabilities, "probabilities")
        return probabilities.argmax(dim=1)

    def soften(self, targets: Tensor, smoothing: float) -> Tensor:
        """(1 - smoothing) t + smoothing / C: for C = 3 and 0.1, [.933, .033, .033]."""
        return targets * (1 - smoothing) + smoothing / self.channels

    def pixel_weights(self, weight: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """w[label]."""
        return _weight_of_label(weight, labels)

    def channel_weights(self, weight: Tensor) -> Tensor:
        """The weights themselves."""
        return weight


class _Sigmoid(Head):
    """What the heads share that ask each channel for a yes or no."""

    def nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Binary cross-entropy of each channel."""
        self._check_pair(logits, targets)
        return _apply(_SigmoidCrossEntropy, logits, targets)

    def pixel_nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """`nll`: every channel is a decision of its own."""
        return self.nll(logits, targets)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Sigmoid of each channel."""
        self._check_channels(logits, "logits")
        return logits.sigmoid()

    def soften(self, targets: Tensor, smoothing: float) -> Tensor:
        """(1 - smoothing) t + smoothing / 2: a channel chooses between two answers."""
        return targets * (1 - smoothing) + smoothing / 2


class SigmoidStack(_Sigmoid):
    """One yes-or-no channel per curve, so that two may claim a pixel.

    `decode` gives a pixel to the curve with the largest probability if that is above one half, else to the background;
    of curves with equal probability the lowest id gets it.
    """

    name = "sigmoid_stack"

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__(classes)
        self.classes = self.vocabulary
        self.channels = len(self.vocabulary) - 1

    def _targets(self, labels: Tensor, strokes: Tensor, valid: Tensor | None, dtype: torch.dtype) -> Tensor:
        return _as_float(strokes if valid is None else strokes & valid, dtype)

    def decode(self, probabilities: Tensor) -> Tensor:
        """The likeliest curve if it is above one half, else background; ties go to the lowest id."""
        self._check_channels(probabilities, "probabilities")
        best, curve = probabilities.max(dim=1)
        return torch.where(best > CLAIM, curve + 1, 0)

    def pixel_weights(self, weight: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """w[k+1] where curve k is, w[0] elsewhere."""
        return torch.addcmul(weight[0], targets, (weight[1:] - weight[0]).view(1, -1, 1, 1))

    def channel_weights(self, weight: Tensor) -> Tensor:
        """w[1:]."""
        return weight[1:]


class Binary(_Sigmoid):
    """Any curve against background, in one channel. `decode` says curve above one half, background at one half.

    What it finds is called "curve", or by its own name where the vocabulary has only one.
    """

    name = "binary"

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__(classes)
        self.classes = self.vocabulary if len(self.vocabulary) == 2 else (BACKGROUND, "curve")
        self.channels = 1

    def _targets(self, labels: Tensor, strokes: Tensor, valid: Tensor | None, dtype: torch.dtype) -> Tensor:
        ink = reduce(torch.logical_or, strokes.unbind(dim=1))[:, None]  # `any` takes several times as long
        return _as_float(ink if valid is None else ink & valid, dtype)

    def decode(self, probabilities: Tensor) -> Tensor:
        """1 above one half, else 0."""
        self._check_channels(probabilities, "probabilities")
        return (probabilities[:, 0] > CLAIM).long()

    def pixel_weights(self, weight: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """w[label] where ink is, w[0] elsewhere."""
        return torch.addcmul(weight[0], targets, _weight_of_label(weight, labels) - weight[0])

    def channel_weights(self, weight: Tensor) -> Tensor:
        """The mean of the curves' weights."""
        return weight[1:].mean(dim=0, keepdim=True)


def valid_pixels(labels: Tensor, classes: int) -> Tensor | None:
    """`[B,1,H,W]` bool, false at 255; None when a CPU tensor has nothing to ignore, so that nobody multiplies by ones.

    Raises:
        ValueError: a CPU tensor holds an id that is neither in 0..classes-1 nor 255.
    """
    if labels.device.type == "cpu":
        if labels.numel() == 0:
            return None
        low, high = (int(bound) for bound in torch.aminmax(labels))
        if low >= 0 and high < classes:
            return None
        wrong = labels[((labels < 0) | (labels >= classes)) & (labels != IGNORE)]
        if wrong.numel():
            raise ValueError(
                f"`labels` must hold ids 0..{classes - 1} or {IGNORE}, got {int(wrong[0])}; "
                "was the mask drawn with another vocabulary?"
            )
    return (labels != IGNORE)[:, None]


def _as_float(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """1 where `mask` is true; by way of int8, which torch converts several times as fast as bool on a CPU."""
    return mask.view(torch.int8).to(dtype)


def _weight_of_label(weight: Tensor, labels: Tensor) -> Tensor:
    """`[B,1,H,W]`: the weight of each pixel's class, zero where it is ignored."""
    table = weight.new_zeros(IGNORE + 1)
    table[: len(weight)] = weight
    return table.index_select(0, labels.flatten().long()).view(labels.shape)[:, None]


def _apply(function: type[torch.autograd.Function], logits: Tensor, targets: Tensor) -> Tensor:
    result: Tensor = function.apply(logits, targets)
    return result


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """log sum_c exp z_c - sum_c t_c z_c, for targets that sum to one (or whose pixel is ignored, and has no gradient).

    The first part is z_m - log p_m at the likeliest class m: p_m is at least 1/C, so the logarithm is safe, and p is
    all that the gradient p - t needs. It is kept in the place of p, and all else goes plane by plane, because fresh
    memory of the size of the logits costs more than the arithmetic.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        p = logits.softmax(dim=1)
        z = logits.unbind(dim=1)
        nll = reduce(torch.maximum, z).sub_(reduce(torch.maximum, p.unbind(dim=1)).log_())
        for z_c, t_c in zip(z, targets.unbind(dim=1), strict=True):
            nll.addcmul_(z_c, t_c, value=-1)
        ctx.save_for_backward(p.sub_(targets))
        return nll[:, None]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return slope * grad, None


class _SigmoidCrossEntropy(torch.autograd.Function):
    """log(1 + exp z) - z t, with gradient p - t."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        ctx.save_for_backward(logits.sigmoid().sub_(targets))
        return F.softplus(logits).addcmul_(logits, targets, value=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return slope * grad, None
