"""Which reported scores cannot be one operating point, and by how much.

Conventions
-----------
An operating point of one class is a set of integer counts, of which only ratios are reported. With P = tp / predicted,
R = tp / true pixels, p = true pixels / all pixels:

    1. F1         = 2 P R / (P + R)
    2. IoU        = P R / (P + R - P R),  hence IoU = F1 / (2 - F1)  and  1 / IoU = 1 / P + 1 / R - 1
    3. area ratio = predicted / true = R / P
    4. weight     = (1 - p) / p, background pixels for each pixel of the class (`ratio`, the default). Where a text
                  means the inverse of the prevalence, 1 / p (`inverse`), it is one more: 42 is 2.33 % by the first
                  reading and 2.38 % by the second
    5. p R (1 - P) / P <= 1 - p: false alarms lie on background, and there is no more of it than that

With u = 1 / P and v = 1 / R every line above is linear: u >= 1, v >= 1, u + v = 2 / F1 = 1 + 1 / IoU, u = area * v,
u - 1 <= weight * v. Reported numbers are intervals (reported.py), each two half-planes; the numbers are *coherent* when
the half-planes have a point in common, in fractions, so without tolerance. The point where nothing was hit (tp = 0: P,
R, F1 and IoU all 0) is looked at by itself.

    conflict      a set of numbers without a common operating point, each of whose parts has one
    account       a coherent set of numbers to which none of the others can be added: what may be right together.
                  Scores and shares (prevalence, weight) have accounts of their own unless a conflict joins them
    implied       what an account leaves possible for a number: taken at its word (`exact`), and as rounded (`range`)
    off           distance of the reported value from the implied one; `beyond` what of it no rounding explains

A mean over classes is no operating point: `mean_of_classes` says when a reported value is one.

References
----------
Jaccard 1912; Dice 1945. Motzkin, "Beitraege zur Theorie der linearen Ungleichungen", 1936: a system of linear
inequalities with a corner has a solution where it has a corner that fulfils all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from operator import attrgetter
from typing import Final

from hairline.study.reported import NAMES, RATES, Reported, reported

TABLE: Final = ("precision", "recall", "f1", "iou", "area_ratio")
"""The columns of a table that `check_table` reads; others are passed over."""

Range = tuple[float, float]
_Half = tuple[Fraction, Fraction, Fraction]  # a, b, c of a u + b v <= c
_Point = tuple[Fraction, Fraction]
_NO, _ONE, _ENDLESS = Fraction(0), Fraction(1), Fraction(10**12)
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

    Raises `ValueError` for a name that comes twice.
    """
    names = [it.name for it in given]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(
            f"each number may be given once, got {', '.join(sorted(twice))} twice; check each run by itself"
        )
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
    return bool(_spans(given, inverse=inverse))


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
    whole = _spans(kept, inverse=inverse)
    exact = _spans([it.exact() for it in kept], inverse=inverse) or whole  # at their word they may not fit
    others = {it.name: it for it in given if it not in kept}
    names = [name for name in NAMES if name in whole and name not in {it.name for it in kept}]
    return Account(kept, tuple(_implied(name, exact[name], whole[name], others.get(name)) for name in names))


def _implied(name: str, exact: _Point, whole: _Point, other: Reported | None) -> Implied:
    off = beyond = float("nan")
    if other:
        told = other.exact()
        off = float(max(exact[0] - told.high, told.low - exact[1], _NO))
        beyond = float(max(whole[0] - other.high, other.low - whole[1], _NO))
    return Implied(name, _floats(exact), _floats(whole), off, beyond)


def _floats(ends: _Point) -> Range:
    low, high = (float("inf") if end >= _ENDLESS - 1 else float(end) for end in ends)
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


def _spans(given: Sequence[Reported], *, inverse: bool) -> dict[str, _Point]:
    """Least and greatest value of every name over all operating points of `given`; empty where there is none.

    Prevalence and weight are among them only where one is given: nothing else bounds them from both sides.
    """
    by_name = {it.name: it for it in given}
    share = _prevalence(by_name, inverse=inverse)
    if share and share[0] > share[1]:
        return {}
    weight = (1 - share[0]) / share[0] if share and share[0] > 0 else None
    spans = _spans_of_rates(by_name, weight)
    if _nothing_hit(by_name, weight):
        spans = _widened(spans, by_name.get("area_ratio"))
    if not spans or not share:
        return spans
    plus = 0 if inverse else 1
    told = [(1 / bound if bound else _ENDLESS) - plus for bound in reversed(share)]
    return spans | {"prevalence": share, "class_weight": (told[0], told[1])}


