"""Class map of a user's masks: mask value -> class name -> class id.

Conventions
    A map is written `{0: background, 255: vessel}`. A key is a value 0..65535 or a range with both ends, `0-127`;
    several keys may name one class. The name `ignore` marks pixels that no loss and no metric counts. Ids are positions
    in `classes`; the order of the map has no meaning. Of the classes background, ink, centre the map names the first
    two: centre lines are computed from the ink.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thinline.vocabulary import IGNORE, INK_AND_CENTRE, UInt8

IGNORED: Final = "ignore"
CENTRE_LINE: Final = INK_AND_CENTRE[-1]
VALUES: Final = 65536
MOST_CLASSES: Final = 254  # ids 0..253; 255 is ignored, and 254 marks a value outside the map
_UNKNOWN: Final = 254
_KEY = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")


@dataclass(frozen=True)
class ClassMap:
    """`ranges` are (first value, last value, id), without overlap."""

    classes: tuple[str, ...]
    ranges: tuple[tuple[int, int, int], ...]

    @staticmethod
    def from_conf(table: Mapping[Any, Any] | None, classes: Sequence[str]) -> ClassMap:
        """The map `table` for the `classes` of the configuration; ValueError when they do not agree."""
        if not isinstance(table, Mapping) or not table:
            raise ValueError(
                "expected the class of every value in the masks, as {0:background,255:vessel}, "
                f"got {table!r}; set it, and `classes` to the same names"
            )
        names = tuple(dict.fromkeys(str(name) for name in table.values() if name != IGNORED))
        wanted = set(classes) - ({CENTRE_LINE} if tuple(classes) == INK_AND_CENTRE else set())
        if set(names) != wanted:
            raise ValueError(
                f"`classes` and data_mix.class_map must name the same classes, got {list(classes)} and {list(names)}; "
                f"set classes=[{','.join(names)}], background first, or correct the map"
            )
        if len(classes) > MOST_CLASSES:
            raise ValueError(f"`classes` must be at most {MOST_CLASSES}, got {len(classes)}; merge some in the map")
        ids = {name: number for number, name in enumerate(classes)} | {IGNORED: IGNORE}
        ranges = sorted((*_range(key), ids[str(name)]) for key, name in table.items())
        for (_, last, _), (first, *_) in pairwise(ranges):
            if first <= last:
                raise ValueError(f"value {first} must have one class, got two keys that contain it; remove one")
        return ClassMap(tuple(classes), tuple(ranges))

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of the classes that some value of a mask has, ascending."""
        return tuple(sorted({number for *_, number in self.ranges} - {IGNORE}))

    def labels(self, mask: NDArray[np.uint8] | NDArray[np.uint16]) -> tuple[UInt8, dict[int, int]]:
        """Class ids [H,W] of a mask [H,W], and the number of pixels of each value outside the map, ascending."""
        table = np.full(VALUES, _UNKNOWN, np.uint8)
        for first, last, number in self.ranges:
            table[first : last + 1] = number
        labels: UInt8 = table[mask]
        unknown = labels == _UNKNOWN
        if not unknown.any():
            return labels, {}
        values, pixels = np.unique(mask[unknown], return_counts=True)
        return labels, dict(zip(values.tolist(), pixels.tolist(), strict=True))

    def __str__(self) -> str:
        """The map as `{0: background, 255: vessel}`."""
        names = dict(enumerate(self.classes)) | {IGNORE: IGNORED}
        spans = (f"{first}" if first == last else f"{first}-{last}" for first, last, _ in self.ranges)
        pairs = zip(spans, self.ranges, strict=True)
        return "{" + ", ".join(f"{span}: {names[number]}" for span, (*_, number) in pairs) + "}"


def _range(key: object) -> tuple[int, int]:
    """First and last value of a key."""
    match = _KEY.fullmatch(str(key)) if not isinstance(key, bool) else None
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not first <= last < VALUES:
        raise ValueError(
            f"a key must be a value 0..{VALUES - 1} or a range as 0-127, got {key!r}; look at the values in a mask"
        )
    return first, last
