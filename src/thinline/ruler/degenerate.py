"""Which measures tell nothing on the truth at hand: a table of responses (ruler.py) -> what is degenerate, and why.

Definitions
-----------
Of one measure, at one width, under one perturbation; `least` is the least change of the measure that says anything (.01
of a rate, .1 px, .1 breaks a curve; `MEASURES` in scores.py). An amount is *disturbed* unless it leaves the truth
as it was. The first that holds:

    copy        equal to a plainer measure (one earlier in `MEASURES`) under every perturbation and amount, to 1e-12
    blind       greatest less least value over all amounts is below `least`: the measure does not see the perturbation
    saturated   for half of the disturbed amounts or more, the value is within `least` of that of a perfect answer
    cliff       a rate is at .05 or below at the least disturbed amount of shift or jitter: near and far score alike

Blind may be what a measure is for (none of columns sees thickness), and a tolerance is meant to saturate: the list says
where a number on this truth holds no news, not that the measure is wrong. Undefined values (NaN) are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from thinline.ruler.scores import MEASURES

SAME: Final = 1e-12
FALLEN: Final = 0.05
MOST_OF: Final = 0.5
EVERYTHING: Final = "all"


@dataclass(frozen=True)
class Degenerate:
    """A measure that tells nothing at `width_px` under `perturbation`, or `all` of them for a copy."""

    width_px: int
    perturbation: str
    measure: str
    kind: str
    detail: str


def degenerate(table: pd.DataFrame) -> list[Degenerate]:
    """All that is degenerate in a table of responses, in the order of measures."""
    found = [verdict for width, part in table.groupby("width_px") for verdict in _at(int(str(width)), part)]
    order = list(MEASURES)
    return sorted(found, key=lambda it: (order.index(it.measure), it.kind, it.perturbation, it.width_px))


def _at(width: int, table: pd.DataFrame) -> Iterator[Degenerate]:
    wide = table.pivot_table(index=["perturbation", "amount"], columns="measure", values="value", dropna=False)
    for measure in (name for name in MEASURES if name in wide):
        if original := _copied(wide, measure):
            yield Degenerate(width, EVERYTHING, measure, "copy", f"is {MEASURES[original].title}")
            continue
        for perturbation in table["perturbation"].unique():
            values = wide.loc[perturbation, measure].dropna()
            if len(values) > 1 and (verdict := _verdict(values, measure, str(perturbation), width)):
                yield Degenerate(width, str(perturbation), measure, *verdict)


def _copied(wide: pd.DataFrame, measure: str) -> str:
    """The plainer measure that `measure` equals everywhere, or nothing."""
    if wide[measure].isna().all():
        return ""
    for plainer in list(MEASURES)[: list(MEASURES).index(measure)]:
        if plainer in wide and np.allclose(wide[measure], wide[plainer], rtol=0, atol=SAME, equal_nan=True):
            return plainer
    return ""


def _verdict(values: pd.Series, measure: str, perturbation: str, width: int) -> tuple[str, str] | None:
    """Kind and detail of the first definition that holds for `values` by amount."""
    scale = MEASURES[measure]
    low, high = float(values.min()), float(values.max())
    if high - low < scale.least:
        return "blind", f"{low:.3f} to {high:.3f}"
    rest = width if perturbation == "thickness" else 0
    disturbed = values[values.index != rest]
    near = disturbed[(disturbed - scale.perfect).abs() < scale.least]
    if len(near) >= MOST_OF * len(disturbed):
        return "saturated", f"perfect at {', '.join(f'{amount:g}' for amount in near.index)}"
    first = float(disturbed.iloc[0])
    if perturbation in ("shift", "jitter") and scale.perfect == 1 and first <= FALLEN:
        return "cliff", f"{first:.3f} at {disturbed.index[0]:g}"
    return None


def grouped(found: list[Degenerate]) -> list[tuple[str, str, str, str]]:
    """(measure, kind, perturbations, widths) with what belongs together in one line, for a table."""
    widths: dict[tuple[str, str, str], list[str]] = {}
    for it in found:
        kind = it.detail if it.kind == "copy" else it.kind
        widths.setdefault((it.measure, kind, it.perturbation), []).append(str(it.width_px))
    lines: dict[tuple[str, str, str], list[str]] = {}
    for (measure, kind, perturbation), of in widths.items():
        lines.setdefault((measure, kind, " ".join(of)), []).append(perturbation)
    return [(measure, kind, ", ".join(under), of) for (measure, kind, of), under in lines.items()]