def _widened(spans: dict[str, _Point], area: Reported | None) -> dict[str, _Point]:
    """The spans with the point where nothing was hit: any area is possible there that was not reported otherwise."""
    high = {name: spans[name][1] if spans else _NO for name in RATES}
    ends = (area.low, area.high) if area else (_NO, _ENDLESS)
    return {name: (_NO, end) for name, end in high.items()} | {"area_ratio": ends}


def _prevalence(by_name: Mapping[str, Reported], *, inverse: bool) -> _Point | None:
    bounds = []
    if it := by_name.get("prevalence"):
        bounds.append((it.low, it.high))
    if it := by_name.get("class_weight"):
        plus = 0 if inverse else 1
        bounds.append((1 / (it.high + plus), min(_ONE, 1 / (it.low + plus)) if it.low + plus else _ONE))
    if not bounds:
        return None
    return max(low for low, _ in bounds), min(high for _, high in bounds)


def _nothing_hit(by_name: Mapping[str, Reported], weight: Fraction | None) -> bool:
    """Whether tp = 0 is possible; found pixels, if any, then lie on background."""
    area = by_name.get("area_ratio")
    return all(it.low == 0 for name, it in by_name.items() if name in RATES) and (
        area is None or weight is None or area.low <= weight
    )


def _spans_of_rates(by_name: Mapping[str, Reported], weight: Fraction | None) -> dict[str, _Point]:
    """Spans over the operating points with hits: extremes lie in the corners of the half-planes, or at infinity."""
    if any(by_name[name].high == 0 for name in TABLE if name in by_name):
        return {}
    halves = _halves(by_name, weight)
    corners = [
        point for one, two in combinations(halves, 2) if (point := _crossing(one, two)) and _holds(point, halves)
    ]
    if not corners:
        return {}
    rays = _rays(halves)
    u, v, total = [a for a, _ in corners], [b for _, b in corners], [a + b for a, b in corners]
    ratios = [a / b for a, b in corners] + [a / b if b else _ENDLESS for a, b in rays]
    deep, tall = any(a for a, _ in rays), any(b for _, b in rays)
    return {
        "precision": (_NO if deep else 1 / max(u), 1 / min(u)),
        "recall": (_NO if tall else 1 / max(v), 1 / min(v)),
        "f1": (_NO if rays else 2 / max(total), 2 / min(total)),
        "iou": (_NO if rays else 1 / (max(total) - 1), 1 / (min(total) - 1)),
        "area_ratio": (min(ratios), max(ratios)),
    }


def _halves(by_name: Mapping[str, Reported], weight: Fraction | None) -> list[_Half]:
    found: list[_Half] = [(-_ONE, _NO, -_ONE), (_NO, -_ONE, -_ONE)]
    if weight is not None:
        found.append((_ONE, -weight, _ONE))
    for name, it in by_name.items():
        if name == "area_ratio":
            found += [(_ONE, -it.high, _NO), (-_ONE, it.low, _NO)]
        elif name in RATES:
            a, b = {"precision": (_ONE, _NO), "recall": (_NO, _ONE)}.get(name, (_ONE, _ONE))
            times, plus = {"f1": (2, 0), "iou": (1, 1)}.get(name, (1, 0))
            found.append((-a, -b, -(plus + times / it.high)))
            if it.low > 0:
                found.append((a, b, plus + times / it.low))
    return found


def _crossing(one: _Half, two: _Half) -> _Point | None:
    (a, b, c), (d, e, f) = one, two
    determinant = a * e - b * d
    return ((c * e - b * f) / determinant, (a * f - c * d) / determinant) if determinant else None


def _holds(point: _Point, halves: Iterable[_Half]) -> bool:
    return all(a * point[0] + b * point[1] <= c for a, b, c in halves)


def _rays(halves: Sequence[_Half]) -> list[_Point]:
    """The outermost directions in which the half-planes, all with u, v >= 1, go on for ever."""
    flat = [(a, b, _NO) for a, b, _ in halves]
    along = [(sign * b, -sign * a) for a, b, _ in halves for sign in (1, -1)]
    return [ray for ray in along if any(ray) and _holds(ray, flat)]
