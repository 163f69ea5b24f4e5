"""Run `thinline digitise`: build the job from the options, digitise the scan, and print the curves as a table.

With --force a command that ends without curves, or with an error, removes the results of an earlier scan from its
output folder, so that they are not mistaken for its own.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

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
from thinline.digitise.scales import ScaleError
from thinline.digitise.scan import LEAST_DPI, MOST_DPI, Scan, ScanError
from thinline.pipeline.load import LoadedRun, load_run

CONTEXT_MM: Final = 4.0
"""Width beside the tracks that the network gets, because it needs both sides of a line on the edge."""

_KEYS: Final = ("left", "right", "scale", "name", "unit", "track", "falling")
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
    job = _job(options, scan, network)
    _print_job(job, network, console)
    try:
        with _progress(_printable(options.scan.name), console) as report:
            digitised = digitise(job, options.out, force=options.force, report=report)
    except KeyboardInterrupt:
        console.print("stopped; the same command without --force resumes", style="yellow")
        return _STOPPED
    _print_result(digitised, job, console)
    return 0 if digitised.accepted else 1


def _job(options: argparse.Namespace, scan: Scan, network: LoadedRun) -> Job:
    dpi = _dpi(options.dpi, scan)
    rows = tuple(options.rows or (-0.5, scan.height - 0.5))
    curves = _curve_names(options, network)
    scales = _scales(options, curves, scan)
    depth = DepthScale(options.top, options.bottom, rows[0], rows[1], options.unit)
    px_per_mm = network.px_per_mm if network.scale_known else network.scale * min(dpi) / _MM_PER_INCH
    across, down = (px_per_mm * _MM_PER_INCH / value for value in dpi)
    frame = _frame(scan, rows, scales, factors=(down, across), beside=CONTEXT_MM * px_per_mm / across)
    return Job(
        scan=scan,
        frame=frame,
        reader=network.reader,
        run=network.name,
        px_per_mm=px_per_mm,
        scales=scales,
        depth=depth,
        limits=Limits(options.min_confidence, options.min_coverage),
        deskew=not options.no_deskew,
        hints=_hints(options, curves, network),
    )


def _curve_names(options: argparse.Namespace, network: LoadedRun) -> tuple[str, ...]:
    """The curves of the run, or for a network that names none those of the proposal or of --curve."""
    if not network.head.unscored:
        return network.head.classes[1:]
    proposed = getattr(options, "proposed", ())
    return tuple(keys["name"] for keys in proposed) or tuple(_merged(options.curve)) or ("curve_1",)


def _hints(
    options: argparse.Namespace, curves: tuple[str, ...], network: LoadedRun
) -> tuple[tuple[tuple[float, float], ...], ...]:
    """The points of --at, and of the proposal for curves without --at, for each curve."""
    points: dict[str, list[tuple[float, float]]] = {}
    for text in options.at:
        curve, *numbers = text.split(":")
        if curve not in curves or len(numbers) != 2:
            raise ScaleError(f"--at {text}: expected CURVE:ROW:COLUMN with a curve of {', '.join(curves)}")
        row, column = (_number(f"--at {text}", number) for number in numbers)
        points.setdefault(curve, []).append((row, column))
    proposed: Sequence[Sequence[tuple[float, float]]] = getattr(options, "proposed_at", [()] * len(curves))
    hints = tuple(tuple(points.get(curve, own)) for curve, own in zip(curves, proposed, strict=True))
    if any(hints) and not network.head.unscored:
        raise ScaleError(
            f"--at: expected a network that names no curves, as the one that comes with the package, got "
            f"{network.name}, which names them; leave --at out"
        )
    return hints if any(hints) else ()


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
    _check_on(scan, "--rows", rows, scan.height)
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


def _scales(options: argparse.Namespace, curves: tuple[str, ...], scan: Scan) -> tuple[CurveScale, ...]:
    """One scale for each curve of the run: the shared options, changed by --curve."""
    own = own_scales(options, curves)
    unknown = [name for name in own if name not in curves]
    if unknown:
        raise ScaleError(f"--curve {unknown[0]}: expected a curve of the run, {' or '.join(curves)}")
    track = tuple(options.track or (-0.5, scan.width - 0.5))
    shared = {"left": options.left, "right": options.right, "scale": options.scale, "unit": "", "falling": "no"}
    scales = tuple(_scale(name, shared | {"name": name} | own.get(name, {}), track) for name in curves)
    names = [scale.name for scale in scales]
    if len({name.upper() for name in names} - {"DEPT", "DEPTH"}) < len(names):
        raise ScaleError(
            f"--curve: expected a name of its own for every curve, other than DEPT and DEPTH, got {', '.join(names)}; "
            "LAS does not distinguish small letters from capitals"
        )
    return scales


def own_scales(options: argparse.Namespace, curves: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """The keys of each curve: those of --curve, and below them those of a job file, one entry for each curve."""
    own = _merged(options.curve)
    proposed: Sequence[Mapping[str, str]] = getattr(options, "proposed", ())
    if proposed and len(proposed) != len(curves):
        raise ScaleError(
            f"{options.job_file}: expected {len(curves)} curves, one for each of this run ({', '.join(curves)}), got "
            f"{len(proposed)}; leave curves out of the file, or take a run with as many"
        )
    for name, keys in zip(curves, proposed, strict=False):
        own[name] = {**keys, **own.get(name, {})}
    return own


def _scale(curve: str, keys: Mapping[str, Any], track: tuple[float, ...]) -> CurveScale:
    for side in ("left", "right"):
        if keys[side] is None:
            raise ScaleError(f"{curve}: expected the value at the {side} edge of its track, got none; give --{side}")
    name = str(keys["name"])
    if not (name.isascii() and name.replace("_", "").replace("-", "").isalnum()):
        raise ScaleError(f"{curve}: expected a name of letters, digits, _ and -, as LAS requires, got {name!r}")
    if keys["falling"] not in ("yes", "no"):
        raise ScaleError(f"{curve}: `falling` must be yes or no, got {keys['falling']!r}")
    if "track" in keys:
        track = _ends(curve, str(keys["track"]))
    left, right = (_number(f"{curve}:{side}", keys[side]) for side in ("left", "right"))
    falling = keys["falling"] == "yes"
    if left > right and not falling:
        left, right, falling = right, left, True
    edges = track[0], track[1]
    return CurveScale(name, str(keys["unit"]), *edges, left, right, kind=str(keys["scale"]), falling=falling)


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    """The curve and the keys of `curve_1:left=0,name=GR`."""
    curve, _, rest = text.partition(":")
    pairs = [part.partition("=") for part in rest.split(",")] if rest else []
    wrong = [key for key, equals, _ in pairs if not equals or key not in _KEYS]
    if wrong or not pairs:
        raise ScaleError(
            f"--curve {text}: expected CURVE:KEY=VALUE,... with keys {', '.join(_KEYS)}, got "
            f"{wrong[0] if wrong else 'no key'!r}; as curve_1:left=0,right=150,name=GR,unit=API"
        )
    keys = [key for key, _, _ in pairs]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise ScaleError(f"--curve {text}: expected `{twice}` once, got it twice; leave one of them out")
    return curve, {key: value for key, _, value in pairs}


def _merged(texts: Sequence[str]) -> dict[str, dict[str, str]]:
    """The keys of each curve over all --curve. Raises ScaleError for one key with two values."""
    own: dict[str, dict[str, str]] = {}
    for text in texts:
        curve, keys = _parsed(text)
        before = own.setdefault(curve, {})
        for key, value in keys.items():
            if before.setdefault(key, value) != value:
                raise ScaleError(
                    f"--curve {curve}: expected one value of `{key}`, got {before[key]!r} and {value!r}; leave one out"
                )
    return own


def _ends(curve: str, text: str) -> tuple[float, float]:
    """The two columns of `120-860`, which may have signs and exponents."""
    for n, letter in enumerate(text):
        if letter == "-":
            with suppress(ValueError):
                return float(text[:n]), float(text[n + 1 :])
    raise ScaleError(f"{curve}: `track` must be two columns as 120-860, got {text!r}")


def _number(key: str, text: Any) -> float:
    try:
        return float(text)
    except ValueError:
        raise ScaleError(f"{key}: expected a number, got {text!r}") from None


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
def _progress(name: str, console: Console) -> Iterator[ProgressReport]:
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
    name = _printable(scan.path.name)
    console.print(
        f"{name}: {pages}{scan.height:,} rows x {scan.width:,} columns; read at {job.px_per_mm:g} px/mm, "
        f"{frame.height:,} x {frame.width:,} px, with {job.run}",
        style="dim",
        soft_wrap=True,
    )
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
    console.print(f"written to {_printable(str(digitised.files[0].parent))}: {', '.join(names)}", soft_wrap=True)


def _printable(path: str) -> str:
    """A path without invalid UTF-8, which a file name may contain and a terminal refuses."""
    return path.encode("utf-8", "replace").decode()
