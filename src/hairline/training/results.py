"""From integer counts to tidy rows: (split, measure, class, value, support, signature), and `sheet` for one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from hairline.measures.claims import claim_shares, claim_signature
from hairline.measures.pixels import RATES, PixelCounts, rates, signature
from hairline.measures.thresholds import best_threshold, counts_at
from hairline.vocabulary import UInt8

THRESHOLD_SIGNATURE = "threshold|best_f1:val|v:1"


@dataclass(frozen=True)
class Evaluation:
    """The integers of one split: confusion [C,C], of each sheet [N,C,C], score histogram [c,2,bins], claims [3]."""

    split: str
    confusion: Tensor
    sheet_ids: Tensor
    sheet_confusion: Tensor
    histogram: Tensor
    claims: Tensor


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: rows per class and per sheet, and label maps [H,W] of the first test sheets."""

    per_class: pd.DataFrame
    per_sheet: pd.DataFrame
    found: dict[int, UInt8]

    def numbers(self) -> dict[str, float]:
        """The per-class rows as `split/measure/class` names."""
        rows = self.per_class
        names = rows["split"] + "/" + rows["measure"] + "/" + rows["class"]
        return dict(zip(names.tolist(), rows["value"].tolist(), strict=True))


def outcome(val: Evaluation, test: Evaluation, classes: Sequence[str], found: dict[int, UInt8]) -> Outcome:
    """Rows of validation and test, and of the test split at the thresholds of validation."""
    tables = [
        _class_rows(PixelCounts.from_confusion(each.confusion), classes, split=each.split) for each in (val, test)
    ]
    answering = classes[len(classes) - len(test.histogram) :]
    threshold, _ = best_threshold(val.histogram)
    tables.append(_class_rows(counts_at(test.histogram, threshold), answering, split="tuned"))
    tables.append(
        _rows("tuned", "threshold", answering, threshold, _support(test.histogram), "threshold|best_f1:val|v:1")
    )
    for each in (val, test):
        tables.append(_claim_rows(each))
    per_sheet = pd.concat([_sheet_rows(each, classes) for each in (val, test)], ignore_index=True)
    return Outcome(pd.concat([t for t in tables if len(t)], ignore_index=True), per_sheet, found)


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
    shares = claim_shares(evaluation.claims) if pixels else {}
    rows = [
        {"split": evaluation.split, "measure": name, "class": "all", "value": share, "support": pixels}
        | {"signature": claim_signature(name)}
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
