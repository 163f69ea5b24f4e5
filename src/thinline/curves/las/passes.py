"""The rows of LAS data in order of depth, repeat passes kept apart.

Conventions
    A **piece** is a stretch of rows whose depth runs in one direction. Pieces whose depths do not overlap continue each
    other and make one **pass**; the first pass is the one of the longest piece. Rows of two pieces are never mixed.
    Depth grows along a pass. Of rows with the same depth the first stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thinline.curves.las.curve import LasError
from thinline.curves.las.text import listed
from thinline.vocabulary import Float64

MOST_PIECES = 20
"""Times that the depth of a file may turn round; where it does so more often, it is no depth."""

Rows = NDArray[np.intp]


def split_passes(depth: Float64, lines: Sequence[int], sections: Sequence[int]) -> tuple[list[Rows], list[str]]:
    """The rows of every pass, shallow first, and sentences about what is odd.

    `depth [R]` in order of the file, NaN for none; `lines [R]` are the numbers of the lines, `sections [R]` of the data
    sections. Raises LasError, without the name of the file, for a depth that turns round too often.
    """
    known = np.flatnonzero(np.isfinite(depth))
    warnings = []
    if len(known) < len(depth):
        without = np.flatnonzero(~np.isfinite(depth))
        warnings.append(f"left out {_rows(len(without))} without a depth ({listed(lines[int(i)] for i in without)})")
    pieces: list[Rows] = []
    for section in dict.fromkeys(sections):
        rows = known[np.asarray(sections)[known] == section]
        split, stray = _pieces(rows, depth)
        pieces += split
        warnings += [
            f"line {lines[i]}: depth {depth[i]:g} lies outside those of the rows around it; left out the row"
            for i in stray
        ]
    if len(pieces) > MOST_PIECES:
        turn = lines[pieces[1][0]]
        raise LasError(
            f"expected a depth that grows or falls along the file, got one that turns round {len(pieces) - 1} times, "
            f"first in line {turn}; sort the rows by depth, or export the file again"
        )
    ordered, twice = _unique([piece if depth[piece[0]] <= depth[piece[-1]] else piece[::-1] for piece in pieces], depth)
    passes, shared = _grouped(ordered, depth)
    twice += shared
    if twice:
        where = listed(lines[i] for i in sorted(twice))
        warnings.append(f"left out {_rows(len(twice))} whose depth stands in a row before ({where})")
    warnings += [_apart(rows, depth, lines, number) for number, rows in enumerate(passes[1:], start=2)]
    return passes, warnings


def _pieces(rows: Rows, depth: Float64) -> tuple[list[Rows], list[int]]:
    """Rows cut where the depth turns round; single rows out of line are taken out, and returned by their index."""
    pieces: list[Rows] = []
    stray: list[int] = []
    for piece in _one_way(rows, depth):
        before = pieces[-1] if pieces else piece[:0]
        course = before if len(before) > 2 else piece
        sign = 1.0 if depth[course[0]] <= depth[course[-1]] else -1.0
        last, first = sign * depth[before[-2:]], sign * depth[piece[:2]]
        if len(last) > 1 and last[0] < first[0] < last[1] and (len(first) < 2 or first[0] < first[1]):
            stray.append(int(before[-1]))
            pieces[-1] = np.concatenate((before[:-1], piece))
        elif len(last) and len(first) > 1 and first[0] < last[-1] < first[1]:
            stray.append(int(piece[0]))
            pieces[-1] = np.concatenate((before, piece[1:]))
        else:
            pieces.append(piece)
    return pieces, stray


def _one_way(rows: Rows, depth: Float64) -> list[Rows]:
    """Rows cut into stretches whose depth only grows or only falls."""
    steps = np.diff(depth[rows])
    ways = {1: np.flatnonzero(steps > 0), -1: np.flatnonzero(steps < 0)}
    starts, start = [0], 0
    while True:
        first = {way: _next(where, start) for way, where in ways.items()}
        turn = max(first.values())  # the first step the other way than the first step of this stretch
        if turn >= len(steps):
            break
        start = turn + 1
        starts.append(start)
    return [piece for piece in np.split(rows, starts[1:]) if len(piece)]


def _next(where: Rows, start: int) -> int:
    """The first of ascending `where` that is `start` or more; a number beyond any row where there is none."""
    at = int(np.searchsorted(where, start))
    return int(where[at]) if at < len(where) else 2**62


def _unique(pieces: list[Rows], depth: Float64) -> tuple[list[Rows], list[int]]:
    """Pieces without rows that repeat a depth, and the rows left out; of equal depths the first in the file stays."""
    kept, twice = [], []
    for piece in pieces:
        order = piece[np.lexsort((piece, depth[piece]))]
        again = np.concatenate(([False], np.diff(depth[order]) == 0))
        kept.append(order[~again])
        twice += order[again].tolist()
    return kept, twice


def _grouped(pieces: list[Rows], depth: Float64) -> tuple[list[Rows], list[int]]:
    """Pieces that do not overlap, joined; longest first. A depth at which two of them meet is kept once."""
    passes: list[list[Rows]] = []
    for piece in sorted(pieces, key=len, reverse=True):
        for group in passes:
            if all(depth[piece[-1]] <= depth[other[0]] or depth[other[-1]] <= depth[piece[0]] for other in group):
                group.append(piece)
                break
        else:
            passes.append([piece])
    joined = [np.concatenate(sorted(group, key=lambda piece: float(depth[piece[0]]))) for group in passes]
    return _unique(joined, depth)


def _apart(rows: Rows, depth: Float64, lines: Sequence[int], number: int) -> str:
    first, last = min(lines[i] for i in rows), max(lines[i] for i in rows)
    return (
        f"lines {first} to {last} log the depths {depth[rows[0]]:g} to {depth[rows[-1]]:g} again, in "
        f"{_rows(len(rows))}; kept apart as pass {number}"
    )


def _rows(count: int) -> str:
    return f"{count} row{'s' if count > 1 else ''}"
