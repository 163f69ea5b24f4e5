"""Digitise one scan: straighten it, run the network band by band, trace the curves, check them, write files.

Steps
    1. Estimate the skew (print_skew.py). This reads the whole scan once, and keeps its paper (paper.py).
    2. Predict each band with the network. Store the band in `OUT/.partial/`, and
       keep its strands (the candidate columns of each row) in memory, because the tracer needs all rows at once.
    3. Now all damaged rows are known: remove their strands, and trace the curves. A network that finds the ink of any
       curve (head=curves) has no strands: its bands are read again, and the curves of a track are traced together
       (tracks.py).
    4. Make the class map from the stored bands, and the overlay.
    5. When all files are complete, remove the earlier results and rename the new ones into place one by one,
       `curves.csv` last (output_folder.py).

Memory
    At any time: the rows of one band at the resolution of the scan, and the strips or the page that they were decoded
    from. For the whole length of the scan: the paper, 1 byte for each of its pixels and at most MOST_KEPT, so that the
    scan is decoded once (a larger paper is not kept, and the scan is decoded for each step); the strands, about 100
    bytes for each row and curve; the sums of `deskew.py`; and at the end the tables, about 1,500 bytes for each row.
    Measured before papers were kept: a 1-bit TIFF of 200,000 x 2,000 px in strips of 256 rows, read at 4 px/mm, takes
    240 MB in addition to 890 MB of the libraries; in a single strip 400 MB more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from thinline.curves.row_runs import Strands, strands_of
from thinline.curves.viterbi import viterbi
from thinline.digitise.accept import MOST_INK_OF_ANY, Digitised, Limits, accepted
from thinline.digitise.axes import CurveScale, DepthScale
from thinline.digitise.damaged_rows import Hidden
from thinline.digitise.deskew import STRAIGHT, Skew
from thinline.digitise.export import csv_of, las_of
from thinline.digitise.inference import Band, Reader
from thinline.digitise.output_folder import Partial
from thinline.digitise.overlays import OVERLAY_ROWS, class_map_png, overlay_png
from thinline.digitise.paper import Frame, Paper
from thinline.digitise.print_skew import Rows, print_skew
from thinline.digitise.scan import Scan, ScanError
from thinline.digitise.tracks import Hints, TracedCurves, trace_tracks
from thinline.vocabulary import Bool, Float32, Float64

EDGE_MM: Final = 0.75
"""Ink up to this distance outside a track counts for the curve of the track: half the width of a heavy pen."""

_DECODER_VERSION: Final = 3
"""Increased by every change after which a file has other grey levels or another skew: older bands are not used."""

_AT_ONCE: Final = 256  # rows read at a time for the overlay, which is much higher than a band

ProgressReport = Callable[[int, int], None]
"""Called with (number of bands done, number of all bands)."""


@dataclass(frozen=True, eq=False)
class Job:
    """The inputs of one scan; `run` names the run.

    `scales` has one scale for each curve of the reader's head, or with head=curves one for each curve that is wanted;
    then `hints` may have (row, column) of the scan for each of them. `px_per_mm` is the scale of the training. If the
    scale was chosen on the page, `scale_reason` says why, and `file_px_per_mm` has the pixels in a mm by the resolution
    of the file, if it has one: lengths in mm for people are by it.
    """

    scan: Scan
    frame: Frame
    reader: Reader
    run: str
    px_per_mm: float
    scales: tuple[CurveScale, ...]
    depth: DepthScale
    limits: Limits = field(default_factory=Limits)
    deskew: bool = True
    hints: tuple[Hints, ...] = ()
    scale_reason: str = ""
    file_px_per_mm: float | None = None

    @property
    def shown_px_per_mm(self) -> float:
        """Pixels of the network in a mm of paper, by the resolution of the file if it is known."""
        return self.px_per_mm if self.file_px_per_mm is None else self.file_px_per_mm

    @property
    def any_curve(self) -> bool:
        """Whether the network finds the ink of any curve and names none."""
        return bool(self.reader.head.unscored)

    def digest(self) -> str:
        """Hash of everything that the bands depend on."""
        frame, tile_px = self.frame, self.reader.tile_px
        fast = self.reader.fast
        inputs = (_DECODER_VERSION, self.scan.digest(), self.run, frame, tile_px, fast, self.px_per_mm, self.deskew)
        return hashlib.sha256(repr(inputs).encode()).hexdigest()


@dataclass(frozen=True)
class DigitisedScan:
    """The result of a job: curves in the order of the classes, the skew that was removed, the files written.

    `resumed` is the number of bands that an earlier, interrupted job had stored. `warnings` are sentences about the
    scan: its damaged rows, and ambiguities of its file.
    """

    curves: tuple[Digitised, ...]
    skew: Skew
    files: tuple[Path, ...]
    resumed: int
    warnings: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether any curve was accepted."""
        return any(not curve.refused for curve in self.curves)


