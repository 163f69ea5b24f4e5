"""Scores of perturbed truth by every metric, as rows per class. The prediction is the truth with a known change.

They depend on the test sheets alone, not on a network. The published studies are older than the perturbations along the
normal, and their results stay as they were published: `published_table` has what they lack, for their test sheets.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from rich.console import Console

from thinline.config.schema import checked, compose_config
from thinline.curves.trace import ink_of
from thinline.heads import Softmax
from thinline.metrics.perturbed_truth import PERTURBATIONS, perturbed
from thinline.metrics.structure.sheet_scores import CurveTruth
from thinline.metrics.structure.truth import Truth
from thinline.pipeline.scorer import SheetScorer, key_of
from thinline.pipeline.sheets import plan_sheets, render_split
from thinline.system.atomic_files import write_bytes
from thinline.training.evaluation import evaluate
from thinline.vocabulary import Float32, UInt8

PUBLISHED_KINDS: Final = ("oracle_jitter_normal", "oracle_shift_normal")
PUBLISHED_MEASURES: Final = (
    *("iou", "precision", "recall", "f1", "area_ratio"),
    *("nsd_1px", "tol_f1_1px", "boundary_iou", "cldice_0px", "cldice_1px", "breaks"),
    *("viterbi_mae_track", "viterbi_bridged_mae_track", "viterbi_bridged_mae_mm", "viterbi_bridged_r2"),
    *("viterbi_values_mae_track", "viterbi_coverage", "viterbi_swaps", "budget_identity_mae_track"),
)
PUBLISHED_SHEETS: Final = tuple(
    (budget, resolution, seed)
    for budget, resolution in (("laptop", "pen1"), ("laptop", "pen2"), ("laptop", "pen3"), ("gpu", "pen1"))
    for seed in range(5)
)
"""Budget, resolution and seed of the test sheets of the published studies; `laptop_long` has those of `laptop`."""

PUBLISHED_COLUMNS: Final = (
    *("budget", "resolution", "seed", "split", "measure", "class", "value", "support", "signature"),
)


def perturbed_truth_rows(scorer: SheetScorer, *, cache: Path) -> pd.DataFrame:
    """Rows per class of every perturbed truth, split `oracle_...`; computed once for a test split, kept in `cache`."""
    path = cache / f"oracle-{key_of(scorer)}.parquet"
    if path.is_file():
        return pd.read_parquet(path)
    rows = _rows(scorer, PERTURBATIONS)
    buffer = io.BytesIO()
    rows.to_parquet(buffer)
    cache.mkdir(parents=True, exist_ok=True)
    write_bytes(path, buffer.getvalue())
    return rows


def _rows(scorer: SheetScorer, names: Sequence[str]) -> pd.DataFrame:
    """Rows per class of the perturbed truths `names`."""
    classes, scale = scorer.head.classes, scorer.px_per_mm
    tables = [
        evaluate(_perturbed(name, scorer), classes, split=name, px_per_mm=scale, own=scorer.own)[0] for name in names
    ]
    return pd.concat(tables, ignore_index=True)


def published_table(*, folder: Path, console: Console) -> pd.DataFrame:
    """Rows of `PUBLISHED_SHEETS`; the sheets are drawn into `folder` (500 MB). Takes minutes."""
    tables = []
    for budget, resolution, seed in PUBLISHED_SHEETS:
        scorer = scorer_of_sheets([f"budget={budget}", f"resolution={resolution}"], seed, folder=folder)
        rows = _rows(scorer, PUBLISHED_KINDS)
        rows = rows[rows["measure"].isin(PUBLISHED_MEASURES)]
        tables.append(rows.assign(budget=budget, resolution=resolution, seed=seed))
        console.print(f"{budget}, {resolution}, seed {seed}: {len(rows)} rows", style="dim")
    return pd.concat(tables, ignore_index=True)[list(PUBLISHED_COLUMNS)]


def scorer_of_sheets(options: Sequence[str], seed: int, *, folder: Path) -> SheetScorer:
    """The scorer of the test sheets of a configuration, as for a head with a class for every curve."""
    conf = checked(compose_config([*options, f"seed={seed}", f"paths.store={folder}"]))
    planned = plan_sheets(conf)
    sheets = render_split(planned, "test", conf, console=Console(quiet=True))
    head = Softmax(tuple(conf.classes))
    return SheetScorer(sheets, planned.splits.test.specs, head, px_per_mm=float(conf.resolution.px_per_mm))


def _perturbed(name: str, scorer: SheetScorer) -> Iterator[tuple[UInt8, Float32, Truth, CurveTruth | None]]:
    """Every sheet with its perturbed truth as the prediction."""
    for index, (truth, curves) in enumerate(scorer.truths()):
        labels = perturbed(name, truth.labels, seed=index)
        yield labels, ink_of(labels, curves=len(truth.strokes)), truth, curves
