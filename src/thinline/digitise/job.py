"""One scan, from rows of grey to files: straighten, read band by band, trace, judge, write.

Way of a scan
    The skew is found first, which reads the scan once. Then each band is read and kept in `OUT/.partial/`; its strands
    (the few places of each row where a curve may be) stay in memory for the tracer, which sees all rows at once. Rows
    that the scan says are damaged, which is known once all have been read, lose their strands before. The class map
    comes from the kept bands, the overlay reads the scan a third time. All files are replaced together at the end.

Memory
    The rows of one band, at the scan's own resolution, with what they were decoded from (see `pages.py`), and for the
    whole length the strands, about 100 bytes a row and curve, the sums of `deskew.py`, and at the end the tables, about
    1,500 bytes a row while they are written. Measured: a 1-bit TIFF of 200,000 x 2,000 px in strips of 256 rows, read
    at 4 px/mm, takes 240 MB besides the 890 MB of the libraries; in one single strip 400 MB more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from thinline.curves.curve import Curve
from thinline.curves.row_runs import Strands, strands_of
from thinline.curves.viterbi import viterbi
from thinline.digitise.accept import Digitised, Limits, accepted
from thinline.digitise.damaged_rows import Hidden
from thinline.digitise.deskew import STRAIGHT, Skew, estimate
from thinline.digitise.export import csv_of, las_of
from thinline.digitise.inference import Band, Reader
from thinline.digitise.overlays import OVERLAY_ROWS, class_map_png, overlay_png
from thinline.digitise.paper import Frame, Paper
from thinline.digitise.resume import Partial
from thinline.digitise.scales import CurveScale, DepthScale
from thinline.digitise.scan import Scan, ScanError
from thinline.vocabulary import Bool, Float32, Float64

EDGE_MM: Final = 0.75
"""How far beyond the edge of its track a curve's ink is looked for: half of a heavy pen."""

_READING: Final = 2
"""Counts up when the same file is decoded to other grey levels: bands kept before are not gone on with."""

_AT_ONCE: Final = 256  # rows of the overlay, which is far higher than a band

ProgressReport = Callable[[int, int], None]
"""Called with (bands done, bands in all)."""


@dataclass(frozen=True, eq=False)
class Job:
    """What to digitise with what: `scales` one for each curve of the reader's head, `run` names the run."""

    scan: Scan
    frame: Frame
    reader: Reader
    run: str
    px_per_mm: float
    scales: tuple[CurveScale, ...]
    depth: DepthScale
    demands: Limits = field(default_factory=Limits)
    deskew: bool = True

    def digest(self) -> str:
        """Names all that decides what is read."""
        frame, tile_px = self.frame, self.reader.tile_px
        deciding = (_READING, self.scan.digest(), self.run, frame, tile_px, self.px_per_mm, self.deskew)
        return hashlib.sha256(repr(deciding).encode()).hexdigest()


@dataclass(frozen=True)
class Finished:
    """What came of a job: the curves in the order of the classes, the skew undone, the files written.

    `warnings` are sentences about the scan: its damaged rows, and what its file leaves open.
    """

    curves: tuple[Digitised, ...]
    skew: Skew
    files: tuple[Path, ...]
    resumed: int
    warnings: tuple[str, ...] = ()

    @property
    def told(self) -> bool:
        """Whether any curve was told."""
        return any(not curve.refused for curve in self.curves)


def digitise(job: Job, out: Path, *, force: bool = False, told: ProgressReport | None = None) -> Finished:
    """Do the job and write into `out`; an unfinished job of the same kind is gone on with.

    Raises OutputError for a folder that may not be written, ScanError for a scan that cannot be read or is damaged in
    every row, and what the network raises.
    """
    partial = Partial(out, job.digest())
    with partial.held(force=force):
        count = len(job.reader.band_starts(job.frame.height))
        if told is not None:
            told(partial.finished(count), count)
        skew = _skew(job, partial)
        paper = Paper(job.scan, job.frame, skew)
        resumed = partial.finished(count)
        strands, inked = _read(job, paper, partial, count, told)
        hidden = _hidden(job, paper, partial)
        courses = viterbi(hidden.without(strands), px_per_mm=job.px_per_mm, tracks=_edges(job))
        curves = _judge(job, courses, inked[:, ~hidden.rows])
        warnings = (*partial.findings()[1], *hidden.warnings)
        _stage(job, paper, partial, curves, hidden=hidden, warnings=warnings)
        files = partial.publish()
    return Finished(curves, skew, files, resumed, warnings)


def _hidden(job: Job, paper: Paper, partial: Partial) -> Hidden:
    """The rows without values; ScanError where these are all."""
    partial.keep_findings(job.scan)
    damage, _ = partial.findings()
    hidden = Hidden.of(paper, damage, job.depth, px_per_mm=job.px_per_mm)
    if hidden.rows.all():
        raise ScanError(
            f"{job.scan.path}: expected rows that are not damaged, got none: {hidden.warnings[0]}; copy the file "
            "again, or scan the paper anew"
        )
    return hidden


