"""Which column of a LAS file is the depth, by its name and its unit.

Conventions
    1. the first column, when its name is one of DEPTHS;
    2. else the column with the first of these names;
    3. else the first column, when its unit is a length and its name is no time;
    4. else the only column whose unit is a length and that grows or falls along the file.
    A unit of time makes a column no depth, whatever its name. Other columns with a name of DEPTHS and a unit of length,
    and columns with a name of TIMES, are scales and not curves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from thinline.curves.las.curve import LasError
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


def find_index(columns: Sequence[Named], table: Float64) -> tuple[int, str]:
    """The number of the depth column, and a sentence about it when it was found by its unit alone.

    `table [R,C]` holds the numbers. Raises LasError, without the name of the file, when no column is a depth.
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
    shown = ", ".join(f"{name} ({unit})" if unit else name for name, unit in columns[:6])
    first = "the file is indexed by time" if is_time(columns[0][0]) or _time_unit(columns[0][1]) else "none is a depth"
    raise LasError(
        f"expected a depth column (named {', '.join(DEPTHS[:3])}, TVD, or with a unit of m or ft), got {shown}: "
        f"{first}; convert the file to depth, or name its depth column DEPT"
    )


def is_scale(column: Named) -> bool:
    """Whether a column beside the index is a second depth or a time, and not a curve."""
    return is_time(column[0]) or (_rank(column) is not None and column[1].upper() in LENGTHS)


def is_time(name: str) -> bool:
    """Whether a column of this name holds times."""
    return _plain(name) in TIMES


def _rank(column: Named) -> int | None:
    name = _plain(column[0])
    return DEPTHS.index(name) if name in DEPTHS and not _time_unit(column[1]) else None


def _plain(name: str) -> str:
    """A name without the `:2` that lasio puts after one that comes twice, and without what follows a space."""
    return re.split(r"[\s:(]", name.upper().strip() + " ", maxsplit=1)[0]


def _time_unit(unit: str) -> bool:
    return unit.upper() in TIME_UNITS


def _monotone(values: Float64) -> bool:
    steps = np.diff(values[np.isfinite(values)])
    return len(steps) > 1 and bool(np.all(steps > 0) or np.all(steps < 0))
