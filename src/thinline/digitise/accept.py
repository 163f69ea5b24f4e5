"""Judging: which rows of a traced curve are told as values, and whether a curve is told at all.

Conventions
    The confidence of a row is the tracer's, 0..1. Rows below `min_confidence` are gaps: nothing is filled in. Rows
    where the scan is damaged are gaps too, and count as such.
    **coverage** is the share of the rows that keep a value, the **longest gap** is in mm of paper.
    A curve is refused, with its reason, when
        its ink covers more than MOST_INK of its track                 a class map that is all curve
        nothing of it was found                                        an empty class map
        the mean confidence of the rows where it was found is below `min_confidence`
        its coverage is below `min_coverage`
    A refused curve has no values in any file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.curves.curve import Curve
from thinline.digitise.paper import Frame
from thinline.digitise.scales import CurveScale
from thinline.vocabulary import Float32, Float64, Int64

MOST_INK: Final = 0.2
MIN_CONFIDENCE: Final = 0.5
MIN_COVERAGE: Final = 0.25


@dataclass(frozen=True)
class Limits:
    """What a row and a curve must reach to be told."""

    min_confidence: float = MIN_CONFIDENCE
    min_coverage: float = MIN_COVERAGE

    def __post_init__(self) -> None:
        for name in ("min_confidence", "min_coverage"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"`{name}` must lie in 0..1, got {getattr(self, name)}; {MIN_CONFIDENCE} is usual")


@dataclass(frozen=True, eq=False)
class Digitised:
    """One curve of a scan, a point for each paper row.

    `u_px [H]` columns of the paper, NaN in gaps; `values [H]` on `scale`; `lap [H]`; `confidence [H]` of every row,
    those in gaps too; `refused` says why the curve is not told, or nothing.
    """

    label: str
    scale: CurveScale
    u_px: Float64
    values: Float64
    lap: Int64
    confidence: Float64
    refused: str
    mean_confidence: float
    longest_gap_mm: float

    @property
    def coverage(self) -> float:
        """The share of rows with a value."""
        return float(np.isfinite(self.u_px).mean())


def accepted(
    label: str, curve: Curve, inked: Float32, scale: CurveScale, *, frame: Frame, px_per_mm: float, demands: Limits
) -> Digitised:
    """The curve as it may be told; `inked` is the share of its track that its ink covers in each undamaged row."""
    found = np.isfinite(curve.x_px)
    mean = float(curve.confidence[found].mean()) if found.any() else 0.0
    kept = found & (curve.confidence >= demands.min_confidence)
    u_px = np.where(kept, curve.x_px, np.nan)
    lap = np.where(kept, curve.lap, 0)
    return Digitised(
        label=label,
        scale=scale,
        u_px=u_px,
        values=scale.values(frame.scan_x(u_px), lap),
        lap=lap,
        confidence=curve.confidence,
        refused=_refusal(bool(found.any()), float(kept.mean()), mean, float(inked.mean()), demands),
        mean_confidence=mean,
        longest_gap_mm=_longest(~kept) / px_per_mm,
    )


def _refusal(found: bool, coverage: float, mean: float, ink_share: float, demands: Limits) -> str:
    """Why the curve is not told, or nothing."""
    if ink_share > MOST_INK:
        return (
            f"the network calls {100 * ink_share:.0f} % of its track this curve, {100 * MOST_INK:.0f} % are the most; "
            "is the run trained, and is --dpi right?"
        )
    if not found:
        return "nothing of it was found"
    if mean < demands.min_confidence:
        return f"its mean confidence is {mean:.2f}, expected {demands.min_confidence:g} or more (--min-confidence)"
    if coverage < demands.min_coverage:
        return (
            f"it was found in {100 * coverage:.0f} % of the rows, expected {100 * demands.min_coverage:g} % or more "
            "(--min-coverage)"
        )
    return ""


def _longest(missing: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """The longest stretch of rows without a value."""
    edges = np.diff(np.concatenate([[0], missing.astype(np.int8), [0]]))
    return int(max(np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1), default=0))
