"""All operating points that fit intervals of reported scores: what each score may be there, in fractions.

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
u - 1 <= weight * v. So an interval is two half-planes, and a ratio of linear terms has its extremes in the corners of
what they have in common, or along its edges at infinity. The point where nothing was hit (tp = 0: P, R, F1 and IoU all
0) is looked at by itself. That counts are whole numbers is not used: sheets have many pixels.

References
----------
Jaccard, New Phytologist 11 (1912); Dice, Ecology 26 (1945).
Motzkin, "Beitraege zur Theorie der linearen Ungleichungen" (1936): a bounded system has a solution where a corner
fulfils all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Final

from thinline.coherence.rounding import RATES, Reported

TABLE: Final = (*RATES, "area_ratio")
"""The scores that are functions of P and R alone."""

ENDLESS: Final = Fraction(10**12)
"""Stands for a value without an upper end."""

Span = tuple[Fraction, Fraction]
_Half = tuple[Fraction, Fraction, Fraction]  # a, b, c of a u + b v <= c
_Point = tuple[Fraction, Fraction]
_NO, _ONE = Fraction(0), Fraction(1)


def spans(given: Sequence[Reported], *, inverse: bool) -> dict[str, Span]:
    """Least and greatest value of every name over all operating points of `given`; empty where there is none."""
    by_name = {it.name: it for it in given}
    share = _prevalence(by_name, inverse=inverse)
    if share and share[0] > share[1]:
        return {}
    weight = (1 - share[0]) / share[0] if share and share[0] > 0 else None
    found = _spans_of_rates(by_name, weight)
    if _nothing_hit(by_name, weight):
        found = _widened(found, by_name.get("area_ratio"))
    if not found:
        return {}
    most = 1 / (1 + found.pop("background")[0])  # false alarms need so much background at the least
    share = (share[0], min(share[1], most)) if share else (_NO, most)
    plus = 0 if inverse else 1
    told = [(1 / bound if bound else ENDLESS) - plus for bound in reversed(share)]
    return found | {"prevalence": share, "class_weight": (told[0], told[1])}


def _widened(spans: dict[str, Span], area: Reported | None) -> dict[str, Span]:
    """The spans with the point where nothing was hit: any area is possible there that was not reported otherwise."""
    ends = (area.low, area.high) if area else (_NO, ENDLESS)
    alarms = min(ends[0], spans["background"][0]) if spans else ends[0]
    rates = {name: (_NO, spans[name][1] if spans else _NO) for name in RATES}
    return rates | {"area_ratio": ends, "background": (alarms, ENDLESS)}


def _prevalence(by_name: Mapping[str, Reported], *, inverse: bool) -> Span | None:
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


def _spans_of_rates(by_name: Mapping[str, Reported], weight: Fraction | None) -> dict[str, Span]:
    """Spans over the operating points with hits: extremes lie in the corners of the half-planes, or at infinity.

    `background` are the false alarms for each true pixel, (u - 1) / v.
    """
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
    outside = [(a - 1) / b for a, b in corners] + [a / b for a, b in rays if b]
    ratios = [a / b for a, b in corners] + [a / b if b else ENDLESS for a, b in rays]
    deep, tall = any(a for a, _ in rays), any(b for _, b in rays)
    return {
        "precision": (_NO if deep else 1 / max(u), 1 / min(u)),
        "recall": (_NO if tall else 1 / max(v), 1 / min(v)),
        "f1": (_NO if rays else 2 / max(total), 2 / min(total)),
        "iou": (_NO if rays else 1 / (max(total) - 1), 1 / (min(total) - 1)),
        "area_ratio": (min(ratios), max(ratios)),
        "background": (min(outside), max(outside)),
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
