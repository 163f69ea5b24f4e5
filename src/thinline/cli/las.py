"""`python -m thinline las DIR`: what is read of LAS files, and what is left out.

For each file its curves: unit, samples with a reading, the depths and values they span, gaps (how many times the
readings stop and go on, at nulls and at depths that are not in the file), and how many values were taken for nulls.
Then the dropped curves with the reason of each, and what is odd about the file. The last line sums up the folder.

Exit code 0: at least one curve can be used; 1: none.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.curves.las import LasReport, read_las_folder

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_las(commands: Commands, console: Console) -> None:
    """The subcommand, printing to `console`."""
    parser = commands.add_parser(
        "las",
        help="what is read of LAS files: curves, ranges, gaps, nulls, and what is left out",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of *.las files, or one LAS file")
    parser.set_defaults(run=partial(_las, console=console))


def _las(options: argparse.Namespace, *, console: Console) -> int:
    read = read_las_folder(options.folder)
    for report in read.reports:
        for part in _described(report):
            console.print(part, soft_wrap=isinstance(part, str))
    console.print(read.summary(), soft_wrap=True)
    return 0 if read.curves else 1


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
