"""List the curves that can be read from LAS files, and those that are left out.

For each curve: unit, number of samples, range of depths and of values, gaps (interruptions by nulls or missing depths),
and number of nulls. Then the dropped curves with their reasons, and warnings. The last line summarises the folder.

Exit code 0: at least one curve can be used; 1: none.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.curves.las import LasReport, read_las_folder


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of *.las files, or one LAS file")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the curves of each file."""
    folder = read_las_folder(options.folder)
    for report in folder.reports:
        for part in _described(report):
            console.print(part, soft_wrap=isinstance(part, str))
    console.print(folder.summary(), soft_wrap=True)
    return 0 if folder.curves else 1


def _described(report: LasReport) -> Iterator[str | Table]:
    """A heading, a table of curves, the dropped curves and the warnings of one file."""
    if report.error:
        yield f"error: {report.error}\n"
        return
    index = f"{report.index} ({report.index_unit})" if report.index_unit else report.index
    yield f"{report.file}: LAS {report.version:.1f}, {report.encoding}, {report.rows:,} rows by {index}"
    yield _table(report)
    nulls = {curve.name: ", ".join(f"{n} of {value}" for value, n in curve.nulls.items()) for curve in report.curves}
    if any(nulls.values()):
        yield f"nulls: {'; '.join(f'{name}: {counts}' for name, counts in nulls.items() if counts)}"
    yield from (f"dropped: {name} ({reason})" for name, reason in report.dropped)
    yield from (f"warning: {warning}" for warning in report.warnings)
    yield ""


def _table(report: LasReport) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("curve", overflow="fold")
    table.add_column("unit", overflow="fold")
    for name in ("samples", "depths", "values", "gaps", "nulls"):
        table.add_column(name, justify="right", overflow="fold")
    for curve in report.curves:
        table.add_row(
            curve.name,
            curve.unit,
            f"{curve.samples:,}",
            f"{curve.depth_first:.8g} to {curve.depth_last:.8g}",
            f"{curve.low:.5g} to {curve.high:.5g}",
            str(curve.gaps),
            f"{sum(curve.nulls.values()):,}",
        )
    return table
