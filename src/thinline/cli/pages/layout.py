"""Run `thinline digitise scan.tif` without positions: print the layout of the scan, write a proposal and a picture.

The network that comes with the package counts the curves of each track.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from thinline.cli.pages.depth_ocr import line_text, read_depths
from thinline.digitise.accept import Limits
from thinline.digitise.output_folder import OutputError
from thinline.digitise.page.curve_count import CurveReader
from thinline.digitise.page.layout import Layout, TrackLayout, find_layout
from thinline.digitise.page.layout_picture import layout_png
from thinline.digitise.page.proposal import Proposal, proposal_of
from thinline.digitise.page.proposal_yaml import proposal_yaml
from thinline.digitise.page.reduced_page import PAGE_MM
from thinline.digitise.page.reduced_page import Progress as RowsDone
from thinline.digitise.scan import LEAST_DPI, MOST_DPI, Scan, ScanError, open_scan
from thinline.digitise.text.depth_line import DepthLine, DepthRefusal
from thinline.digitise.text.header_scales import read_header_scales
from thinline.digitise.text.recogniser import TextReader, TextReaderError, open_text_reader
from thinline.pipeline.load import LoadedRun, load_run
from thinline.system.atomic_files import make_folder, write_bytes
from thinline.vocabulary import UInt8

MOST_LISTED = 20
"""Numbers of the depth column that the job file lists."""

_POSITIONS = ("run_name", "left", "right", "scale", "track", "rows", "top", "bottom", "unit")


def wants_layout(options: argparse.Namespace) -> bool:
    """Whether no option says what to digitise, or how."""
    listed = options.curve or options.scale_change or options.at
    limits = Limits(options.min_confidence, options.min_coverage) != Limits()
    return not (listed or limits or any(getattr(options, name) is not None for name in _POSITIONS))


def run_layout(options: argparse.Namespace, console: Console) -> int:
    """Print the layout of a scan, and write the proposal and its picture beside the output folder."""
    out: Path = options.out or Path(options.scan.stem or "scan")
    job_file, picture = out.with_name(f"{out.name}.yaml"), out.with_name(f"{out.name}_layout.png")
    for path in (job_file, picture):
        if path.exists() and not options.force:
            raise OutputError(
                f"{path}: expected no such file yet, got one; nothing is overwritten without --force: add it, or give "
                "another --out"
            )
    dpi = _dpi(options.dpi)
    scan = open_scan(options.scan)
    with _progress(scan, console) as report:
        layout = find_layout(
            scan, dpi=dpi, deskew=not options.no_deskew, reader=curve_reader(load_run(None)), report=report
        )
    _print_layout(layout, dpi, console)
    reader = _text_reader(console, required=options.depth_from_ocr)
    line = None if reader is None else _depth_line(layout, reader, console, required=options.depth_from_ocr)
    scales = [] if reader is None else _header_scales(layout, reader, console)
    marks = [] if line is None else [(mark.row, mark.number) for mark in line.ends()]
    proposal = proposal_of(layout, scan=_relative(options.scan, out.parent), dpi=options.dpi, depth=marks)
    notes = [] if line is None else _depth_notes(line, layout)
    make_folder(out.parent)
    write_bytes(picture, layout_png(layout))
    write_bytes(job_file, proposal_yaml(proposal, depth_notes=notes, curve_notes=scales).encode())
    _print_next(job_file, picture, proposal, console)
    return 0


def _text_reader(console: Console, *, required: bool) -> TextReader | None:
    """The reader of printed text, or None with the reason printed. `required`: raise the reason."""
    try:
        return open_text_reader()
    except TextReaderError as reason:
        if required:
            raise
        console.print(f"depth: not read: {reason}", soft_wrap=True)
        return None


def _depth_line(layout: Layout, reader: TextReader, console: Console, *, required: bool) -> DepthLine | None:
    """The depths read from the depth column, or None with the reason printed. `required`: raise the reason."""
    try:
        line = read_depths(layout, reader)
    except DepthRefusal as reason:
        if required:
            raise
        console.print(f"depth: not read: {reason}", soft_wrap=True)
        return None
    console.print(f"depth: {line_text(line, layout)}", soft_wrap=True)
    return line


def _header_scales(layout: Layout, reader: TextReader, console: Console) -> list[str]:
    """Comments of the job file on the scales printed over the tracks; prints them too."""
    scales = [scale.text() for scale in read_header_scales(layout, reader)]
    if scales:
        console.print(f"printed over the tracks, not confirmed: {'; '.join(scales)}", soft_wrap=True)
    return [f"printed over {scale}, not confirmed" for scale in scales]


def _depth_notes(line: DepthLine, layout: Layout) -> list[str]:
    """Comments of the job file on depths that were read."""
    rows = ", ".join(f"{reading.number:g} in row {reading.row:.0f}" for reading in line.fitting[:MOST_LISTED])
    more = len(line.fitting) - MOST_LISTED
    return [
        f"read from the depth column, not confirmed: {line_text(line, layout)}",
        f"the numbers that fit: {rows}{f', and {more} more' if more > 0 else ''}",
        "compare them with the scan, then fill in the unit (m or ft)",
    ]


def curve_reader(network: LoadedRun) -> CurveReader:
    """What counts curves: a network of ink and centre lines, in bf16 where the processor has it."""
    reader = replace(network.reader, fast=True)

    def maps(grey: UInt8) -> tuple[UInt8, UInt8]:
        ink, centre = np.rint(255 * reader.probabilities(grey)[-2:]).astype(np.uint8)
        return ink, centre

    return CurveReader(maps, network.px_per_mm, reader.tile_px)


def _dpi(option: float | None) -> tuple[float, float] | None:
    if option is not None and not LEAST_DPI <= option <= MOST_DPI:
        raise ScanError(
            f"--dpi: expected {LEAST_DPI} to {MOST_DPI} dots per inch, got {option:g}; for example --dpi 200"
        )
    return None if option is None else (option, option)


def _relative(scan: Path, folder: Path) -> str:
    """The path of the scan as the job file names it: relative to the folder of the file."""
    return Path(os.path.relpath(scan.absolute(), folder.absolute())).as_posix()


def _print_layout(layout: Layout, dpi: tuple[float, float] | None, console: Console) -> None:
    scan, page = layout.scan, layout.page
    name = scan.path.name.encode("utf-8", "replace").decode()
    pages = f"{len(scan.pages)} pages" if len(scan.pages) > 1 else "1 page"
    across, down = dpi or scan.dpi
    resolution = f"{across:g} dpi" if math.isclose(across, down, rel_tol=1e-3) else f"{across:g} x {down:g} dpi"
    if not page.dpi_known:
        resolution = f"no resolution in the file: taken as {PAGE_MM:g} mm wide"
    console.print(f"{name}: {pages}, {scan.height:,} rows x {scan.width:,} columns, {resolution}", soft_wrap=True)
    for notice in scan.notices:
        console.print(f"note: {notice}", style="yellow", soft_wrap=True)
    console.print(
        f"tilt {page.tilt_degrees():+.2f} degrees; upright lines stay within {page.wander_mm():.1f} mm; the log lies "
        f"in rows {layout.first_row} to {layout.last_row}, its grid in {100 * layout.pattern_share:.0f} % of them",
        soft_wrap=True,
    )
    table = Table("track", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("columns", "width", "curves", "scale", "grid down", "grid across"):
        table.add_column(heading, justify="right", no_wrap=True)
    for number, track in enumerate(layout.tracks, start=1):
        table.add_row(str(number), *_cells(track, layout))
    console.print(table)
    depths = [f"{left:.0f} to {right:.0f}" for left, right in layout.depth_px]
    console.print(f"depth column: columns {', '.join(depths)}" if depths else "depth column: none was seen")
    console.print(f"scale: {_scale(layout)}", soft_wrap=True)


def _cells(track: TrackLayout, layout: Layout) -> tuple[str, ...]:
    """The cells of one track; the count of curves is rough."""
    width = (track.right_px - track.left_px) / layout.scan_px_per_mm
    down, across = (f"{pitch:.2f} mm" if math.isfinite(pitch) else "-" for pitch in _pitches(track))
    curves = f"about {track.curves}" if track.curves else "-"
    return f"{track.left_px:.0f} to {track.right_px:.0f}", f"{width:.1f} mm", curves, track.scale, down, across


def _pitches(track: TrackLayout) -> tuple[float, float]:
    return track.pitch.down_mm, track.pitch.across_mm


def _scale(layout: Layout) -> str:
    """A phrase with the scale by the resolution and by the grid."""
    scale = layout.scan_px_per_mm
    source = "the resolution" if layout.page.dpi_known else f"a width of {PAGE_MM:g} mm"
    text = f"{scale:.2f} px/mm by {source}"
    pitches = [track.pitch for track in layout.tracks if math.isfinite(track.pitch.mm)]
    if not pitches:
        return f"{text}; no grid to compare it with"
    pitch = next((pitch for pitch in pitches if pitch.agrees), pitches[0])
    if pitch.agrees:
        return f"{text}; its grid of {pitch.mm:.2f} mm is a usual one ({pitch.usual_mm:g} mm)"
    by_grid = scale * pitch.mm / pitch.usual_mm
    return (
        f"{text}; its grid of {pitch.mm:.2f} mm is not a usual one. If it is of {pitch.usual_mm:g} mm, the scale "
        f"is {by_grid:.2f} px/mm (--dpi {25.4 * by_grid:.0f}); a reduced print has neither"
    )


def _print_next(job_file: Path, picture: Path, proposal: Proposal, console: Console) -> None:
    console.print(f"written: {job_file}, {picture}", soft_wrap=True)
    depths = "depths of two rows" if proposal.depth.first.depth is None else "the unit of the depths"
    console.print(
        f"next: compare the picture with the scan, fill in {job_file.name} (names and values of {len(proposal.curves)} "
        f"curves, {depths}), then "
        f"`thinline digitise {job_file}`",
        soft_wrap=True,
    )


@contextmanager
def _progress(scan: Scan, console: Console) -> Iterator[RowsDone]:
    """A progress bar of the rows read on a terminal, nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.percentage:.0f} %"))
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("reading the page", total=scan.height)
        yield lambda done, count: bar.update(task, completed=done, total=count)
