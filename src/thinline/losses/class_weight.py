"""Class weights and priors from pixel counts.

Conventions: `counts [C]`, integers, are the numbers of pixels of each class in the training mix, background first.
Whole sheets are counted, not crops, each as often as one pass over the training mix has it
(`CachedSheets.class_counts`, called by pipeline/train.py). The weight of the background is 1. `scale` says what divides
the weighted loss: with "kept" the sum of the weights used, so its size stays; with "raw" the number of pixels or
terms, as without weights (objective.py).

    none              None
    fixed             1 for the background, `value` for each curve
    measured          n_0 / n_c
    sqrt              sqrt(n_0 / n_c)
    effective_number  E_0 / E_c with E_c = (1 - beta^n_c) / (1 - beta)
    tuned_threshold   None; the classes of test pixels come from thresholds tuned on validation (metrics/thresholds.py)
    logit_adjustment  None; the objective adds the prior to the logits (`logit_adjustment.py`)

The last two are controls: they show how much a moved threshold or a known prior gains without a weight.

References
----------
Cui, Jia, Lin, Song and Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019, equation 4.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from thinline.losses.weight_checks import Scale

Counts = Sequence[int] | Tensor
FAR_OFF = 1.5
"""A weight that differs from the measured ratio by more than this factor is reported."""


@dataclass(frozen=True)
class Imbalance:
    """How a run treats rare classes. The default of each field has no effect on the run.

    `weight` [C]: class weights of the loss, background first. `scale`: what the weighted loss is divided by. `prior`
    [C]: share of each class; the objective adds its logarithm, times `tau`, to the logits. `tuned`: whether the classes
    of test pixels come from thresholds tuned on validation, not from the decision of the head.
    """

    weight: tuple[float, ...] | None = None
    scale: Scale = "kept"
    prior: tuple[float, ...] | None = None
    tau: float = 1.0
    tuned: bool = False


@dataclass(frozen=True, kw_only=True)
class Weighting(ABC):
    """An option of `class_weight`; `tuned` as in `Imbalance`."""

    scale: Scale = "kept"
    tuned: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, counts: Counts) -> Tensor | None:
        """The weight of each class, float64 `[C]`, or None for no weight. Raises ValueError for unusable counts."""

    def imbalance(self, counts: Counts) -> Imbalance:
        """The class weight for the pixel counts `[C]`, with `scale` and `tuned`. Raises what the call raises."""
        weight = self(counts)
        return Imbalance(weight=None if weight is None else tuple(weight.tolist()), scale=self.scale, tuned=self.tuned)


@dataclass(frozen=True, kw_only=True)
class NoWeight(Weighting):
    """Every class counts the same."""

    def __call__(self, counts: Counts) -> None:
        """None, whatever the counts."""


@dataclass(frozen=True, kw_only=True)
class Fixed(Weighting):
    """`value` for each curve, 1 for the background, whatever the counts."""

    value: float = 42.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0):
            raise ValueError(f"`class_weight.value` must be finite and above 0, got {self.value}; 1 is no weight")

    def __call__(self, counts: Counts) -> Tensor:
        """[1, value, ..., value]."""
        weight = torch.full((len(_checked(counts, absent=True)),), float(self.value), dtype=torch.float64)
        weight[0] = 1
        return weight


@dataclass(frozen=True, kw_only=True)
class Measured(Weighting):
    """Background pixels for each pixel of the class."""

    def __call__(self, counts: Counts) -> Tensor:
        """n_0 / n_c."""
        pixels = _checked(counts)
        return pixels[0] / pixels


@dataclass(frozen=True, kw_only=True)
class Sqrt(Weighting):
    """The square root of the weight of `Measured`."""

    def __call__(self, counts: Counts) -> Tensor:
        """sqrt(n_0 / n_c)."""
        pixels = _checked(counts)
        return (pixels[0] / pixels).sqrt()


@dataclass(frozen=True, kw_only=True)
class EffectiveNumber(Weighting):
    """The ratio of effective numbers of pixels. In E_c each further pixel of class c counts less than the one before.

    E_c is at most 1 / (1 - beta). The paper counts images and takes beta up to .9999. A class has many more pixels than
    images: with that beta E_c is close to its maximum for every class, and every weight is close to 1. With the default
    beta the maximum is a million pixels.
    """

    beta: float = 0.999999

    def __post_init__(self) -> None:
        if not 0 < self.beta < 1:
            raise ValueError(f"`class_weight.beta` must be above 0 and below 1, got {self.beta}; 0.999999 is usual")

    def __call__(self, counts: Counts) -> Tensor:
        """E_0 / E_c. Raises ValueError also where beta makes the weights equal although the counts differ much."""
        pixels = _checked(counts)
        effective = -torch.expm1(pixels * math.log(self.beta))
        weight = effective[0] / effective
        if bool((pixels[0] / pixels > FAR_OFF).any()) and bool((weight < 1.01).all()):
            raise ValueError(
                f"class_weight=effective_number with beta={self.beta} gives every class the same weight for counts "
                f"{pixels.long().tolist()}; take beta nearer to 1, about 1 - 1 / {int(pixels[0])}"
            )
        return weight


@dataclass(frozen=True, kw_only=True)
class TunedThreshold(NoWeight):
    """No weight; the classes of test pixels come from thresholds tuned on validation."""

    tuned: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class LogitAdjustment(NoWeight):
    """No weight; the log prior of the classes, times `tau`, is added to the logits in training only."""

    tau: float = 1.0

    def prior(self, counts: Counts) -> Tensor:
        """Share of each class, float64 `[C]`. Raises ValueError for a class without pixels."""
        pixels = _checked(counts)
        return pixels / pixels.sum()

    def imbalance(self, counts: Counts) -> Imbalance:
        """The prior of the classes and `tau`, without a weight. Raises what `prior` raises."""
        return replace(super().imbalance(counts), prior=tuple(self.prior(counts).tolist()), tau=self.tau)


def measured_ratio(counts: Counts) -> Tensor:
    """Background pixels for each pixel of a curve, float64 `[K]`.

    Infinite for a curve that has none, 0 where the background has none, NaN for both.
    """
    pixels = _checked(counts, absent=True)
    return pixels[0] / pixels[1:]


def far_from_measured(weight: Sequence[float] | Tensor | None, counts: Counts) -> str | None:
    """A warning when the weight of a curve is more than 1.5 times off its measured ratio, else None.

    Args:
        weight: [C], or None for no weight, which gives no warning.
        counts: [C].
    """
    if weight is None:
        return None
    vector = torch.as_tensor(weight, dtype=torch.float64)
    used, measured = vector[1:] / vector[0], measured_ratio(counts)
    off = torch.maximum(used / measured, measured / used)
    if not bool((off > FAR_OFF).any()):
        return None
    pairs = ", ".join(f"{u:.4g} for measured {m:.4g}" for u, m in zip(used.tolist(), measured.tolist(), strict=True))
    has_ratio = bool((torch.as_tensor(counts) > 0).all())
    advice = "class_weight=measured uses the ratio itself" if has_ratio else "a class without pixels has no ratio"
    return (
        f"class weights of the curves are more than {FAR_OFF} times off the measured background:curve ratio ({pairs}); "
        f"{advice}"
    )


def _checked(counts: Counts, *, absent: bool = False) -> Tensor:
    """Counts as float64 `[C]`; classes without pixels pass only if `absent`."""
    pixels = torch.as_tensor(counts)
    if pixels.ndim != 1 or len(pixels) < 2 or pixels.is_floating_point() or pixels.dtype == torch.bool:
        raise ValueError(f"`counts` must be integers [C], background first, got {counts}; count pixels per class")
    if bool((pixels < (0 if absent else 1)).any()):
        raise ValueError(
            f"`counts` must be at least 1 for every class that a weight is computed for, got {pixels.tolist()}; "
            "train on sheets that show every curve, or use class_weight=none or fixed"
        )
    return pixels.double()
