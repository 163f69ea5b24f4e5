"""Which reported scores cannot be one operating point, and by how much.

Conventions
-----------
Reported numbers are intervals (rounding.py); they are *coherent* when one operating point lies inside all of them
(operating_points.py, which has the identities), decided in fractions, so without tolerance.

    conflict      a set of numbers without a common operating point, each of whose parts has one
    account       a coherent set of numbers to which none of the others can be added: what may be right together.
                  Scores and shares (prevalence, weight) have accounts of their own unless a conflict joins them
    implied       what an account leaves possible for a number: taken at its word (`exact`), and as rounded (`range`)
    off           distance of the reported value from the implied one; `beyond` what of it no rounding explains

A mean over classes is no operating point: `mean_of_classes` says when a reported value is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from operator import attrgetter
from typing import Final

from thinline.coherence.operating_points import ENDLESS, TABLE, Span, spans
from thinline.coherence.rounding import NAMES, Reported, ReportedError, reported

Range = tuple[float, float]
_NO: Final = Fraction(0)
_SHARES: Final = ("prevalence", "class_weight")


@dataclass(frozen=True)
class Implied:
    """What an account leaves for `name`; `off` and `beyond` are NaN where `name` was not reported."""

    name: str
    exact: Range
    range: Range
    off: float
    beyond: float


@dataclass(frozen=True)
class Account:
    """Numbers that may be right together, and what follows from them for all others."""

    kept: tuple[Reported, ...]
    implied: tuple[Implied, ...]


@dataclass(frozen=True)
class Answer:
    """`conflicts` are the smallest sets that cannot be; without any, there is one account of everything."""

    conflicts: tuple[tuple[Reported, ...], ...]
    accounts: tuple[Account, ...]

    @property
    def coherent(self) -> bool:
        """Whether one operating point can have all that was reported."""
        return not self.conflicts


def check(given: Sequence[Reported], *, inverse: bool = False) -> Answer:
    """Conflicts and accounts of the numbers `given`; `inverse` reads a class weight as 1 / prevalence.

    Raises `ReportedError` for a name that comes twice and for an inverse of a prevalence below 1.
    """
    names = [it.name for it in given]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(
            f"each number may be given once, got {', '.join(sorted(twice))} twice; check each run by itself"
        )
    for it in given:
        if not feasible([it], inverse=inverse):
            raise ReportedError(f"1 / prevalence is 1 or more, got {it.told}; is it background : foreground, a ratio?")
    subsets = _subsets(given)
    fits = {chosen: feasible(chosen, inverse=inverse) for chosen in subsets}
    conflicts = _smallest(chosen for chosen in subsets if not fits[chosen])
    groups = [[it for it in given if (it.name in _SHARES) == shares] for shares in (False, True)]
    if any(not set(conflict) <= set(group) for conflict in conflicts for group in groups if set(conflict) & set(group)):
        groups = [list(given)]  # else numbers that do not touch each other would be told in every combination
    kept = [it for group in groups for it in _largest(chosen for chosen in _subsets(group) if fits[chosen])]
    return Answer(tuple(conflicts), tuple(_account(chosen, given, inverse=inverse) for chosen in kept))


def feasible(given: Sequence[Reported], *, inverse: bool = False) -> bool:
    """Whether one operating point lies inside all intervals."""
    return bool(spans(given, inverse=inverse))


def check_table(rows: Iterable[Mapping[str, str]]) -> list[tuple[int, tuple[Reported, ...]]]:
    """Every conflict of a table with the number of its row; cells are texts as printed, empty or NaN is no number."""
    found = []
    for number, row in enumerate(rows):
        cells = {name: row[name].strip() for name in TABLE if name in row}
        given = [reported(name, cell) for name, cell in cells.items() if cell and cell.lower() != "nan"]
        if not feasible(given):
            found += [(number, conflict) for conflict in check(given).conflicts]
    return found


def mean_of_classes(it: Reported, classes: Sequence[Reported]) -> str:
    """A sentence that says `it` is the mean over `classes`, background first; empty where it is not."""
    if len(classes) < 2:
        return ""
    low, high = (sum(map(attrgetter(end), classes), _NO) / len(classes) for end in ("low", "high"))
    if low > it.high or high < it.low:
        return ""
    mean, curves = (float(sum(one.value for one in some) / len(some)) for some in (classes, classes[1:]))
    texts = ", ".join(one.text for one in classes)
    return (
        f"{it.told} is the mean of {texts} ({mean:.3f}), background included; of the others alone it is {curves:.3f}. "
        "A mean over classes is no operating point."
    )


def _account(kept: tuple[Reported, ...], given: Sequence[Reported], *, inverse: bool) -> Account:
    whole = spans(kept, inverse=inverse)
    exact = spans([it.exact() for it in kept], inverse=inverse) or whole  # at their word they may not fit
    others = {it.name: it for it in given if it not in kept}
    names = [name for name in NAMES if name in whole and name not in {it.name for it in kept}]
    return Account(kept, tuple(_implied(name, exact[name], whole[name], others.get(name)) for name in names))


def _implied(name: str, exact: Span, whole: Span, other: Reported | None) -> Implied:
    off = beyond = float("nan")
    if other:
        told = other.exact()
        off = float(max(exact[0] - told.high, told.low - exact[1], _NO))
        beyond = float(max(whole[0] - other.high, other.low - whole[1], _NO))
    return Implied(name, _floats(exact), _floats(whole), off, beyond)


def _floats(ends: Span) -> Range:
    low, high = (float("inf") if end >= ENDLESS - 1 else float(end) for end in ends)
    return low, high


def _subsets(given: Sequence[Reported]) -> list[tuple[Reported, ...]]:
    return [chosen for size in range(1, len(given) + 1) for chosen in combinations(given, size)]


def _smallest(sets: Iterable[tuple[Reported, ...]]) -> list[tuple[Reported, ...]]:
    """Those of `sets`, smallest first, that hold no other."""
    found: list[tuple[Reported, ...]] = []
    for chosen in sets:
        if not any(set(it) <= set(chosen) for it in found):
            found.append(chosen)
    return found


def _largest(sets: Iterable[tuple[Reported, ...]]) -> list[tuple[Reported, ...]]:
    """Those of `sets`, smallest first, that lie in no other."""
    found: list[tuple[Reported, ...]] = []
    for chosen in reversed(list(sets)):
        if not any(set(chosen) <= set(it) for it in found):
            found.insert(0, chosen)
    return found
