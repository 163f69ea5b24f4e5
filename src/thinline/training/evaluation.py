"""Tables of a split, from integer counts or from predictions.

A row is (split, measure, class, value, support, signature), in tables per sheet also `sheet`. Counts are summed over
the split and divided once (metrics/pixels.py, metrics/structure/sheet_rates.py). `support` is the number of true pixels
of the class; for metrics of traced curves it is the number of rows in which the true curve is, for junctions the number
of true junctions. If the scale of the sheets is unknown, lengths in mm are left out, and for distances that are defined
in mm one pixel counts as the width of a nominal pen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from thinline.metrics.catalogue import logged_names, signature
from thinline.metrics.channel_conflicts import conflict_shares, conflict_signature
from thinline.metrics.own import OwnMetric
from thinline.metrics.pixels import RATES, PixelCounts, confusion, rates
from thinline.metrics.structure.sheet_rates import rates_of_sheets
from thinline.metrics.structure.sheet_scores import CurveTruth, SheetScores, score_sheet
from thinline.metrics.structure.truth import NOMINAL_PX_PER_MM, Truth
from thinline.metrics.thresholds import best_threshold, counts_at
from thinline.vocabulary import Float32, UInt8

DETAILS: Final = ("slope_", "distance_", "fp_", "fn_")
"""Beginnings of the names of metrics that are in the tables of a run, but, because there are many, not among its
numbers."""

OF_PERTURBED_TRUTH: Final = (
    "iou",
    "precision",
    "recall",
    "f1",
    "nsd_1px",
    "cldice_1px",
    "viterbi_mae_track",
    "viterbi_bridged_mae_track",
    "viterbi_values_mae_track",
)
"""Metrics of perturbed truth that are among the numbers of a run; the tables have all metrics."""

THRESHOLD: Final = "threshold"
THRESHOLD_SIGNATURE: Final = "threshold|best_f1:val|v:1"

_IN_MM: Final = re.compile(r"(^|_)[\d.]*mm($|_)")

Tables = tuple[pd.DataFrame, pd.DataFrame]
"""(rows of the split, rows of each sheet)."""


@dataclass(frozen=True)
class Evaluation:
    """The counts of one split.

    `sheet_ids` [N] and `confusion` [N,C,C] of each sheet, score `histogram` [c,2,bins], `conflicts` [3]
    (metrics/channel_conflicts.py). `scores` has the scores beyond pixels by sheet id; empty if they were not computed.
    """

    split: str
    sheet_ids: Tensor
    confusion: Tensor
    histogram: Tensor
    conflicts: Tensor
    scores: Mapping[int, SheetScores] = field(default_factory=dict)
    px_per_mm: float | None = None

    def tables(self, classes: Sequence[str]) -> Tables:
        """The tables of the split."""
        return split_tables(
            self.split, self.sheet_ids, self.confusion, classes, scores=self.scores, px_per_mm=self.px_per_mm
        )


@dataclass(frozen=True)
class Outcome:
    """The results of a run: rows per class and per sheet, and label maps [H,W] of some test sheets, worst first."""

    per_class: pd.DataFrame
    per_sheet: pd.DataFrame
    label_maps: Mapping[int, UInt8] = field(default_factory=dict)

    def numbers(self) -> dict[str, float]:
        """The rows per class as `split/measure/class: value`, without `DETAILS` and most metrics of perturbed truth."""
        rows = self.per_class
        detail = rows["measure"].str.startswith(DETAILS)
        perturbed = rows["split"].str.startswith("oracle")
        rows = rows[~detail & (~perturbed | rows["measure"].isin(OF_PERTURBED_TRUTH))]
        return dict(zip(logged_names(rows), rows["value"].tolist(), strict=True))

    def joined(self, more: Sequence[Evaluation], classes: Sequence[str]) -> Outcome:
        """With the rows of further test sets."""
        tables, of_sheets = [self.per_class], [self.per_sheet]
        for each in more:
            rows, sheets = each.tables(classes)
            tables += [rows, *([_conflict_rows(each)] if int(each.conflicts[0]) else [])]
            of_sheets.append(sheets)
        per_class, per_sheet = (pd.concat(frames, ignore_index=True) for frames in (tables, of_sheets))
        return replace(self, per_class=per_class, per_sheet=per_sheet) if more else self


def outcome(val: Evaluation, test: Evaluation, classes: Sequence[str]) -> Outcome:
    """Rows of validation and test, and of test with thresholds tuned on validation (split `tuned`)."""
    tables, of_sheets = (list(frames) for frames in zip(*(each.tables(classes) for each in (val, test)), strict=True))
    of_channels = classes[len(classes) - len(test.histogram) :]
    threshold, _ = best_threshold(val.histogram)
    support = test.histogram[:, 1].sum(-1)
    tables.append(_class_rows(counts_at(test.histogram, threshold), of_channels, split="tuned"))
    tables.append(_rows("tuned", [THRESHOLD], of_channels, [threshold], [support]))
    tables += [_conflict_rows(each) for each in (val, test) if int(each.conflicts[0])]
    return Outcome(pd.concat(tables, ignore_index=True), pd.concat(of_sheets, ignore_index=True))


def evaluate(
    sheets: Iterable[tuple[UInt8, Float32 | None, Truth, CurveTruth | None]],
    classes: Sequence[str],
    *,
    split: str = "test",
    px_per_mm: float | None = None,
    own: Sequence[OwnMetric] = (),
) -> Tables:
    """Every metric of predicted sheets: (rows of the split, rows of each sheet).

    A sheet is (labels uint8 [H,W], ink float32 [K,H,W], truth, curves), see `score_sheet`; curves are not traced if ink
    or curves are None. `classes` [C] are the names, background first; `own` are metrics of the user. Raises what
    `score_sheet` raises.
    """
    matrices, scores = [], {}
    for index, (labels, ink, truth, curves) in enumerate(sheets):
        predicted, true = (torch.from_numpy(ids.astype(np.int64))[None] for ids in (labels, truth.labels))
        matrices.append(confusion(predicted, true, classes=len(classes)))
        scores[index] = score_sheet(labels, ink, truth, curves, own=own)
    return split_tables(
        split, torch.arange(len(matrices)), torch.cat(matrices), classes, scores=scores, px_per_mm=px_per_mm
    )


def split_tables(
    split: str,
    sheet_ids: Tensor,
    matrices: Tensor,
    classes: Sequence[str],
    *,
    scores: Mapping[int, SheetScores],
    px_per_mm: float | None,
) -> Tables:
    """The tables of a split by pixels, from confusion `matrices` [N,C,C], and beyond pixels, from `scores`."""
    counts = PixelCounts.from_confusion(matrices.sum(0))
    tables = [(_class_rows(counts, classes, split=split), _sheet_rows(split, sheet_ids, matrices, classes))]
    if scores:
        tables.append(sheet_score_tables(scores, classes[1:], split=split, px_per_mm=px_per_mm))
    of_split, of_sheets = (pd.concat(frames, ignore_index=True) for frames in zip(*tables, strict=True))
    return of_split, of_sheets


def sheet_score_tables(
    scores: Mapping[int, SheetScores], curves: Sequence[str], *, split: str, px_per_mm: float | None
) -> Tables:
    """The tables of the metrics beyond pixels for the classes `curves [K]`."""
    ids = sorted(scores)
    whole = _score_rows(split, [scores[number] for number in ids], curves, px_per_mm)
    sheets = [_score_rows(split, [scores[number]], curves, px_per_mm) for number in ids]
    for number, rows in zip(ids, sheets, strict=True):
        rows.insert(1, "sheet", number)
    return whole, pd.concat(sheets, ignore_index=True)


def _score_rows(
    split: str, scores: Sequence[SheetScores], curves: Sequence[str], px_per_mm: float | None
) -> pd.DataFrame:
    values = rates_of_sheets(scores, px_per_mm=px_per_mm or NOMINAL_PX_PER_MM)
    own = scores[0].own if scores else {}
    names = [name for name in values if px_per_mm is not None or name in own or not _IN_MM.search(name)]
    pixels = np.sum([sheet.support for sheet in scores], axis=0)
    traced_rows = {
        method: np.sum([[error.rows for error in sheet.curves[method]] for sheet in scores if sheet.curves], axis=0)
        for method in next((sheet.curves for sheet in scores if sheet.curves), {})
    }
    junctions = np.sum([[each.true for each in sheet.junctions] for sheet in scores], axis=0)
    of_others = traced_rows | {"junction_f1": junctions}
    of_own = dict.fromkeys(own, pixels)
    support = [
        of_own.get(name, next((number for way, number in of_others.items() if name.startswith(way)), pixels))
        for name in names
    ]
    return _rows(split, names, curves, [values[name] for name in names], support)


def _class_rows(counts: PixelCounts, classes: Sequence[str], *, split: str) -> pd.DataFrame:
    values = rates(counts)
    return _rows(split, RATES, classes, [values[name] for name in RATES], [counts.support] * len(RATES))


def _rows(
    split: str, measures: Sequence[str], classes: Sequence[str], values: Sequence[Any], support: Sequence[Any]
) -> pd.DataFrame:
    """Rows of every measure and class, from a vector [C] for each measure."""

    def joined(rows: Sequence[Any], dtype: type) -> NDArray[Any]:
        return np.concatenate([np.asarray(row.cpu() if isinstance(row, Tensor) else row, dtype) for row in rows])

    signatures = [signature(name) if name != THRESHOLD else THRESHOLD_SIGNATURE for name in measures]
    return pd.DataFrame(
        {
            "split": split,
            "measure": np.repeat(np.array(measures, dtype=object), len(classes)),
            "class": np.tile(np.array(classes, dtype=object), len(measures)),
            "value": joined(values, np.float64),
            "support": joined(support, np.int64),
            "signature": np.repeat(np.array(signatures, dtype=object), len(classes)),
        }
    )


def _conflict_rows(evaluation: Evaluation) -> pd.DataFrame:
    """A row for each share of pixels on which several channels, or none, are above probability 0.5."""
    rows = [
        {"split": evaluation.split, "measure": name, "class": "all", "value": share}
        | {"support": int(evaluation.conflicts[0]), "signature": conflict_signature(name)}
        for name, share in conflict_shares(evaluation.conflicts).items()
    ]
    return pd.DataFrame(rows)


def _sheet_rows(split: str, sheet_ids: Tensor, matrices: Tensor, classes: Sequence[str]) -> pd.DataFrame:
    """A row for each of N sheets, C classes and R rates, built column by column."""
    counts = PixelCounts.from_confusion(matrices)
    values = rates(counts)
    table = torch.stack([values[name] for name in RATES], dim=-1).cpu().numpy()  # [N,C,R]
    sheets, count, measures = table.shape
    support = counts.support.cpu().numpy()
    return pd.DataFrame(
        {
            "split": split,
            "sheet": np.repeat(sheet_ids.cpu().numpy().astype(np.int64), count * measures),
            "measure": np.tile(np.array(RATES, dtype=object), sheets * count),
            "class": np.tile(np.repeat(np.array(classes, dtype=object), measures), sheets),
            "value": table.reshape(-1),
            "support": np.repeat(support.reshape(-1), measures).astype(np.int64),
            "signature": np.tile(np.array([signature(name) for name in RATES], dtype=object), sheets * count),
        }
    )
