"""Run `thinline digitise`: build the job from the options, digitise the scan, and print the curves as a table.

With --force a command that ends without curves, or with an error, removes the results of an earlier scan from its
output folder, so that they are not mistaken for its own.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from thinline.cli.pages.curve_scales import curve_names, hints_of, scales_of
from thinline.cli.pages.scale_changes import with_changes
from thinline.digitise import (
    CurveScale,
    DepthScale,
    Digitised,
    DigitisedScan,
    Frame,
    Job,
    Limits,
    digitise,
    open_scan,
)
from thinline.digitise.job import ProgressReport
from thinline.digitise.output_folder import remove_results
from thinline.digitise.reading import choose_factor
from thinline.digitise.scan import LEAST_DPI, MOST_DPI, Scan, ScanError
from thinline.pipeline.load import LoadedRun, load_run

CONTEXT_MM: Final = 4.0
"""Width beside the tracks that the network gets, because it needs both sides of a line on the edge."""

SAMPLE_TILES: Final = 4
"""The scale is chosen on the middle of a page: so many tiles of the network above its middle row, as many below."""

_MM_PER_INCH: Final = 25.4
_STOPPED: Final = 130
_MOST_WARNINGS: Final = 20


def run_digitise(options: argparse.Namespace, console: Console) -> int:
    """Digitise one scan. Exit code 1 when no curve was accepted."""
    try:
        return _digitise(options, console)
    except Exception:
        if options.force:
            remove_results(options.out)
        raise


def _digitise(options: argparse.Namespace, console: Console) -> int:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = load_run(options.run_name, options.store, device=device)
    scan = open_scan(options.scan)
    job = job_of(options, scan, network)
    _print_job(job, network, console)
    try:
        with progress(printable(options.scan.name), console) as report:
            digitised = digitise(job, options.out, force=options.force, report=report)
    except KeyboardInterrupt:
        console.print("stopped; the same command without --force resumes", style="yellow")
        return _STOPPED
    _print_result(digitised, job, console)
    return 0 if digitised.accepted else 1


def job_of(options: argparse.Namespace, scan: Scan, network: LoadedRun) -> Job:
    """The job that the options describe; raises what its parts raise for wrong options."""
    rows = tuple(options.rows or (-0.5, scan.height - 0.5))
    depth = DepthScale(options.top, options.bottom, rows[0], rows[1], options.unit)
    _check_on(scan, "--rows", rows, scan.height)
    dpi, reason = _read_at(options, scan, network)
    curves = curve_names(options, network)
    scales = scales_of(options, curves, scan)
    scales = with_changes(options, curves, scales, depth)
    px_per_mm = network.px_per_mm if network.scale_known else network.scale * min(dpi) / _MM_PER_INCH
    across, down = (px_per_mm * _MM_PER_INCH / value for value in dpi)
    frame = _frame(scan, rows, scales, factors=(down, across), beside=CONTEXT_MM * px_per_mm / across)
    return Job(
        scan=scan,
        frame=frame,
        reader=replace(network.reader, fast=True),
        run=network.name,
        px_per_mm=px_per_mm,
        scales=scales,
        depth=depth,
        limits=Limits(options.min_confidence, options.min_coverage),
        deskew=not options.no_deskew,
        hints=hints_of(options, curves, network),
        scale_reason=reason,
        file_px_per_mm=px_per_mm * scan.dpi[1] / dpi[1] if reason and min(scan.dpi) > 0 else None,
    )


def _read_at(options: argparse.Namespace, scan: Scan, network: LoadedRun) -> tuple[tuple[float, float], str]:
    """Dots per inch across and down at which a scan is read, and the reason if they are not those of the file.

    A network that names no curves chooses its scale on the middle of the page, unless --dpi is given: that of the file
    is one of the candidates (reading.py).
    """
    if not network.head.unscored or options.dpi is not None:
        return _dpi(options.dpi, scan), ""
    known = scan.dpi if min(scan.dpi) > 0 else None
    nominal = network.px_per_mm * _MM_PER_INCH
    implied = None if known is None else nominal / min(known)
    first, last = (round(row) for row in options.rows or (0, scan.height))
    middle, reach = (first + last) // 2, SAMPLE_TILES * network.sheet_px
    sample = scan.rows(max(0, first, middle - reach), min(scan.height, last, middle + reach))
    chosen = choose_factor(replace(network.reader, fast=True), sample, implied=implied)
    if implied is None:
        return (nominal / chosen.factor,) * 2, chosen.reason
    assert known is not None
    across, down = (value * implied / chosen.factor for value in known)
    return (across, down), chosen.reason


def _dpi(option: float | None, scan: Scan) -> tuple[float, float]:
    """Dots per inch across and down, from --dpi or else from the file."""
    if option is None:
        if not min(scan.dpi) > 0:
            raise ScanError(f"{scan.path}: expected a resolution, got none in the file; give --dpi, as --dpi 200")
        return scan.dpi
    if not LEAST_DPI <= option <= MOST_DPI:
        raise ScanError(
            f"--dpi: expected {LEAST_DPI} to {MOST_DPI} dots per inch, got {option:g}; for example --dpi 200, or leave "
            "it out where the file has a resolution"
        )
    return option, option


def _frame(
    scan: Scan,
    rows: tuple[float, ...],
    scales: tuple[CurveScale, ...],
    *,
    factors: tuple[float, float],
    beside: float,
) -> Frame:
    """The rows between the two depths, and the columns of all tracks with a margin of `beside` scan px."""
    left = min(scale.left_px for scale in scales) - beside
    right = max(scale.right_px for scale in scales) + beside
    for scale in scales:
        _check_on(scan, f"track of {scale.name}", (scale.left_px, scale.right_px), scan.width)
    first_row, last_row = math.floor(rows[0] + 0.5), math.ceil(rows[1] + 0.5)
    first, last = max(0, math.floor(left + 0.5)), min(scan.width, math.ceil(right + 0.5))
    return Frame.of((first_row, last_row), (first, last), factors=factors)


def _check_on(scan: Scan, option: str, ends: tuple[float, ...], size: int) -> None:
    if ends[0] < -0.5 or ends[1] > size - 0.5:
        raise ScanError(
            f"{scan.path}: {option} must lie on the scan, 0 to {size - 1}, got {ends[0]:g} to {ends[1]:g}; columns and "
            "rows are pixels of the file"
        )


def _cells(curve: Digitised) -> tuple[str, ...]:
    """The table cells of one curve."""
    name = curve.scale.name if curve.scale.name == curve.label else f"{curve.scale.name} ({curve.label})"
    shares = f"{100 * curve.coverage:.1f} %", f"{curve.mean_confidence:.2f}", f"{curve.longest_gap_mm:.1f} mm"
    if curve.refused:
        return name, *shares, "-", "refused"
    finite = np.isfinite(curve.values)
    laps = ", ".join(f"{lap:+d}" if lap else "0" for lap in np.unique(curve.lap[finite]).tolist())
    low, high = curve.values[finite].min(), curve.values[finite].max()
    return name, *shares, laps, f"{low:.4g} to {high:.4g} {curve.scale.unit}".rstrip()


@contextmanager
def progress(name: str, console: Console) -> Iterator[ProgressReport]:
    """A progress bar on a terminal, nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.completed}/{task.total}"))
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(f"reading {name}", total=None)
        yield lambda done, count: bar.update(task, completed=done, total=count)


