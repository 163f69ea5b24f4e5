"""Make labels from a scan and the curves of a LAS file.

Steps
    1. Estimate the skew of the scan and straighten it, as `thinline digitise` does.
    2. Find the ink: by the network, or all dark pixels.
    3. Place each curve on the paper by the scales and depths of the job, and register it (registration.py).
    4. Give every pixel its value (masks.py).

Memory: six bytes for each pixel of the paper at the scale of the network, and the paths of one registration, a byte
for each row and pair of shifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from thinline.curves.las import LasCurve
from thinline.digitise.damaged_rows import Hidden
from thinline.digitise.deskew import STRAIGHT
from thinline.digitise.job import Job, skew_of
from thinline.digitise.labels.las_course import Course, LabelError, course_of
from thinline.digitise.labels.masks import Evidence, mask_of
from thinline.digitise.labels.page_ink import ProgressReport, dark_ink, network_ink
from thinline.digitise.labels.registration import Bounds, Registration, distance_to, register
from thinline.digitise.paper import Paper
from thinline.vocabulary import Float64, UInt8

NETWORK: Final = "network"
DARK: Final = "dark"
MOST_CURVES: Final = 254


@dataclass(frozen=True)
class LabelSettings:
    """The bounds of the shifts, what counts as ink (NETWORK or DARK), and the threshold of the network."""

    bounds: Bounds = field(default_factory=Bounds)
    ink: str = NETWORK
    threshold: float = 0.5


@dataclass(frozen=True, eq=False)
class LabelledCurve:
    """A curve with its course on the paper by the LAS file, and its registration."""

    name: str
    course: Course
    registration: Registration


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """The straightened paper, the value of every pixel [H,W] (masks.py), the curves, and the depth of each row [H]."""

    job: Job
    paper: Paper
    values: UInt8
    curves: tuple[LabelledCurve, ...]
    depth: Float64
    warnings: tuple[str, ...]


def label_scan(
    job: Job, curves: Sequence[LasCurve], settings: LabelSettings, *, report: ProgressReport | None = None
) -> LabelledScan:
    """The labels of the scan of `job` for `curves`, one for each of its scales.

    Raises LabelError where depths do not overlap or no row of any curve can be registered, and what reading a scan
    raises.
    """
    if len(curves) != len(job.scales):
        raise LabelError(
            f"`curves` must be one for each scale of the job, {len(job.scales)}, got {len(curves)}; name them alike"
        )
    if len(curves) > MOST_CURVES:
        raise LabelError(f"expected at most {MOST_CURVES} curves, got {len(curves)}; label the tracks one by one")
    courses = [course_of(*each, job.depth, job.frame) for each in zip(curves, job.scales, strict=True)]
    crooked = Paper(job.scan, job.frame)
    skew = skew_of(crooked, px_per_mm=job.px_per_mm) if job.deskew else STRAIGHT
    paper = Paper(job.scan, job.frame, skew)
    dark = dark_ink(paper)
    of_curves = settings.ink == NETWORK
    ink = network_ink(job.reader, paper, threshold=settings.threshold, report=report) if of_curves else dark
    hidden = Hidden.of(paper, job.scan.damage(), job.depth, px_per_mm=job.px_per_mm)
    scale = job.px_per_mm
    distances = distance_to(ink, px_per_mm=scale), distance_to(dark, px_per_mm=scale) if of_curves else None
    registrations = [register(course, *distances, settings.bounds, px_per_mm=scale) for course in courses]
    _check_registered(job, registrations, settings)
    evidence = Evidence(ink, dark if of_curves else None, hidden.rows, scale)
    values = mask_of(evidence, registrations, [(course.left, course.right) for course in courses])
    names = [scale.name for scale in job.scales]
    labelled = tuple(LabelledCurve(*each) for each in zip(names, courses, registrations, strict=True))
    rows = np.arange(job.frame.height, dtype=np.float64)
    depth = job.depth.depths(job.frame.scan_y(rows))
    return LabelledScan(job, paper, values, labelled, depth, (*job.scan.notices, *hidden.warnings))


def _check_registered(job: Job, registrations: Sequence[Registration], settings: LabelSettings) -> None:
    if any(registration.registered.any() for registration in registrations):
        return
    raise LabelError(
        f"{job.scan.path}: expected ink of the curves within {settings.bounds.depth_mm:g} mm along depth and "
        f"{settings.bounds.side_mm:g} mm sideways of the LAS file, got none in any row; check tracks, values and "
        "depths in the job file with `thinline digitise`, or raise --depth-tolerance"
    )
