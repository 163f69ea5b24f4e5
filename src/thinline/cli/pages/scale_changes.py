"""Scales that change down the scan, from --scale-change and from the `pieces` of a job file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from thinline.digitise import CurveScale, DepthScale, ScaleChange
from thinline.digitise.axes import KINDS, ScaleError
from thinline.digitise.page.proposal import ProposedCurve


@dataclass(frozen=True)
class DepthPiece:
    """From `depth` on, and to `end` if given, the values at the edges of a track; `kind` None: that of the curve."""

    depth: float
    left: float
    right: float
    kind: str | None = None
    end: float | None = None


def pieces_of(curve: ProposedCurve) -> tuple[DepthPiece, ...]:
    """The pieces of a curve of a job file."""
    return tuple(
        DepthPiece(piece.from_depth, piece.left, piece.right, piece.scale, piece.to_depth) for piece in curve.pieces
    )


def with_changes(
    options: argparse.Namespace, curves: Sequence[str], scales: Sequence[CurveScale], depth: DepthScale
) -> tuple[CurveScale, ...]:
    """The scales with their changes; --scale-change of a curve replaces its pieces in the job file.

    Raises ScaleError for pieces that begin outside the depths of the scan, are in another order, or end before it.
    """
    typed = _typed(options.scale_change, curves)
    proposed: Sequence[Sequence[DepthPiece]] = getattr(options, "proposed_pieces", [()] * len(curves))
    if any(proposed) and not options.depth_known:
        raise ScaleError(
            f"{options.job_file}: expected the depths of two rows and their unit for the pieces of a scale, got none; "
            "fill in `depth`, or give --top and --bottom"
        )
    return tuple(
        _changed(scale, typed.get(curve) or own, depth)
        for curve, scale, own in zip(curves, scales, proposed, strict=True)
    )


def _changed(scale: CurveScale, pieces: Sequence[DepthPiece], depth: DepthScale) -> CurveScale:
    ends = f"{depth.top:g} to {depth.bottom:g} {depth.unit}"
    rows = [depth.row_of(piece.depth) for piece in pieces]
    for piece, row in zip(pieces, rows, strict=True):
        if not depth.first_px < row < depth.last_px:
            raise ScaleError(
                f"scale of {scale.name}: expected it to change between the depths of the scan, {ends}, got "
                f"{piece.depth:g}; correct the depth, or leave the piece out"
            )
    for first, second in pairwise(range(len(rows))):
        if rows[first] >= rows[second]:
            raise ScaleError(
                f"scale of {scale.name}: expected its changes in the order of the scan, {ends}, got "
                f"{pieces[first].depth:g} before {pieces[second].depth:g}; sort them"
            )
    last = pieces[-1].end if pieces else None
    if last is not None and depth.row_of(last) < depth.last_px:
        raise ScaleError(
            f"scale of {scale.name}: expected its last piece to reach the end of the scan, {depth.bottom:g} "
            f"{depth.unit}, got an end at {last:g}, which leaves a gap; add a piece, or leave to_depth out"
        )
    changes = [_change(piece, row, scale) for piece, row in zip(pieces, rows, strict=True)]
    return replace(scale, changes=tuple(changes))


def _change(piece: DepthPiece, row: float, scale: CurveScale) -> ScaleChange:
    low, high = min(piece.left, piece.right), max(piece.left, piece.right)
    return ScaleChange(row, piece.depth, low, high, piece.kind or scale.kind, falling=piece.left > piece.right)


def _typed(texts: Sequence[str], curves: Sequence[str]) -> dict[str, list[DepthPiece]]:
    """The changes of each curve of `GR:1500:0:300` and `GR:1500:0.2:2000:log`."""
    own: dict[str, list[DepthPiece]] = {}
    for text in texts:
        curve, *parts = text.split(":")
        kind = parts.pop() if len(parts) == 4 else None
        try:
            depth, left, right = map(float, parts)
        except ValueError:
            curve = ""
        if curve not in curves or kind not in (None, *KINDS):
            raise ScaleError(
                f"--scale-change {text}: expected CURVE:DEPTH:LEFT:RIGHT or CURVE:DEPTH:LEFT:RIGHT:log with a curve of "
                f"{', '.join(curves)}; as {curves[0]}:1500:0:300"
            )
        own.setdefault(curve, []).append(DepthPiece(depth, left, right, kind))
    return own
