"""Sigmoid heads, a binary decision per channel.

`SigmoidStack` has one channel a curve, `Binary` one for all curves, `Curves` one for the ink of all curves and one for
their centre lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from thinline.heads.cross_entropy import sigmoid_cross_entropy
from thinline.heads.head import POSITIVE_ABOVE, Head, weight_of_label
from thinline.vocabulary import BACKGROUND, INK_AND_CENTRE, Bool


class _Sigmoid(Head):
    """Likelihood of independent binary channels."""

    link = "sigmoid"

    def nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Binary cross-entropy of each channel."""
        self._check_pair(logits, targets)
        return sigmoid_cross_entropy(logits, targets)

    def pixel_nll(self, logits: Tensor, targets: Tensor) -> Tensor:
        """`nll`: every channel is a decision."""
        return self.nll(logits, targets)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Sigmoid of each channel."""
        self._check_channels(logits, "logits")
        return logits.sigmoid()

    def soften(self, targets: Tensor, smoothing: float) -> Tensor:
        """(1 - smoothing) t + smoothing / 2: a channel has two outcomes."""
        return targets * (1 - smoothing) + smoothing / 2


class _OfStrokes(_Sigmoid):
    """One binary channel for each plane of the strokes; several may be positive on a pixel."""

    def _targets(self, labels: Tensor, strokes: Tensor, valid: Tensor | None, dtype: torch.dtype) -> Tensor:
        return _as_float(strokes if valid is None else strokes & valid, dtype)

    def pixel_weights(self, weight: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """w[k+1] on stroke k, w[0] elsewhere."""
        return torch.addcmul(weight[0], targets, (weight[1:] - weight[0]).view(1, -1, 1, 1))

    def channel_weights(self, weight: Tensor) -> Tensor:
        """w[1:]."""
        return weight[1:]


class SigmoidStack(_OfStrokes):
    """One binary channel per curve; two curves may be positive on a pixel.

    `decode` gives a pixel to the curve with the largest probability if that is above one half, else to the background;
    ties go to the lowest id.
    """

    name = "sigmoid_stack"

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__(classes)
        self.classes = self.vocabulary
        self.channels = len(self.vocabulary) - 1

    def decode(self, probabilities: Tensor) -> Tensor:
        """The most probable curve if it is above one half, else background; ties go to the lowest id."""
        self._check_channels(probabilities, "probabilities")
        best, curve = probabilities.max(dim=1)
        return torch.where(best > POSITIVE_ABOVE, curve + 1, 0)


class Curves(_OfStrokes):
    """The ink of any curve in channel 0, the centre line of any curve in channel 1: what a reader of scans traces.

    The strokes are those of `thinline.sheets.ink_and_centre`. The centre line continues through the gaps of a dashed
    curve, so it is not a part of the ink. `decode` gives 1, "ink", where the ink is above one half; the centre line
    decides no class, and only the ink has pixel metrics.
    """

    name = "curves"
    unscored = 1

    def __init__(self, classes: Sequence[str] = INK_AND_CENTRE) -> None:
        super().__init__(classes)
        if self.vocabulary != INK_AND_CENTRE:
            wanted = ",".join(INK_AND_CENTRE)
            raise ValueError(
                f"`classes` of head {self.name!r} must be {list(INK_AND_CENTRE)}, got {list(self.vocabulary)}; say "
                f"classes=[{wanted}], or choose another head"
            )
        self.classes = INK_AND_CENTRE[:2]
        self.channels = 2

    def positives(self, counts: Tensor) -> Tensor:
        """The label of a centre line is ink as well."""
        background, ink, centre = counts.unbind()
        return torch.stack([background, ink + centre, centre])

    def scored_strokes(self, strokes: Bool) -> Bool:
        """The ink alone."""
        return strokes[:1]

    def decode(self, probabilities: Tensor) -> Tensor:
        """1 where the ink is above one half, else 0."""
        self._check_channels(probabilities, "probabilities")
        return (probabilities[:, 0] > POSITIVE_ABOVE).long()


class Binary(_Sigmoid):
    """Any curve against background, in one channel. `decode` gives 1 above one half, 0 at one half.

    Class 1 is called "curve", or by its own name where the vocabulary has only one curve.
    """

    name = "binary"

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__(classes)
        self.classes = self.vocabulary if len(self.vocabulary) == 2 else (BACKGROUND, "curve")
        self.channels = 1

    def _targets(self, labels: Tensor, strokes: Tensor, valid: Tensor | None, dtype: torch.dtype) -> Tensor:
        any_curve = reduce(torch.logical_or, strokes.unbind(dim=1))[:, None]  # `any` takes several times as long
        return _as_float(any_curve if valid is None else any_curve & valid, dtype)

    def decode(self, probabilities: Tensor) -> Tensor:
        """1 above one half, else 0."""
        self._check_channels(probabilities, "probabilities")
        return (probabilities[:, 0] > POSITIVE_ABOVE).long()

    def pixel_weights(self, weight: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        """w[label] on curves, w[0] elsewhere."""
        return torch.addcmul(weight[0], targets, weight_of_label(weight, labels) - weight[0])

    def channel_weights(self, weight: Tensor) -> Tensor:
        """The mean of the curves' weights."""
        return weight[1:].mean(dim=0, keepdim=True)


def _as_float(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """1 where `mask` is true; through int8, which torch converts several times faster than bool on a CPU."""
    return mask.view(torch.int8).to(dtype)
