"""Data mixes: which synthetic sheets a run trains on, validates on and is tested on.

Families
    `archive` stands for the scarce real scans, `procedural` for the synthetic generator (`thinline.sheets`). With LAS
    files the archive sheets of a split are drawn from real curves of logs that no other split uses (`las_wells.py`).

Mixes, for counts {archive a, train n}
    scarce      a archive sheets
    duplicated  the same a sheets, repeated in turn up to n
    fresh       the same a sheets and n - a procedural ones, each once
    enriched    as fresh, but the procedural sheets are those with the largest share of curve pixels out of `enrich`
                times as many candidates, which begin with the sheets of fresh. The number of unique sheets is that of
                fresh. Curve pixels are counted at ENRICH_PX_PER_MM.

    field       n sheets of the family `field`; validation and test too, of other numbers. Any mix with a `family` is
                such a mix of its own: counts.archive, `archive.repeat` and `enrich` do not act on it

    Of the mixes without a `family`, validation and test are archive sheets that no mix trains on, the same for every
    mix of a seed.

Own images
    with_fresh adds drawn sheets to the training split of a folder. One pass shows every drawn sheet once, and the
    images in turn as often as the share of drawn ones leaves room for, but each at least once.

Randomness
    Sheet i of a stream has the i-th number of the stream (seed, name); the names are "train/archive",
    "train/procedural", "val", "test" and "reference", and of a mix with a family "train/FAMILY", "val/FAMILY" and
    "test/FAMILY". A larger count adds sheets and changes none, and mixes of one seed share sheets where they can.

The batches (`tiles.py`) draw from `order` without end, so that all mixes have equal steps and equal images seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from thinline.curves.las import LasCurve
from thinline.data.curve_coverage import REFERENCE
from thinline.data.folder.crops import Piece
from thinline.data.las_wells import Shares, share_out
from thinline.data.sheet_counts import Counts
from thinline.sheets import SheetSpec, sample
from thinline.sheets.drawing.draw import draw
from thinline.system.validation import Node
from thinline.vocabulary import Float64, Int64

ENRICH_PX_PER_MM = 2.0
"""Scale at which candidates are compared; shares of curve pixels at 2 and at 4 px per mm correlate by .9997."""

SizeMm = tuple[float, float]


class Archive(Node):
    """`las_dir`: folder of LAS files to draw archive sheets from, or None. `repeat`: repeat them up to counts.train."""

    las_dir: str | None
    repeat: bool


class Mix(Node):
    """A level of `data_mix`. `procedural` adds new sheets; `enrich` is candidates per kept sheet, 1 for no choice.

    With a `family` the sheets of every split are of this family.
    """

    name: str
    archive: Archive
    procedural: bool
    enrich: float = Field(ge=1, lt=100)
    family: str | None = None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.archive.repeat and self.procedural:
            raise ValueError(
                f"mix {self.name!r} must add either repeated or procedural sheets, got archive.repeat and procedural "
                "both true; set one of them to false"
            )
        if self.family is not None and (self.archive.repeat or self.procedural):
            raise ValueError(
                f"mix {self.name!r} draws sheets of the family {self.family} only, expected archive.repeat=false and "
                f"procedural=false, got {self.archive.repeat} and {self.procedural}; set both to false"
            )
        if self.enrich > 1 and not self.procedural:
            raise ValueError(
                f"mix {self.name!r} has `enrich` {self.enrich:g} but no procedural sheets to choose from; set it to 1"
            )
        return self

    @staticmethod
    def from_conf(conf: Mapping[str, Any]) -> Mix:
        """The mix of a composed `data_mix` node. ValueError names a key that is unknown, missing or of wrong type."""
        return Mix.read(conf, where="data_mix", advice="see conf/data_mix")


@dataclass(frozen=True, eq=False)
class Split:
    """Unique `specs` (of a folder: pieces), and `order [M]` int64, the indices of the sheets in one pass.

    `drawn` are sheets beside the pieces of a folder; their indices follow those of `specs`.
    """

    specs: tuple[SheetSpec, ...] | tuple[Piece, ...]
    order: Int64
    drawn: tuple[SheetSpec, ...] = ()

    @property
    def everything(self) -> tuple[SheetSpec | Piece, ...]:
        """All that the indices of `order` name."""
        return (*self.specs, *self.drawn)


@dataclass(frozen=True, eq=False)
class Splits:
    """The splits of a run. `apart` names what splits of real curves do not share (well, ...), "" without LAS.

    `more_tests` are further test sets of a folder by name, as `test_dark`; each is scored on its own.
    """

    train: Split
    val: Split
    test: Split
    apart: str = ""
    more_tests: Mapping[str, Split] = field(default_factory=dict)

    def by_name(self) -> dict[str, Split]:
        """Every split by its name: train, val, test, then the further test sets."""
        return {"train": self.train, "val": self.val, "test": self.test, **self.more_tests}


def compose(mix: Mix, counts: Counts, *, seed: int, size_mm: SizeMm, samples: Sequence[LasCurve] = ()) -> Splits:
    """The splits of a mix, a function of the arguments only. `samples` are the curves read from `archive.las_dir`.

    Raises ValueError for a `las_dir` without `samples`, and for curves that cannot be divided into splits.
    """
    if mix.archive.las_dir is not None and not samples:
        raise ValueError(
            f"`samples` must hold the curves of {mix.archive.las_dir}, got none; read_las_folder reads them"
        )
    size = (float(size_mm[0]), float(size_mm[1]))
    shares = share_out(samples, _stream(seed, "wells")) if samples else Shares((), (), (), "")
    if mix.family is not None:
        return _of_family(mix.family, counts, seed, size, shares)
    archive = _archive("train/archive", counts.archive, seed, size, shares.train)
    extra = _procedural(counts.train - counts.archive, mix.enrich, seed, size) if mix.procedural else ()
    length = counts.train if mix.archive.repeat else len(archive) + len(extra)
    train = Split(archive + extra, np.arange(length) % len(archive + extra))
    val = _archive("val", counts.val, seed, size, shares.val)
    test = _archive("test", counts.test, seed, size, shares.test)
    return Splits(train, Split(val, np.arange(len(val))), Split(test, np.arange(len(test))), shares.apart)


def with_fresh(train: Split, family: str, count: int, *, share: float, seed: int, size_mm: SizeMm) -> Split:
    """`train`, the pieces of a folder, with `count` sheets of a family, which are `share` of the images of a pass.

    Sheets are shown more than once only where there are too few of them for that.
    """
    size = (float(size_mm[0]), float(size_mm[1]))
    drawn = _sampled(family, f"train/{family}", count, seed, size, ())
    own = max(len(train.order), round(count * (1 - share) / share))
    shown = max(count, round(own * share / (1 - share)))
    pieces = train.order[np.arange(own) % len(train.order)]
    return Split(train.specs, np.concatenate([pieces, len(train.specs) + np.arange(shown) % count]), drawn)


def summary(split: Split, showings: Int64 | None = None) -> dict[str, int]:
    """Unique sheets seen, images seen, most repetitions of one sheet, and unique sheets per family.

    `showings [N]` is how often each sheet is seen; None counts one pass of the order.
    """
    times = np.bincount(split.order, minlength=len(split.everything)) if showings is None else showings
    seen = [spec.family for spec, count in zip(split.everything, times, strict=True) if count]
    per_family = {f"unique_{name}": seen.count(name) for name in sorted(set(seen))}
    return {"unique": len(seen), "shown": int(times.sum()), "most_showings": int(times.max())} | per_family


@lru_cache(maxsize=2)
def reference(size_mm: SizeMm, samples: tuple[LasCurve, ...]) -> tuple[SheetSpec, ...]:
    """Archive sheets of no split, the same for every run; drawn from all `samples` where there are any."""
    values = [run for curve in samples for run in curve.runs()]
    return _archive("reference", REFERENCE, 0, size_mm, values)


def _of_family(family: str, counts: Counts, seed: int, size: SizeMm, shares: Shares) -> Splits:
    """Splits whose sheets are all of one family."""
    parts = (("train", counts.train, shares.train), ("val", counts.val, shares.val), ("test", counts.test, shares.test))
    train, val, test = (
        Split(_sampled(family, f"{part}/{family}", count, seed, size, values), np.arange(count))
        for part, count, values in parts
    )
    return Splits(train, val, test, shares.apart)


def _archive(stream: str, count: int, seed: int, size: SizeMm, values: Sequence[Float64]) -> tuple[SheetSpec, ...]:
    return _sampled("archive", stream, count, seed, size, values)


def _sampled(
    family: str, stream: str, count: int, seed: int, size: SizeMm, values: Sequence[Float64]
) -> tuple[SheetSpec, ...]:
    """The first `count` sheets of a stream."""
    return tuple(sample(family, number, size_mm=size, samples=values) for number in _numbers(seed, stream, count))


@lru_cache(maxsize=2)  # a sweep composes the same sheets for every cell of a seed
def _procedural(count: int, enrich: float, seed: int, size: SizeMm) -> tuple[SheetSpec, ...]:
    """`count` sheets out of `count * enrich` candidates, in the candidates' order."""
    numbers = _numbers(seed, "train/procedural", round(count * enrich))
    specs = tuple(sample("procedural", number, size_mm=size) for number in numbers)
    if len(specs) == count:
        return specs
    curve_pixels = np.array([np.count_nonzero(draw(spec, px_per_mm=ENRICH_PX_PER_MM).labels) for spec in specs])
    kept = np.sort(np.argsort(-curve_pixels, kind="stable")[:count])
    return tuple(specs[i] for i in kept)


def _numbers(seed: int, stream: str, count: int) -> list[int]:
    """The first `count` sheet numbers of a stream."""
    numbers: list[int] = _stream(seed, stream).integers(2**63, size=count).tolist()
    return numbers


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),)))
