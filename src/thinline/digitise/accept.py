"""Reject rows and curves with a low confidence.

Conventions
    The tracer gives each row of a curve a confidence, 0..1. A row whose confidence is below `min_confidence` is a gap,
    and so is a damaged row. Gaps are not filled.
    **coverage** is the share of rows with a value; the **longest gap** is in mm of paper.
    A curve is refused, with a reason, if
        its ink covers more than `most_ink` of its track               for example if every pixel has its class
        the tracer found it in no row                                  for example if no pixel has its class
        the mean confidence of the rows in which it was found is below `min_confidence`
        its coverage is below `min_coverage`
    A refused curve has no values in any file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.curves.curve import Curve
from thinline.digitise.axes import CurveScale
from thinline.digitise.paper import Frame
from thinline.vocabulary import Float32, Float64, Int64

MOST_INK: Final = 0.2
MOST_INK_OF_ANY: Final = 0.4
"""For networks that find the ink of any curve, in its full width: a curve of drawn `field` sheets covers up to .28."""

MIN_CONFIDENCE: Final = 0.5
MIN_COVERAGE: Final = 0.25


@dataclass(frozen=True)
class Limits:
    """The smallest confidence of a row and coverage of a curve that are accepted, and the largest share of ink."""

    min_confidence: float = MIN_CONFIDENCE
    min_coverage: float = MIN_COVERAGE
    most_ink: float = MOST_INK

    def __post_init__(self) -> None:
        for name in ("min_confidence", "min_coverage"):
            if not 0 <= getattr(self, name) <= 1:
                default = getattr(Limits, name)
                raise ValueError(f"`{name}` must lie in 0..1, got {getattr(self, name)}; the default is {default:g}")


@dataclass(frozen=True, eq=False)
class Digitised:
    """One curve of a scan, a point for each paper row.

    `u_px [H]`: column of the paper, NaN in gaps; `values [H]`: value on `scale`; `lap [H]`; `confidence [H]`: also in
    gaps; `refused`: the reason for refusing the curve, or empty. `name_confidence [H]`: whether the ink is of this
    curve and of no other of its track; None where the network names the curves. Nothing is rejected by it.
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
    name_confidence: Float64 | None = None

    @property
    def coverage(self) -> float:
        """The share of rows with a value."""
        return float(np.isfinite(self.u_px).mean())


def accepted(
    label: str, curve: Curve, inked: Float32, scale: CurveScale, *, frame: Frame, px_per_mm: float, limits: Limits
) -> Digitised:
    """Apply `limits` to a traced curve. `inked`: share of the track with ink of the curve, for each undamaged row."""
    traced = np.isfinite(curve.x_px)
    mean = float(curve.confidence[traced].mean()) if traced.any() else 0.0
    kept = traced & (curve.confidence >= limits.min_confidence)
    u_px = np.where(kept, curve.x_px, np.nan)
    lap = np.where(kept, curve.lap, 0)
    return Digitised(
        label=label,
        scale=scale,
        u_px=u_px,
        values=scale.values(frame.scan_x(u_px), lap, frame.scan_y(np.arange(len(u_px), dtype=np.float64))),
        lap=lap,
        confidence=curve.confidence,
        refused=_refusal(bool(traced.any()), float(kept.mean()), mean, float(inked.mean()), limits),
        mean_confidence=mean,
        longest_gap_mm=_longest_run(~kept) / px_per_mm,
    )


def _refusal(traced: bool, coverage: float, mean: float, ink_share: float, limits: Limits) -> str:
    """The reason for refusing the curve, or an empty text."""
    if ink_share > limits.most_ink:
        return (
            f"the network assigns {100 * ink_share:.0f} % of its track to this curve, expected "
            f"{100 * limits.most_ink:.0f} % or less; is the run trained, and is --dpi right?"
        )
    if not traced:
        return "no row of it was found"
    if mean < limits.min_confidence:
        return f"its mean confidence is {mean:.2f}, expected {limits.min_confidence:g} or more (--min-confidence)"
    if coverage < limits.min_coverage:
        return (
            f"it was found in {100 * coverage:.0f} % of the rows, expected {100 * limits.min_coverage:g} % or more "
            "(--min-coverage)"
        )
    return ""


def _longest_run(missing: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """Length of the longest run of True."""
    edges = np.diff(np.concatenate([[0], missing.astype(np.int8), [0]]))
    return int(max(np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1), default=0))
