"""Compare digitised curves with true ones over depth: `thinline evaluate curves.csv well.las`.

The measures are those that other digitisers publish (curves/course_agreement.py), beside their published values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.curves.course_agreement import STRONG, Agreement, agreement, on_common_depths, strong_matches
from thinline.curves.las import read_las
from thinline.system.atomic_files import make_folder, write_bytes
from thinline.vocabulary import Float64

FEET: Final = {"ft": 1.0, "f": 1.0, "feet": 1.0, "foot": 1.0, "m": 1 / 0.3048, "meter": 1 / 0.3048, "metre": 1 / 0.3048}
"""Feet of a unit of depth."""

REACH_FT: Final = 25.0
"""Largest shift along depth that is tried."""

PUBLISHED: Final = (
    "published, on other data: LogLift (scanned logs) r .51, 25 % strong, depth error .82 ft; ECG digitisers 19.65 dB"
)
_OF_ONE_CURVE: Final = (".x_px", ".confidence", ".lap", ".name_confidence")


@dataclass(frozen=True, eq=False)
class CurveOverDepth:
    """A named curve: `depth [N]` in feet, `values [N]`, NaN in gaps."""

    name: str
    depth: Float64
    values: Float64


def run_curve_agreement(prediction: Path, truth: Path, *, unit: str, out: Path | None, console: Console) -> int:
    """Print the agreement of the curves of two files, matched by name, and write it to `out`.

    `unit` is that of the depths of a CSV. Raises ValueError for files without common names or depths.
    """
    found, true = curves_of(prediction, unit), curves_of(truth, unit)
    pairs = _pairs(found, true, prediction, truth)
    rows = [(own.name, compared(own, other)) for own, other in pairs]
    _print(rows, [curve.name for curve in true], console)
    if out is not None:
        table = pd.DataFrame([{"curve": name, **_columns(each)} for name, each in rows])
        make_folder(out.parent)
        write_bytes(out, table.to_csv(index=False, float_format="%.6g").encode())
        console.print(f"{out}: {len(rows)} rows", soft_wrap=True)
    return 0


def compared(found: CurveOverDepth, true: CurveOverDepth) -> Agreement:
    """The agreement of two curves; `rows_right` is NaN, as values have no tolerance in px."""
    values, expected, step = on_common_depths((found.depth, found.values), (true.depth, true.values))
    each = agreement(values, expected, depth_per_row=step, reach=math.ceil(REACH_FT / step))
    return replace(each, rows_right=math.nan)


def curves_of(path: Path, unit: str) -> list[CurveOverDepth]:
    """The curves of a LAS file, or of a CSV whose first column is the depth in `unit`."""
    if not path.is_file():
        raise ValueError(f"{path}: expected a CSV or LAS file of curves, found no such file; check the path")
    if path.suffix.lower() == ".las":
        return [
            CurveOverDepth(curve.name, curve.depth * _feet(curve.depth_unit or unit, path), curve.values)
            for curve in read_las(path)
        ]
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line[:1] != "#"]
        table = pd.read_csv(StringIO("".join(lines)), index_col=False)  # comment="#" would also cut names with a #
        numbers = table.apply(pd.to_numeric)
    except (ValueError, pd.errors.ParserError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: expected a CSV of depth and curves, got {reason}; see curves.csv") from None
    depth = numbers.iloc[:, 0].to_numpy(np.float64) * _feet(unit, path)
    names = [name for name in table.columns[1:] if not str(name).endswith(_OF_ONE_CURVE)]
    return [CurveOverDepth(str(name), depth, numbers[name].to_numpy(np.float64)) for name in names]


def _feet(unit: str, path: Path) -> float:
    factor = FEET.get(unit.strip().lower())
    if factor is None:
        raise ValueError(f"{path}: expected depths in m or ft, got {unit!r}; give --depth-unit")
    return factor


def _pairs(
    found: Sequence[CurveOverDepth], true: Sequence[CurveOverDepth], prediction: Path, truth: Path
) -> list[tuple[CurveOverDepth, CurveOverDepth]]:
    """Curves of one name, capitals or not; two files of one curve each are a pair whatever its names are."""
    if len(found) == len(true) == 1:
        return [(found[0], true[0])]
    by_name = {curve.name.upper(): curve for curve in true}
    pairs = [(curve, by_name[curve.name.upper()]) for curve in found if curve.name.upper() in by_name]
    if not pairs:
        names = [", ".join(curve.name for curve in curves) or "no curve" for curves in (found, true)]
        raise ValueError(
            f"expected curves of one name in {prediction} and {truth}, got {names[0]} and {names[1]}; name the curves "
            "of the scan as those of the truth"
        )
    return pairs


def _columns(each: Agreement) -> dict[str, float]:
    return {
        "pearson_r": each.pearson_r,
        "snr_db": each.snr_db,
        "depth_error_ft": each.depth_error,
        "coverage": each.coverage,
        "depths": each.rows,
    }


def _print(rows: Sequence[tuple[str, Agreement]], names: Sequence[str], console: Console) -> None:
    table = Table("curve", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("Pearson r", "SNR, dB", "depth error, ft", "coverage", "depths"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, each in rows:
        numbers = (_number(each.pearson_r, 3), _number(each.snr_db, 2), _number(each.depth_error, 2))
        table.add_row(name, *numbers, _number(each.coverage, 3), f"{each.rows:,}")
    console.print(table)
    strong = strong_matches([each for _, each in rows])
    console.print(f"strong matches (r of {STRONG:g} or more): {100 * strong:.0f} % of {len(rows)} curves")
    console.print(f"{PUBLISHED}. Errors are over depths with both values: read them with the coverage", soft_wrap=True)
    compared_names = {name.upper() for name, _ in rows}
    alone = [name for name in names if name.upper() not in compared_names]
    if alone and len(rows) < len(names):
        console.print(f"curves of the truth that were not compared: {', '.join(alone)}", style="yellow", soft_wrap=True)


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
