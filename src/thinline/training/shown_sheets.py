"""The test sheets of a run that get a picture: evenly spaced from the worst to the best by F1.

The F1 of a sheet is the mean over its curves: the classes but the background that are true or predicted on the sheet.
It is taken from the table of test sheets. The ranks are known only at the end of the test, so the label maps of all
sheets are kept until then. They are compressed: the map of a thin curve takes about a hundredth of its bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from thinline.vocabulary import BACKGROUND, UInt8


@dataclass(frozen=True)
class StoredMap:
    """A label map [H,W], compressed."""

    shape: tuple[int, int]
    content: bytes

    @classmethod
    def of(cls, labels: UInt8) -> StoredMap:
        """Compress the map `labels` [H,W]."""
        height, width = labels.shape
        return cls((height, width), zlib.compress(np.ascontiguousarray(labels).tobytes(), 1))

    def labels(self) -> UInt8:
        """The decompressed map [H,W]."""
        return np.frombuffer(zlib.decompress(self.content), np.uint8).reshape(self.shape)


def f1_of_sheets(per_sheet: pd.DataFrame) -> pd.DataFrame:
    """F1 of the test sheets by curve, indexed by sheet, the worst mean over curves first.

    `per_sheet` is the table of a run. Sheets without curves, true or predicted, are left out; sheets of equal F1 keep
    their order.
    """
    rows = per_sheet[(per_sheet["split"] == "test") & (per_sheet["measure"] == "f1")]
    rows = rows[rows["class"] != BACKGROUND]
    table = rows.pivot(index="sheet", columns="class", values="value")[rows["class"].unique()].dropna(how="all")
    return table.loc[table.mean(axis=1).sort_values(kind="stable").index]


def spread(sheets: Sequence[int], count: int) -> list[int]:
    """`count` of the `sheets`, which are in order of F1: the worst, the best, and sheets evenly spaced between them.

    Three or more include the median; a single one is the worst. All sheets if there are at most `count`.
    """
    if count >= len(sheets):
        return list(sheets)
    ranks = np.rint(np.linspace(0, len(sheets) - 1, max(count, 0))).astype(int)
    if count > 2:
        median = (len(sheets) - 1) // 2
        ranks[1 + int(np.abs(ranks[1:-1] - median).argmin())] = median
    return [sheets[rank] for rank in ranks]
