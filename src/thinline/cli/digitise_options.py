"""Convert a scan of a log into curves as CSV and LAS, or show what the scan holds.

    thinline digitise scan.tif            show the pages, tilt, tracks, depth column, curves and scale of the scan, and
                                          write a proposal, OUT.yaml, with a numbered picture, OUT_layout.png
    thinline digitise scan.yaml           digitise what the edited proposal describes; options replace its values
    thinline digitise scan.tif --top ...  digitise with the values of the options

OUT is --out, or else the name of the scan in the current folder. A proposal is not written over an existing one without
--force. With a proposal --out is its name without .yaml. Values that are not filled in are listed; curves are
then in fractions of the track, and depths in rows of the scan.

Positions on the scan
    --track   columns (pixels of the file) of the edges of the track in the first digitised row (default: the whole
              width). --left and --right are the values at these edges
    --rows    rows of the file at the depths --top and --bottom (default: the first and the last). Rows outside are not
              read, so exclude the header
    --curve   options of one curve of the run, as curve_1:left=0,right=150,name=GR,unit=API,track=120-860;
              left may be larger than right; falling=yes says the same with the smaller value as left. Keys of repeated
              --curve options are merged. Every other option may be given once
    --scale-change
              as GR:1500:0:300, any number of times in the order of the scan: from depth 1500 on, the left edge of the
              track of GR is 0 and its right edge 300; :log or :linear may follow
    --at      a point of the scan on a curve, as GR:1200:340, any number of times: tells the curves of a track apart. It
              is for the network that comes with the package, which names no curves
    --depth-from-ocr
              reads the numbers of the depth column in place of --top and --bottom, and is refused where they do not lie
              on one straight line. It needs --unit, and the packages of `thinline[ocr]`. With the scan alone the depths
              read are written into the proposal. A job file says the same with depth: {source: ocr, unit: ft}
    --top     may be larger than --bottom, for elevations, which decrease down the scan. Numbers may be -1000 or -1e3

A curve that leaves the track and returns on the other side is unwrapped if it returns within about two track widths
along depth. The number of its first lap is not visible on paper: a curve is assumed to be on its scale (lap 0) for most
of its length; the table at the end lists the laps. A curve with low confidence is refused with a reason, and gaps are
not filled. The orientation is not detected: rotate a scan that is upside down.

Rows where the file is damaged are gaps in every curve, with 2 mm on each side. They are listed at the end, in lines
above the CSV that begin with # (pandas reads it with comment="#"), in ~Other of the LAS, and hatched in the overlay.

A killed command resumes when it is given again. With --force the files of an earlier scan are replaced together at the
end, or removed when this scan ends in an error or without curves.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console


def run(options: argparse.Namespace, console: Console) -> int:
    """Show the layout of a scan, or digitise it. Exit code 1 when no curve was accepted."""
    # torch takes seconds to import; the other commands do not need it
    from thinline.cli.digitise import run_digitise
    from thinline.cli.pages.depth_ocr import fill_depth_from_ocr
    from thinline.cli.pages.job_file import fill_from_job_file, is_job_file
    from thinline.cli.pages.layout import run_layout, wants_layout

    if is_job_file(options.scan):
        return run_digitise(fill_from_job_file(options, console), console)
    if wants_layout(options):
        return run_layout(options, console)
    if options.depth_from_ocr:
        options = fill_depth_from_ocr(options, console)
    for name in ("top", "bottom", "out"):
        if getattr(options, name) is None:
            raise ValueError(
                f"--{name}: expected --top, --bottom and --out with the other options, got no --{name}; give it, or "
                "give the scan alone to see its tracks"
            )
    options.scale, options.unit = options.scale or "linear", options.unit or "m"
    return run_digitise(options, console)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "scan",
        type=Path,
        help="TIFF, PNG or JPEG (1-bit, grey or colour; pages follow each other along depth), or a proposal (.yaml)",
    )
    parser.add_argument("--run", dest="run_name", help="run folder, name or MLflow id, or a checkpoint file (reader)")
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store of runs (mlruns)")
    parser.add_argument("--left", type=float, help="value at the left edge of the track")
    parser.add_argument("--right", type=float, help="value at its right edge")
    parser.add_argument("--scale", choices=("linear", "log"), help="of the values (linear)")
    parser.add_argument("--track", type=float, nargs=2, metavar=("LEFT", "RIGHT"), help="columns of its edges")
    parser.add_argument(
        "--curve",
        action="append",
        default=[],
        metavar="CURVE:KEY=VALUE,...",
        help="options of one curve: left, right, scale, name, unit, track, falling",
    )
    parser.add_argument(
        "--at", action="append", default=[], metavar="CURVE:ROW:COLUMN", help="a point of the scan on the curve"
    )
    parser.add_argument(
        "--scale-change",
        action="append",
        default=[],
        metavar="CURVE:DEPTH:LEFT:RIGHT",
        help="from this depth on, other values at the edges of the track; :log or :linear may follow",
    )
    parser.add_argument("--top", type=float, help="depth at the top")
    parser.add_argument("--bottom", type=float, help="depth at the bottom")
    parser.add_argument(
        "--depth-from-ocr", action="store_true", help="read the depths from the depth column (extra `ocr`)"
    )
    parser.add_argument("--unit", help="of the depth (m)")
    parser.add_argument("--rows", type=float, nargs=2, metavar=("TOP", "BOTTOM"), help="rows of these depths")
    parser.add_argument("--dpi", type=float, help="resolution of the scan (from the file)")
    parser.add_argument("--no-deskew", action="store_true", help="do not correct the skew")
    parser.add_argument(
        "--min-confidence", type=float, default=0.5, help="rows below are gaps, curves below are refused (0.5)"
    )
    parser.add_argument(
        "--min-coverage",
        type=float,
        default=0.25,
        help="curves with values in a smaller share of the rows are refused (0.25)",
    )
    parser.add_argument("--out", type=Path, help="folder for the files; must not exist yet")
    parser.add_argument("--force", action="store_true", help="write into an existing folder, or over a proposal")
