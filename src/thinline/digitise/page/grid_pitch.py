"""The pitch of the grid of a track, what it says about the scale of the scan, and whether the track is logarithmic.

Conventions
    The **pitch** is the distance from one grid line to the next, down (horizontal lines) and across (upright lines), in
    page pixels. Down: the smallest lag at which the lines of the rows repeat (autocorrelation of the rows at which a
    line begins), median over stretches of the log. Across: the median distance of the upright lines of the track.
    The resolution in a file says how large the *file* is printed. Many scans are of reduced prints, so the pitch is
    compared with the USUAL pitches of logs, and both scales are stated; the resolution stays in use.
    The positions of upright lines on a **linear** track are multiples of 1/n of its width. On a **log** track they are
    log10 of 1..10, or of 2..10..20, for 1 to 6 decades. `scale_kind` takes the set whose lines are found most
    completely and that explains most of the lines (harmonic mean of both shares), linear where they are equal.

References
    API RP 31A, "Standard form for hardcopy presentation of downhole well log data" (tracks of 2.5 inches, depth column
    of .75 inches, ten divisions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.vocabulary import Float64

USUAL_MM: Final = (1.27, 2.5, 2.54, 3.175, 5.0, 5.08, 6.35, 10.0, 12.7)
LEAST_PITCH_MM: Final = 0.8
MOST_PITCH_MM: Final = 16.0
CLOSE: Final = 0.03
"""Relative difference of two scales that count as equal."""

_REPEATS: Final = 0.3
_FITS: Final = 0.75
_DECADES: Final = (1, 2, 3, 4, 5, 6)
_DIVISIONS: Final = (4, 5, 8, 10, 20)
_STARTS: Final = (1, 2)
_BETTER: Final = 0.1
_NEAR: Final = 0.012


@dataclass(frozen=True)
class Pitch:
    """Pitches in mm by the resolution of the file, NaN where none was found.

    One of the two is compared with the usual ones: the one that is nearer to one of them, relatively.
    """

    down_mm: float
    across_mm: float

    @property
    def mm(self) -> float:
        """The pitch that is compared, NaN without one."""
        pitches = [pitch for pitch in (self.down_mm, self.across_mm) if np.isfinite(pitch)]
        return min(pitches, key=lambda pitch: min(abs(np.log(usual / pitch)) for usual in USUAL_MM), default=np.nan)

    @property
    def usual_mm(self) -> float:
        """The usual pitch that differs least from `mm`; NaN without a pitch."""
        if not np.isfinite(self.mm):
            return float("nan")
        return min(USUAL_MM, key=lambda usual: abs(np.log(usual / self.mm)))

    @property
    def agrees(self) -> bool:
        """Whether the grid has a usual pitch at the resolution of the file."""
        return bool(np.isfinite(self.mm) and abs(self.mm / self.usual_mm - 1) <= CLOSE)


def pitch_down(begun: Sequence[Float64], *, px_per_mm: float) -> float:
    """Smallest repeating lag, in mm, of the number of lines that begin in each row, of some stretches of rows [h]."""
    pitches = []
    for rows in begun:
        smooth = np.convolve(rows, np.ones(3), mode="same")
        wave = smooth - smooth.mean()
        power = float(wave @ wave)
        first, last = round(LEAST_PITCH_MM * px_per_mm), round(MOST_PITCH_MM * px_per_mm)
        if power <= 0 or len(wave) < 2 * last:
            continue
        lags = np.array([float(wave[: len(wave) - lag] @ wave[lag:]) / power for lag in range(last + 1)])
        peaks = [
            lag
            for lag in range(max(first, 1), last)
            if lags[lag] > _REPEATS and lags[lag] >= lags[lag - 1] and lags[lag] > lags[lag + 1]
        ]
        if peaks:
            pitches.append(_refined(lags, peaks[0]) / px_per_mm)
    return float(np.median(pitches)) if pitches else float("nan")


def _refined(lags: Float64, peak: int) -> float:
    """The maximum of the parabola through a peak and its neighbours."""
    before, at, after = lags[peak - 1 : peak + 2].tolist()
    bend = before - 2 * at + after
    return peak + (0.5 * (before - after) / bend if bend else 0.0)


def pitch_across(columns: Sequence[float], *, px_per_mm: float) -> float:
    """Median distance, in mm, of upright lines of a linear track; NaN for fewer than three lines."""
    if len(columns) < 3:
        return float("nan")
    return float(np.median(np.diff(sorted(columns)))) / px_per_mm


def scale_kind(columns: Sequence[float], left: float, right: float) -> tuple[str, float]:
    """`linear` or `log`, and the score 0..1 of the best set of lines; linear with score 0 for fewer than four lines."""
    inside = np.array([(column - left) / (right - left) for column in columns])
    inside = inside[(inside > 2 * _NEAR) & (inside < 1 - 2 * _NEAR)]
    if len(inside) < 4:
        return "linear", 0.0
    linear = max(_score(inside, np.arange(1, n) / n) for n in _DIVISIONS)
    log = max(_score(inside, _log_lines(decades, start)) for decades in _DECADES for start in _STARTS)
    if log > linear + _BETTER and log >= _FITS:
        return "log", log
    return "linear", linear


def _log_lines(decades: int, start: int) -> Float64:
    """Positions of the lines of a log track that begins at the digit `start`, without its edges."""
    values = np.array([digit * 10.0**decade for decade in range(decades + 1) for digit in range(1, 10)])
    position = np.log10(values / start) / decades
    return np.asarray(position[(position > _NEAR) & (position < 1 - _NEAR)], np.float64)


def _score(found: Float64, expected: Float64) -> float:
    """Harmonic mean of the shares of expected lines that were found and of found lines that were expected."""
    distance = np.abs(found[:, None] - expected[None])
    seen, explained = (distance.min(axis=0) < _NEAR).mean(), (distance.min(axis=1) < _NEAR).mean()
    return float(2 * seen * explained / (seen + explained)) if seen + explained else 0.0
