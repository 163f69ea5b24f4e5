"""Roof: what a recall costs. A finished run is asked again, and told at the thresholds that reach a recall.

The threshold of each curve is chosen on the validation sheets of the run, precision and overlap are those of its test
sheets there, each curve by itself (measures 2 and 4 of measures/thresholds.py). The recall of test is told as well: it
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
from omegaconf import OmegaConf
from rich.console import Console
from torch import Tensor

from hairline.config import Conf, ConfigError, checked
from hairline.data.batch import batch_of
from hairline.data.sheet_file import CachedSheets
from hairline.ledger import RunFolder
from hairline.ledger.atomic import LedgerError, write_bytes
from hairline.measures.pixels import rates
from hairline.measures.thresholds import SPREAD, ScoreHistogram, counts_at, gathered_back, recall_threshold, spread
from hairline.rendering import plan_sheets, render_sheets
from hairline.trained import Trained, trained
from hairline.vocabulary import BACKGROUND, IGNORE

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

    Raises `LedgerError` for a run that is not finished and for one whose sheets are drawn otherwise today, and what
    `trained` and `render_sheets` raise.
    """
    manifest = folder.begun()
    if not folder.finished:
        raise LedgerError(f"{folder.name}: expected a finished run, got {manifest.status}; train it to its end first")
    network = trained(str(folder.path), folder.root, device=device)
    kept, made_by = folder.path / SCORES, f"{network.name} spread={SPREAD:g} bins={_BINS}"
    if kept.exists():
        with np.load(kept) as told:
            if str(told.get("made_by")) == made_by:
                names = tuple(str(name) for name in told["classes"])
                return Scores(names, torch.from_numpy(told["val"]), torch.from_numpy(told["test"]))
    found = _counted(folder, network, cache=cache, device=device, console=console)
    out = io.BytesIO()
    np.savez_compressed(out, made_by=made_by, classes=found.classes, val=found.val.numpy(), test=found.test.numpy())
    write_bytes(kept, out.getvalue())
    return found


def _counted(folder: RunFolder, network: Trained, *, cache: Path, device: str, console: Console) -> Scores:
    conf = _conf(folder, cache)
    planned = plan_sheets(conf)
    expected = folder.begun().cell.dataset_digest
    if planned.digest != expected:
        commit = folder.begun().origin.git_commit
        raise LedgerError(
            f"{folder.name}: expected the sheets it was trained with (digest {expected}), got {planned.digest}: they "
            f"are drawn otherwise today; check out its commit ({commit}) or train it again"
        )
    sheets = render_sheets(planned, conf, console=console)
    classes = network.head.classes[-network.head.channels :]
    val, test = (_histogram(network, split, device=device) for split in (sheets.val, sheets.test))
    return Scores(classes, val, test)


def _conf(folder: RunFolder, cache: Path) -> Conf:
    """The configuration of a run, with the sheets where they lie on this machine."""
    config = OmegaConf.load(folder.config_path)
    config.paths.cache = str(cache)
    try:
        return checked(config)  # type: ignore[arg-type]  # a run is a mapping
    except ConfigError as error:
        commit = folder.begun().origin.git_commit
        raise LedgerError(
            f"{folder.name}: expected a configuration as runs have it today, got an older one ({error}); check out its "
            f"commit ({commit}) or train it again"
        ) from error


@torch.inference_mode()
def _histogram(network: Trained, sheets: CachedSheets, *, device: str) -> Tensor:
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
