"""Split real curves by well, curve or section, so that no test sheet is drawn from a log that training uses.

The unit that is not shared between splits
    well     with three wells or more. Files with a stretch of `SAME` equal samples are one well, because copies of a
    log
             are often cut and renamed.
    curve    with fewer wells. Curves with a common stretch go together. Curves of one well correlate, so these splits
             are less independent.
    section  with fewer than three curves: every curve is cut by depth, the upper three fifths for training, one fifth
             each for validation and test.

Copies are detected if their samples are equal to the last digit; a resampled or rescaled log counts as another log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from thinline.curves.las import SHORTEST, LasCurve
from thinline.vocabulary import Float64

SAME = 16
"""Equal samples in a row that make two curves copies; half of them must differ from the sample before."""

PARTS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Shares:
    """Values for each split: runs [R] of float64 without gaps. `apart` is the unit that no two splits share."""

    train: tuple[Float64, ...]
    val: tuple[Float64, ...]
    test: tuple[Float64, ...]
    apart: str


def share_out(curves: Sequence[LasCurve], rng: np.random.Generator) -> Shares:
    """Divide wells, curves or sections; val and test get a fifth of the groups each, at least one.

    Groups of a single curve go to training where possible. Raises ValueError when there is too little to divide.
    """
    copies = _copies(curves)
    wells = _groups(len(curves), [*copies, *_same(curve.source for curve in curves)])
    if len(wells) >= len(PARTS):
        return _divided(curves, wells, rng, "well")
    groups = _groups(len(curves), copies)
    if len(groups) >= len(PARTS):
        return _divided(curves, groups, rng, "curve")
    return _sections([curves[max(group, key=lambda i: len(curves[i].values))] for group in groups])


def _divided(curves: Sequence[LasCurve], groups: list[list[int]], rng: np.random.Generator, apart: str) -> Shares:
    order = sorted((groups[i] for i in rng.permutation(len(groups))), key=lambda group: len(group) == 1)
    held = max(1, len(order) // 5)
    parts = (order[2 * held :], order[:held], order[held : 2 * held])
    train, val, test = (tuple(run for group in part for i in group for run in curves[i].runs()) for part in parts)
    return Shares(train, val, test, apart)


def _sections(curves: Sequence[LasCurve]) -> Shares:
    """Each run cut at three and four fifths of its length."""
    pieces: dict[str, list[Float64]] = {part: [] for part in PARTS}
    for run in (run for curve in curves for run in curve.runs()):
        for part, piece in zip(PARTS, np.split(run, [len(run) * 3 // 5, len(run) * 4 // 5]), strict=True):
            if len(piece) >= SHORTEST and np.ptp(piece) > 0:
                pieces[part].append(piece)
    empty = [part for part in PARTS if not pieces[part]]
    if empty:
        names = ", ".join(f"{curve.name} of {curve.source}" for curve in curves)
        raise ValueError(
            "real curves must be divided into train, val and test, expected 3 wells, 3 curves or a run of "
            f"{5 * SHORTEST} varying samples, got only {names}, which leaves {', '.join(empty)} empty; "
            "add LAS files to the folder"
        )
    return Shares(tuple(pieces["train"]), tuple(pieces["val"]), tuple(pieces["test"]), "section")


def _same(names: Iterable[str]) -> list[tuple[int, int]]:
    """Pairs (first, later) of positions with the same name."""
    first: dict[str, int] = {}
    return [(first.setdefault(name, i), i) for i, name in enumerate(names)]


def _copies(curves: Sequence[LasCurve]) -> list[tuple[int, int]]:
    """Pairs of curves that share a stretch of SAME samples."""
    prints = [np.unique(np.concatenate([_fingerprints(run) for run in curve.runs()])) for curve in curves]
    if not prints:
        return []
    owners = np.repeat(np.arange(len(prints)), [len(p) for p in prints])
    values = np.concatenate(prints)
    order = np.argsort(values, kind="stable")
    values, owners = values[order], owners[order]
    shared = np.flatnonzero(values[1:] == values[:-1])
    pairs = np.unique(np.stack([owners[shared], owners[shared + 1]], axis=1), axis=0)
    return [(int(a), int(b)) for a, b in pairs]


def _fingerprints(run: Float64) -> NDArray[np.uint64]:
    """Polynomial hashes modulo 2^64, uint64, of every window of SAME samples with at least half of its steps not 0.

    The length doubles: hash of 2n samples = hash of the first n * base^n + hash of the next n. SAME is a power of two.
    """
    bits = (run + 0.0).view(np.uint64)  # + 0.0 turns -0.0 into 0.0
    hashes = (bits ^ (bits >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    length, power = 1, np.uint64(0xD6E8FEB86659FD93)
    while length < SAME:
        hashes = hashes[:-length] * power + hashes[length:]
        with np.errstate(over="ignore"):
            power = power * power
        length *= 2
    moved = np.concatenate(([0], np.cumsum(np.diff(run) != 0)))
    changing = moved[SAME - 1 :] - moved[: len(moved) - SAME + 1] >= SAME // 2
    return hashes[changing]


def _groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Connected positions 0..count-1, each group ascending, groups in order of their first position."""
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    _, group_of = connected_components(coo_array((np.ones(len(pairs)), ends), (count, count)), directed=False)
    return [np.flatnonzero(group_of == number).tolist() for number in dict.fromkeys(group_of.tolist())]