def digitise(job: Job, out: Path, *, force: bool = False, report: ProgressReport | None = None) -> DigitisedScan:
    """Run the job and write its files into `out`. An interrupted job with the same inputs is resumed.

    Raises OutputError for a folder that must not be written, ScanError for a scan that cannot be read or is damaged in
    every row, and the errors of the network.
    """
    partial = Partial(out, job.digest())
    with partial.held(force=force):
        count = len(job.reader.band_starts(job.frame.height))
        if report is not None:
            report(partial.finished(count), count)
        paper = _straightened(job, partial)
        resumed = partial.finished(count)
        trace = _trace_any if job.any_curve else _trace_named
        traced, hidden = trace(job, paper, partial, count, report)
        labels = [scale.name for scale in job.scales] if job.any_curve else job.reader.head.classes[1:]
        limits = replace(job.limits, most_ink=MOST_INK_OF_ANY) if job.any_curve else job.limits
        curves = tuple(
            accepted(*each, frame=job.frame, px_per_mm=job.shown_px_per_mm, limits=limits)
            for each in zip(labels, traced.curves, traced.inked[:, ~hidden.rows], job.scales, strict=True)
        )
        if traced.name_confidence:
            curves = tuple(
                replace(curve, name_confidence=sure) for curve, sure in zip(curves, traced.name_confidence, strict=True)
            )
        warnings = (*partial.findings()[1], *hidden.warnings, *traced.notes)
        _stage(job, paper, partial, curves, hidden=hidden, warnings=warnings)
        files = partial.publish()
    return DigitisedScan(curves, paper.skew, files, resumed, warnings)


def _trace_named(
    job: Job, paper: Paper, partial: Partial, count: int, report: ProgressReport | None
) -> tuple[TracedCurves, Hidden]:
    """The curves of the classes of the network, each from the ink of its class."""
    strands, inked = _candidates(job, paper, partial, count, report)
    hidden = _hidden(job, paper, partial)
    traced = viterbi(hidden.without(strands), px_per_mm=job.px_per_mm, tracks=_edges(job))
    return TracedCurves(tuple(traced), inked, ()), hidden


def _trace_any(
    job: Job, paper: Paper, partial: Partial, count: int, report: ProgressReport | None
) -> tuple[TracedCurves, Hidden]:
    """The curves of each track, from the ink and the centre lines of any curve."""
    for number, _ in enumerate(_bands(job, paper, partial, count)):
        if report is not None:
            report(number + 1, count)
    hidden = _hidden(job, paper, partial)
    traced = trace_tracks(
        (partial.band(number) for number in range(count)),
        paper,
        _edges(job),
        hidden=hidden,
        names=[scale.name for scale in job.scales],
        hints=job.hints,
        px_per_mm=job.px_per_mm,
    )
    return traced, hidden


def _hidden(job: Job, paper: Paper, partial: Partial) -> Hidden:
    """The hidden rows of the paper. Raises ScanError when all rows are hidden."""
    partial.keep_findings(job.scan)
    damage, _ = partial.findings()
    hidden = Hidden.of(paper, damage, job.depth, px_per_mm=job.shown_px_per_mm)
    if hidden.rows.all():
        raise ScanError(
            f"{job.scan.path}: expected rows that are not damaged, got none: {hidden.warnings[0]}; copy the file "
            "again, or scan the paper again"
        )
    return hidden


def _straightened(job: Job, partial: Partial) -> Paper:
    """The paper with the stored skew, or with the estimate, which is then stored."""
    crooked = Paper.keeping(job.scan, job.frame)
    skew = partial.skew()
    if skew is None:
        skew = skew_of(crooked, px_per_mm=job.px_per_mm) if job.deskew else STRAIGHT
        partial.keep_findings(job.scan)
        partial.keep_skew(skew)
    if crooked.kept is not None and crooked.kept.complete:
        job.scan.forget()
    return crooked.straightened(skew)


