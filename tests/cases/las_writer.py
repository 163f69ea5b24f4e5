"""LAS files written for tests, in every spelling that the reader must know; independent of the reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thinline.curves.las import LasCurve, LasReport, read_las_file

NAMES = ("DEPT", "GR", "RT", "RHOB")
BREAK = {"SPACE": " ", "TAB": "\t", "COMMA": ",", "SEMICOLON": ";"}


def table_of(seed: int = 0, *, rows: int = 90, nulls: int = 0) -> np.ndarray:
    """Depths from 1000 in steps of .5 and three curves to four decimals, up to `nulls` of them NaN, `[rows,4]`."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.uniform(1, 200, (rows, 3)), 4)
    values[rng.integers(1, rows - 1, nulls), rng.integers(0, 3, nulls)] = np.nan
    return np.column_stack([1000 + 0.5 * np.arange(rows), values])


def read(folder: Path, text: str | bytes) -> tuple[tuple[LasCurve, ...], LasReport]:
    """Curves and report of a file with that content."""
    path = folder / "a.las"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_las_file(path)


@dataclass(frozen=True)
class Spelling:
    """How a table is written. `wrap`: none, yes (depth alone on its line), or no (two lines per row, WRAP says NO)."""

    version: str = "2.0"
    delimiter: str = "SPACE"
    declared: bool = True
    wrap: str = "none"
    encoding: str = "utf-8"
    line_end: str = "\n"
    null: str = "-999.25"
    depth_column: int = 0
    comma: bool = False

    def text(self, names: Sequence[str], table: np.ndarray, *, interval: Sequence[float] = ()) -> str:
        """`table [R,C]` with the depth first, NaN for nulls; the depth is put into column `depth_column`."""
        order = [*range(1, len(names))]
        order.insert(self.depth_column, 0)
        rows = [[self._word(table[i, j]) for j in order] for i in range(len(table))]
        header = ["~Version", f"VERS. {self.version} : v", f"WRAP. {'YES' if self.wrap == 'yes' else 'NO'} : w"]
        header += [f"DLM. {self.delimiter} : d"] if self.declared else []
        header += ["~Well", f"NULL. {'-999.25' if not self.null or self.null.strip('*.') == '' else self.null} : µ °"]
        header += [f"{name}.M {value} : s" for name, value in zip(("STRT", "STOP", "STEP"), interval, strict=False)]
        header += ["~Log_Definition" if self.version == "3.0" else "~Curve"]
        header += [f"{names[j]}.{'API' if j else 'M'} : d" for j in order]
        header += ["~Log_Data | Log_Definition" if self.version == "3.0" else "~A"]
        return self.line_end.join([*header, *(line for row in rows for line in self._lines(row)), ""])

    def data(self, names: Sequence[str], table: np.ndarray, *, interval: Sequence[float] = ()) -> bytes:
        """The bytes of `text`."""
        text = self.text(names, table, interval=interval)
        if self.encoding == "utf-16-be":
            return b"\xfe\xff" + text.encode(self.encoding)
        return text.encode(self.encoding)

    def _word(self, value: float) -> str:
        if np.isnan(value):
            return self.null
        return f"{value:.4f}".replace(".", ",") if self.comma else f"{value:.4f}"

    def _lines(self, row: list[str]) -> list[str]:
        cut = {"none": len(row), "yes": 1, "no": len(row) // 2}[self.wrap]
        return [BREAK[self.delimiter].join(part) for part in (row[:cut], row[cut:]) if part]
