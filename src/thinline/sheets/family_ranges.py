"""The ranges that each family of sheets is sampled from; `archive` and `procedural` differ in nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """Parameters of a family: ranges are (low, high), odds and shares are probabilities."""

    cue_odds: tuple[float, float, float]  # of weight, dash, roughness
    kinds: tuple[tuple[str, float], ...]  # kinds of shape and their odds
    swing: Range
    slope: Range  # mean |dx| per mm of depth from the swings, mm
    detail: Range  # height of the fast swings, as a share of `swing`
    rough_mm: Range  # jitter in mm on paper
    rough_cue_mm: Range  # jitter of the rougher curve if roughness is the cue
    rough_step_mm: Range
    wraps: float  # share of curves that leave the track and wrap; the rest clip
    base_line: float  # share of curves clipped on a grid line instead of the edge
    two_tracks: float
    apart: float  # share of two-track sheets whose curves are in different tracks
    log_track: float
    styles: tuple[float, float, float]  # minor lines: solid, dotted, broken
    minor_darkness: Range
    major_darkness: Range
    major_mm: Range
    pen_darkness: Range
    header: float
    notes: tuple[int, int]  # number of annotations in the track
    marked: float  # share of sheets with flags or ticks
    stained: float
    angle_deg: float
    shear: float
    wavy: float
    paper: tuple[int, int]
    ink: tuple[int, int]
    bleed: Range
    faded: float
    fade: Range  # loss of ink of a faded sheet
    dots: Range
    speckled: float
    blotch: float
    grain: Range
    blur_px: Range
    one_bit: float
    one_bit_level: Range  # threshold as a share of the way from ink to paper


RANGES: Final = {
    "archive": Ranges(
        cue_odds=(0.4, 0.35, 0.25),
        kinds=(("smooth", 0.25), ("jittery", 0.4), ("blocky", 0.15), ("spiky", 0.2)),
        swing=(0.12, 0.34),
        slope=(1.2, 3.0),
        detail=(0.1, 0.5),
        rough_mm=(0.04, 0.5),
        rough_cue_mm=(0.5, 1.0),
        rough_step_mm=(0.25, 0.9),
        wraps=0.6,
        base_line=0.25,
        two_tracks=0.4,
        apart=0.5,
        log_track=0.35,
        styles=(0.5, 0.2, 0.3),
        minor_darkness=(0.5, 1.0),
        major_darkness=(0.6, 1.0),
        major_mm=(0.2, 0.5),
        pen_darkness=(0.85, 1.0),
        header=0.3,
        notes=(0, 4),
        marked=0.35,
        stained=0.25,
        angle_deg=0.35,
        shear=0.003,
        wavy=0.4,
        paper=(205, 250),
        ink=(5, 60),
        bleed=(1.0, 1.5),
        faded=0.3,
        fade=(0.1, 0.5),
        dots=(0.2, 1.0),
        speckled=0.4,
        blotch=14.0,
        grain=(2.0, 12.0),
        blur_px=(0.3, 0.75),
        one_bit=0.3,
        one_bit_level=(0.66, 0.82),
    ),
    "procedural": Ranges(
        cue_odds=(0.4, 0.3, 0.3),
        kinds=(("smooth", 0.4), ("jittery", 0.3), ("blocky", 0.15), ("spiky", 0.15)),
        swing=(0.1, 0.42),
        slope=(0.8, 3.4),
        detail=(0.0, 0.6),
        rough_mm=(0.02, 0.6),
        rough_cue_mm=(0.4, 1.2),
        rough_step_mm=(0.25, 1.6),
        wraps=0.45,
        base_line=0.15,
        two_tracks=0.35,
        apart=0.4,
        log_track=0.4,
        styles=(0.6, 0.25, 0.15),
        minor_darkness=(0.35, 1.0),
        major_darkness=(0.3, 1.0),
        major_mm=(0.1, 0.5),
        pen_darkness=(0.7, 1.0),
        header=0.15,
        notes=(0, 3),
        marked=0.2,
        stained=0.1,
        angle_deg=0.25,
        shear=0.002,
        wavy=0.2,
        paper=(190, 256),
        ink=(0, 80),
        bleed=(1.0, 1.3),
        faded=0.2,
        fade=(0.1, 0.4),
        dots=(0.2, 0.8),
        speckled=0.25,
        blotch=8.0,
        grain=(0.5, 14.0),
        blur_px=(0.0, 0.7),
        one_bit=0.12,
        one_bit_level=(0.64, 0.84),
    ),
}


def uniform(rng: np.random.Generator, between: Range) -> float:
    """A uniform number between the two, rounded to three digits to keep specs short."""
    return round(float(rng.uniform(*between)), 3)


def choose(rng: np.random.Generator, odds: tuple[float, ...]) -> int:
    """A random index with probabilities `odds`, which sum to 1."""
    return int(np.searchsorted(np.cumsum(odds)[:-1], rng.random(), side="right"))
