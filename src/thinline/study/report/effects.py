"""The effects of a report, ready to be written down: contrasts, and which level is better.

Conventions
-----------
Contrasts are those of one and two factors; a row *differs* from 0 where that is so at p < .05 after Holm's correction,
as in the forest. Of each two levels of a factor one row names the one that is more probably better, with that
probability (ranks.py) and Holm's p of their difference, because the probability is not corrected for the number of
pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from thinline.study.figures.effects import SIGNIFICANT
from thinline.study.figures.style import words
from thinline.study.report.board import Shown
from thinline.study.report.numbers import digits_of, number, span, text_of

ORDERS: Final = 2
"""Main effects and interactions of so many factors are shown."""

_EVEN: Final = 0.5


def effects(contrasts: pd.DataFrame, measures: Sequence[Shown], classes: Sequence[str]) -> list[dict[str, Any]]:
    """The contrasts as rows; `reach` is the half width in which bars of their measure are drawn."""
    by_key = {(it.split, it.measure): it for it in measures}
    shown = shown_contrasts(contrasts, measures, classes).to_dict("records")
    rows = [_effect(row, by_key[row["split"], row["measure"]]) for row in shown]
    reach = _reach(rows)
    return [row | {"reach": reach[row["measure"]]} for row in rows]


def _effect(row: Mapping[Any, Any], it: Shown) -> dict[str, Any]:
    digits = digits_of(it.measure)
    effect, low, high = (float(row[name]) for name in ("effect", "low", "high"))
    return {
        **{"measure": it.key, "measure_name": it.name, "class": row["class"], "class_name": words(row["class"])},
        **{"order": int(row["order"]), "term": row["term"], "contrast": row["contrast"]},
        **{"value": effect, "low": low, "high": high, "primary": bool(row["primary"])},
        "known": bool(np.isfinite(low) and np.isfinite(high)),
        "differs": bool(row["p_holm"] < SIGNIFICANT),
        "text": number(effect, digits, signed=True),
        "span": span(low, high, digits, signed=True),
        "p": _chance(row["p"]),
        "p_holm": _chance(row["p_holm"]),
        "seeds": text_of(row["seeds"]),
        "detectable": number(row["detectable"], digits),
    }


def shown_contrasts(contrasts: pd.DataFrame, measures: Sequence[Shown], classes: Sequence[str]) -> pd.DataFrame:
    """The rows of `contrasts` that a report has: order 1 and 2, its measures and classes; those of the former first."""
    keys = contrasts["split"] + "/" + contrasts["measure"]
    order = {it.key: place for place, it in enumerate(measures)}
    kept = contrasts[(contrasts["order"] <= ORDERS) & keys.isin(list(order)) & contrasts["class"].isin(list(classes))]
    return kept.assign(_of=keys.map(order)).sort_values(["order", "_of"], kind="stable").drop(columns="_of")


def _reach(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The largest end of an interval, or effect where there is none, by measure; 1 where all is 0."""
    ends: dict[str, float] = {}
    for row in rows:
        mine = [abs(row[name]) for name in ("value", "low", "high") if np.isfinite(row[name])]
        ends[row["measure"]] = max([ends.get(row["measure"], 0.0), *mine])
    return {key: end or 1.0 for key, end in ends.items()}


def _chance(value: float) -> str:
    """A p as `.012`, or `<.001`."""
    return "<.001" if np.isfinite(value) and value < 0.001 else number(value)


def better(
    pairs: pd.DataFrame, contrasts: pd.DataFrame, measures: Sequence[Shown], classes: Sequence[str]
) -> list[dict[str, Any]]:
    """One row for each two levels of a factor, by measure and class: the better, the other, and how probably it is."""
    mains = contrasts[contrasts["order"] == 1].set_index(["split", "measure", "class", "term", "contrast"])["p_holm"]
    chances = mains.to_dict()
    keys = pairs["split"] + "/" + pairs["measure"]
    by_key = {it.key: it for it in measures}
    kept = pairs.assign(key=keys)[keys.isin(list(by_key)) & pairs["class"].isin(list(classes))]
    found, met = [], set()
    for row in kept.sort_values("p_better", ascending=False, kind="stable").to_dict("records"):
        two = frozenset((row["level_a"], row["level_b"]))
        if np.isfinite(row["p_better"]) and (row["key"], row["class"], row["factor"], two) not in met:
            met.add((row["key"], row["class"], row["factor"], two))
            found.append(_better(row, by_key[row["key"]], chances))
    order = {key: place for place, key in enumerate(by_key)}
    factors = list(dict.fromkeys(pairs["factor"]))
    return sorted(found, key=lambda it: (order[it["measure"]], classes.index(it["class"]), factors.index(it["factor"])))


def _better(row: Mapping[Any, Any], it: Shown, chances: Mapping[Any, float]) -> dict[str, Any]:
    share = float(row["p_better"])
    own = (it.split, it.measure, row["class"], row["factor"])
    orders = (f"{row['level_a']} - {row['level_b']}", f"{row['level_b']} - {row['level_a']}")
    p = next((chances[*own, told] for told in orders if (*own, told) in chances), np.nan)
    return {
        **{"measure": it.key, "measure_name": it.name, "class": row["class"], "class_name": words(row["class"])},
        **{"factor": row["factor"], "factor_name": words(row["factor"])},
        **{"level": row["level_a"], "other": row["level_b"], "share": share, "even": share == _EVEN},
        "text": number(share),
        "p_holm": _chance(p),
        "settled": bool(p < SIGNIFICANT),
    }
