"""Trace curves from probabilities or a label map with one of three methods, each in a file of its own."""

from __future__ import annotations

from typing import Final

from thinline.curves.centroid import centroid
from thinline.curves.curve import Curve, ink_of
from thinline.curves.edge_follower import edge_follower
from thinline.curves.row_runs import strands_of
from thinline.curves.viterbi import viterbi
from thinline.vocabulary import Float32, Float64

__all__ = ["METHODS", "Curve", "ink_of", "trace"]

METHODS: Final = ("viterbi", "centroid", "edge_follower")


def trace(
    ink: Float32, *, px_per_mm: float, method: str = "viterbi", tracks: Float64 | None = None
) -> tuple[Curve, ...]:
    """The K curves of `ink [K,H,W]`, probabilities 0..1 (`ink_of` converts a label map).

    Only `viterbi` uses probabilities other than above and below one half, and the columns of the left and right edge of
    the track of each curve, `tracks [K,2]`. ValueError for another method; errors of `check_ink`.
    """
    if method == "viterbi":
        return viterbi(strands_of(ink), px_per_mm=px_per_mm, tracks=tracks)
    if method == "centroid":
        return centroid(ink)
    if method == "edge_follower":
        return edge_follower(ink, px_per_mm=px_per_mm)
    raise ValueError(f"`method` must be one of {', '.join(METHODS)}, got {method!r}")
