"""Small files of claims, and planted results with every measure that claims ask for."""

from dataclasses import replace

import numpy as np
import pandas as pd
import yaml
from study_cases import planted

from thinline.study.claims.claims import read_claims
from thinline.study.claims.comparisons import COUNTED, Comparison
from thinline.study.claims.nodes import Clears
from thinline.study.claims.verdicts import verdicts_of
from thinline.study.stats.samples import TOTALS

GROUPS = {
    "loss": ["soft_ce", "dice", "tversky", "focal"],
    "class_weight": ["none", "measured", "fixed"],
    "data_mix": ["scarce", "fresh"],
    "head": ["softmax", "sigmoid_stack"],
}
SOURCE = "001_e399620bec03148d.txt"
MARGINS = [{"measures": ["iou", "precision", "recall", "f1"], "margin": 0.02, "because": "planted"}]

RECALL = {"kind": "difference", "measure": "test/recall", "plus": {"loss": "dice"}, "minus": {"loss": "soft_ce"}}
CLEARS = {"kind": "clears", "thresholds": {"test/recall": 0.5, "test/precision": 0.5}, "short": [1]}
SMALL = {"sheets": 8}


def claim_node(*criteria, study="planted", **changes):
    """A claim, as in the file, that `study` tests by `criteria`."""
    node = {"id": "one", "source": SOURCE, "statement": "It moves.", "run": "one run", "standing": "sourced"}
    if criteria:
        node["test"] = [{"studies": [study], "all": list(criteria)}]
    return {key: value for key, value in (node | changes).items() if value is not None}


def write_claims(folder, *nodes, margins=MARGINS):
    """A file of claims."""
    path = folder / "claims.yaml"
    path.write_text(yaml.safe_dump({"margins": margins, "claims": list(nodes)}, allow_unicode=True))
    return path


def claims_of(folder, *nodes, groups=GROUPS):
    """The claims of a file with these nodes."""
    return read_claims(write_claims(folder, *nodes), groups=groups)


def with_rows(results, split, measure, name, value, *, sd=0.0, rng=0, support=1000):
    """`results` with a row `split/measure/name` in every run: `value(cell)` and noise of the cell; for a count, the
    number on each of two sheets."""
    noise = np.random.default_rng(rng)
    added = [
        (row["run"], split, measure, name, value(row) + noise.normal(0, sd), support, f"{measure}|planted")
        for row in results.cells.to_dict("records")
    ]
    table = pd.DataFrame(added, columns=results.rows.columns)
    sheets = results.sheets
    if measure.endswith(TOTALS):
        sheets = pd.concat([sheets, *(table.assign(sheet=number) for number in range(2))], ignore_index=True)
        table = table.assign(value=2 * table["value"])
    return replace(results, rows=pd.concat([results.rows, table], ignore_index=True), sheets=sheets)


def complete(study, claims, **noise):
    """Planted results of `study` with every measure that `claims` ask of it, as its runs would have them.

    The binary head predicts one class, `curve`, and only a sigmoid stack claims pixels twice.
    """
    results = planted(study, sheets=3, **noise)
    asked = {
        (*measure.split("/"), name)
        for claim in claims
        for criterion in claim.tests.get(study.name, ())
        for measure, name in asked_by(criterion)
    }
    known = set(map(tuple, results.rows[["split", "measure", "class"]].drop_duplicates().to_numpy()))
    lacking = sorted(asked - known) + [("test", "iou", "background")] * (("test", "iou", "background") not in asked)
    for number, (split, measure, name) in enumerate(lacking):
        if measure not in COUNTED:
            support = 60000 if name == "background" else 1000
            results = with_rows(results, split, measure, name, lambda row: 0.3, sd=0.01, rng=number, support=support)
    return replace(results, rows=_as_heads_have_it(results))


def asked_by(criterion):
    """Every (measure, class) of a criterion."""
    curves = criterion.classes or ("curve_1", "curve_2")
    if isinstance(criterion, Comparison):
        return [(term.measure, name) for term in criterion.terms for name in ([term.of] if term.of else curves)]
    measures = criterion.thresholds if isinstance(criterion, Clears) else [each.name for each in criterion.measure]
    return [(measure, name) for measure in measures for name in curves]


def _as_heads_have_it(results):
    """The rows without those that a head does not give."""
    rows = results.rows
    if "head" not in results.cells:
        return rows
    head = rows["run"].map(results.cells.set_index("run")["head"])
    binary, curve = head == "binary", rows["class"] == "curve"
    kept = (binary & (curve | (rows["class"] == "background"))) | (~binary & ~curve)
    return rows[kept & ~((rows["class"] == "all") & (head != "sigmoid_stack"))].reset_index(drop=True)


def shift(by, **where):
    """An effect on recall of cells with all levels `where`."""
    levels = {name.replace("__", "."): level for name, level in where.items()}
    return lambda cell, measure, name: by if measure == "recall" and levels.items() <= cell.items() else 0.0


def verdict_of(tmp_path, results, *criteria, **changes):
    """The verdict of `results` on a claim with these criteria."""
    (verdict,) = verdicts_of(claims_of(tmp_path, claim_node(*criteria, **changes)), results)
    return verdict
