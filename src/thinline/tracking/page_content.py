"""The numbers of a run in MLflow: headline numbers as metrics, a table of all numbers, and a description.

Headline numbers

- A headline number is one that people compare from run to run. For each class after the background: pixel rates on
  validation and test, scores of the traced curve on test, F1 at the tuned threshold, and this threshold. For the run:
  loss, gradient norms, speed and time. A run of two curves has about 40. The primary measures of a study are headline
  numbers of its runs too.
- Names are those of the tables (`test/iou/curve_1`). MLflow sorts them, and its page should open with the IoU of each
  curve. So no headline number of `test` may have a measure that comes before `iou` in the alphabet. F1 on test is not a
  headline number, since it is 2 IoU / (1 + IoU).
- A number that belongs to no split, for example `train/loss`, is a headline number unless its name begins with an entry
  of `_ONLY_IN_TABLE`.
- A run that an older version of thinline logged keeps all metrics that it has in MLflow.

The table `metrics.json`

- The table has the format of `mlflow.log_table`, so that MLflow's page can show it and compare it between runs. Its
  first rows are those of per_class.parquet, the test images first. Then comes the last value of each number that only
  the history has. NaN is null; the signatures of the metrics are in per_class.parquet.

Descriptions (`mlflow.note.content`)

- thinline writes the description of a run when the run starts, and again when it ends. Such a description begins with
  `BEGINNING`. Any other description was written by a user and is not changed.
- MLflow's page shows the first lines only, so a description begins with the result: that of a parent run begins with a
  table of the conditions. The text below this table is kept in the record of the sweep (runs/parent_runs.py).

This module does not import MLflow.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from thinline.metrics.catalogue import logged_names
from thinline.metrics.number_format import interval, number
from thinline.runs.folder import PER_CLASS, RunFolder
from thinline.runs.history import Line
from thinline.runs.manifest import FINISHED, Manifest
from thinline.runs.parent_runs import Sweep
from thinline.runs.table import curve_iou

RATES: Final = ("iou", "precision", "recall")
MEASURES: Final[Mapping[str, tuple[str, ...]]] = {
    "val": RATES,
    "test": (
        *RATES,
        *("nsd_1px", "tol_f1_1px"),
        *(f"viterbi_{name}" for name in ("mae_track", "bridged_mae_track", "bridged_r2", "coverage", "swaps")),
    ),
    "tuned": ("f1", "threshold"),
}
"""The headline measures of each split."""

TABLE: Final = "metrics.json"
TABLE_COLUMNS: Final = ("metric", "value", "support")
_FIRST: Final = ("test", "tuned", "val")
NOTE_TAG: Final = "mlflow.note.content"
BEGINNING: Final = "**Result:** "
IOU: Final = "test/iou/"
MOST_ROWS: Final = 40
"""Most conditions in the table of a description; the metrics and artifacts of the parent run have all conditions."""

_PERTURBED: Final = "oracle_"
_ONLY_IN_TABLE: Final = ("data/", "train/measured_ratio/", "train/class_weight/")


@dataclass(frozen=True)
class Headline:
    """The headline numbers of one run: the name of its `background`, and the `measures` (`test/f1`) of its study."""

    background: str = "background"
    measures: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether `name`, for example `test/iou/curve_1`, is a headline number."""
        if name.startswith(_ONLY_IN_TABLE):
            return False
        split, _, rest = name.partition("/")
        if split not in MEASURES and not split.startswith(_PERTURBED):
            return True
        measure, _, own_class = rest.partition("/")
        wanted = measure in MEASURES.get(split, ()) or f"{split}/{measure}" in self.measures
        return wanted and own_class != self.background

    def of(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The headline numbers among `metrics`."""
        return {name: value for name, value in metrics.items() if self.has(name)}

    def lines(self, lines: Sequence[Line]) -> list[Line]:
        """The history `lines` with headline numbers only; lines without any are left out."""
        kept = (Line(line.step, line.time_ms, self.of(line.metrics)) for line in lines)
        return [line for line in kept if line.metrics]


def headline_of(manifest: Manifest, measures: Sequence[str] = ()) -> Headline:
    """The headline numbers of the run of `manifest`; `measures` are the primary measures of its study."""
    classes = manifest.cell.config.get("classes")
    background = classes[0] if isinstance(classes, list | tuple) and classes else "background"
    return Headline(str(background), tuple(measures))


def table_text(folder: RunFolder) -> str:
    """The text of `metrics.json` of a run."""
    path = folder.path / PER_CLASS
    rows: list[list[Any]] = []
    if path.exists():
        table = pd.read_parquet(path)
        columns = (table[name].tolist() for name in TABLE_COLUMNS[1:])
        rows = [list(row) for row in zip(logged_names(table), *columns, strict=True)]
        rows.sort(key=lambda row: _position(row[0]))
    known = {row[0] for row in rows}
    last = {name: value for line in folder.history() for name, value in line.metrics.items()}
    rows += [[name, value, None] for name, value in last.items() if name not in known]
    return json_table(TABLE_COLUMNS, rows)


def json_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as `mlflow.log_table` writes it; numbers that are not finite are null."""
    data = [[None if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in row] for row in rows]
    return json.dumps({"columns": list(columns), "data": data}, allow_nan=False)


def run_note(folder: RunFolder, manifest: Manifest) -> str:
    """The description of the run of `folder`, in Markdown."""
    cell = manifest.cell
    levels = " ".join(f"`{name}={level}`" for name, level in {**cell.factors, "seed": str(cell.seed)}.items())
    data = "; ".join(_dataset(each) for each in cell.datasets) or f"images with digest {cell.dataset_digest}"
    return "\n\n".join(
        [
            f"{BEGINNING}{_result(folder, manifest)}",
            f"**Load:** {_load(folder)}",
            f"**Trained:** {levels}",
            f"**On:** {data}",
        ]
    )


def model_note(folder: RunFolder, checkpoint: Path) -> str:
    """The description of the model of a run: where its weights are and how to load them."""
    return f"**Load:** {_load(folder)}\n\n**Weights:** `{checkpoint.absolute()}`"


def is_ours(note: str | None) -> bool:
    """Whether thinline wrote this description, or there is none."""
    return not note or note.startswith(BEGINNING)


def sweep_note(sweep: Sweep) -> str:
    """The description of the parent run of an ended sweep: a table of its conditions, then its first description."""
    return "\n\n".join(filter(None, [_conditions_table(sweep), sweep.tags.get(NOTE_TAG, "")]))


def interval_text(values: Sequence[float]) -> str:
    """(mean, standard deviation, low, high) as `.512 ± .020 [.480, .544]`; of one seed, the mean alone."""
    if len(values) < 4:
        return number(values[0]) if values else ""
    mean, deviation, low, high = values
    return f"{number(mean)} ± {number(deviation)} {interval(low, high)}"


def _position(name: str) -> int:
    """Sort key of a number of the table: the position of its split. Numbers of one split keep their order."""
    split = name.partition("/")[0]
    return _FIRST.index(split) if split in _FIRST else len(_FIRST)


def _load(folder: RunFolder) -> str:
    return f'`thinline.load_run("{folder.name}", store="{folder.root.absolute()}")`'


def _dataset(dataset: Mapping[str, Any]) -> str:
    count = dataset["profile"]["num_rows"]
    return f"{dataset['split']} {count:,} of {dataset['name']} (digest {dataset['digest']})"


def _result(folder: RunFolder, manifest: Manifest) -> str:
    if manifest.status != FINISHED:
        error = manifest.exception
        return manifest.status if error is None else f"{manifest.status}: {error.type}: {error.message}"
    scores = ", ".join(f"{name} {number(value)}" for name, value in curve_iou(folder.path).items())
    return f"IoU on the test images: {scores}" if scores else "no curve was scored"


def _conditions_table(sweep: Sweep) -> str:
    curves = sorted({name for each in sweep.conditions for name in each.estimates if name.startswith(IOU)})
    if not curves:
        return ""
    heads = ["condition", "seeds", *(f"IoU {name.removeprefix(IOU)}" for name in curves)]
    rows = [
        [each.name, str(len(each.seeds)), *(interval_text(each.estimates.get(name, ())) for name in curves)]
        for each in sweep.conditions[:MOST_ROWS]
    ]
    more = len(sweep.conditions) - MOST_ROWS
    lines = [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]
    text = "\n".join(lines) + "\n\nTest images: mean over seeds ± standard deviation [95 % interval of the mean]. "
    text += "Conditions share their sheets: compare them seed by seed, not by these intervals."
    return text if more <= 0 else f"{text} {more} more conditions are in the artifact conditions.json."


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