def skew_of(crooked: Paper, *, px_per_mm: float) -> Skew:
    """The skew of the print on a paper that is not straightened.

    Where the tracks of a job have too few lines, those of the whole width of the page count.
    """
    skew = _skew_of(crooked, px_per_mm)
    whole = None if skew.known else crooked.of_whole_width()
    return skew if whole is None else _skew_of(whole, px_per_mm)


def _skew_of(crooked: Paper, px_per_mm: float) -> Skew:
    def straight(skew: Skew) -> Rows:
        return crooked.straightened(skew).rows

    return print_skew(crooked.rows, straight, crooked.shape, px_per_mm=px_per_mm)


def _candidates(
    job: Job, paper: Paper, partial: Partial, count: int, report: ProgressReport | None
) -> tuple[Strands, Float32]:
    """Strands of all bands, and the share of each track that the ink of its curve covers in each row, [K,H]."""
    tracks = _columns(job)
    strands, inked = [], []
    for number, band in enumerate(_bands(job, paper, partial, count)):
        ink = band.probabilities()
        paper_ink = np.median(ink, axis=2, keepdims=True)  # outside its track a curve has no ink
        ink = np.where(tracks[:, None], ink, paper_ink)
        strands.append(strands_of(ink))
        inked.append(_covered(ink > 0.5, tracks))
        if report is not None:
            report(number + 1, count)
    return Strands.joined(strands), np.concatenate(inked, axis=1)


def _covered(ink: Bool, columns: Bool) -> Float32:
    """The share [K,h] of the marked columns [K,W] that ink [K,h,W] covers in each row."""
    total = np.maximum(columns.sum(axis=1), 1)
    return np.asarray((ink & columns[:, None]).sum(axis=2) / total[:, None], np.float32)


def _bands(job: Job, paper: Paper, partial: Partial, count: int) -> Iterator[Band]:
    """Every band: the stored ones from the disk, the others from the network."""
    stored = partial.finished(count)
    yield from (partial.band(number) for number in range(stored))
    if stored < count:
        for number, band in enumerate(job.reader.bands(paper.rows, paper.shape, first=stored), start=stored):
            partial.keep_findings(job.scan)
            partial.keep(number, band)
            yield band


def _edges(job: Job) -> Float64:
    """Paper columns of the two edges of the track of each curve, [K,2]."""
    return np.array([[job.frame.paper_x(x) for x in (scale.left_px, scale.right_px)] for scale in job.scales])


def _columns(job: Job) -> Bool:
    """The paper columns on the track of each curve or within EDGE_MM of it, bool [K,W]."""
    columns, reach = np.arange(job.frame.width), EDGE_MM * job.px_per_mm
    left, right = _edges(job).T[..., None]
    return np.asarray((columns >= left - reach) & (columns <= right + reach), np.bool_)


def _stage(
    job: Job,
    paper: Paper,
    partial: Partial,
    curves: tuple[Digitised, ...],
    *,
    hidden: Hidden,
    warnings: tuple[str, ...],
) -> None:
    """Write all files into the staging folder; without an accepted curve only the two pictures."""
    height = job.frame.height
    rows = np.arange(height)
    depth = job.depth.depths(job.frame.scan_y(rows.astype(np.float64)))
    if any(not curve.refused for curve in curves):
        across = paper.skew.across(rows)
        on_scan = [job.frame.scan_x(curve.u_px + across) for curve in curves]
        partial.stage("curves.csv", csv_of(depth, curves, on_scan, warnings=warnings))
        parameters = {"SCAN": job.scan.path.name, "RUN": job.run, "SKEW": paper.skew.text()}
        unit = job.depth.unit
        partial.stage("curves.las", las_of(depth, curves, depth_unit=unit, parameters=parameters, warnings=warnings))
    count = len(job.reader.band_starts(height))
    bands = (partial.band(number) for number in range(count))
    labels = (np.where(hidden.rows[band.start : band.stop, None], 0, band.labels) for band in bands)
    classes = len(job.reader.head.classes) - 1
    partial.stage("class_map.png", class_map_png(labels, paper.shape, curves=classes))
    tops = range(0, height, OVERLAY_ROWS)
    for number, top in enumerate(tops, start=1):
        name = "overlay.png" if len(tops) == 1 else f"overlay_{number:03d}.png"
        bottom = min(top + OVERLAY_ROWS, height)
        parts = [paper.rows(row, min(row + _AT_ONCE, bottom)) for row in range(top, bottom, _AT_ONCE)]
        title = job.scan.path.name
        partial.stage(name, overlay_png(np.concatenate(parts), top, curves, depth, title=title, hidden=hidden))
