"""Small studies and tables of effects for the tests of the figures; means by pandas, without the package's own."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from study_cases import CURVES, planted

from thinline.study.design.results import ROW_COLUMNS
from thinline.study.design.study import Study

CONTRASTS = (
    *("split", "measure", "class", "order", "term", "contrast", "effect", "low", "high"),
    *("p", "p_holm", "seeds", "primary", "detectable"),
)
CELLS = ("split", "measure", "class", "condition", "mean", "low", "high", "seeds")
RANKS = ("split", "measure", "class", "factor", "level", "rank", "low_rank", "high_rank")
TAU = ("class", "factor", "measure_a", "measure_b", "tau")
COMPONENTS = (("loss", 3e-3, 0.75), ("seed", 1e-3, 0.25))
VARIANCE = ("split", "measure", "class", "component", "variance", "share")
FIVE_SEEDS = ("0", "1", "2", "3", "4")
FAMILIES = Study(
    name="families",
    question="Who moves what?",
    primary=("test/iou", "test/recall"),
    seeds=FIVE_SEEDS,
    factors={
        "class_weight": ("none", "measured"),
        "loss": ("soft_ce", "dice", "tversky"),
        "data_mix": ("scarce", "fresh"),
    },
    also=({"class_weight": ("measured",), "loss": ("dice_ce",), "data_mix": ("scarce", "fresh")},),
)
SWEEP = Study(
    name="sweep",
    question="How much weight?",
    primary=("test/f1", "tuned/f1"),
    seeds=("0", "1", "2"),
    factors={
        "class_weight": ("fixed",),
        "class_weight.value": ("1", "10", "42", "5"),
        "head": ("softmax", "sigmoid_stack"),
        "loss": ("soft_ce",),
    },
    also=({"class_weight": ("tuned_threshold",), "head": ("softmax", "sigmoid_stack"), "loss": ("soft_ce",)},),
)
PENS = Study(
    name="pens",
    question="How wide a pen?",
    primary=("test/iou",),
    seeds=("0", "1", "2"),
    factors={"resolution": ("pen1", "pen2", "pen3"), "loss": ("dice", "soft_ce")},
)

TRACED = ("viterbi_bridged_mae_track", "viterbi_coverage")


def moved(cell, measure, name):
    """Different numbers for all conditions; weights for recall, against precision."""
    if measure == "viterbi_bridged_mae_track":
        return 0.02 * (cell.get("data_mix") == "scarce") + 0.01 * (name == "curve_2")
    actual = -0.1 * (name == "curve_2") + 0.05 * (cell.get("data_mix") == "fresh")
    if cell.get("class_weight") == "measured" and cell["loss"] == "soft_ce":
        actual += {"recall": 0.15, "precision": -0.2}.get(measure, 0)
    actual += {"dice": 0.02, "tversky": 0.04, "dice_ce": 0.03}.get(cell["loss"], 0)
    actual += 0.002 * float(cell.get("class_weight.value") or 0)
    return actual + {"pen2": 0.1, "pen3": 0.15}.get(cell.get("resolution"), 0)


_PLANTED = {}


def small(study=FAMILIES):
    """Planted results of four sheets a seed, made once for each name of a study."""
    if study.name not in _PLANTED:
        _PLANTED[study.name] = planted(study, effect=moved, sheets=4)
    return _PLANTED[study.name]


def heads(names=("binary", "softmax"), **more):
    """Results of which those of the binary head have "curve", not traced, in place of two curves."""
    factors = {"head": names, "loss": ("dice", "soft_ce")} | more
    results = small(Study(f"heads {factors}", "Which?", ("test/f1",), ("0", "1", "2"), factors))
    binary = set(results.cells.loc[results.cells["head"] == "binary", "run"])

    def result(rows):
        own = rows["run"].isin(binary)
        kept = ~own | ((rows["class"] == "curve_1") & ~rows["measure"].isin(TRACED))
        return rows[kept].assign(**{"class": rows["class"].where(~own, "curve")[kept]})

    return replace(results, rows=result(results.rows), sheets=result(results.sheets))


def with_rows(results, values):
    """Results with more rows: `values` is {(split, measure): function of (condition row, class, seed)}."""
    rows = []
    for cell in results.cells.to_dict("records"):
        for (split, measure), value in values.items():
            rows += [
                (cell["run"], split, measure, name, value(cell, name, cell["seed"]), 9, "planted") for name in CURVES
            ]
    return replace(results, rows=pd.concat([results.rows, pd.DataFrame(rows, columns=list(ROW_COLUMNS))]))


def whole(results, measure, name, *, split="test"):
    """The values of whole splits, conditions by seeds."""
    rows = results.rows.merge(results.cells[["run", "condition", "seed"]], on="run")
    rows = rows[(rows["split"] == split) & (rows["measure"] == measure) & (rows["class"] == name)]
    return rows.pivot(index="condition", columns="seed", values="value").loc[list(results.conditions.index)]


@dataclass(frozen=True)
class Tables:
    """Effects as the figures read them."""

    contrasts: pd.DataFrame
    cells: pd.DataFrame
    ranks: pd.DataFrame
    tau: pd.DataFrame
    variance: pd.DataFrame


def tables(results, measures=("iou", "precision", "recall", "f1", "nsd_1px", "viterbi_bridged_mae_track")):
    """Effects: true means, intervals of .01 below and .03 above, and made-up contrasts, ranks, taus and variances."""
    cells, ranks, tau, variance = [], [], [], []
    losses = list(results.factors["loss"])
    for name in results.classes:
        for number, measure in enumerate(measures):
            means = whole(results, measure, name).mean(axis=1)
            cells += [
                ("test", measure, name, label, mean, mean - 0.01, mean + 0.03, 5) for label, mean in means.items()
            ]
            turned = losses[number % len(losses) :] + losses[: number % len(losses)]
            ranks += [
                ("test", measure, name, "loss", loss, rank + 0.25, rank, rank + 1)
                for rank, loss in enumerate(turned, start=1)
            ]
            tau += [(name, "loss", measure, other, 0.5) for other in measures[number + 1 :]]
            variance += [("test", measure, name, *component) for component in COMPONENTS]
    return Tables(
        contrasts(results),
        pd.DataFrame(cells, columns=list(CELLS)),
        pd.DataFrame(ranks, columns=list(RANKS)),
        pd.DataFrame(tau, columns=list(TAU)),
        pd.DataFrame(variance, columns=list(VARIANCE)),
    )


def contrasts(results, count=2):
    """Contrasts: `count` of order 1 and as many of order 2 for each primary measure, with effects all different."""
    rows, noise = [], np.random.default_rng(0)
    for split, measure in (primary.split("/") for primary in results.study.primary):
        for name in results.classes:
            for order, term in ((1, "loss"), (2, "class_weight:loss")):
                for number in range(count):
                    effect = float(noise.normal(0, 0.1))
                    ends = (effect - 0.02, effect + 0.04)
                    p = (0.001, 0.2)[number % 2]
                    names = (split, measure, name, order, term, f"level_{number} - other")
                    rows.append((*names, effect, *ends, p / 2, p, 5, True, 0.03))
    return pd.DataFrame(rows, columns=list(CONTRASTS))


def panel(figure, title, *, below=None):
    """The one panel with this title, and with this label below it where one is given."""
    (named,) = [
        axes for axes in figure.axes if axes.get_title(loc="left") == title and below in (None, axes.get_xlabel())
    ]
    return named


def points(axes, label):
    """The points (x, y) of the line or markers called `label` in a panel, [n,2]."""
    (drawn,) = [line for line in axes.lines if line.get_label() == label]
    return np.asarray(drawn.get_xydata())


def segments(axes):
    """All intervals of a panel, [n,2,2]."""
    drawn = [lines for lines in axes.collections if hasattr(lines, "get_segments")]
    return np.array([segment for lines in drawn for segment in lines.get_segments()])


def tick_labels(axis):
    """The texts at the ticks of an axis (`axes.xaxis` or `axes.yaxis`)."""
    return [label.get_text() for label in axis.get_ticklabels()]


def one_line(text):
    """A wrapped text on one line."""
    return " ".join(text.split())


def texts(axes):
    """All texts inside a panel."""
    return [text.get_text() for text in axes.texts]
