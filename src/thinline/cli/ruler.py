"""Measure how every metric reacts when your own truth is perturbed.

The truth is shifted and jittered along the rows and along the normal of its curves, thickened, interrupted, and its
curves are swapped. Writes into DIR:
shift_experiment.png and .csv; one page of figures for each perturbation; responses.csv with the columns width_px,
perturbation, amount, measure, value; degenerate.csv with the metrics that carry no information on this truth, and why.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Final

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.ruler.degenerate import EVERYTHING, Degenerate, degenerate, grouped
from thinline.ruler.figures import check_matplotlib, response_figure, shift_figure
from thinline.ruler.perturb import respond
from thinline.ruler.scores import MEASURES
from thinline.ruler.shift_experiment import shift_experiment
from thinline.ruler.truth import RulerError, Truth, names_of, of_masks, of_sheets
from thinline.system.atomic_files import make_folder, write_bytes

_TABLE_PERTURBATIONS: Final = (
    ("shift", 1),
    ("shift", 3),
    ("jitter", 1),
    ("shift_normal", 1),
    ("jitter_normal", 1),
    ("thickness", 3),
    ("gaps", 0.1),
    ("swaps", 0.5),
)
_TABLE_WIDTHS: Final = (1, 3, 7)
_TABLE_MEASURES: Final = {
    "iou": "IoU",
    "boundary_iou": "bound.\nIoU",
    "nsd_1px": "NSD\n1 px",
    "tol_f1_1px": "tol.F1\n1 px",
    "cldice": "clDice",
    "hd95_px": "HD95\npx",
    "mae_px": "MAE\npx",
    "r2": "R2",
}
_DIGITS: Final = {"hd95_px": 1, "mae_px": 2}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of tables and figures")
    parser.add_argument("--force", action="store_true", help="write into DIR even if it is not empty")
    parser.add_argument("--count", type=int, default=4, help="number of sheets or masks (4)")
    parser.add_argument("--px-per-mm", type=float, default=4.0, help="scale of drawn sheets (4)")
    parser.add_argument("--seed", type=int, default=0, help="number of the first sheet, and seed of the noise (0)")
    truth = parser.add_mutually_exclusive_group()
    truth.add_argument("--masks", metavar="PATTERN", help="folder or quoted pattern of your masks; 0 is background")
    truth.add_argument("--las-dir", type=Path, metavar="DIR", help="draw the sheets from the curves of LAS files")


def run(options: argparse.Namespace, console: Console) -> int:
    """Write all files and print the main responses."""
    check_matplotlib()
    _check_folder(options.out, force=options.force)
    truths = _truths(options)
    table = respond(truths, seed=options.seed)
    without_information = degenerate(table)
    truth = names_of(truths)
    _write(options.out, table, without_information, truth)
    console.print(_responses(table, without_information, truth))
    console.print()
    console.print(_degenerate(without_information))
    if table.loc[table["measure"] == "mae_px", "value"].isna().all():
        console.print("MAE, R2 and coverage are left out: no line of this truth has one column for each row")
    if "swaps" not in set(table["perturbation"]):
        console.print("swaps are left out: no truth has two curves")
    console.print(
        f"{options.out}: shift_experiment.png, {', '.join(f'{name}.png' for name in table['perturbation'].unique())}, "
        f"responses.csv ({len(table):,} rows), degenerate.csv, shift_experiment.csv",
        soft_wrap=True,
    )
    return 0


def _check_folder(out: Path, *, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise RulerError(f"--out must be a folder, got the file {out}; name another")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise RulerError(f"--out must be new or empty, {out} holds files; name another, or write over it with --force")


def _truths(options: argparse.Namespace) -> list[Truth]:
    if options.count < 1:
        raise RulerError(f"--count must be 1 or more, got {options.count}; 4 sheets take seconds")
    if options.masks:
        return of_masks(options.masks, count=options.count)
    return of_sheets(options.count, px_per_mm=options.px_per_mm, seed=options.seed, las_dir=options.las_dir)


def _write(out: Path, table: pd.DataFrame, without_information: Sequence[Degenerate], truth: str) -> None:
    make_folder(out)
    columns = [field.name for field in fields(Degenerate)]
    files = {"responses": table, "shift_experiment": shift_experiment()}
    files["degenerate"] = pd.DataFrame([astuple(row) for row in without_information], columns=columns)
    for name, rows in files.items():
        write_bytes(out / f"{name}.csv", rows.to_csv(index=False).encode())
    write_bytes(out / "shift_experiment.png", shift_figure())
    for perturbation in table["perturbation"].unique():
        write_bytes(out / f"{perturbation}.png", response_figure(table, perturbation, without_information, truth=truth))


def _responses(table: pd.DataFrame, without_information: Sequence[Degenerate], truth: str) -> Table:
    """One line for some amounts at some widths; the files contain all."""
    title = f"{truth}; ⟂ along the normal of the curve; * degenerate, see below"
    summary = Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False
    )
    for heading in ("truth", "answer"):
        summary.add_column(heading, no_wrap=True)
    for heading in _TABLE_MEASURES.values():
        summary.add_column(heading, justify="right", no_wrap=True)
    marked = {(row.width_px, row.perturbation, row.measure) for row in without_information}
    values = table.set_index(["width_px", "perturbation", "amount", "measure"])["value"].to_dict()
    for width in _TABLE_WIDTHS:
        first = f"{width} px"
        for perturbation, amount in _TABLE_PERTURBATIONS:
            if (width, perturbation, amount, "iou") in values and (perturbation, amount) != ("thickness", width):
                cells = [_cell(values[width, perturbation, amount, name], name) for name in _TABLE_MEASURES]
                stars = [{(width, by, name) for by in (perturbation, EVERYTHING)} & marked for name in _TABLE_MEASURES]
                summary.add_row(
                    first,
                    f"{perturbation.replace('_normal', ' ⟂')} {amount:g}",
                    *(cell + ("*" if star else " ") for cell, star in zip(cells, stars, strict=True)),
                )
                first = ""
        summary.add_section()
    return summary


def _cell(value: float, measure: str) -> str:
    if value != value:
        return "-"
    return f"{value:.{_DIGITS.get(measure, 3)}f}"


def _degenerate(without_information: Sequence[Degenerate]) -> Table:
    title = "degenerate on this truth (terms: thinline/ruler/degenerate.py)"
    summary = Table("measure", "why", "under", "at widths, px", title=title, title_justify="left", box=SIMPLE_HEAD)
    last = ""
    for measure, kind, perturbations, widths in grouped(list(without_information)):
        everywhere = perturbations == EVERYTHING
        name = "" if measure == last else MEASURES[measure].title
        summary.add_row(name, kind, "everything" if everywhere else perturbations, widths)
        last = measure
    return summary
