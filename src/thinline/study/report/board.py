"""What the moving parts of a report show: the values of every condition, the board of families, the weight dial, the
shift. All of it was measured or is counted; a combination that was not run has no condition here.

Conventions
-----------
A condition has one text for each *setting*, a factor and what dotted factors vary within it: `class_weight` is `none`
or `fixed, value 10`, and `not set` where a condition has no level of it. A value is `[mean, low, high, seeds]`; `low`
and `high` are NaN with one seed. The key of a measure is `split/measure`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from thinline.ruler.shift_experiment import SHIFTS, cells
from thinline.study.claims.remedies import FAMILIES, families_of, moves
from thinline.study.design.results import Results
from thinline.study.figures.style import words
from thinline.study.stats.samples import AXES, LOWER_IS_BETTER

WEIGHT: Final = "class_weight"
UNSET: Final = "not set"
_VALUE: Final = "class_weight.value"
_HEAD: Final = "head"
_BASES: Final = {"class_weight": "none", "loss": "soft_ce", "data_mix": "scarce"}
_SHAPES: Final = {"curve": "thin curve, 1 px wide", "blob": "thick blob, 10 px wide"}


@dataclass(frozen=True)
class Shown:
    """A measure that a report shows; `key` is how tables and scripts call it."""

    split: str
    measure: str

    @property
    def key(self) -> str:
        """`split/measure`."""
        return f"{self.split}/{self.measure}"

    @property
    def name(self) -> str:
        """As people call it."""
        name = AXES.get(self.measure, words(self.measure))
        return name if self.split == "test" else f"{self.split} {name}"

    @property
    def lower(self) -> bool:
        """Whether less of it is better."""
        return self.measure in LOWER_IS_BETTER


def shown(cells: pd.DataFrame) -> list[Shown]:
    """The measures of a table of conditions that a report shows, in the order of `AXES`; tuned F1 after F1."""
    there = set(zip(cells["split"], cells["measure"], strict=True))
    wanted: list[Shown] = []
    for measure in AXES:
        wanted += [Shown("test", measure), Shown("tuned", measure)] if measure == "f1" else [Shown("test", measure)]
    return [it for it in wanted if (it.split, it.measure) in there]


def values(cells: pd.DataFrame, measures: Sequence[Shown], classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The value of each condition by class and key."""
    known = {(it.split, it.measure): it.key for it in measures}
    found: dict[str, dict[str, Any]] = {name: {it.key: {} for it in measures} for name in classes}
    columns = ["split", "measure", "class", "condition", "mean", "low", "high", "seeds"]
    for split, measure, name, condition, *value in cells[columns].itertuples(index=False):
        if (split, measure) in known and name in found:
            found[name][known[split, measure]][condition] = value
    return found


def settings(results: Results) -> dict[str, dict[str, str]]:
    """The text of every setting by condition."""
    factors = list(results.factors)
    inside = {name: name.partition(".")[0] for name in factors if name.partition(".")[0] in factors and "." in name}
    found = {}
    for label, row in results.conditions.iterrows():
        own = {name: str(row[name]) if pd.notna(row[name]) else UNSET for name in factors if name not in inside}
        for name, group in inside.items():
            if pd.notna(row[name]):
                own[group] += f", {name.partition('.')[2]} {row[name]}"
        found[str(label)] = own
    return found


def levels(texts: Mapping[str, Mapping[str, str]], name: str) -> list[str]:
    """The texts of one setting, in the order in which conditions have them."""
    return list(dict.fromkeys(own[name] for own in texts.values() if name in own))


def board(results: Results) -> dict[str, Any]:
    """The families that the study moves, the other settings it varies, and every condition by its settings."""
    texts, moved = settings(results), families_of(results.conditions)
    families = []
    for letter, family in FAMILIES.items():
        on = _texts_of([label for label in texts if letter in moved[label]], texts, family.factor)
        off = _texts_of([label for label in texts if letter not in moved[label]], texts, family.factor)
        if on and off:
            base = _BASES[family.factor]
            families.append(
                {
                    "letter": letter,
                    "name": family.name,
                    "axis": AXES.get(family.axis, family.axis),
                    "factor": family.factor,
                    "label": words(family.factor),
                    "on": on,
                    "off": sorted(off, key=lambda level: level != base),
                }
            )
    taken = {str(it["factor"]) for it in families}
    conditions = [
        {"label": label, "settings": own, "moves": moves(moved[label] & {it["letter"] for it in families})}
        for label, own in texts.items()
    ]
    return {"families": families, "others": _others(texts, taken), "conditions": conditions}


def _texts_of(labels: Sequence[str], texts: Mapping[str, Mapping[str, str]], factor: str) -> list[str]:
    return levels({label: texts[label] for label in labels}, factor)


def _others(texts: Mapping[str, Mapping[str, str]], taken: set[str]) -> list[dict[str, Any]]:
    """The settings beside `taken` that have several levels."""
    names = dict.fromkeys(name for own in texts.values() for name in own if name not in taken)
    told = [{"factor": name, "label": words(name), "levels": levels(texts, name)} for name in names]
    return [it for it in told if len(it["levels"]) > 1]


def dial(results: Results) -> dict[str, Any] | None:
    """The weights measured, by value where the study has several, else by level; None where it has only one.

    `controls` are the settings of `class_weight` that are no place of the dial.
    """
    texts = settings(results)
    told = levels(texts, WEIGHT)
    by_value: dict[str, float] = {}
    if _VALUE in results.factors:
        for label, row in results.conditions.iterrows():
            if pd.notna(row[_VALUE]):
                by_value[texts[str(label)][WEIGHT]] = float(row[_VALUE])
    valued = len(by_value) > 1
    stops = sorted(by_value, key=lambda text: by_value[text]) if valued else told
    if len(stops) < 2:
        return None
    return {
        "by_value": valued,
        "stops": [{"level": text, "name": f"{by_value[text]:g}" if valued else text} for text in stops],
        "controls": [text for text in told if text not in stops],
        "heads": levels(texts, _HEAD) or [_head(results)],
        "head_varies": bool(levels(texts, _HEAD)),
        "others": _others(texts, {WEIGHT, _HEAD}),
    }


def _head(results: Results) -> str:
    """The head of all runs, as the setting of the study tells it."""
    told = dict(it.split("=", 1) for it in results.made_by.get("setting", "").split() if "=" in it)
    return told.get(_HEAD, "all cells")


def shift() -> dict[str, Any]:
    """The two drawn truths as rows of 0 and 1, from which the page counts IoU at each of `shifts`."""
    drawn = {name: ["".join("1" if cell else "0" for cell in row) for row in mask] for name, mask in cells().items()}
    return {
        "shifts": list(SHIFTS),
        "shapes": [{"name": name, "title": _SHAPES[name], "rows": rows} for name, rows in drawn.items()],
    }
