"""Compute the range of each score over all operating points that fit given intervals of scores, in exact fractions.

Conventions
-----------
An operating point of one class is a set of pixel counts, of which only ratios are reported. With P = tp / predicted,
R = tp / true pixels, p = true pixels / all pixels:

    1. F1         = 2 P R / (P + R)
    2. IoU        = P R / (P + R - P R), hence IoU = F1 / (2 - F1) and 1 / IoU = 1 / P + 1 / R - 1
    3. area ratio = predicted / true = R / P
    4. weight     = (1 - p) / p, background pixels per pixel of the class (`ratio`, the default), or 1 / p (`inverse`).
                    A weight of 42 is a prevalence of 2.33 % by the first reading and of 2.38 % by the second
    5. p R (1 - P) / P <= 1 - p: false positives lie on background, so there are at most as many as background pixels

With u = 1 / P and v = 1 / R all constraints are linear: u >= 1, v >= 1, u + v = 2 / F1 = 1 + 1 / IoU, u = area * v,
u - 1 <= weight * v. An interval of a score is two half-planes of (u, v). Each score is a ratio of linear terms, so its
extremes lie in the corners of the intersection of the half-planes or along its unbounded edges. The point without hits
(tp = 0: P, R, F1 and IoU are 0) is treated separately. That counts are integers is not used: sheets have many pixels.

References
----------
Jaccard, New Phytologist 11 (1912); Dice, Ecology 26 (1945).
Motzkin, "Beitraege zur Theorie der linearen Ungleichungen" (1936): a bounded system of linear inequalities that has a
solution has one in a corner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Final

from thinline.coherence.rounding import RATES, Reported

TABLE: Final = (*RATES, "area_ratio")
"""Scores that are functions of P and R alone."""

ENDLESS: Final = Fraction(10**12)
"""Upper end of an unbounded value."""

Span = tuple[Fraction, Fraction]
_Half = tuple[Fraction, Fraction, Fraction]  # a, b, c of a u + b v <= c
_Point = tuple[Fraction, Fraction]
_ZERO, _ONE = Fraction(0), Fraction(1)


def feasible(scores: Sequence[Reported], *, inverse: bool = False) -> bool:
    """Whether one operating point lies inside all intervals."""
    by_name = {score.name: score for score in scores}
    share, weight = _shares(by_name, inverse=inverse)
    if share and share[0] > share[1]:
        return False
    halves = _halves(by_name, weight)
    stated = [by_name[name].value for name in ("precision", "recall") if name in by_name and by_name[name].value]
    if len(stated) == 2 and _holds((1 / stated[0], 1 / stated[1]), halves):  # fast path of true tables
        return True
    return _no_hits_possible(by_name, weight) or next(_corners(halves), None) is not None


def spans(scores: Sequence[Reported], *, inverse: bool) -> dict[str, Span]:
    """(least, greatest) value of every score over the operating points that fit `scores`; empty if none fits."""
    if not feasible(scores, inverse=inverse):
        return {}
    by_name = {score.name: score for score in scores}
    share, weight = _shares(by_name, inverse=inverse)
    ranges = _spans_of_rates(_halves(by_name, weight))
    if _no_hits_possible(by_name, weight):
        ranges = _widened(ranges, by_name.get("area_ratio"))
    most = 1 / (1 + ranges.pop("background")[0])  # false positives need at least this share of background
    share = (share[0], min(share[1], most)) if share else (_ZERO, most)
    plus = 0 if inverse else 1
    low, high = ((1 / bound if bound else ENDLESS) - plus for bound in reversed(share))
    return ranges | {"prevalence": share, "class_weight": (low, high)}


def _widened(spans: dict[str, Span], area: Reported | None) -> dict[str, Span]:
    """The spans extended by the point without hits, where any reported area ratio is possible."""
    ends = (area.low, area.high) if area else (_ZERO, ENDLESS)
    false_positives = min(ends[0], spans["background"][0]) if spans else ends[0]
    rates = {name: (_ZERO, spans[name][1] if spans else _ZERO) for name in RATES}
    return rates | {"area_ratio": ends, "background": (false_positives, ENDLESS)}


def _shares(by_name: Mapping[str, Reported], *, inverse: bool) -> tuple[Span | None, Fraction | None]:
    """(interval of the prevalence, largest background : foreground) by prevalence and class weight; None: unbounded."""
    bounds = []
    if prevalence := by_name.get("prevalence"):
        bounds.append((prevalence.low, prevalence.high))
    if weight := by_name.get("class_weight"):
        low, high = (end + (0 if inverse else 1) for end in (weight.low, weight.high))
        bounds.append((1 / high, min(_ONE, 1 / low) if low else _ONE))
    if not bounds:
        return None, None
    least = max(low for low, _ in bounds)
    return (least, min(high for _, high in bounds)), (1 - least) / least if least > 0 else None


def _no_hits_possible(by_name: Mapping[str, Reported], weight: Fraction | None) -> bool:
    """Whether tp = 0 is possible; all predicted pixels then lie on background."""
    area = by_name.get("area_ratio")
    return all(score.low == 0 for name, score in by_name.items() if name in RATES) and (
        area is None or weight is None or area.low <= weight
    )


def _spans_of_rates(halves: Sequence[_Half]) -> dict[str, Span]:
    """Spans over the operating points with hits; `background` is false positives per true pixel, (u - 1) / v."""
    corners = list(_corners(halves))
    if not corners:
        return {}
    rays = _rays(halves)
    u, v, total = [a for a, _ in corners], [b for _, b in corners], [a + b for a, b in corners]
    outside = [(a - 1) / b for a, b in corners] + [a / b for a, b in rays if b]
    ratios = [a / b for a, b in corners] + [a / b if b else ENDLESS for a, b in rays]
    deep, tall = any(a for a, _ in rays), any(b for _, b in rays)
    return {
        "precision": (_ZERO if deep else 1 / max(u), 1 / min(u)),
        "recall": (_ZERO if tall else 1 / max(v), 1 / min(v)),
        "f1": (_ZERO if rays else 2 / max(total), 2 / min(total)),
        "iou": (_ZERO if rays else 1 / (max(total) - 1), 1 / (min(total) - 1)),
        "area_ratio": (min(ratios), max(ratios)),
        "background": (min(outside), max(outside)),
    }


def _halves(by_name: Mapping[str, Reported], weight: Fraction | None) -> list[_Half]:
    """Half-planes of the operating points with hits; an upper end of 0 leaves none."""
    if any(by_name[name].high == 0 for name in TABLE if name in by_name):
        return [(_ZERO, _ZERO, -_ONE)]
    halves: list[_Half] = [(-_ONE, _ZERO, -_ONE), (_ZERO, -_ONE, -_ONE)]
    if weight is not None:
        halves.append((_ONE, -weight, _ONE))
    for name, score in by_name.items():
        if name == "area_ratio":
            halves += [(_ONE, -score.high, _ZERO), (-_ONE, score.low, _ZERO)]
        elif name in RATES:
            a, b = {"precision": (_ONE, _ZERO), "recall": (_ZERO, _ONE)}.get(name, (_ONE, _ONE))
            times, plus = {"f1": (2, 0), "iou": (1, 1)}.get(name, (1, 0))
            halves.append((-a, -b, -(plus + times / score.high)))
            if score.low > 0:
                halves.append((a, b, plus + times / score.low))
    return halves


def _corners(halves: Sequence[_Half]) -> Iterator[_Point]:
    """Crossings of two of the lines that lie inside all half-planes."""
    for (a, b, c), (d, e, f) in combinations(halves, 2):
        if determinant := a * e - b * d:
            point = (c * e - b * f) / determinant, (a * f - c * d) / determinant
            if _holds(point, halves):
                yield point


def _holds(point: _Point, halves: Iterable[_Half]) -> bool:
    return all(a * point[0] + b * point[1] <= c for a, b, c in halves)


def _rays(halves: Sequence[_Half]) -> list[_Point]:
    """Directions of the unbounded edges of the intersection of the half-planes."""
    flat = [(a, b, _ZERO) for a, b, _ in halves]
    along = [(sign * b, -sign * a) for a, b, _ in halves for sign in (1, -1)]
    return [ray for ray in along if any(ray) and _holds(ray, flat)]
