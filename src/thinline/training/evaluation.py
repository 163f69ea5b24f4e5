"""From integer counts to tidy rows: (split, measure, class, value, support, signature), and `sheet` for one sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from thinline.metrics.channel_conflicts import conflict_shares, conflict_signature
from thinline.metrics.pixels import RATES, PixelCounts, rates, signature
from thinline.metrics.structure.sheet_scores import SheetScores
from thinline.metrics.thresholds import best_threshold, counts_at
from thinline.training.sheet_tables import sheet_score_tables
from thinline.vocabulary import UInt8

DETAILS = ("slope_", "distance_", "fp_", "fn_")
"""Measures that would bury the others in a list of metrics: they are in the tables of the run alone."""

OF_ORACLES = (
    "iou",
    "precision",
    "recall",
    "f1",
    "nsd_1px",
    "cldice_1px",
    "viterbi_bridged_mae_track",
    "viterbi_values_mae_track",
)
"""What is listed of the oracle lines, which say how to read the others; their tables have all."""

THRESHOLD_SIGNATURE = "threshold|best_f1:val|v:1"


@dataclass(frozen=True)
class Evaluation:
    """The integers of one split: confusion [C,C], of each sheet [N,C,C], score histogram [c,2,bins], claims [3].

    `judged` are the sheets judged by the measures beyond pixels, by their id; none where nobody asked.
    """

    split: str
    confusion: Tensor
    sheet_ids: Tensor
    sheet_confusion: Tensor
    histogram: Tensor
    claims: Tensor
    judged: Mapping[int, SheetScores] = field(default_factory=dict)
    px_per_mm: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: rows per class and per sheet, and label maps [H,W] of the first test sheets."""

    per_class: pd.DataFrame
    per_sheet: pd.DataFrame
    found: dict[int, UInt8]

    def numbers(self) -> dict[str, float]:
        """The per-class rows as `split/measure/class` names; of zones and reasons only what the tables hold."""
        rows = self.per_class
        detail = rows["measure"].str.startswith(DETAILS)
        rows = rows[~detail & (~rows["split"].str.startswith("oracle") | rows["measure"].isin(OF_ORACLES))]
        names = rows["split"] + "/" + rows["measure"] + "/" + rows["class"]
        return dict(zip(names.tolist(), rows["value"].tolist(), strict=True))


def outcome(val: Evaluation, test: Evaluation, classes: Sequence[str], found: dict[int, UInt8]) -> Outcome:
    """Rows of validation and test, and of the test split at the thresholds of validation."""
    tables, of_sheets = (
        list(frames) for frames in zip(*(split_tables(each, classes) for each in (val, test)), strict=True)
    )
    answering = classes[len(classes) - len(test.histogram) :]
    threshold, _ = best_threshold(val.histogram)
    tables.append(_class_rows(counts_at(test.histogram, threshold), answering, split="tuned"))
    tables.append(_rows("tuned", "threshold", answering, threshold, _support(test.histogram), THRESHOLD_SIGNATURE))
    for each in (val, test):
        tables.append(_claim_rows(each))
    kept = [table for table in tables if len(table)]
    return Outcome(pd.concat(kept, ignore_index=True), pd.concat(of_sheets, ignore_index=True), found)


def split_tables(evaluation: Evaluation, classes: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(rows of the split, rows of each sheet) by pixels and, where sheets were judged, by every measure beyond them."""
    counts = PixelCounts.from_confusion(evaluation.confusion)
    tables = [(_class_rows(counts, classes, split=evaluation.split), _sheet_rows(evaluation, classes))]
    if evaluation.judged:
        names = classes[1:]
        tables.append(
            sheet_score_tables(evaluation.judged, names, split=evaluation.split, px_per_mm=evaluation.px_per_mm)
        )
    of_split, of_sheets = (pd.concat(frames, ignore_index=True) for frames in zip(*tables, strict=True))
    return of_split, of_sheets


def _support(histogram: Tensor) -> Tensor:
    return histogram[:, 1].sum(-1)


def _class_rows(counts: PixelCounts, classes: Sequence[str], *, split: str) -> pd.DataFrame:
    found = rates(counts)
    return pd.concat(
        [_rows(split, name, classes, found[name], counts.support, signature(name)) for name in RATES],
        ignore_index=True,
    )


def _rows(split: str, measure: str, classes: Sequence[str], values: Tensor, support: Tensor, sign: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "split": split,
            "measure": measure,
            "class": list(classes),
            "value": values.double().cpu().numpy(),
            "support": support.cpu().numpy().astype(np.int64),
            "signature": sign,
        }
    )


def _claim_rows(evaluation: Evaluation) -> pd.DataFrame:
    """One row for each share; none for a head whose channels cannot contradict each other."""
    pixels = int(evaluation.claims[0])
    shares = conflict_shares(evaluation.claims) if pixels else {}
    rows = [
        {"split": evaluation.split, "measure": name, "class": "all", "value": share, "support": pixels}
        | {"signature": conflict_signature(name)}
        for name, share in shares.items()
    ]
    return pd.DataFrame(rows)


def _sheet_rows(evaluation: Evaluation, classes: Sequence[str]) -> pd.DataFrame:
    """Rows of every sheet, class and rate, built column by column: N x C x rates of them."""
    counts = PixelCounts.from_confusion(evaluation.sheet_confusion)
    values = rates(counts)
    table = torch.stack([values[name] for name in RATES], dim=-1).cpu().numpy()  # [N,C,R]
    sheets, count, measures = table.shape
    support = counts.support.cpu().numpy()
    return pd.DataFrame(
        {
            "split": evaluation.split,
            "sheet": np.repeat(evaluation.sheet_ids.cpu().numpy().astype(np.int64), count * measures),
            "measure": np.tile(np.array(RATES, dtype=object), sheets * count),
            "class": np.tile(np.repeat(np.array(classes, dtype=object), measures), sheets),
            "value": table.reshape(-1),
            "support": np.repeat(support.reshape(-1), measures).astype(np.int64),
            "signature": np.tile(np.array([signature(name) for name in RATES], dtype=object), sheets * count),
        }
    )
