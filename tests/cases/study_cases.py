"""Declared studies of conf/, and planted studies: results with known effects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from thinline.study.design.collect import in_grid
from thinline.study.design.results import ROW_COLUMNS, SHEET_COLUMNS, Results, label_of
from thinline.study.design.study import SEED, Study, expand
from thinline.study.design.yaml import read_study

THREE = Study(
    name="planted",
    question="Is what was planted found?",
    primary=("test/iou", "test/precision", "test/recall"),
    seeds=("0", "1", "2", "3", "4"),
    factors={
        "class_weight": ("none", "measured"),
        "loss": ("soft_ce", "dice", "tversky"),
        "data_mix": ("scarce", "fresh"),
    },
    budget="laptop",
    command="python train.py -m +experiment=planted",
)
LOSSES = replace(THREE, factors={"loss": THREE.factors["loss"]})
"""The same with one factor: a comparison of its levels has no other factor to depend on."""

TWO = replace(THREE, factors={name: THREE.factors[name] for name in ("loss", "data_mix")})
CONF = Path(__file__).parents[2] / "conf"
STUDIES = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml") if "\nstudy:\n" in path.read_text())
CURVES = ("curve_1", "curve_2")
ERRORS = ("viterbi_bridged_mae_track", "viterbi_mae_track")


def declared(name: str, **changes: object) -> Study:
    """The study of a file of conf/experiment, read without Hydra, with `changes` of its node."""
    node = yaml.safe_load((CONF / "experiment" / f"{name}.yaml").read_text())["study"]
    groups = {
        path.name: sorted(option.stem for option in path.glob("*.yaml")) for path in CONF.iterdir() if path.is_dir()
    }
    return read_study(node | changes, groups=groups)


def planted(
    study: Study = THREE,
    *,
    effect: Callable[[Mapping[str, str], str, str], float] = lambda cell, measure, name: 0.0,
    seed_sd: float = 0.01,
    cell_sd: float = 0.005,
    sheet_sd: float = 0.05,
    sheets: int = 64,
    rng: int = 0,
    others: Sequence[str] = ("nsd_1px", "tol_f1_1px", "viterbi_bridged_mae_track", "viterbi_coverage"),
) -> Results:
    """Results of every cell of `study`: pixel rates from counts, and the measures `others`.

    A rate of a sheet is .6 (errors .1), plus `effect(cell, measure, class)`, plus noise of the seed (shared by its
    cells), of the cell and of the sheet (shared by the cells of its seed). Of the pixel rates the effects on precision
    and recall are planted; IoU, F1 and area follow from the counts.
    """
    noise = np.random.default_rng(rng)
    cells, rows, of_sheets = [], [], []
    shared = {
        (seed, measure, name): (noise.normal(0, seed_sd), noise.normal(0, sheet_sd, sheets))
        for seed in study.seeds
        for measure in ("precision", "recall", *others)
        for name in CURVES
    }
    supports = {(seed, name): noise.integers(400, 900, sheets) for seed in study.seeds for name in CURVES}
    for cell in expand(study):
        label = label_of(cell, study.names)
        run = f"{label.replace('/', '-')}-s{cell[SEED]}"
        factors = {name: cell.get(name) for name in study.names if name != SEED}
        cells.append(
            {"run": run, "cell": f"{label}/s{cell[SEED]}", "condition": label, "seed": int(cell[SEED])}
            | factors
            | {"grid": in_grid(study, cell)}
        )
        for name in CURVES:
            drawn = {}
            for measure in ("precision", "recall", *others):
                of_seed, by_sheet = shared[cell[SEED], measure, name]
                base = 0.1 if measure in ERRORS else 0.6
                mean = base + effect(cell, measure, name) + of_seed + noise.normal(0, cell_sd)
                drawn[measure] = np.clip(mean + by_sheet, 0.001, None if measure in ERRORS else 0.999)
            support = supports[cell[SEED], name]
            tables = _pixel_rates(support, drawn) | {measure: (drawn[measure], support) for measure in others}
            for measure, (values, weights) in tables.items():
                sign = f"{measure}|planted"
                of_sheets += [
                    (run, "test", measure, name, value, int(pixels), sign, number)
                    for number, (value, pixels) in enumerate(zip(values, support, strict=True))
                ]
                pooled = float((values * weights).sum() / weights.sum())
                rows.append((run, "test", measure, name, pooled, int(support.sum()), sign))
                if measure == "f1":
                    rows.append((run, "tuned", measure, name, pooled + 0.01, int(support.sum()), sign))
    table = pd.DataFrame(cells)
    return Results(
        study,
        table,
        pd.DataFrame(rows, columns=list(ROW_COLUMNS)),
        pd.DataFrame(of_sheets, columns=list(SHEET_COLUMNS)),
    )


def _pixel_rates(support, drawn):
    """{rate: (values [N], weights [N])} from whole pixels, so that the rates agree with each other."""
    hits = np.rint(drawn["recall"] * support)
    predicted = np.maximum(np.rint(hits / drawn["precision"]), hits)
    union = predicted + support - hits
    return {
        "iou": (hits / union, union),
        "precision": (hits / np.maximum(predicted, 1), predicted),
        "recall": (hits / support, support),
        "f1": (2 * hits / (predicted + support), predicted + support),
        "area_ratio": (predicted / support, support),
    }
