"""What a step does: network -> logits -> objective; and what an evaluation counts.

Numbers are named `split/measure/class`. Validation and test count integers and divide once per split. The threshold
that is best on validation is applied to the test split under `tuned/`; there each channel answers for its own class
alone, and the truth is the same exclusive `labels` for every head, so that heads can be compared. Beside every
validation stand the gradient norms of the classes in the step before it (`metrics/gradients.py`).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from typing_extensions import override

from thinline.data.tiles import Batch
from thinline.heads import Head
from thinline.metrics.channel_conflicts import ConflictCounts
from thinline.metrics.gradients import class_square_norms
from thinline.metrics.pixels import PixelMeasures, named
from thinline.metrics.thresholds import ScoreHistogram, best_threshold, tuned_labels
from thinline.training.distributed import gathered, processes, whole_batch
from thinline.training.evaluation import Evaluation
from thinline.training.optimiser import Schedule, optimiser_of
from thinline.training.scoring_workers import ScoringWorkers
from thinline.vocabulary import IGNORE, UInt8

DIVERGED_BATCH = "diverged_batch.pt"


class TrainingDivergedError(FloatingPointError):
    """The loss became NaN or infinite; the batch that did it lies in the run folder."""


class SegmentationTask(pl.LightningModule):
    """One network, one objective, one head, and the integer counts of an evaluation."""

    def __init__(
        self,
        network: nn.Module,
        objective: nn.Module,
        head: Head,
        *,
        schedule: Schedule,
        folder: Path,
        pictures: int = 0,
        tuned: bool = False,
    ):
        """`pictures` label maps of the first test sheets are kept; a batch that breaks the run is saved in `folder`.

        With `tuned` the test split is decided at the thresholds that `tune` was given, not by the head. `judges`, where
        they are set, score every sheet of the test split by the measures beyond pixels.
        """
        super().__init__()
        self.pictures = pictures
        self.tuned = tuned
        self.scorers: ScoringWorkers | None = None
        self.threshold: Tensor | None = None
        self.network = network
        self.objective = objective
        self.head = head
        self.schedule = schedule
        self.folder = folder
        self.classes = tuple(head.classes)
        self.numbers: dict[str, float] = {}
        self.pixels = PixelMeasures(len(self.classes), keep_sheets=True)
        self.scores = ScoreHistogram(head.channels)
        self.claimed = ConflictCounts()
        self.contradicts = head.name == "sigmoid_stack"  # a softmax cannot claim a pixel twice
        self.losses: list[Tensor] = []
        self.asked: tuple[Tensor, Tensor] | None = None
        self.square_norms: Tensor | None = None
        self.found: dict[int, UInt8] = {}
        self.latest_loss = math.nan

    @override
    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.network(image)
        return logits

    @override
    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        logits, batch = whole_batch(self(batch.image), batch)
        loss: Tensor = self.objective(logits, batch.labels, batch.strokes, maps=batch.maps)
        self.latest_loss = float(loss.detach())
        if not math.isfinite(self.latest_loss):
            raise TrainingDivergedError(self._describe(batch, logits))
        self.losses.append(loss.detach())
        if batch_idx + 1 == self.trainer.num_training_batches:
            logits.retain_grad()
            self.asked = (logits, self.head.truth(batch.labels))
        return loss * processes()

    @override
    def on_after_backward(self) -> None:
        """Before clipping: what each class asked for in the last step before a validation."""
        if self.asked is not None:
            logits, truth = self.asked
            assert logits.grad is not None
            self.square_norms = class_square_norms(logits.grad, truth, classes=len(self.classes))
            self.asked = None

    def _describe(self, batch: Batch, logits: Tensor) -> str:
        path = self.folder / DIVERGED_BATCH
        torch.save({"step": self.global_step, "batch": batch._asdict(), "logits": logits.detach()}, path)
        exact = logits.dtype in (torch.float32, torch.float64)
        return (
            f"the loss must be finite, got {self.latest_loss} at step {self.global_step}; the batch and its logits are "
            f"in {path}. Next: lower optimiser.learning_rate{'' if exact else ', or set trainer.precision=fp32'}"
        )

    @override
    def configure_optimizers(self) -> Any:
        optimiser = optimiser_of(self.network.parameters(), self.schedule)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, self.schedule.factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    @override
    def on_validation_epoch_start(self) -> None:
        self._forget()

    @override
    def on_test_epoch_start(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.pixels.reset()
        self.scores.reset()
        self.claimed.reset()
        if self.scorers is not None:
            self.scorers.clear()

    @override
    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._count(batch, self.head.probabilities(self(batch.image).float()))

    @override
    def test_step(self, batch: Batch, batch_idx: int) -> None:
        probabilities = self.head.probabilities(self(batch.image).float())
        found = self._count(batch, probabilities, self.threshold)
        ink = probabilities[:, self.head.first_curve :].cpu().numpy()
        maps = found.to("cpu", torch.uint8).numpy()
        for index, labels, of_sheet in zip(batch.index.tolist(), maps, ink, strict=True):
            if index < self.pictures:
                self.found[index] = labels
            if self.scorers is not None:
                self.scorers.put(index, labels, of_sheet)

    def tune(self, validation: Evaluation) -> None:
        """Take the thresholds of the curves from `validation`, where the test is to be decided by them."""
        if self.tuned:
            self.threshold = best_threshold(validation.histogram)[0][-self.curves :]

    def _count(self, batch: Batch, probabilities: Tensor, threshold: Tensor | None = None) -> Tensor:
        """Add a batch and what was found in it, `[B,c,H,W]`, to the counts; returns the label maps `[B,H,W]`."""
        if threshold is None:
            found = self.head.decode(probabilities)
        else:
            found = tuned_labels(probabilities[:, -self.curves :], threshold)
        truth = self.head.truth(batch.labels)
        valid = truth != IGNORE
        self.pixels.update(found, truth, batch.index)
        self.scores.update(probabilities, torch.stack([truth == id_ for id_ in self.answers], dim=1), valid)
        if self.contradicts:
            self.claimed.update(self.head.conflicts(probabilities, valid=valid[:, None]))
        return found

    @property
    def curves(self) -> int:
        """How many classes there are besides the background; the last channels of every head are theirs."""
        return len(self.classes) - 1

    @property
    def answers(self) -> range:
        """Ids of the classes that the head's channels speak of: all, or all but the background."""
        return range(len(self.classes) - self.head.channels, len(self.classes))

    @override
    def on_validation_epoch_end(self) -> None:
        self.numbers = named(self.pixels.compute(), self.classes, split="val")
        if self.losses:
            self.numbers["train/loss"] = float(torch.stack(self.losses).mean())
            self.losses.clear()
        if self.square_norms is not None:
            norms = (self.square_norms.sqrt() / processes()).tolist()  # the loss that went backward was multiplied
            self.numbers |= {f"train/grad_norm/{k}": norm for k, norm in zip(self.classes, norms, strict=True)}
            self.square_norms = None

    def evaluation(self, split: str) -> Evaluation:
        """The integers of the evaluation that has just ended, gathered from all processes."""
        ids, matrices = self.pixels.sheets()
        return Evaluation(
            split=split,
            confusion=matrices.sum(0),
            sheet_ids=ids,
            sheet_confusion=matrices,
            histogram=self.scores.compute().clone(),
            claims=self.claimed.compute().clone() if self.contradicts else torch.zeros(3, dtype=torch.int64),
            judged={} if self.scorers is None else gathered(self.scorers.taken()),
            px_per_mm=None if self.scorers is None else self.scorers.judge.px_per_mm,
        )
