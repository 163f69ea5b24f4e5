"""Data mixes: which sheets a run sees, from which family, how often, in which split.

Families
    `archive` stands for the scarce real scans, `procedural` for the synthetic generator (`thinline.sheets`). With
    curves from LAS files the archive sheets of a split are drawn from real values of logs no other split uses
    (`las_wells.py`).

Mixes, for counts {archive a, train n}
    scarce      a archive sheets
    duplicated  the same a sheets, repeated in turn up to n
    fresh       the same a sheets and n - a procedural ones, each once
    enriched    as fresh, but the procedural ones are those with the largest share of curve ink out of `enrich` times
                as many candidates, which begin with the sheets of fresh. So the number of unique sheets stays that of
                fresh, which repeating the rich ones would not keep. Ink is measured as drawn at ENRICH_PX_PER_MM.

    Validation and test are archive sheets no mix trains on, the same for every mix of a seed.

Randomness
    Sheet i of a stream has the i-th number of the stream (seed, name); the names are "train/archive",
    "train/procedural", "val", "test" and "reference". So a larger count adds sheets and changes none, and mixes of one
    seed share what they can.

Equal steps and equal images seen are kept by the batches (`tiles.py`), which draw from `order` without end.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from thinline.curves.las import LasCurve
from thinline.data.curve_coverage import REFERENCE
from thinline.data.folder.crops import Piece
from thinline.data.key_checks import checked_keys
from thinline.data.las_wells import Shares, share_out
from thinline.data.sheet_counts import Counts
from thinline.sheets import SheetSpec, sample
from thinline.sheets.drawing.draw import draw
from thinline.vocabulary import Float64, Int64

ENRICH_PX_PER_MM = 2.0
"""Scale at which candidates are compared; shares of ink at 2 and at 4 px per mm correlate by .9997."""

SizeMm = tuple[float, float]


@dataclass(frozen=True)
class Archive:
    """`las_dir`: folder of LAS files to draw archive sheets from, or None. `repeat`: show them up to counts.train."""

    las_dir: str | None = None
    repeat: bool = False


@dataclass(frozen=True)
class Mix:
    """A level of `data_mix`. `procedural` adds new sheets; `enrich` is candidates per kept one, 1 for no choice."""

    name: str
    archive: Archive
    procedural: bool
    enrich: float

    def __post_init__(self) -> None:
        if self.archive.repeat and self.procedural:
            raise ValueError(
                f"data_mix '{self.name}' fills up with either repeated or procedural sheets, got archive.repeat and "
                "procedural both true; set one of them to false"
            )
        if not 1 <= self.enrich < 100:
            raise ValueError(f"`enrich` must lie in 1 <= enrich < 100, got {self.enrich}; 1 takes sheets as they come")
        if self.enrich > 1 and not self.procedural:
            raise ValueError(
                f"data_mix '{self.name}' has `enrich` {self.enrich} but no procedural sheets to choose from"
            )

    @staticmethod
    def from_conf(conf: Mapping[str, Any]) -> Mix:
        """The mix of a composed `data_mix` node. ValueError names a key that is unknown, missing or of wrong type."""
        top = checked_keys(conf, {"name": str, "archive": Mapping, "procedural": bool, "enrich": float}, "data_mix")
        archive = checked_keys(
            top["archive"], {"las_dir": str, "repeat": bool}, "data_mix.archive", optional=("las_dir",)
        )
        return Mix(top["name"], Archive(**archive), top["procedural"], top["enrich"])


@dataclass(frozen=True, eq=False)
class Split:
    """Unique `specs` (of a folder: pieces), and `order [M]` int64: which of them is shown, once per entry."""

    specs: tuple[SheetSpec, ...] | tuple[Piece, ...]
    order: Int64


@dataclass(frozen=True, eq=False)
class Splits:
    """What a run trains on, tunes on and is judged by. `apart`: what splits of real curves do not share, "" without."""

    train: Split
    val: Split
    test: Split
    apart: str = ""


def compose(mix: Mix, counts: Counts, *, seed: int, size_mm: SizeMm, samples: Sequence[LasCurve] = ()) -> Splits:
    """The splits of a mix; a function of its arguments alone. `samples` are the curves read from `archive.las_dir`.

    Raises ValueError when a folder is named and no curves are given, or when they cannot be parted.
    """
    if mix.archive.las_dir is not None and not samples:
        raise ValueError(
            f"`samples` must hold the curves of {mix.archive.las_dir}, got none; read_las_folder reads them"
        )
    size = (float(size_mm[0]), float(size_mm[1]))
    shares = share_out(samples, _stream(seed, "wells")) if samples else Shares((), (), (), "")
    archive = _archive("train/archive", counts.archive, seed, size, shares.train)
    extra = _procedural(counts.train - counts.archive, mix.enrich, seed, size) if mix.procedural else ()
    shown = counts.train if mix.archive.repeat else len(archive) + len(extra)
    train = Split(archive + extra, np.arange(shown) % len(archive + extra))
    val = _archive("val", counts.val, seed, size, shares.val)
    test = _archive("test", counts.test, seed, size, shares.test)
    return Splits(train, Split(val, np.arange(len(val))), Split(test, np.arange(len(test))), shares.apart)


def summary(split: Split, showings: Int64 | None = None) -> dict[str, int]:
    """The ledger's row: unique sheets shown, all showings, most showings of one sheet, unique ones per family.

    `showings [N]` is how often each sheet was shown; None counts one round of the order.
    """
    times = np.bincount(split.order, minlength=len(split.specs)) if showings is None else showings
    specs: Sequence[SheetSpec | Piece] = split.specs
    seen = [spec.family for spec, shown in zip(specs, times, strict=True) if shown]
    per_family = {f"unique_{name}": seen.count(name) for name in sorted(set(seen))}
    return {"unique": len(seen), "shown": int(times.sum()), "most_showings": int(times.max())} | per_family


@lru_cache(maxsize=2)
def reference(size_mm: SizeMm, samples: tuple[LasCurve, ...]) -> tuple[SheetSpec, ...]:
    """Archive sheets of no split, the same for every run: what the archive is like. With curves, from all of them."""
    values = [run for curve in samples for run in curve.runs()]
    return _archive("reference", REFERENCE, 0, size_mm, values)


def _archive(stream: str, count: int, seed: int, size: SizeMm, values: Sequence[Float64]) -> tuple[SheetSpec, ...]:
    numbers = _numbers(seed, stream, count)
    return tuple(sample("archive", number, size_mm=size, samples=values) for number in numbers)


@lru_cache(maxsize=2)  # a sweep composes the same sheets for every cell of a seed
def _procedural(count: int, enrich: float, seed: int, size: SizeMm) -> tuple[SheetSpec, ...]:
    """`count` sheets out of `count * enrich` candidates, in the candidates' order."""
    numbers = _numbers(seed, "train/procedural", round(count * enrich))
    specs = tuple(sample("procedural", number, size_mm=size) for number in numbers)
    if len(specs) == count:
        return specs
    ink = np.array([np.count_nonzero(draw(spec, px_per_mm=ENRICH_PX_PER_MM).labels) for spec in specs])
    kept = np.sort(np.argsort(-ink, kind="stable")[:count])
    return tuple(specs[i] for i in kept)


def _numbers(seed: int, stream: str, count: int) -> list[int]:
    """The first `count` sheet numbers of a stream."""
    numbers: list[int] = _stream(seed, stream).integers(2**63, size=count).tolist()
    return numbers


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),)))
