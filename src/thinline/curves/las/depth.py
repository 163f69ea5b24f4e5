"""Find the depth column of LAS data, and order the rows by depth with repeat passes kept apart.

Conventions
    The depth column is
    1. the first column, if its name is in DEPTHS;
    2. else the column with the first of these names;
    3. else the first column, if its unit is a length and its name is not a time;
    4. else the only column whose unit is a length and whose values grow or fall along the file.
    A column with a unit of time is never the depth. Other columns with a name of DEPTHS and a unit of length, and
    columns with a name of TIMES, are scales and not curves.

    A **piece** is a stretch of rows whose depth runs in one direction. Pieces whose depths do not overlap continue each
    other and form one **pass**; the first pass is that of the longest piece. Rows of two pieces are never mixed. Depth
    grows along a pass. Of rows with equal depths the first is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thinline.curves.las.curve import LasError
from thinline.curves.las.text import listed
from thinline.vocabulary import Float64

DEPTHS = (
    *("DEPT", "DEPTH", "MD", "DEP", "DPTH", "DPT", "MDEPTH", "MDEPT", "DEPTMD", "TDEP", "BDEP", "DEPTH_MD", "PROF"),
    *("TVD", "TVDSS", "TVDKB", "TVDMSL", "SSTVD", "ELEV"),
)
TIMES = ("TIME", "TIM", "ETIM", "ETIME", "DATE", "DATETIME", "TIMESTAMP", "UTC", "TOD")
LENGTHS = frozenset(
    ("M", "METER", "METERS", "METRE", "METRES", "MTR", "FT", "F", "FEET", "FOOT", "CM", "KM", ".1IN", "0.1IN")
)
TIME_UNITS = frozenset(
    ("S", "SEC", "SECS", "SECOND", "SECONDS", "MS", "MSEC", "MIN", "H", "HR", "HRS", "HOUR", "HOURS")
)

Named = tuple[str, str]
"""Name and unit of a column."""

MOST_PIECES = 20
"""A depth that changes direction more often is refused."""

Rows = NDArray[np.intp]


def find_index(columns: Sequence[Named], table: Float64) -> tuple[int, str]:
    """The index of the depth column of `table [R,C]`, and a warning if only its unit identifies it.

    LasError, without the name of the file, if no column is a depth.
    """
    ranks = {i: rank for i, column in enumerate(columns) if (rank := _rank(column)) is not None}
    if 0 in ranks:
        return 0, ""
    if ranks:
        return min(ranks, key=lambda i: (ranks[i], i)), ""
    lengths = [i for i, (name, unit) in enumerate(columns) if unit.upper() in LENGTHS and not is_time(name)]
    if 0 not in lengths:
        lengths = [i for i in lengths if _monotone(table[:, i])]
    if lengths and (lengths[0] == 0 or len(lengths) == 1):
        name, unit = columns[lengths[0]]
        return lengths[0], f"took {name} for the depth by its unit, {unit}"
    names = ", ".join(f"{name} ({unit})" if unit else name for name, unit in columns[:6])
    timed = is_time(columns[0][0]) or columns[0][1].upper() in TIME_UNITS
    reason = "the file is indexed by time" if timed else "none is a depth"
    raise LasError(
        f"expected a depth column (named {', '.join(DEPTHS[:3])}, TVD, or with a unit of m or ft), got {names}: "
        f"{reason}; convert the file to depth, or name its depth column DEPT"
    )


def is_scale(column: Named) -> bool:
    """Whether a column other than the index is a second depth or a time."""
    return is_time(column[0]) or (_rank(column) is not None and column[1].upper() in LENGTHS)


def is_time(name: str) -> bool:
    """Whether a column of this name holds times."""
    return _plain(name) in TIMES


def _rank(column: Named) -> int | None:
    """Position of the name of a column in DEPTHS; None for other names and units of time."""
    name = _plain(column[0])
    return DEPTHS.index(name) if name in DEPTHS and column[1].upper() not in TIME_UNITS else None


def _plain(name: str) -> str:
    """A name in capitals up to the first space, or the `:2` that lasio appends to a repeated name."""
    return re.split(r"[\s:(]", name.upper().strip() + " ", maxsplit=1)[0]


def _monotone(values: Float64) -> bool:
    steps = np.diff(values[np.isfinite(values)])
    return len(steps) > 1 and bool(np.all(steps > 0) or np.all(steps < 0))


def split_passes(depth: Float64, lines: Sequence[int], sections: Sequence[int]) -> tuple[list[Rows], list[str]]:
    """The rows of every pass, shallowest first, and warnings.

    `depth [R]` in the order of the file, NaN = missing; `lines [R]` are line numbers, `sections [R]` numbers of data
    sections. LasError, without the name of the file, for a depth that changes direction too often.
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
    ordered, repeated = _unique(
        [piece if depth[piece[0]] <= depth[piece[-1]] else piece[::-1] for piece in pieces], depth
    )
    passes, shared = _grouped(ordered, depth)
    repeated += shared
    if repeated:
        where = listed(lines[i] for i in sorted(repeated))
        warnings.append(f"left out {_rows(len(repeated))} whose depth is in an earlier row ({where})")
    warnings += [_apart(rows, depth, lines, number) for number, rows in enumerate(passes[1:], start=2)]
    return passes, warnings


def _pieces(rows: Rows, depth: Float64) -> tuple[list[Rows], list[int]]:
    """Rows split where the depth changes direction, and the single outlying rows that were removed."""
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
    """Rows split into stretches whose depth only grows or only falls."""
    steps = np.diff(depth[rows])
    ups, downs = (np.append(np.flatnonzero(sign * steps > 0), len(steps)) for sign in (1, -1))
    starts, start = [], 0
    while True:
        turn = max(int(each[np.searchsorted(each, start)]) for each in (ups, downs))  # first step the other way
        if turn >= len(steps):
            break
        start = turn + 1
        starts.append(start)
    return [piece for piece in np.split(rows, starts) if len(piece)]


def _unique(pieces: list[Rows], depth: Float64) -> tuple[list[Rows], list[int]]:
    """Pieces sorted by depth without repeated depths (the first in the file is kept), and the rows left out."""
    kept, repeated = [], []
    for piece in pieces:
        order = piece[np.lexsort((piece, depth[piece]))]
        again = np.concatenate(([False], np.diff(depth[order]) == 0))
        kept.append(order[~again])
        repeated += order[again].tolist()
    return kept, repeated


def _grouped(pieces: list[Rows], depth: Float64) -> tuple[list[Rows], list[int]]:
    """Pieces joined to passes if they do not overlap, longest first, and the rows left out at shared depths."""
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
