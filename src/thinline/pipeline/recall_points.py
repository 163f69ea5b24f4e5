"""Precision and overlap of a finished run at a given recall.

Each curve has a threshold of its own, at which it has the given recall on the validation sheets. Recall, precision and
overlap are computed on the test sheets at this threshold (measures 2 and 4 of metrics/thresholds.py). So the recall on
the test sheets is close to the given recall, but not equal.

The sheets are predicted once: `scores.npz` in the run folder keeps the score histograms and names their checkpoint.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from thinline.data.batch import batch_of
from thinline.data.cached_sheets import CachedSheets
from thinline.metrics.pixels import rates
from thinline.metrics.thresholds import SPREAD, ScoreHistogram, counts_at, gathered_back, recall_threshold, spread
from thinline.pipeline.finished_run import ReopenedRun, network_of, reopen
from thinline.pipeline.load import LoadedRun
from thinline.runs import RunFolder
from thinline.system.atomic_files import write_bytes
from thinline.vocabulary import BACKGROUND, IGNORE

SCORES: Final = "scores.npz"
MEASURES: Final = ("recall", "precision", "iou", "f1")
_BINS: Final = 4096


@dataclass(frozen=True)
class Scores:
    """Score histograms int64 [c,2,bins] of validation and test; `classes [c]` names the class of each channel."""

    classes: tuple[str, ...]
    val: Tensor
    test: Tensor


@dataclass(frozen=True)
class Point:
    """`rates` on test of the curve `of` at `threshold`, the probability that gives a recall on validation."""

    of: str
    threshold: float
    rates: dict[str, float]


def points(scores: Scores, recall: float) -> list[Point]:
    """A point for each curve of the validation sheets. Raises `ValueError` for a recall outside (0, 1]."""
    edges = recall_threshold(scores.val, recall)
    test = rates(counts_at(scores.test, edges))
    return [
        Point(name, gathered_back(float(edges[channel])), {key: float(test[key][channel]) for key in MEASURES})
        for channel, name in enumerate(scores.classes)
        if name != BACKGROUND and scores.val[channel, 1].sum() > 0
    ]


def scores_of(folder: RunFolder, *, cache: Path, device: str, console: Console) -> Scores:
    """The histograms of a finished run, from its folder or counted now. Sheets that are not in `cache` are drawn.

    Raises what `network_of` and `reopen` raise, for example for an unfinished run or one of an older version.
    """
    network = network_of(folder, device=device)
    path, made_by = folder.path / SCORES, f"{network.name} spread={SPREAD:g} bins={_BINS}"
    if path.exists():
        with np.load(path) as saved:
            if str(saved.get("made_by")) == made_by:
                names = tuple(str(name) for name in saved["classes"])
                return Scores(names, torch.from_numpy(saved["val"]), torch.from_numpy(saved["test"]))
    scores = _counted(reopen(folder, network, cache=cache, console=console), device=device)
    out = io.BytesIO()
    np.savez_compressed(out, made_by=made_by, classes=scores.classes, val=scores.val.numpy(), test=scores.test.numpy())
    write_bytes(path, out.getvalue())
    return scores


def _counted(run: ReopenedRun, *, device: str) -> Scores:
    head = run.network.head
    val, test = (_histogram(run.network, split, device=device) for split in (run.val, run.test))
    return Scores(head.scored_classes, val, test)


@torch.inference_mode()
def _histogram(network: LoadedRun, sheets: CachedSheets, *, device: str) -> Tensor:
    head = network.head
    counts = ScoreHistogram(len(head.scored_classes), bins=_BINS)
    ids = range(len(head.classes) - len(head.scored_classes), len(head.classes))
    for index in range(len(sheets)):  # one by one, since they may differ in size
        batch = batch_of(sheets, [index])
        probabilities = head.scored(head.probabilities(network.network(batch.image.to(device)).float()))
        truth = head.truth(batch.labels.to(device))
        of_class = torch.stack([truth == id_ for id_ in ids], 1)
        counts.update(spread(probabilities).cpu(), of_class.cpu(), (truth != IGNORE).cpu())
    return counts.compute()
