"""Roof: the words of `python -m thinline digitise`. Reading them needs no torch: `--help` is quick."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

_ABOUT: Final = """\
A scan of a log -> its curves as CSV and LAS, with pictures to look at.

What stands where on the scan
    --track   columns (pixels of the file) of the edges of the track, in the first row that is digitised; without it the
              whole width is the track. --left and --right are the values there
    --rows    rows of the file at which the depths --top and --bottom stand, without it the first and the last; what
              lies above and below is not read, so leave out the header
    --curve   says otherwise for one curve of the run, as curve_1:left=0,right=150,name=GR,unit=API,track=120-860;
              falling=yes for a scale whose smaller value, given as left, stands at the right edge. Given twice for one
              curve, their keys are merged. Every other option may stand once
    --top     may be larger than --bottom: elevations, which decrease down the scan. Numbers may be -1000 or -1e3

A curve that leaves the track and comes back on the other side is unwrapped, if it comes back within about two widths
of the track along depth. Where the paper does not show on which lap it begins, it is on its scale for most of its
length; the table at the end says which laps were read. A curve that is not seen well enough is refused with the reason,
and nothing is filled in where it is not seen. A scan that stands upside down is not noticed: turn it first.

Rows where the file is damaged are gaps in every curve, with 2 mm on each side. They are named at the end, in lines
above the CSV that begin with # (pandas reads it with comment="#"), in ~Other of the LAS, and hatched in the overlay.

A run that was killed goes on when the same command is given again. With --force the files of an earlier scan are
replaced together at the end, or removed when this scan ends in an error or without curves.
"""


def _run(options: argparse.Namespace) -> int:
    # torch takes seconds; the other commands need none of it
    from thinline.cli.digitise import run

    return run(options)


def _folder(text: str) -> Path:
    """The path of --out; an empty one, as of a variable that is not set, would be the folder of the call."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a folder, got an empty name; is a variable not set?")
    return Path(text)


def add_digitise(commands: Any) -> None:
    """The subparser of the command."""
    command = commands.add_parser(
        "digitise",
        help="a scan of a log -> curves as CSV and LAS, with pictures to look at",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "scan", type=Path, help="TIFF, PNG or JPEG; 1-bit, grey or colour; pages follow each other down"
    )
    command.add_argument("--run", dest="run_name", help="run folder, name or MLflow id of a run, or a checkpoint file")
    command.add_argument(
        "--store", type=Path, default=Path("mlruns"), help="where runs are looked for by name (mlruns)"
    )
    command.add_argument("--left", type=float, help="value at the left edge of the track")
    command.add_argument("--right", type=float, help="value at its right edge")
    command.add_argument("--scale", choices=("linear", "log"), default="linear", help="of the values (linear)")
    command.add_argument("--track", type=float, nargs=2, metavar=("LEFT", "RIGHT"), help="columns of its edges")
    command.add_argument(
        "--curve",
        action="append",
        default=[],
        metavar="CURVE:KEY=VALUE,...",
        help="for one curve: " + "left, right, scale, name, unit, track, falling",
    )
    command.add_argument("--top", type=float, required=True, help="depth at the top")
    command.add_argument("--bottom", type=float, required=True, help="depth at the bottom")
    command.add_argument("--unit", default="m", help="of the depth (m)")
    command.add_argument("--rows", type=float, nargs=2, metavar=("TOP", "BOTTOM"), help="rows where these depths stand")
    command.add_argument("--dpi", type=float, help="resolution of the scan (as the file says)")
    command.add_argument("--no-deskew", action="store_true", help="leave the scan as it lies")
    command.add_argument(
        "--min-confidence", type=float, default=0.5, help="below, a row is a gap, and a curve is refused (0.5)"
    )
    command.add_argument(
        "--min-coverage",
        type=float,
        default=0.25,
        help="share of rows with a value below which a curve is refused (0.25)",
    )
    command.add_argument("--out", type=_folder, required=True, help="folder for the files; must not exist yet")
    command.add_argument("--force", action="store_true", help="write into a folder that exists; start over")
    command.set_defaults(run=_run)
