"""Roof: what a recall costs. A finished run is asked again, and told at the thresholds that reach a recall.

The threshold of each curve is chosen on the validation sheets of the run, precision and overlap are those of its test
sheets there, each curve by itself (measures 2 and 4 of metrics/thresholds.py). The recall of test is told as well: it
is close to what was asked for, and not the same.

A run is read once: `scores.npz` in its folder keeps the score histograms, and of which checkpoint they are.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
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
from thinline.pipeline.load import LoadedRun
from thinline.pipeline.reopen import ReopenedRun, network_of, reopen
from thinline.runs import RunFolder
from thinline.system.atomic_files import write_bytes
from thinline.vocabulary import BACKGROUND, IGNORE

SCORES: Final = "scores.npz"
MEASURES: Final = ("recall", "precision", "iou", "f1")
_BINS: Final = 4096


@dataclass(frozen=True)
class Scores:
    """Score histograms int64 [c,2,bins] of validation and test, of the classes that the channels speak of."""

    classes: tuple[str, ...]
    val: Tensor
    test: Tensor


@dataclass(frozen=True)
class Point:
    """A curve at the threshold, a probability, that reaches a recall on validation; `rates` are those of test."""

    of: str
    threshold: float
    rates: dict[str, float]


def points(scores: Scores, recall: float) -> list[Point]:
    """A point for each curve that validation has. Raises `ValueError` for a recall outside of 0 to 1, 0 excluded."""
    edges = recall_threshold(scores.val, recall)
    told = rates(counts_at(scores.test, edges))
    found = []
    for place, name in enumerate(scores.classes):
        if name != BACKGROUND and scores.val[place, 1].sum() > 0:
            own = {measure: float(told[measure][place]) for measure in MEASURES}
            found.append(Point(name, gathered_back(float(edges[place])), own))
    return found


def scores_of(folder: RunFolder, *, cache: Path, device: str, console: Console) -> Scores:
    """The histograms of a finished run, kept from before or counted now; the sheets come from `cache` or are drawn.

    Raises what `reopen.py` raises for runs that are not finished, or are of older code.
    """
    network = network_of(folder, device=device)
    kept, made_by = folder.path / SCORES, f"{network.name} spread={SPREAD:g} bins={_BINS}"
    if kept.exists():
        with np.load(kept) as told:
            if str(told.get("made_by")) == made_by:
                names = tuple(str(name) for name in told["classes"])
                return Scores(names, torch.from_numpy(told["val"]), torch.from_numpy(told["test"]))
    found = _counted(reopen(folder, network, cache=cache, console=console), device=device)
    out = io.BytesIO()
    np.savez_compressed(out, made_by=made_by, classes=found.classes, val=found.val.numpy(), test=found.test.numpy())
    write_bytes(kept, out.getvalue())
    return found


def _counted(run: ReopenedRun, *, device: str) -> Scores:
    head = run.network.head
    val, test = (_histogram(run.network, split, device=device) for split in (run.val, run.test))
    return Scores(head.classes[-head.channels :], val, test)


@torch.inference_mode()
def _histogram(network: LoadedRun, sheets: CachedSheets, *, device: str) -> Tensor:
    counts = ScoreHistogram(network.head.channels, bins=_BINS)
    ids = range(len(network.head.classes) - network.head.channels, len(network.head.classes))
    for image, labels in _sheets(sheets, device):
        probabilities = network.head.probabilities(network.network(image).float())
        truth = network.head.truth(labels)
        counts.update(
            spread(probabilities).cpu(), torch.stack([truth == it for it in ids], 1).cpu(), (truth != IGNORE).cpu()
        )
    return counts.compute()


def _sheets(sheets: CachedSheets, device: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Image and labels of one sheet after the other: they may differ in size."""
    for index in range(len(sheets)):
        batch = batch_of(sheets, [index])
        yield batch.image.to(device), batch.labels.to(device)
