"""The depths of a scan, read from its depth column: proposed for a job file, or used with --depth-from-ocr.

A job file asks for them with `depth: {source: ocr, unit: ft}`; --top and --bottom together replace them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from rich.console import Console

from thinline.digitise.page.columns import DEPTH
from thinline.digitise.page.layout import Layout, find_layout
from thinline.digitise.page.proposal import DepthMark, DepthMarks, Proposal
from thinline.digitise.scan import Scan, ScanError, open_scan
from thinline.digitise.text.depth_line import DepthLine, DepthRefusal, fit_depth_line
from thinline.digitise.text.depth_numbers import read_numbers, rows_per_mm
from thinline.digitise.text.recogniser import TextReader, open_text_reader

_MM: Final = {"ft": 304.8, "m": 1000.0}


def read_depths(layout: Layout, reader: TextReader) -> DepthLine:
    """The depth line of the depth column whose numbers show it best. Raises DepthRefusal where they show none."""
    columns = [column for column in layout.columns if column.kind == DEPTH]
    if not columns:
        raise DepthRefusal("expected a depth column, saw none between the tracks; type the depths of two rows")
    lines, refusals = [], []
    for column in columns:
        try:
            lines.append(fit_depth_line(read_numbers(layout, column, reader), rows_per_mm=rows_per_mm(layout)))
        except DepthRefusal as refusal:
            refusals.append(refusal)
    if not lines:
        raise refusals[0]
    return max(lines, key=lambda line: len(line.fitting))


def line_text(line: DepthLine, layout: Layout) -> str:
    """What was read, as a phrase."""
    first, last = line.ends()
    scale = rows_per_mm(layout)
    ratios = ", ".join(f"1:{abs(line.per_row) * scale * mm:.0f} if they are {unit}" for unit, mm in _MM.items())
    return (
        f"{len(line.fitting)} of {line.read} numbers read ({100 * line.share:.0f} %) fit one straight line, from "
        f"{first.number:g} in row {first.row:.0f} to {last.number:g} in row {last.row:.0f}; median distance "
        f"{line.residual_rows / scale:.2f} mm, largest {line.worst_rows / scale:.1f} mm; {ratios}"
    )


def fill_depth_from_ocr(options: argparse.Namespace, console: Console) -> argparse.Namespace:
    """The options for a scan with the depths of its depth column as --top and --bottom; prints what was read.

    Raises ValueError (DepthRefusal, TextReaderError, ScanError) where they cannot be read with certainty.
    """
    _check_no_ends(options)
    if options.unit is None:
        raise ValueError(
            "--depth-from-ocr: expected the unit of the depths, got none, and the numbers do not tell it; give "
            "--unit m or --unit ft"
        )
    line, scan = _read(options.scan, options.dpi, options, console)
    filled = argparse.Namespace(**vars(options))
    filled.rows = list(options.rows or (-0.5, scan.height - 0.5))
    filled.top, filled.bottom = (line.depth_at(row) for row in filled.rows)
    return filled


def with_depths_read(proposal: Proposal, options: argparse.Namespace, console: Console) -> Proposal:
    """A job file with the depths of the depth column as typed ones, if it or --depth-from-ocr asks for them.

    `options.scan` is the path of the job file. Errors as above.
    """
    if options.depth_from_ocr:
        _check_no_ends(options)
    elif proposal.depth.source != "ocr" or options.top is not None or options.bottom is not None:
        return proposal
    unit = options.unit or proposal.depth.unit
    if unit is None:
        asked = "--depth-from-ocr" if options.depth_from_ocr else f"{options.scan}: depth"
        raise ValueError(
            f"{asked}: expected the unit of the depths, got none, and the numbers do not tell it; give --unit m or "
            "--unit ft, or write it into the file, as `depth: {source: ocr, unit: ft}`"
        )
    line, _ = _read(options.scan.parent / proposal.scan, options.dpi or proposal.dpi, options, console)
    first, second = (DepthMark(row=mark.row, depth=mark.number) for mark in line.ends())
    return proposal.model_copy(update={"depth": DepthMarks(first=first, second=second, unit=unit)})


def _check_no_ends(options: argparse.Namespace) -> None:
    if options.top is not None or options.bottom is not None:
        raise ValueError("--depth-from-ocr: expected no --top and no --bottom beside it, got one; leave one out")


def _read(path: Path, dpi: float | None, options: argparse.Namespace, console: Console) -> tuple[DepthLine, Scan]:
    """The depth line of a scan, which is printed, and the scan."""
    scan = open_scan(path)
    reader = open_text_reader()
    layout = find_layout(scan, dpi=(dpi, dpi) if dpi else None, deskew=not options.no_deskew)
    try:
        line = read_depths(layout, reader)
    except DepthRefusal as refusal:
        raise ScanError(f"{path}: {refusal}") from None
    console.print(f"depth: {line_text(line, layout)}", style="dim", soft_wrap=True)
    return line, scan
