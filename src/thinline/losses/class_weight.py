"""Class weights from pixel counts: none, fixed, measured, sqrt, effective number, and two controls without weights.

Conventions: `counts [C]` are integer pixels of each class over the training mix, background first; the weight of the
background is 1. A weighting is called with the counts and returns a float64 vector `[C]` or None. Its `scale` sets the
divisor of the objective ("kept": the sum of the weights used; "raw": as without weights).

    none              None
    fixed             1 for the background, `value` for each curve
    measured          n_0 / n_c
    sqrt              sqrt(n_0 / n_c)
    effective_number  E_0 / E_c with E_c = (1 - beta^n_c) / (1 - beta)
    tuned_threshold   None; the test split is decided at thresholds of validation (`metrics/thresholds.py`)
    logit_adjustment  None; the objective adds the log prior to the logits (`logit_adjustment.py`)

The last two are controls: they separate the effect of a weight from that of another threshold or a known prior.

References
----------
Cui, Jia, Lin, Song and Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019, equation 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from thinline.losses.weight_checks import Scale

Counts = Sequence[int] | Tensor
FAR_OFF = 1.5
"""A weight further from the measured ratio than this factor causes a warning."""


@dataclass(frozen=True, kw_only=True)
class _Unweighted:
    scale: Scale = "kept"

    def __call__(self, counts: Counts) -> None:
        """None for any counts."""


@dataclass(frozen=True, kw_only=True)
class NoWeight(_Unweighted):
    """All classes have the same weight."""


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """`value` for each curve, 1 for the background, for any counts."""

    value: float = 42.0
    scale: Scale = "kept"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0):
            raise ValueError(f"`class_weight.value` must be finite and above 0, got {self.value}; 1 is no weight")

    def __call__(self, counts: Counts) -> Tensor:
        """[1, value, ..., value]."""
        weight = torch.full((len(_checked(counts, absent=True)),), float(self.value), dtype=torch.float64)
        weight[0] = 1
        return weight


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Background pixels per pixel of the class."""

    scale: Scale = "kept"

    def __call__(self, counts: Counts) -> Tensor:
        """n_0 / n_c."""
        pixels = _checked(counts)
        return pixels[0] / pixels


@dataclass(frozen=True, kw_only=True)
class Sqrt:
    """The square root of `Measured`, a common compromise."""

    scale: Scale = "kept"

    def __call__(self, counts: Counts) -> Tensor:
        """sqrt(n_0 / n_c)."""
        pixels = _checked(counts)
        return (pixels[0] / pixels).sqrt()


@dataclass(frozen=True, kw_only=True)
class EffectiveNumber:
    """Effective number of pixels, which saturates at 1 / (1 - beta).

    The paper counts images and takes beta up to .9999. There are many more pixels: with that beta every class is
    saturated and every weight is 1. The default saturates at a million pixels.
    """

    beta: float = 0.999999
    scale: Scale = "kept"

    def __post_init__(self) -> None:
        if not 0 < self.beta < 1:
            raise ValueError(f"`class_weight.beta` must be above 0 and below 1, got {self.beta}; 0.999999 is usual")

    def __call__(self, counts: Counts) -> Tensor:
        """E_0 / E_c.

        Raises:
            ValueError: also when beta makes the weights equal for very different counts.
        """
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
class TunedThreshold(_Unweighted):
    """No weight; the test split is decided at the thresholds tuned on validation."""


@dataclass(frozen=True, kw_only=True)
class LogitAdjustment(_Unweighted):
    """No weight; the log prior of the classes, times `tau`, is added to the logits in training only."""

    tau: float = 1.0

    def prior(self, counts: Counts) -> Tensor:
        """Share of each class, float64 `[C]`. Raises ValueError for a class without pixels."""
        pixels = _checked(counts)
        return pixels / pixels.sum()


def measured_ratio(counts: Counts) -> Tensor:
    """Background pixels per pixel of a curve, float64 `[K]`; inf for a curve without pixels, NaN for 0 / 0."""
    pixels = _checked(counts, absent=True)
    return pixels[0] / pixels[1:]


def far_from_measured(weight: Sequence[float] | Tensor | None, counts: Counts) -> str | None:
    """A warning if the weight of a curve differs from its measured ratio by more than a factor of 1.5, else None.

    Args:
        weight: [C], or None for no weight, which causes no warning.
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
    """Counts as float64 `[C]`; classes without pixels are allowed if `absent`."""
    pixels = torch.as_tensor(counts)
    if pixels.ndim != 1 or len(pixels) < 2 or pixels.is_floating_point() or pixels.dtype == torch.bool:
        raise ValueError(f"`counts` must be integers [C], background first, got {counts}; count pixels per class")
    if bool((pixels < (0 if absent else 1)).any()):
        raise ValueError(
            f"`counts` must be at least 1 for every class that a weight is computed for, got {pixels.tolist()}; "
            "train on sheets that show every curve, or use class_weight=none or fixed"
        )
    return pixels.double()
