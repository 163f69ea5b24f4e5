"""Turn a job file (`scan.yaml`) into the options of `thinline digitise`. An option of the command line wins."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from rich.console import Console

from thinline.cli.pages.depth_ocr import with_depths_read
from thinline.cli.pages.scale_changes import pieces_of
from thinline.digitise.page.proposal import Proposal, ProposalError, ProposedCurve, read_proposal
from thinline.digitise.scan import open_scan

SUFFIXES = (".yaml", ".yml")


def is_job_file(path: Path) -> bool:
    """Whether the first argument of the command names a job file, not a scan."""
    return path.suffix.lower() in SUFFIXES


def fill_from_job_file(options: argparse.Namespace, console: Console) -> argparse.Namespace:
    """The options with the values of the job file where the command line has none; prints what is not filled in.

    Curves without values are read in fractions of the track, 0 to 1; without depths the depth is the row of the scan.
    Depths that the file or --depth-from-ocr asks for are read from the depth column.
    Raises ProposalError for a file that cannot be read or does not describe this scan, and the errors of depth_ocr.py.
    """
    path: Path = options.scan
    proposal = read_proposal(path)
    filled = argparse.Namespace(**vars(options))
    filled.job_file = path
    filled.scan = path.parent / proposal.scan
    filled.out = options.out or path.with_suffix("")
    scan = open_scan(filled.scan)
    if proposal.pages not in (None, len(scan.pages)):
        raise ProposalError(
            f"{path}: expected a scan of {proposal.pages} pages, got one of {len(scan.pages)}; is {filled.scan} the "
            "scan that the file was written for?"
        )
    proposal = _with_unit(with_depths_read(proposal, options, console), options.unit)
    filled.rows = list(options.rows or proposal.rows)
    if options.dpi is None:
        filled.dpi = None if min(scan.dpi) > 0 and _same(proposal.dpi, scan.dpi) else proposal.dpi
    _fill_depth(filled, proposal)
    filled.scale = options.scale or "linear"
    filled.proposed_at = [tuple((row, column) for row, column in curve.at) for curve in proposal.curves]
    filled.proposed_pieces = [pieces_of(curve) for curve in proposal.curves]
    filled.proposed = [_keys(curve, proposal, options) for curve in proposal.curves]
    _print_missing(proposal, options, console)
    return filled


def _same(dpi: float | None, of_file: tuple[float, float]) -> bool:
    """Whether the job file has the resolution of the scan, or none."""
    return dpi is None or all(math.isclose(dpi, value, rel_tol=1e-3) for value in of_file)


def _with_unit(proposal: Proposal, unit: str | None) -> Proposal:
    """The proposal with the unit of --unit where the file has none."""
    if unit is None or proposal.depth.unit is not None:
        return proposal
    return proposal.model_copy(update={"depth": proposal.depth.model_copy(update={"unit": unit})})


def _fill_depth(filled: argparse.Namespace, proposal: Proposal) -> None:
    """Depths at the ends of `rows` from the two marks, or the rows themselves."""
    depth = proposal.depth
    filled.depth_known = depth.complete or None not in (filled.top, filled.bottom)
    given = [value for value in (filled.top, filled.bottom) if value is not None]
    if depth.complete and len(given) < 2 and filled.unit not in (None, depth.unit):
        raise ProposalError(
            f"{filled.job_file}: expected the depths of the file in {depth.unit}, got --unit {filled.unit}; correct "
            "the unit in the file, or give --top and --bottom too"
        )
    if len(given) == 1 and not depth.complete:
        raise ProposalError(
            f"{filled.job_file}: expected both --top and --bottom, or the depths in the file, got one; give the other"
        )
    if not (given or depth.complete) and filled.unit not in (None, "px"):
        raise ProposalError(
            f"{filled.job_file}: expected depths in {filled.unit}, got none; fill them in, or give --top and --bottom"
        )
    for name, row in zip(("top", "bottom"), filled.rows, strict=True):
        if getattr(filled, name) is None:
            setattr(filled, name, depth.depth_at(row) if depth.complete else row)
    filled.unit = filled.unit or (depth.unit if depth.complete or given else "px") or "m"


def _keys(curve: ProposedCurve, proposal: Proposal, options: argparse.Namespace) -> dict[str, str]:
    """The keys of one curve as --curve takes them: those that the file has and no option for all curves replaces."""
    track = proposal.track_of(curve)
    keys = {
        "name": curve.name,
        "unit": curve.unit,
        "track": f"{track.left_px!r}-{track.right_px!r}",
        "left": None if curve.left is None else repr(curve.left),
        "right": None if curve.right is None else repr(curve.right),
        "scale": proposal.scale_of(curve),
    }
    replaced = {key for key in ("left", "right", "scale", "track") if getattr(options, key) is not None}
    return {key: value for key, value in keys.items() if value is not None and key not in replaced}


def _print_missing(proposal: Proposal, options: argparse.Namespace, console: Console) -> None:
    missing = proposal.missing()
    if options.top is not None and options.bottom is not None:
        missing = tuple(phrase for phrase in missing if not phrase.startswith("depth"))
    if options.left is not None and options.right is not None:
        missing = tuple(phrase for phrase in missing if not phrase.startswith("curves"))
    if missing:
        console.print(
            f"warning: not filled in: {'; '.join(missing)}. Unless an option fills them in, such curves are in "
            "fractions of the track, 0 to 1, and such depths are rows of the scan (px)",
            style="yellow",
            soft_wrap=True,
        )
