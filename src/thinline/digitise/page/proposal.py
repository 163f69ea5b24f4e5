"""A job file (`scan.yaml`): the layout of a scan as a proposal to edit, and the job that it then describes.

Conventions
    Rows and columns are pixels of the scan; the edges of a track are those in the first of `rows`. What a page cannot
    tell is `null`: the values at the edges of a track, and the depths of two rows. A null value is allowed; `missing`
    lists what is not filled in. `scan` is a path relative to the folder of the file. `left` may be larger than `right`.

        scan: AHB57.TIF
        pages: 1
        dpi: 400.0                  null: as in the file
        rows: [6616, 237856]        first and last row to digitise
        tilt_degrees: -0.1          for information; it is measured again
        tracks:
        - {track: 1, left_px: 465.7, right_px: 961.5, scale: linear}
        curves:
        - {track: 1, name: curve_1, unit: "", left: null, right: null, at: []}
        depth:
          unit: null
          first: {row: 6616, depth: null}
          second: {row: 237856, depth: null}

    `at` holds hints [row, column] on the curve; `scale` of a curve replaces that of its track. `pieces` of a curve are
    its scales further down, in the order of the scan; `left` and `right` hold above the first of them:

        pieces: [{from_depth: 1500, to_depth: 1800, left: 0, right: 300}, {from_depth: 1800, left: 0, right: 150}]

    `to_depth` may be left out; a piece holds to the next one.

    The depths of a page are read from its depth column each time, as with --depth-from-ocr, with

        depth: {source: ocr, unit: ft}

    `depth: ocr` is short for it, without the unit, which --unit then gives. `first` and `second` may stay; they are not
    used. The numbers do not tell the unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import Field, model_validator

from thinline.digitise.page.layout import Layout
from thinline.digitise.scan import LEAST_DPI, MOST_DPI
from thinline.system.validation import Items, Node
from thinline.system.yaml_text import read_yaml

Kind = Literal["linear", "log"]
ADVICE: Final = "`thinline digitise SCAN` writes a file with the right keys"
_RESERVED: Final = {"DEPT", "DEPTH"}


class ProposalError(ValueError):
    """A job file that cannot be read, or does not describe a job."""


class TrackEdges(Node):
    """The edges of one track, and the scale of its curves."""

    track: Annotated[int, Field(ge=1)]
    left_px: float
    right_px: float
    scale: Kind = "linear"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.left_px >= self.right_px:
            raise ValueError(
                f"expected left_px below right_px, got {self.left_px:g} and {self.right_px:g}; columns count from the "
                "left of the scan"
            )
        return self


class ScalePiece(Node):
    """The values at the edges of the track from a depth on; `scale`: null for that of the curve."""

    from_depth: float
    left: float
    right: float
    to_depth: float | None = None
    scale: Kind | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.left == self.right:
            raise ValueError(f"expected two different values, got left and right both {self.left:g}; read them again")
        return self


class ProposedCurve(Node):
    """One curve: its track, name and unit, and the values at the edges of the track, null until they are filled in."""

    track: Annotated[int, Field(ge=1)]
    name: str
    unit: str = ""
    left: float | None = None
    right: float | None = None
    scale: Kind | None = None
    at: Items[Items[float]] = ()
    pieces: Items[ScalePiece] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.name.isascii() and self.name.replace("_", "").replace("-", "").isalnum()):
            raise ValueError(f"expected a name of letters, digits, _ and -, got {self.name!r}; LAS allows no other")
        if self.left is not None and self.left == self.right:
            raise ValueError(f"expected two different values, got left and right both {self.left:g}; read them again")
        wrong = next((hint for hint in self.at if len(hint) != 2), None)
        if wrong is not None:
            raise ValueError(f"expected hints of a row and a column as [1200, 340], got {list(wrong)}; correct `at`")
        if self.pieces and not self.complete:
            raise ValueError("expected left and right, the scale above the first of `pieces`, got null; fill them in")
        _check_pieces(self.pieces)
        return self

    @property
    def complete(self) -> bool:
        """Whether both values are filled in."""
        return self.left is not None and self.right is not None


def _check_pieces(pieces: Sequence[ScalePiece]) -> None:
    """Raise ValueError for pieces in no order of depth, and for pieces that overlap or leave a gap."""
    depths = [piece.from_depth for piece in pieces]
    steps = [second - first for first, second in pairwise(depths)]
    listed = ", ".join(f"{depth:g}" for depth in depths)
    if any(step * steps[0] <= 0 for step in steps):
        raise ValueError(f"expected pieces in the order of the scan, each with its own depth, got {listed}; sort them")
    for piece, after in pairwise(pieces):
        if piece.to_depth not in (None, after.from_depth):
            assert piece.to_depth is not None
            beyond = (piece.to_depth - after.from_depth) * steps[0] > 0
            raise ValueError(
                f"expected the piece from {piece.from_depth:g} to end where the next begins, at {after.from_depth:g}, "
                f"got {piece.to_depth:g}: they {'overlap' if beyond else 'leave a gap'}; correct one, or leave "
                "to_depth out"
            )
    last = pieces[-1] if pieces else None
    if last is not None and last.to_depth is not None:
        way = steps[0] if steps else last.to_depth - last.from_depth
        if (last.to_depth - last.from_depth) * way <= 0:
            raise ValueError(
                f"expected the last piece to end after {last.from_depth:g}, got {last.to_depth:g}; correct to_depth"
            )


class DepthMark(Node):
    """A row of the scan and its depth, null until it is filled in."""

    row: float
    depth: float | None = None


class DepthMarks(Node):
    """Two rows whose depths are known, and the unit of the depths; with `source` ocr the depths are read instead."""

    first: DepthMark
    second: DepthMark
    unit: str | None = None
    source: Literal["typed", "ocr"] = "typed"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.first.row >= self.second.row:
            raise ValueError(
                f"expected the first row above the second, got {self.first.row:g} and {self.second.row:g}; swap them"
            )
        if self.first.depth is not None and self.first.depth == self.second.depth:
            raise ValueError(f"expected two different depths, got {self.first.depth:g} twice; read them again")
        return self

    @property
    def complete(self) -> bool:
        """Whether both depths and their unit are typed."""
        return self.source == "typed" and None not in (self.first.depth, self.second.depth, self.unit)

    def depth_at(self, row: float) -> float:
        """The depth of a row on the straight line through both marks; only where `complete`."""
        top, bottom = self.first.depth, self.second.depth
        if top is None or bottom is None:
            raise ValueError(f"expected two depths, got {top} and {bottom}; check `complete` first")
        share = (row - self.first.row) / (self.second.row - self.first.row)
        return top + (bottom - top) * share


class Proposal(Node):
    """A job file."""

    scan: str
    rows: Items[float]
    tracks: Items[TrackEdges]
    curves: Items[ProposedCurve]
    depth: DepthMarks
    pages: int | None = None
    dpi: float | None = None
    tilt_degrees: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _expand_depth(cls, node: Any) -> Any:
        """Depths that are read need no marks."""
        if not isinstance(node, Mapping) or "depth" not in node:
            return node
        depth = {"source": "ocr"} if node["depth"] == "ocr" else node["depth"]
        if isinstance(depth, Mapping) and depth.get("source") == "ocr":
            depth = {"first": {"row": 0}, "second": {"row": 1}} | dict(depth)
        return dict(node) | {"depth": depth}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.rows) != 2 or self.rows[0] >= self.rows[1]:
            raise ValueError(
                f"expected rows as [first, last], the first smaller, got {list(self.rows)}; correct `rows`"
            )
        if self.dpi is not None and not LEAST_DPI <= self.dpi <= MOST_DPI:
            raise ValueError(
                f"expected a dpi of {LEAST_DPI} to {MOST_DPI} or null, got {self.dpi:g}; null is the file's"
            )
        numbers = [track.track for track in self.tracks]
        names = [curve.name.upper() for curve in self.curves]
        if not self.tracks or not self.curves:
            raise ValueError("expected at least one track and one curve, got none; add them")
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"expected a number of its own for every track, got {numbers}; renumber the tracks")
        if len(set(names) - _RESERVED) < len(names):
            raise ValueError(
                f"expected a name of its own for every curve, other than DEPT and DEPTH, got {', '.join(names)}; LAS "
                "does not distinguish small letters from capitals"
            )
        for curve in self.curves:
            if curve.track not in numbers:
                raise ValueError(f"expected a track of {numbers} for {curve.name}, got {curve.track}; add it to tracks")
            self._check_log(curve)
        return self

    def _check_log(self, curve: ProposedCurve) -> None:
        values = [value for value in (curve.left, curve.right) if value is not None and self.scale_of(curve) == "log"]
        for piece in curve.pieces:
            values += [piece.left, piece.right] if (piece.scale or self.scale_of(curve)) == "log" else []
        if any(value <= 0 for value in values):
            raise ValueError(
                f"expected values above zero for {curve.name} on a log scale, got {values}; write scale: linear, or "
                "read the values again"
            )

    def track_of(self, curve: ProposedCurve) -> TrackEdges:
        """The track of a curve."""
        return next(track for track in self.tracks if track.track == curve.track)

    def scale_of(self, curve: ProposedCurve) -> str:
        """`linear` or `log`."""
        return curve.scale or self.track_of(curve).scale

    def missing(self) -> tuple[str, ...]:
        """The keys that are not filled in, as phrases."""
        phrases = []
        for number, curve in enumerate(self.curves):
            names = [name for name in ("left", "right") if getattr(curve, name) is None]
            if names:
                phrases.append(f"curves[{number}] ({curve.name}): {' and '.join(names)}")
        depth = {
            "first.depth": self.depth.first.depth,
            "second.depth": self.depth.second.depth,
            "unit": self.depth.unit,
        }
        if self.depth.source == "ocr":
            depth = {"unit": self.depth.unit}
        names = [name for name, value in depth.items() if value is None]
        return (*phrases, *([f"depth: {', '.join(names)}"] if names else []))


def read_proposal(path: Path) -> Proposal:
    """Read a job file. Raises ProposalError with a sentence for each problem."""
    try:
        node = read_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProposalError(f"{path}: expected a job file, found no such file; check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        what = " ".join(str(error).split())
        raise ProposalError(f"{path}: expected YAML with each key once, got {what}; {ADVICE}") from None
    return Proposal.read(node, where=str(path), advice=ADVICE, error=ProposalError)


def proposal_of(
    layout: Layout, *, scan: str, dpi: float | None = None, depth: Sequence[tuple[float, float]] = ()
) -> Proposal:
    """The proposal of a layout. `scan` is the path to write; `dpi` an option that replaced the file's resolution.

    `depth` has (row, depth) of two printed depths that were read, or nothing.
    """
    first, last = float(layout.first_row), float(layout.last_row)
    tracks = tuple(
        TrackEdges(
            track=number, left_px=round(track.left_px, 1), right_px=round(track.right_px, 1), scale=_kind(track.scale)
        )
        for number, track in enumerate(layout.tracks, start=1)
    )
    counts = [(number, max(1, track.curves)) for number, track in enumerate(layout.tracks, start=1)]
    owners = [number for number, count in counts for _ in range(count)]
    marks = [DepthMark(row=round(row, 1), depth=mark) for row, mark in depth]
    marks = marks or [DepthMark(row=first), DepthMark(row=last)]
    across, down = layout.scan.dpi
    known = across if across > 0 and math.isclose(across, down, rel_tol=1e-3) else None
    return Proposal(
        scan=scan,
        pages=len(layout.scan.pages),
        dpi=dpi or known,
        rows=(first, last),
        tilt_degrees=round(layout.page.tilt_degrees(), 2),
        tracks=tracks,
        curves=tuple(ProposedCurve(track=owner, name=f"curve_{n}") for n, owner in enumerate(owners, start=1)),
        depth=DepthMarks(first=marks[0], second=marks[1]),
    )


def _kind(scale: str) -> Kind:
    return "log" if scale == "log" else "linear"
