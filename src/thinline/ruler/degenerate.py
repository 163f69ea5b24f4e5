"""Find the metrics that are degenerate on a truth: that barely react to a perturbation, or react at once.

Definitions
-----------
For one metric, one line width and one perturbation of a table of responses (perturb.py). `least` is the smallest
meaningful change of the metric (.01 for a rate, .1 px, .1 breaks per curve; `MEASURES` in scores.py). An amount is
*disturbed* unless it leaves the truth unchanged. The first definition that holds is reported:

    copy        equal to a metric earlier in `MEASURES` under every perturbation and amount, to 1e-12
    blind       the range of values over all amounts is below `least`: the metric does not see the perturbation
    saturated   at half of the disturbed amounts or more, the value is within `least` of the perfect value
    cliff       a rate is .05 or less at the smallest disturbed amount of a shift or jitter: near and far score alike

A degenerate metric is not wrong: metrics of columns are meant to ignore thickness, and tolerances are meant to
saturate. The list states where a metric carries no information on this truth. NaN values are skipped.
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
    """A degenerate metric (`measure`) at `width_px` under `perturbation`; a copy has the perturbation `all`."""

    width_px: int
    perturbation: str
    measure: str
    kind: str
    detail: str


def degenerate(table: pd.DataFrame) -> list[Degenerate]:
    """All degenerate metrics of a table of responses, in the order of `MEASURES`."""
    rows = [row for width, part in table.groupby("width_px") for row in _at_width(int(str(width)), part)]
    order = list(MEASURES)
    return sorted(rows, key=lambda row: (order.index(row.measure), row.kind, row.perturbation, row.width_px))


def _at_width(width: int, table: pd.DataFrame) -> Iterator[Degenerate]:
    wide = table.pivot_table(index=["perturbation", "amount"], columns="measure", values="value", dropna=False)
    for measure in (name for name in MEASURES if name in wide):
        if original := _copied(wide, measure):
            yield Degenerate(width, EVERYTHING, measure, "copy", f"is {MEASURES[original].title}")
            continue
        for perturbation in table["perturbation"].unique():
            values = wide.loc[perturbation, measure].dropna()
            if len(values) > 1 and (kind := _kind(values, measure, str(perturbation), width)):
                yield Degenerate(width, str(perturbation), measure, *kind)


def _copied(wide: pd.DataFrame, measure: str) -> str:
    """The earlier metric that `measure` equals everywhere, or an empty string."""
    if wide[measure].isna().all():
        return ""
    for earlier in list(MEASURES)[: list(MEASURES).index(measure)]:
        if earlier in wide and np.allclose(wide[measure], wide[earlier], rtol=0, atol=SAME, equal_nan=True):
            return earlier
    return ""


def _kind(values: pd.Series, measure: str, perturbation: str, width: int) -> tuple[str, str] | None:
    """(kind, detail) of the first definition that holds for `values` (index: amount), or None."""
    scale = MEASURES[measure]
    low, high = float(values.min()), float(values.max())
    if high - low < scale.least:
        return "blind", f"{low:.3f} to {high:.3f}"
    unchanged = width if perturbation == "thickness" else 0
    disturbed = values[values.index != unchanged]
    near = disturbed[(disturbed - scale.perfect).abs() < scale.least]
    if len(near) >= MOST_OF * len(disturbed):
        return "saturated", f"perfect at {', '.join(f'{amount:g}' for amount in near.index)}"
    first = float(disturbed.iloc[0])
    if perturbation.startswith(("shift", "jitter")) and scale.perfect == 1 and first <= FALLEN:
        return "cliff", f"{first:.3f} at {disturbed.index[0]:g}"
    return None


def grouped(rows: list[Degenerate]) -> list[tuple[str, str, str, str]]:
    """(measure, kind, perturbations, widths) lines of a table: equal kinds of one metric share a line."""
    widths: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        kind = row.detail if row.kind == "copy" else row.kind
        widths.setdefault((row.measure, kind, row.perturbation), []).append(str(row.width_px))
    lines: dict[tuple[str, str, str], list[str]] = {}
    for (measure, kind, perturbation), width in widths.items():
        lines.setdefault((measure, kind, " ".join(width)), []).append(perturbation)
    return [(measure, kind, ", ".join(names), width) for (measure, kind, width), names in lines.items()]
