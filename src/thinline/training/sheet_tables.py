"""Judged sheets as tidy rows, of the split and of each sheet: see metrics/structure/sheet_rates.py for what they hold.

`support` is the number of true pixels of the class, for traced curves the number of rows that have one. Where the scale
of a sheet is not known, lengths in mm are left out, and where a measure reaches so far (reasons, crossings, swaps) a
pixel is taken for a nominal pen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import signature
from thinline.metrics.structure.sheet_rates import rates_of_sheets
from thinline.metrics.structure.sheet_scores import SheetScores

NOMINAL_PX_PER_MM = 4.0
"""What a pixel is taken for in zones and reaches where the scale is not known: a nominal pen of one pixel."""

_IN_MM = re.compile(r"(^|_)[\d.]*mm($|_)")


def sheet_score_tables(
    judged: Mapping[int, SheetScores], curves: Sequence[str], *, split: str, px_per_mm: float | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(rows of the split, rows of each sheet) for the classes `curves [K]`; the latter with a column `sheet`."""
    ids = sorted(judged)
    whole = _rows([judged[number] for number in ids], curves, px_per_mm)
    sheets = [_rows([judged[number]], curves, px_per_mm).assign(sheet=number) for number in ids]
    each = pd.concat(sheets, ignore_index=True)
    order = ["split", "measure", "class", "value", "support", "signature"]
    return whole.assign(split=split)[order], each.assign(split=split)[["split", "sheet", *order[1:]]]


def _rows(judged: Sequence[SheetScores], curves: Sequence[str], px_per_mm: float | None) -> pd.DataFrame:
    rates = rates_of_sheets(judged, px_per_mm=px_per_mm or NOMINAL_PX_PER_MM)
    names = [name for name in rates if px_per_mm is not None or not _IN_MM.search(name)]
    pixels = np.sum([sheet.support for sheet in judged], axis=0)
    of_curves = {
        way: np.sum([[error.rows for error in sheet.curves[way]] for sheet in judged if sheet.curves], axis=0)
        for way in next((sheet.curves for sheet in judged if sheet.curves), {})
    }
    support = [next((rows for way, rows in of_curves.items() if name.startswith(way)), pixels) for name in names]
    return pd.DataFrame(
        {
            "measure": np.repeat(np.array(names, dtype=object), len(curves)),
            "class": np.tile(np.array(curves, dtype=object), len(names)),
            "value": np.concatenate([rates[name] for name in names]),
            "support": np.concatenate(support).astype(np.int64),
            "signature": np.repeat(np.array([signature(name) for name in names], dtype=object), len(curves)),
        }
    )
