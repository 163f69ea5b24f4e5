"""The frontier board of a report: the value of every condition, and the switches that select one.

Conventions
-----------
A condition has one text for each *setting*, a factor together with its dotted factors: `class_weight` is `none` or
`fixed, value 10`, and `not set` where a condition has no level of it. A value is `[mean, low, high, seeds]`; `low` and
`high` are NaN with one seed. Combinations that were not run have no condition here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from thinline.metrics.catalogue import metric
from thinline.study.claims.remedies import FAMILIES, families_of, moves
from thinline.study.design.results import Results
from thinline.study.figures.style import words
from thinline.study.report.tables import Measure

UNSET: Final = "not set"
_BASES: Final = {"class_weight": "none", "loss": "soft_ce", "data_mix": "scarce"}


def values(cells: pd.DataFrame, measures: Sequence[Measure], classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The value of each condition by class and key of the measure."""
    keys = [measure.key for measure in measures]
    by_class: dict[str, dict[str, Any]] = {name: {key: {} for key in keys} for name in classes}
    columns = ["split", "measure", "class", "condition", "mean", "low", "high", "seeds"]
    for split, measure, name, condition, *value in cells[columns].itertuples(index=False):
        if f"{split}/{measure}" in keys and name in by_class:
            by_class[name][f"{split}/{measure}"][condition] = value
    return by_class


def settings(results: Results) -> dict[str, dict[str, str]]:
    """The text of every setting by condition."""
    factors = list(results.factors)
    inside = {name: name.partition(".")[0] for name in factors if name.partition(".")[0] in factors and "." in name}
    texts = {}
    for label, row in results.conditions.iterrows():
        own = {name: str(row[name]) if pd.notna(row[name]) else UNSET for name in factors if name not in inside}
        for name, group in inside.items():
            if pd.notna(row[name]):
                own[group] += f", {name.partition('.')[2]} {row[name]}"
        texts[str(label)] = own
    return texts


def board(results: Results) -> dict[str, Any]:
    """The families that the study varies, its other settings with several levels, and every condition by settings."""
    texts, moved = settings(results), families_of(results.conditions)
    families = []
    for letter, family in FAMILIES.items():
        on = _levels(texts, family.factor, [label for label in texts if letter in moved[label]])
        off = _levels(texts, family.factor, [label for label in texts if letter not in moved[label]])
        if on and off:
            base = _BASES[family.factor]
            families.append(
                {
                    "letter": letter,
                    "name": family.name,
                    "axis": metric(family.axis).label,
                    "factor": family.factor,
                    "label": words(family.factor),
                    "on": on,
                    "off": sorted(off, key=lambda level: level != base),
                }
            )
    letters, taken = ({str(family[key]) for family in families} for key in ("letter", "factor"))
    names = dict.fromkeys(name for own in texts.values() for name in own if name not in taken)
    others = [{"factor": name, "label": words(name), "levels": _levels(texts, name, list(texts))} for name in names]
    conditions = [
        {"label": label, "settings": own, "moves": moves(moved[label] & letters)} for label, own in texts.items()
    ]
    return {
        "families": families,
        "others": [other for other in others if len(other["levels"]) > 1],
        "conditions": conditions,
    }


def _levels(texts: Mapping[str, Mapping[str, str]], name: str, conditions: Sequence[str]) -> list[str]:
    """The texts of one setting in the order of the `conditions`, each once."""
    return list(dict.fromkeys(texts[label][name] for label in conditions if name in texts[label]))