def _print_job(job: Job, network: LoadedRun, console: Console) -> None:
    scan, frame = job.scan, job.frame
    pages = f"{len(scan.pages)} pages, " if len(scan.pages) > 1 else ""
    name = printable(scan.path.name)
    console.print(
        f"{name}: {pages}{scan.height:,} rows x {scan.width:,} columns; read at {job.shown_px_per_mm:.3g} px/mm, "
        f"{frame.height:,} x {frame.width:,} px, with {job.run}",
        style="dim",
        soft_wrap=True,
    )
    if job.scale_reason:
        console.print(f"scale: {job.scale_reason}; --dpi sets it", style="dim", soft_wrap=True)
    if not network.scale_known:
        text = "the images of this run have no scale (data_mix.px_per_mm=null), so the scan is read at its own pixels"
        console.print(f"warning: {text}", style="yellow", soft_wrap=True)
    if not network.finished:
        console.print("warning: this run is not finished; its last checkpoint is used", style="yellow", soft_wrap=True)


def _print_result(digitised: DigitisedScan, job: Job, console: Console) -> None:
    """Print the skew, one line for each curve, reasons of refusals, warnings, and file names."""
    if digitised.resumed:
        console.print(f"resumed after {digitised.resumed} stored bands", style="dim")
    console.print(f"skew: {digitised.skew.text()}", style="dim")
    table = Table("curve", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("coverage", "confidence", "longest gap", "laps", "values"):
        table.add_column(name, justify="right", no_wrap=True)
    for curve in digitised.curves:
        table.add_row(*_cells(curve))
    console.print(table)
    for curve in digitised.curves:
        if curve.refused:
            console.print(f"{curve.scale.name} is refused: {curve.refused}", style="yellow", soft_wrap=True)
    for warning in digitised.warnings[:_MOST_WARNINGS]:
        console.print(f"warning: {warning}", style="yellow")
    if len(digitised.warnings) > _MOST_WARNINGS:
        more = len(digitised.warnings) - _MOST_WARNINGS
        console.print(f"warning: {more} more; curves.csv and curves.las list all", style="yellow")
    if job.depth.top > job.depth.bottom:
        console.print(
            f"depth decreases down the scan, {job.depth.top:g} to {job.depth.bottom:g} {job.depth.unit}: taken as "
            "elevations",
            style="yellow",
        )
    if not digitised.accepted:
        console.print("no curve was accepted, so there is no CSV and no LAS; see the pictures", style="red")
    names = [path.name for path in digitised.files if not path.name.startswith("overlay_")]
    parts = [path.name for path in digitised.files if path.name.startswith("overlay_")]
    names += [f"{parts[0]} to {parts[-1]}"] if parts else []
    console.print(f"written to {printable(str(digitised.files[0].parent))}: {', '.join(names)}", soft_wrap=True)


def printable(path: str) -> str:
    """A path without invalid UTF-8, which a file name may contain and a terminal refuses."""
    return path.encode("utf-8", "replace").decode()