def _skew(job: Job, partial: Partial) -> Skew:
    skew = partial.skew()
    if skew is None:
        crooked = Paper(job.scan, job.frame)
        skew = estimate(crooked.rows, crooked.shape, px_per_mm=job.px_per_mm) if job.deskew else STRAIGHT
        partial.keep_findings(job.scan)
        partial.keep_skew(skew)
    return skew


def _read(job: Job, paper: Paper, partial: Partial, count: int, told: ProgressReport | None) -> tuple[Strands, Float32]:
    """Strands of all bands, and of each curve how much of its track is inked in each row, [K,H]."""
    tracks = _columns(job)
    strands, inked = [], []
    for number, band in enumerate(_bands(job, paper, partial, count)):
        ink = band.probabilities()
        paper_ink = np.median(ink, axis=2, keepdims=True)  # beyond the track there is only paper
        ink = np.where(tracks[:, None], ink, paper_ink)
        strands.append(strands_of(ink))
        inked.append(_share(ink > 0.5, tracks))
        if told is not None:
            told(number + 1, count)
    return Strands.joined(strands), np.concatenate(inked, axis=1)


def _share(ink: Bool, columns: Bool) -> Float32:
    """Of ink [K,h,W] the share of the columns [K,W] it covers in each row, [K,h]."""
    among = np.maximum(columns.sum(axis=1), 1)
    return np.asarray((ink & columns[:, None]).sum(axis=2) / among[:, None], np.float32)


def _bands(job: Job, paper: Paper, partial: Partial, count: int) -> Iterator[Band]:
    """Every band, from the disk where it was read before."""
    done = partial.finished(count)
    yield from (partial.band(number) for number in range(done))
    if done < count:
        for number, band in enumerate(job.reader.bands(paper.rows, paper.shape, first=done), start=done):
            partial.keep_findings(job.scan)
            partial.keep(number, band)
            yield band


def _edges(job: Job) -> Float64:
    """Columns of the paper at which the track of each curve begins and ends, [K,2]."""
    return np.array([[job.frame.paper_x(x) for x in (scale.left_px, scale.right_px)] for scale in job.scales])


def _columns(job: Job) -> Bool:
    """Which columns of the paper lie on the track of each curve or EDGE_MM beside it, [K,W]."""
    columns, reach = np.arange(job.frame.width), EDGE_MM * job.px_per_mm
    left, right = _edges(job).T[..., None]
    return np.asarray((columns >= left - reach) & (columns <= right + reach), np.bool_)


def _judge(job: Job, curves: tuple[Curve, ...], inked: Float32) -> tuple[Digitised, ...]:
    names = job.reader.head.classes[1:]
    return tuple(
        accepted(*each, frame=job.frame, px_per_mm=job.px_per_mm, demands=job.demands)
        for each in zip(names, curves, inked, job.scales, strict=True)
    )


def _stage(
    job: Job,
    paper: Paper,
    partial: Partial,
    curves: tuple[Digitised, ...],
    *,
    hidden: Hidden,
    warnings: tuple[str, ...],
) -> None:
    """Stage the files; without a curve that is told only the two pictures."""
    height = job.frame.height
    rows = np.arange(height)
    depth = job.depth.depths(job.frame.scan_y(rows.astype(np.float64)))
    if any(not curve.refused for curve in curves):
        across = paper.skew.across(rows)
        on_scan = [job.frame.scan_x(curve.u_px + across) for curve in curves]
        partial.stage("curves.csv", csv_of(depth, curves, on_scan, warnings=warnings))
        about = {"SCAN": job.scan.path.name, "RUN": job.run, "SKEW": paper.skew.told()}
        unit = job.depth.unit
        partial.stage("curves.las", las_of(depth, curves, depth_unit=unit, told=about, warnings=warnings))
    count = len(job.reader.band_starts(height))
    bands = (partial.band(number) for number in range(count))
    labels = (np.where(hidden.rows[band.start : band.stop, None], 0, band.labels) for band in bands)
    partial.stage("class_map.png", class_map_png(labels, paper.shape, curves=len(curves)))
    tops = range(0, height, OVERLAY_ROWS)
    for number, top in enumerate(tops, start=1):
        name = "overlay.png" if len(tops) == 1 else f"overlay_{number:03d}.png"
        bottom = min(top + OVERLAY_ROWS, height)
        parts = [paper.rows(row, min(row + _AT_ONCE, bottom)) for row in range(top, bottom, _AT_ONCE)]
        title = job.scan.path.name
        partial.stage(name, overlay_png(np.concatenate(parts), top, curves, depth, title=title, hidden=hidden))
