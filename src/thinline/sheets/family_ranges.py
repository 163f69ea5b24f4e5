"""The ranges that each family of sheets is sampled from; `archive` and `procedural` differ in nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """Parameters of a family, by default those of `archive`: ranges are (low, high), odds and shares probabilities."""

    cue_odds: tuple[float, float, float] = (0.4, 0.35, 0.25)  # of weight, dash, roughness
    kinds: tuple[tuple[str, float], ...] = (("smooth", 0.25), ("jittery", 0.4), ("blocky", 0.15), ("spiky", 0.2))
    swing: Range = (0.12, 0.34)
    slope: Range = (1.2, 3.0)  # mean |dx| per mm of depth from the swings, mm
    detail: Range = (0.1, 0.5)  # height of the fast swings, as a share of `swing`
    rough_mm: Range = (0.04, 0.5)  # jitter in mm on paper
    rough_cue_mm: Range = (0.5, 1.0)  # jitter of the rougher curve if roughness is the cue
    rough_step_mm: Range = (0.25, 0.9)
    wraps: float = 0.6  # share of curves that leave the track and wrap; the rest clip
    base_line: float = 0.25  # share of curves clipped on a grid line instead of the edge
    two_tracks: float = 0.4
    apart: float = 0.5  # share of two-track sheets whose curves are in different tracks
    log_track: float = 0.35
    styles: tuple[float, float, float] = (0.5, 0.2, 0.3)  # minor lines: solid, dotted, broken
    minor_darkness: Range = (0.5, 1.0)
    major_darkness: Range = (0.6, 1.0)
    major_mm: Range = (0.2, 0.5)
    pen_darkness: Range = (0.85, 1.0)
    header: float = 0.3
    notes: tuple[int, int] = (0, 4)  # number of annotations in the track
    marked: float = 0.35  # share of sheets with flags or ticks
    stained: float = 0.25
    angle_deg: float = 0.35
    shear: float = 0.003
    wavy: float = 0.4
    paper: tuple[int, int] = (205, 250)
    ink: tuple[int, int] = (5, 60)
    bleed: Range = (1.0, 1.5)
    faded: float = 0.3
    fade: Range = (0.1, 0.5)  # loss of ink of a faded sheet
    dots: Range = (0.2, 1.0)
    speckled: float = 0.4
    blotch: float = 14.0
    grain: Range = (2.0, 12.0)
    blur_px: Range = (0.3, 0.75)
    one_bit: float = 0.3
    one_bit_level: Range = (0.66, 0.82)  # threshold as a share of the way from ink to paper


RANGES: Final = {
    "archive": Ranges(),
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
