"""Scores of perturbed truth by every metric, as rows per class. The prediction is the truth with a known change."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from thinline.curves.trace import ink_of
from thinline.metrics.perturbed_truth import PERTURBATIONS, perturbed
from thinline.metrics.structure.sheet_scores import CurveTruth
from thinline.metrics.structure.truth import Truth
from thinline.pipeline.scorer import SheetScorer, key_of
from thinline.system.atomic_files import write_bytes
from thinline.training.evaluation import evaluate
from thinline.vocabulary import Float32, UInt8


def perturbed_truth_rows(scorer: SheetScorer, *, cache: Path) -> pd.DataFrame:
    """Rows per class of every perturbed truth, split `oracle_...`; computed once for a test split, kept in `cache`."""
    path = cache / f"oracle-{key_of(scorer)}.parquet"
    if path.is_file():
        return pd.read_parquet(path)
    tables = [
        evaluate(_perturbed(name, scorer), scorer.head.classes, split=name, px_per_mm=scorer.px_per_mm, own=scorer.own)[
            0
        ]
        for name in PERTURBATIONS
    ]
    rows = pd.concat(tables, ignore_index=True)
    buffer = io.BytesIO()
    rows.to_parquet(buffer)
    cache.mkdir(parents=True, exist_ok=True)
    write_bytes(path, buffer.getvalue())
    return rows


def _perturbed(name: str, scorer: SheetScorer) -> Iterator[tuple[UInt8, Float32, Truth, CurveTruth | None]]:
    """Every sheet with its perturbed truth as the prediction."""
    for index, (truth, curves) in enumerate(scorer.truths()):
        labels = perturbed(name, truth.labels, seed=index)
        yield labels, ink_of(labels, curves=len(truth.strokes)), truth, curves
