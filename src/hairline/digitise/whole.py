"""One scan, from rows of grey to files: straighten, read band by band, trace, judge, write.

Way of a scan
    The skew is found first, which reads the scan once. Then each band is read and kept in `OUT/.partial/`; its strands
    (the few places of each row where a curve may be) stay in memory for the tracer, which sees all rows at once. The
    class map comes from the kept bands, the overlay reads the scan a third time.

Memory
    The rows of one band, at the scan's own resolution, with what they were decoded from (see `pages.py`); for the whole
    length the strands, about 100 bytes a row and curve, and the tables, about 200.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from hairline.digitise.deskew import STRAIGHT, Skew, estimate
from hairline.digitise.judging import Demands, Digitised, judged
from hairline.digitise.paper import Frame, Paper
from hairline.digitise.partial import Partial
from hairline.digitise.pictures import OVERLAY_ROWS, class_map_png, overlay_png
from hairline.digitise.read import Band, Reader
from hairline.digitise.scales import CurveScale, DepthScale
from hairline.digitise.scan import Scan
from hairline.digitise.tables import csv_of, las_of
from hairline.digitise.tracing import Curve, Strands, strands_of, viterbi
from hairline.ledger.atomic import write_bytes
from hairline.vocabulary import Bool, Float64

EDGE_MM: Final = 0.75
"""How far beyond the edge of its track a curve's ink is looked for: half of a heavy pen."""

Told = Callable[[int, int], None]
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
    demands: Demands = field(default_factory=Demands)
    deskew: bool = True

    def digest(self) -> str:
        """Names all that decides what is read."""
        told = (self.scan.digest(), self.run, self.frame, self.reader.tile_px, self.px_per_mm, self.deskew)
        return hashlib.sha256(repr(told).encode()).hexdigest()


@dataclass(frozen=True)
class Finished:
    """What came of a job: the curves in the order of the classes, the skew undone, the files written."""

    curves: tuple[Digitised, ...]
    skew: Skew
    files: tuple[Path, ...]
    resumed: int

    @property
    def told(self) -> bool:
        """Whether any curve was told."""
        return any(not curve.refused for curve in self.curves)


def digitise(job: Job, out: Path, *, force: bool = False, told: Told | None = None) -> Finished:
    """Do the job and write into `out`; an unfinished job of the same kind is gone on with.

    Raises OutputError for a folder that may not be written, ScanError for a scan that cannot be read to its end, and
    what the network raises.
    """
    partial = Partial(out, job.digest())
    with partial.held(force=force):
        skew = _skew(job, partial)
        paper = Paper(job.scan, job.frame, skew)
        count = len(job.reader.band_starts(job.frame.height))
        resumed = partial.finished(count)
        strands, ink = _read(job, paper, partial, count, told)
        curves = _judge(job, viterbi(strands, px_per_mm=job.px_per_mm), ink)
        files = _write(job, paper, partial, curves, out)
    return Finished(curves, skew, files, resumed)


def _skew(job: Job, partial: Partial) -> Skew:
    skew = partial.skew()
    if skew is None:
        crooked = Paper(job.scan, job.frame)
        skew = estimate(crooked.rows, crooked.shape, px_per_mm=job.px_per_mm) if job.deskew else STRAIGHT
        partial.keep_skew(skew)
    return skew


def _read(job: Job, paper: Paper, partial: Partial, count: int, told: Told | None) -> tuple[Strands, Float64]:
    """Strands of all bands, and the share of its track that each curve's ink covers, [K]."""
    tracks = _tracks(job)
    strands, inked = [], np.zeros(len(tracks))
    for number, band in enumerate(_bands(job, paper, partial, count)):
        ink = band.probabilities() * tracks[:, None]
        strands.append(strands_of(ink))
        inked += (ink > 0.5).sum(axis=(1, 2))
        if told is not None:
            told(number + 1, count)
    return Strands.joined(strands), inked / (tracks.sum(axis=1) * job.frame.height)


def _bands(job: Job, paper: Paper, partial: Partial, count: int) -> Iterator[Band]:
    """Every band, from the disk where it was read before."""
    done = partial.finished(count)
    yield from (partial.band(number) for number in range(done))
    if done < count:
        for number, band in enumerate(job.reader.bands(paper.rows, paper.shape, first=done), start=done):
            partial.keep(number, band)
            yield band


def _tracks(job: Job) -> Bool:
    """Which columns of the paper belong to the track of each curve, [K,W]."""
    columns = np.arange(job.frame.width)
    reach = EDGE_MM * job.px_per_mm
    return np.stack(
        [
            (columns >= job.frame.paper_x(scale.left_px) - reach)
            & (columns <= job.frame.paper_x(scale.right_px) + reach)
            for scale in job.scales
        ]
    )


def _judge(job: Job, curves: tuple[Curve, ...], ink: Float64) -> tuple[Digitised, ...]:
    names = job.reader.head.classes[1:]
    return tuple(
        judged(name, curve, scale, job.frame, ink_share=float(share), px_per_mm=job.px_per_mm, demands=job.demands)
        for name, curve, scale, share in zip(names, curves, job.scales, ink, strict=True)
    )


def _write(job: Job, paper: Paper, partial: Partial, curves: tuple[Digitised, ...], out: Path) -> tuple[Path, ...]:
    """The files; without a curve that is told only the two pictures."""
    height = job.frame.height
    rows = np.arange(height)
    depth = job.depth.depths(job.frame.scan_y(rows.astype(np.float64)))
    files = []

    def write(name: str, content: bytes) -> None:
        write_bytes(out / name, content)
        files.append(out / name)

    if any(not curve.refused for curve in curves):
        across = paper.skew.across(rows)
        on_scan = [job.frame.scan_x(curve.u_px + across) for curve in curves]
        write("curves.csv", csv_of(depth, curves, on_scan))
        about = {"SCAN": job.scan.path.name, "RUN": job.run, "SKEW": paper.skew.told()}
        write("curves.las", las_of(depth, curves, depth_unit=job.depth.unit, told=about))
    count = len(job.reader.band_starts(height))
    labels = (partial.band(number).labels for number in range(count))
    write("class_map.png", class_map_png(labels, paper.shape, curves=len(curves)))
    tops = range(0, height, OVERLAY_ROWS)
    for number, top in enumerate(tops, start=1):
        name = "overlay.png" if len(tops) == 1 else f"overlay_{number:03d}.png"
        grey = paper.rows(top, min(top + OVERLAY_ROWS, height))
        write(name, overlay_png(grey, top, curves, depth, title=job.scan.path.name))
    return tuple(files)
