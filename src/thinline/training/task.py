"""The Lightning module: a step (network -> logits -> objective), and the integer counts of an evaluation.

Numbers are named `split/metric/class`. Validation and test sum integer counts and divide once per split. The numbers of
`tuned/` are those of the test split at the thresholds that are best on validation. Each channel has its own threshold,
and all heads are scored against the same labels, so that heads can be compared. Each validation also logs the gradient
norm of each class in the step before (`metrics/gradients.py`).
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from typing_extensions import override

from thinline.data.tiles import Batch
from thinline.heads import Head
from thinline.losses.objective import Objective
from thinline.metrics.channel_conflicts import ConflictCounts
from thinline.metrics.gradients import class_square_norms
from thinline.metrics.pixels import PixelMeasures, named
from thinline.metrics.thresholds import ScoreHistogram, best_threshold, tuned_labels
from thinline.training.distributed import gathered, processes, whole_batch
from thinline.training.evaluation import Evaluation
from thinline.training.optimiser import optimiser_of
from thinline.training.scoring_workers import Prediction, ScoringWorkers
from thinline.training.settings import Schedule
from thinline.training.shown_sheets import StoredMap, f1_of_sheets, spread
from thinline.vocabulary import IGNORE, UInt8

DIVERGED_BATCH = "diverged_batch.pt"
ORDINARY_LOGIT = 1e3
"""If the loss is not finite and no logit reaches this value, the cause is the code of the loss, not the training."""


class TrainingDivergedError(FloatingPointError):
    """The loss became NaN or infinite; the batch of that step is saved in the run folder."""


class SegmentationTask(pl.LightningModule):
    """One network, one objective and its head, and the integer counts of an evaluation."""

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        *,
        schedule: Schedule,
        folder: Path,
        scorers: ScoringWorkers | None = None,
        pictures: int = 0,
        tuned: bool = False,
    ):
        """A batch whose loss is not finite is saved in `folder`. `scorers` compute the structure and curve metrics of
        every test sheet; `pictures` is the number of label maps that `shown_sheets` returns. With `tuned` the classes
        of test pixels come from the thresholds that `tune` took from validation, not from the decision of the head.
        """
        super().__init__()
        self.network, self.objective, self.schedule = network, objective, schedule
        self.folder, self.scorers, self.pictures, self.tuned = folder, scorers, pictures, tuned
        assert isinstance(objective.head, Head)
        self.head = head = objective.head
        self.threshold: Tensor | None = None
        self.classes = tuple(head.classes)
        self.curves = len(self.classes) - 1
        self.numbers: dict[str, float] = {}
        self.pixels = PixelMeasures(len(self.classes), keep_sheets=True)
        self.histogram = ScoreHistogram(len(head.scored_classes))
        # only the channels of a sigmoid stack can claim one pixel twice
        self.conflicts = ConflictCounts() if head.name == "sigmoid_stack" else None
        self.losses: list[Tensor] = []
        self.last_step: tuple[Tensor, Tensor] | None = None
        self.square_norms: Tensor | None = None
        self.label_maps: dict[int, StoredMap] = {}
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
            raise TrainingDivergedError(self._save_diverged(batch, logits))
        self.losses.append(loss.detach())
        if batch_idx + 1 == self.trainer.num_training_batches:
            logits.retain_grad()
            self.last_step = (logits, self.head.truth(batch.labels))
        return loss * processes()

    @override
    def on_after_backward(self) -> None:
        """Compute the squared gradient norm of each class, before clipping, in the last step before a validation."""
        if self.last_step is not None:
            logits, truth = self.last_step
            assert logits.grad is not None
            self.square_norms = class_square_norms(logits.grad, truth, classes=len(self.classes))
            self.last_step = None

    def _save_diverged(self, batch: Batch, logits: Tensor) -> str:
        """Save the batch, and return a message that says where it is and what to do."""
        path = self.folder / DIVERGED_BATCH
        torch.save({"step": self.global_step, "batch": batch._asdict(), "logits": logits.detach()}, path)
        largest = float(logits.detach().abs().max())
        if largest < ORDINARY_LOGIT:
            return (
                f"the loss must be finite, got {self.latest_loss} at step {self.global_step} from logits up to "
                f"{largest:.3g}, so the loss {self.objective.loss.name} itself gives it; the batch and its logits are "
                f"in {path}. Next: look for a division by zero or a logarithm of zero in it, as of an absent class"
            )
        exact = logits.dtype in (torch.float32, torch.float64)
        return (
            f"the loss must be finite, got {self.latest_loss} at step {self.global_step}; the batch and its logits are "
            f"in {path}. Next: lower optimiser.learning_rate{'' if exact else ', or set trainer.precision=fp32'}"
        )

    @override
    def configure_optimizers(self) -> Any:
        optimiser = optimiser_of(self.network.parameters(), self.schedule)
        factor = partial(self.schedule.factor, steps=self.trainer.max_steps)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    @override
    def on_validation_epoch_start(self) -> None:
        self._reset_counts()

    @override
    def on_test_epoch_start(self) -> None:
        self._reset_counts()

    def _reset_counts(self) -> None:
        self.pixels.reset()
        self.histogram.reset()
        if self.conflicts is not None:
            self.conflicts.reset()
        if self.scorers is not None:
            self.scorers.clear()

    @override
    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        probabilities = self.head.probabilities(self(batch.image).float())
        self._count(batch, self.head.scored(probabilities), self.head.decode(probabilities))

    @override
    def test_step(self, batch: Batch, batch_idx: int) -> None:
        probabilities = self.head.probabilities(self(batch.image).float())
        scored = self.head.scored(probabilities)
        if self.threshold is None:
            predicted = self.head.decode(probabilities)
        else:
            predicted = tuned_labels(scored[:, -self.curves :], self.threshold)
        truth = self._count(batch, scored, predicted)
        ids = batch.index.tolist()
        label_maps = predicted.to("cpu", torch.uint8).numpy()
        if self.pictures:
            self.label_maps |= {i: StoredMap.of(labels) for i, labels in zip(ids, label_maps, strict=True)}
        if self.scorers is not None:
            ink = scored[:, self.head.first_curve :].cpu().numpy()
            true = truth.to("cpu", torch.uint8).numpy()
            for i, *maps in zip(ids, label_maps, ink, true, batch.strokes.cpu().numpy(), strict=True):
                self.scorers.put(i, Prediction(*maps))

    def shown_sheets(self, per_sheet: pd.DataFrame) -> dict[int, UInt8]:
        """Label maps [H,W] of `pictures` test sheets, the worst by F1 first; every process must call it.

        `per_sheet` is the table of the run, the same in every process.
        """
        chosen = spread(f1_of_sheets(per_sheet).index.tolist(), self.pictures) if self.pictures else []
        stored = gathered({i: self.label_maps[i] for i in chosen if i in self.label_maps})
        return {i: stored[i].labels() for i in chosen}

    def tune(self, validation: Evaluation) -> None:
        """Take the thresholds of the curves from `validation`; does nothing if the run is not `tuned`."""
        if self.tuned:
            self.threshold = best_threshold(validation.histogram)[0][-self.curves :]

    def _count(self, batch: Batch, probabilities: Tensor, predicted: Tensor) -> Tensor:
        """Count `probabilities` [B,c,H,W] of the scored channels and `predicted` [B,H,W].

        Returns the truth [B,H,W] in the ids of the head.
        """
        truth = self.head.truth(batch.labels)
        valid = truth != IGNORE
        self.pixels.update(predicted, truth, batch.index)
        ids = range(len(self.classes) - probabilities.shape[1], len(self.classes))  # of the classes that have a channel
        self.histogram.update(probabilities, torch.stack([truth == id_ for id_ in ids], dim=1), valid)
        if self.conflicts is not None:
            self.conflicts.update(self.head.conflicts(probabilities, valid=valid[:, None]))
        return truth

    @override
    def on_validation_epoch_end(self) -> None:
        self.numbers = named(self.pixels.compute(), self.classes, split="val")
        if self.losses:
            self.numbers["train/loss"] = float(torch.stack(self.losses).mean())
            self.losses.clear()
        if self.square_norms is not None:
            norms = (self.square_norms.sqrt() / processes()).tolist()  # the loss was multiplied by `processes()`
            self.numbers |= {f"train/grad_norm/{k}": norm for k, norm in zip(self.classes, norms, strict=True)}
            self.square_norms = None

    def evaluation(self, split: str) -> Evaluation:
        """The counts of the evaluation that has just ended, gathered from all processes."""
        ids, matrices = self.pixels.sheets()
        return Evaluation(
            split=split,
            sheet_ids=ids,
            confusion=matrices,
            histogram=self.histogram.compute().clone(),
            conflicts=torch.zeros(3, dtype=torch.int64) if self.conflicts is None else self.conflicts.compute().clone(),
            scores={} if self.scorers is None else gathered(self.scorers.scores()),
            px_per_mm=None if self.scorers is None else self.scorers.scorer.px_per_mm,
        )
