"""What was read of LAS files: one report a file, one sentence for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NAMED = 12
"""Dropped curves and refused files that the summary names before it says how many more there are."""


@dataclass(frozen=True)
class CurveReport:
    """A curve that is used: `samples` with a reading between `depth_first` and `depth_last`, from `low` to `high`.

    `gaps` is how many times the readings stop and go on; `nulls` counts the values taken for null by their spelling.
    """

    name: str
    unit: str
    samples: int
    depth_first: float
    depth_last: float
    low: float
    high: float
    gaps: int
    nulls: Mapping[str, int]


@dataclass(frozen=True)
class LasReport:
    """A file: its `curves`, those `dropped` with the reason of each, and `warnings`; `error` when it is refused."""

    file: str
    encoding: str = ""
    version: float = 0.0
    index: str = ""
    index_unit: str = ""
    rows: int = 0
    curves: tuple[CurveReport, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""


def summary(reports: Sequence[LasReport]) -> str:
    """`2 LAS files: 5 curves used (1,800 samples), 1 dropped: SP of a.las (all nulls); 1 warning`."""
    curves = [curve for report in reports for curve in report.curves]
    dropped = [f"{name} of {report.file} ({reason})" for report in reports for name, reason in report.dropped]
    refused = [report for report in reports if report.error]
    warnings = sum(len(report.warnings) for report in reports)
    parts = [
        f"{_plural(len(reports), 'LAS file')}: {_plural(len(curves), 'curve')} used "
        f"({sum(curve.samples for curve in curves):,} samples), {_named(dropped, 'dropped')}"
    ]
    if refused:
        parts.append(_named([report.file for report in refused], f"file{'s' * (len(refused) > 1)} without a curve"))
    if warnings:
        parts.append(f"{_plural(warnings, 'warning')}")
    return "; ".join(parts)


def _named(names: Sequence[str], what: str) -> str:
    shown = f": {', '.join(names[:NAMED])}" if names else ""
    return f"{len(names)} {what}{shown}{f' and {len(names) - NAMED} more' if len(names) > NAMED else ''}"


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"
