"""Roof: the side doors. `python -m thinline COMMAND --help` says more about each.

sheets    a contact sheet of drawn sheets with their truth, and what their pixels are; what resizing does to truth
replay    send to MLflow what it missed, and settle runs whose process died
status    every run of the store with its status
coherence which reported scores cannot be one operating point, and by how much
data      what a run on your own images would be trained on
ruler     what every measure says of your own truth, disturbed
digitise  a scan of a log -> curves as CSV and LAS, with pictures to look at
las       what is read of LAS files: curves, ranges, gaps, nulls, and what is left out
study     finished cells -> results, effects, verdicts, figures and a report
reproduce train published cells again, and say whether they agree
at-recall precision and overlap of every published run at one recall
publish   the tables of README.md and experiments/README.md, from the published studies
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline import runs
from thinline.cli.at_recall import add_at_recall
from thinline.cli.coherence import add_coherence
from thinline.cli.data import add_data
from thinline.cli.digitise_options import add_digitise
from thinline.cli.las import add_las
from thinline.cli.parser import Parser
from thinline.cli.publish import add_publish
from thinline.cli.reproduce import add_reproduce
from thinline.cli.ruler import add_ruler
from thinline.cli.sheet_resolution import show_resolutions
from thinline.cli.study import add_study
from thinline.curves.las import read_las_folder
from thinline.runs.folder import check_store
from thinline.sheets import FAMILIES, Sheet, render, sample
from thinline.sheets.preview import composition, contact_sheet
from thinline.system.atomic_files import StorageError, write_bytes
from thinline.tracking.addresses import uri_of
from thinline.vocabulary import LOG_CLASSES, Float64

CONSOLE = Console(markup=False, highlight=False)
STATUS_COLUMNS = 80
"""Below this width of a terminal `status` prints lines, not a table."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (StorageError, ValueError, OSError) as error:
        CONSOLE.print(f"error: {error}", style="red", soft_wrap=True)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = Parser(
        prog="python -m thinline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sheets = commands.add_parser("sheets", help="a contact sheet of drawn sheets with their truth")
    sheets.add_argument("--preview", type=Path, metavar="PNG", help="draw sheets beside their truth into this picture")
    sheets.add_argument(
        "--resolution",
        type=Path,
        nargs="?",
        const=Path("resolution.png"),
        metavar="PNG",
        help="measure how much truth resizing loses, with a picture (resolution.png)",
    )
    sheets.add_argument("--count", type=int, default=8, help="sheets of each family shown, or resized (8)")
    sheets.add_argument("--measured", type=int, default=200, help="sheets of each family measured for the table (200)")
    sheets.add_argument("--px-per-mm", type=float, default=4.0, help="scale: 4, 8, 12 for pens of 1, 2, 3 px (4)")
    sheets.add_argument("--seed", type=int, default=0, help="number of the first sheet (0)")
    sheets.add_argument("--las-dir", type=Path, help="draw the archive sheets from the curves of these LAS files")
    sheets.set_defaults(run=_sheets)
    for name, run, text in (
        ("replay", _replay, "send to MLflow what it missed, and settle runs whose process died"),
        ("status", _status, "every run of the store with its status"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--store", type=Path, default=Path("mlruns"), help="the store (mlruns)")
        command.set_defaults(run=run)
        if name == "replay":
            command.add_argument("--uri", help="MLflow URI (sqlite:///STORE/mlflow.db)")
            command.add_argument(
                "--everything", action="store_true", help="also runs that MLflow had; for a lost database"
            )
    add_coherence(commands, CONSOLE)
    add_data(commands, CONSOLE)
    add_ruler(commands, CONSOLE)
    add_digitise(commands)
    add_las(commands, CONSOLE)
    add_study(commands, CONSOLE)
    add_reproduce(commands, CONSOLE)
    add_at_recall(commands, CONSOLE)
    add_publish(commands, CONSOLE)
    return parser


def _sheets(options: argparse.Namespace) -> int:
    """What was asked for of the two pictures, each with its table."""
    if options.preview is None and options.resolution is None:
        raise ValueError("expected --preview PNG or --resolution, got neither; --help says what they show")
    if options.preview is not None:
        _preview(options)
    if options.resolution is not None:
        show_resolutions(options.count, seed=options.seed, picture=options.resolution, console=CONSOLE)
    return 0


def _preview(options: argparse.Namespace) -> None:
    """Draw, count, write the picture, print the table."""
    if options.count < 1 or options.measured < options.count:
        raise ValueError(
            f"--measured must be at least --count, and both above 0, got {options.measured} and {options.count}"
        )
    samples = _las_samples(options.las_dir) if options.las_dir else ()
    shown: list[Sheet] = []
    shares: dict[str, dict[str, float]] = {}
    for family in FAMILIES:
        values = samples if family == "archive" else ()
        numbers = range(options.seed, options.seed + options.measured)
        drawn = [render(sample(family, n, samples=values), px_per_mm=options.px_per_mm) for n in numbers]
        shown += drawn[: options.count]
        shares[family] = composition(drawn)
    done, png = cv2.imencode(".png", contact_sheet(shown)[..., ::-1])
    if not done:
        raise ValueError(f"the contact sheet of {len(shown)} sheets could not be coded as PNG; try a smaller --count")
    write_bytes(options.preview, png.tobytes())
    CONSOLE.print(_composition_table(shares, options.measured))
    CONSOLE.print(f"{options.preview}: {options.count} sheets of each family beside their truth")


def _las_samples(folder: Path) -> tuple[Float64, ...]:
    """The runs of every curve of a folder of LAS files; prints what was left out, and what is odd."""
    read = read_las_folder(folder).checked()
    for line in (*read.left_out(), read.summary()):
        CONSOLE.print(line, soft_wrap=True)
    return tuple(run for curve in read.curves for run in curve.runs())


def _composition_table(shares: Mapping[str, Mapping[str, float]], measured: int) -> Table:
    """One line for each class, and for what lies on the background."""
    title = f"what {measured} sheets of each family are made of, % of the pixels"
    table = Table("", title=title, title_justify="left", box=SIMPLE_HEAD)
    for family in shares:
        table.add_column(family, justify="right")
    for name in next(iter(shares.values())):
        line = name.replace(f"{LOG_CLASSES[0]}/", "  of the background: ")
        table.add_row(line, *(f"{100 * found[name]:.2f}" for found in shares.values()))
    return table


def _replay(options: argparse.Namespace) -> int:
    """Every pending run into MLflow; 1 when one could not be sent."""
    # MLflow takes seconds; the other commands need none of it
    from thinline.tracking.resend import FAILED, replay

    check_store(options.store)
    outcomes = replay(options.store, options.uri or uri_of(options.store), everything=options.everything)
    for outcome in outcomes:
        CONSOLE.print(f"{outcome.status:<9}{outcome.run}  {outcome.detail}", soft_wrap=True)
    failed = sum(outcome.status == FAILED for outcome in outcomes)
    CONSOLE.print(f"{len(outcomes)} runs and sweeps looked at, {failed} could not be sent")
    return 1 if failed else 0


def _status(options: argparse.Namespace) -> int:
    """One line for every run."""
    if not options.store.is_dir():
        raise StorageError(f"expected a store of runs at {options.store}, got no such folder; check --store")
    rows = runs.status(options.store)
    if rows.empty:
        CONSOLE.print(f"no run in {options.store} yet; python train.py makes one")
        return 0
    if CONSOLE.width < STATUS_COLUMNS:  # a table would cut the names of runs into pieces
        for run in rows.to_dict("records"):
            text = f"{run['status']:<10}{run['run']}  {run['attempts']} attempts  {run['exception'] or ''}"
            CONSOLE.print(text.rstrip(), soft_wrap=True)
        return 0
    table = Table("status", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", overflow="fold")
    for name in ("attempts", "started", "what went wrong"):
        table.add_column(name, overflow="fold")
    told = rows[["status", "run", "attempts", "started", "exception"]].astype(object)
    for row in told.where(told.notna(), "").itertuples(index=False):
        table.add_row(*map(str, row))
    CONSOLE.print(table)
    return 0
