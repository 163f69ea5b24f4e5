"""Small studies with tables of effects for the tests of the report; the means of levels are those of the package."""

from dataclasses import dataclass, replace
from io import StringIO
from itertools import permutations

import numpy as np
import pandas as pd
from figure_cases import CELLS, CONTRASTS, FAMILIES, RANKS
from study_cases import ERRORS, planted

from thinline.study.design.results import Results
from thinline.study.design.study import Study
from thinline.study.stats.effects import effects
from thinline.study.stats.estimates import estimate
from thinline.study.stats.samples import AXES, samples

BOARD = replace(
    FAMILIES,
    name="three_moves",
    question="Do the families add?",
    primary=("test/iou", "test/precision", "test/recall"),
    seeds=("0", "1", "2"),
    budget="laptop",
    command="python train.py -m +experiment=three_moves",
)
PENS = Study(
    name="two_pens",
    question="How wide a pen?",
    primary=("test/iou",),
    seeds=("0", "1", "2"),
    factors={"resolution": ("pen1", "pen2")},
)

PAIRS = ("split", "measure", "class", "factor", "level_a", "level_b", "p_better")
_VERDICTS = """
claim|statement|source|standing|sourced_numbers|verdict|study|effect|low|high|seeds|sentence
recall-up|Weighting raises recall|001|sourced|recall .96, .97|supported|three_moves|.1|.08|.12|3|Recall rises.
iou-still|Weighting leaves overlap|001|illustrative||refuted|three_moves|-.05|-.06|-.04|3|It costs overlap.
region-iou|A region loss moves overlap|001|sourced|IoU .26, .21|undecided|three_moves|.01|-.01|.03|3|Nothing is told.
stack-stops|F1 of the stack stops rising|003|sourced|F1 .37, .26, .55|untestable|||||0|The head does not vary.
"""
VERDICTS = pd.read_csv(StringIO(_VERDICTS), sep="|", dtype={"source": str}).fillna({"study": "", "sourced_numbers": ""})
VERDICTS = VERDICTS.assign(**{"measure": "test/iou", "class": "curve_1", "signed": True})


@dataclass(frozen=True)
class Tables:
    """What a report reads of effects."""

    contrasts: pd.DataFrame
    cells: pd.DataFrame
    ranks: pd.DataFrame
    pairs: pd.DataFrame
    levels: pd.DataFrame
    notes: tuple[str, ...] = ("Paired by seed.",)


def moved(cell, measure, name):
    """Effects of a planted study: weights for recall, against precision, fresh sheets for both, a harder curve 2."""
    actual = -0.1 if name == "curve_2" else 0.1
    if measure in ERRORS:
        return -0.05 * actual
    if cell.get("class_weight") == "measured":
        actual += {"recall": 0.15, "precision": -0.2}.get(measure, 0)
    actual += {"precision": 0.04, "recall": 0.02}.get(measure, 0) * (cell.get("data_mix") == "fresh")
    actual += 0.03 * (cell.get("loss") == "tversky") + 0.001 * float(cell.get("class_weight.value", 0))
    return actual


_TABLES: dict[tuple[int, ...], tuple[Results, Tables]] = {}


def tables(results: Results) -> Tables:
    """Means of all conditions; for each factor its first two levels against each other, and made-up higher orders.

    Pairs have one level in front by number. The tables are made once for the same numbers; tests only read them.
    """
    key = tuple(map(id, (results.study, results.cells, results.rows, results.sheets)))
    if key not in _TABLES:
        _TABLES[key] = results, _tables(results)  # the results are kept, so that no other object gets their address
    return _TABLES[key][1]


def _tables(results: Results) -> Tables:
    cells, contrasts, ranks, pairs = [], [], [], []
    conditions = results.conditions
    known = set(results.rows["measure"])
    for split, measure in [*(("test", measure) for measure in AXES if measure in known), ("tuned", "f1")]:
        for name in results.classes:
            data = samples(results, measure, name, split=split)
            for number, label in enumerate(data.conditions):
                mean = estimate(data, np.eye(len(data.conditions))[number])
                cells.append((split, measure, name, label, mean.effect, mean.low, mean.high, mean.seeds))
            for factor, declared in results.factors.items():
                levels = [level for level in declared if (conditions["grid"] & (conditions[factor] == level)).any()]
                if len(levels) < 2:
                    continue
                is_first, is_other = (
                    (conditions["grid"] & (conditions[factor] == level)).to_numpy(float) for level in levels[:2]
                )
                difference = estimate(data, is_other / is_other.sum() - is_first / is_first.sum())
                for order in (1, 2, 3):
                    primary = order == 1 and measure in ("iou", "recall")
                    values = [value / order for value in (difference.effect, difference.low, difference.high)]
                    values += [difference.p, difference.p if primary else np.nan]
                    names = (split, measure, name, order, ":".join([factor] * order), f"{levels[1]} - {levels[0]}")
                    contrasts.append((*names, *values, difference.seeds, primary, 0.02))
                for one, other in permutations(range(len(levels)), 2):
                    share = 0.5 + 0.1 * (one - other) * (-1 if measure == "precision" else 1)
                    pairs.append((split, measure, name, factor, levels[one], levels[other], share))
                ranks += [(split, measure, name, factor, level, 1.5, 1, 2) for level in levels]
    return Tables(
        pd.DataFrame(contrasts, columns=list(CONTRASTS)),
        pd.DataFrame(cells, columns=list(CELLS)),
        pd.DataFrame(ranks, columns=list(RANKS)),
        pd.DataFrame(pairs, columns=list(PAIRS)),
        effects(results).levels,
    )


_PLANTED: dict[str, Results] = {}


def small(study: Study = BOARD, **given) -> Results:
    """Planted results of few sheets, made once for the same arguments."""
    key = repr((study, given))
    if key not in _PLANTED:
        _PLANTED[key] = planted(study, effect=moved, sheets=4, **given)
    return _PLANTED[key]


def wide(losses: int, mixes: int) -> Study:
    """A study of so many conditions, with levels that are no option of conf/."""
    return Study(
        name="wide",
        question="Is a long table still a table?",
        primary=("test/iou",),
        seeds=("0", "1"),
        factors={
            "loss": tuple(f"loss_{n}" for n in range(losses)),
            "data_mix": tuple(f"mix_{n}" for n in range(mixes)),
        },
    )
