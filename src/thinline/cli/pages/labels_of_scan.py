"""Run `thinline label`: from a job file and a LAS file to a folder of labels, with a table of the registration."""

from __future__ import annotations

import argparse
from typing import Final

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.cli.digitise import job_of, printable, progress
from thinline.cli.pages.job_file import fill_from_job_file, is_job_file
from thinline.curves.las import LasCurve
from thinline.digitise import Job, open_scan
from thinline.digitise.labels import Bounds, LabelError, LabelledScan, LabelSettings, label_scan, write_labels
from thinline.digitise.labels.label_folder import check_out
from thinline.digitise.labels.las_course import named_curves
from thinline.digitise.labels.registration import shifts_mm
from thinline.digitise.page.proposal import read_proposal
from thinline.pipeline.load import LoadedRun, load_run
from thinline.vocabulary import IGNORE

_OF_DIGITISE: Final = ("left", "right", "scale", "track", "top", "bottom", "unit")
"""Options of `thinline digitise` that replace values of the job file; here the file has them all."""

LEAST_IMAGES: Final = 3
"""A run needs an image for each split."""


def run_label(options: argparse.Namespace, console: Console) -> int:
    """Write the labels of one scan, and print how far the curves were shifted."""
    if not is_job_file(options.scan):
        raise LabelError(
            f"{options.scan}: expected a job file (.yaml), got another file; `thinline digitise SCAN` writes one"
        )
    out = options.out or options.scan.with_name(f"{options.scan.stem}_labels")
    check_out(out, force=options.force)
    bounds = Bounds(options.depth_tolerance, options.side_tolerance)
    missing = read_proposal(options.scan).missing()
    if missing:
        raise LabelError(
            f"{options.scan}: expected values at the edges of every track and the depths of two rows, which place the "
            f"LAS file on the scan, got none for {'; '.join(missing)}; fill them in"
        )
    filled = fill_from_job_file(_as_of_digitise(options), console)
    curves, _ = named_curves(options.las, [keys["name"] for keys in filled.proposed])
    network = _network(options)
    job = job_of(filled, open_scan(filled.scan), network)
    _print_units(job, curves, console)
    threshold = network.thresholds[0] if network.thresholds else 0.5
    settings = LabelSettings(bounds, options.ink, threshold)
    with progress(printable(job.scan.path.name), console) as report:
        labelled = label_scan(job, curves, settings, report=report)
    count = write_labels(labelled, out, force=options.force)
    _print_result(labelled, bounds, console)
    console.print(
        f"written to {printable(str(out))}: {count} image{'s' if count > 1 else ''} with masks at "
        f"{job.px_per_mm:g} px/mm, registration.csv, overlay, conf/data_set/labels.yaml",
        soft_wrap=True,
    )
    if count < LEAST_IMAGES:
        console.print(
            f"warning: a run needs {LEAST_IMAGES} images or more, one for each split; label more scans, and put their "
            "images and masks into one folder",
            style="yellow",
            soft_wrap=True,
        )
    console.print(
        f"next: look at the overlay, then `python train.py --config-dir {out}/conf +experiment=own_scans "
        f"data_set=labels data_mix.root={out}`",
        soft_wrap=True,
    )
    return 0


def _as_of_digitise(options: argparse.Namespace) -> argparse.Namespace:
    """The options with those of `thinline digitise` that this command does not have, not given."""
    values: dict[str, object] = {"curve": [], "at": [], "scale_change": [], "min_confidence": 0.5, "min_coverage": 0.25}
    values.update(dict.fromkeys(_OF_DIGITISE), depth_from_ocr=False)
    return argparse.Namespace(**vars(options), **values)


def _network(options: argparse.Namespace) -> LoadedRun:
    network = load_run(options.run_name, options.store, device="cuda" if torch.cuda.is_available() else "cpu")
    if not network.head.unscored:
        raise LabelError(
            f"--run: expected a network that finds the ink of any curve (head=curves), got {network.name}, which names "
            "curves; leave --run out for the network that comes with the package"
        )
    return network


def _print_units(job: Job, curves: tuple[LasCurve, ...], console: Console) -> None:
    """Warn of values whose unit in the job file is not that of the LAS file, and say which depths are converted."""
    for curve, scale in zip(curves, job.scales, strict=True):
        if scale.unit and curve.unit and scale.unit.upper() != curve.unit.upper():
            text = f"{scale.name} has values in {scale.unit} in the job file and in {curve.unit} in the LAS file"
            console.print(f"warning: {text}; they are taken as equal", style="yellow", soft_wrap=True)
    if curves[0].depth_unit.upper() != job.depth.unit.upper():
        console.print(f"depths of the LAS file in {curves[0].depth_unit}, of the job in {job.depth.unit}", style="dim")


def _print_result(labelled: LabelledScan, bounds: Bounds, console: Console) -> None:
    scale, height = labelled.job.px_per_mm, labelled.paper.shape[0]
    console.print(f"skew: {labelled.paper.skew.text()}", style="dim")
    table = Table("curve", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("rows", "registered", "bridged", "doubtful", "shift along depth", "sideways"):
        table.add_column(name, justify="right", no_wrap=True)
    for curve in labelled.curves:
        rows, bridged = (int(each.sum()) for each in (curve.registration.registered, curve.registration.bridged))
        doubtful = 1 - (rows + bridged) / height
        shifts = [_shift(mm) for mm in shifts_mm(curve.registration, px_per_mm=scale)]
        table.add_row(curve.name, f"{height:,}", f"{rows:,}", f"{bridged:,}", f"{100 * doubtful:.1f} %", *shifts)
    console.print(table)
    ignored = float((labelled.values == IGNORE).mean())
    console.print(
        f"shifts: median, 90 % of the registered rows; bounds {bounds.depth_mm:g} mm and {bounds.side_mm:g} mm. "
        f"{100 * ignored:.1f} % of the pixels are not counted",
        soft_wrap=True,
    )
    for warning in labelled.warnings:
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)


def _shift(mm: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """Median and nine tenths of shifts."""
    return f"{np.median(mm):.2f}, {np.quantile(mm, 0.9):.2f} mm" if len(mm) else "-"
