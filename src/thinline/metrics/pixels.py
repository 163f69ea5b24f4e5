"""Pixel metrics per class: IoU, precision, recall, F1, area ratio, support, from a confusion matrix.

Conventions
-----------
A confusion matrix is `int64 [C,C]`, row = true class, column = predicted class. Pixels whose truth is 255 (ignore) are
not counted. Counts of sheets, batches and ranks are summed and divided once: the rate of a split is not the mean of the
rates of its sheets. Classes are never averaged.

With tp, fp, fn = true positives, false positives, false negatives, support = tp + fn and predicted = tp + fp:

    1. iou        = tp / (tp + fp + fn)        Jaccard 1912
    2. precision  = tp / predicted
    3. recall     = tp / support
    4. f1         = 2 tp / (2 tp + fp + fn)    Dice 1945, Sorensen 1948; iou = f1 / (2 - f1)
    5. area_ratio = predicted / support        1 = as many pixels as in the truth; 3 = three times too thick
    6. support

Where a class is absent from truth or prediction absent.py gives the value; area_ratio is NaN without support.

References
----------
Jaccard, "The distribution of the flora in the alpine zone", New Phytologist 11 (1912).
Dice, "Measures of the amount of ecologic association between species", Ecology 26 (1945).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from thinline.metrics.absent import Counts, overlap_of, precision_of, recall_of
from thinline.metrics.catalogue import RATES, signature
from thinline.vocabulary import IGNORE

__all__ = ["RATES", "PixelCounts", "PixelMeasures", "confusion", "named", "rates", "signature"]


@dataclass(frozen=True)
class PixelCounts(Counts):
    """Integer counts per class, `int64 [..., C]` each."""

    tp: Tensor
    fp: Tensor
    fn: Tensor

    @classmethod
    def from_confusion(cls, confusion: Tensor) -> PixelCounts:
        """Counts of a confusion matrix `int64 [..., C, C]`, each class against the rest."""
        tp = confusion.diagonal(dim1=-2, dim2=-1)
        return cls(tp=tp, fp=confusion.sum(-2) - tp, fn=confusion.sum(-1) - tp)

    @property
    def support(self) -> Tensor:
        """Pixels of each class in the truth, `[..., C]`."""
        return self.tp + self.fn

    @property
    def predicted(self) -> Tensor:
        """Pixels predicted as each class, `[..., C]`."""
        return self.tp + self.fp


def confusion(predicted: Tensor, true: Tensor, *, classes: int) -> Tensor:
    """Confusion matrices `int64 [B,C,C]` of `predicted` and `true`, class ids `[B,H,W]`.

    `true` may hold 255 (ignore). Raises `ValueError` on other shapes and on ids outside the vocabulary.
    """
    _check_ids(predicted, true, classes=classes)
    ignored = classes * classes
    # bincount's time is memory traffic: codes of one byte make it several times faster than codes of eight
    code_type = torch.uint8 if ignored < 256 else torch.int32
    code = true.to(code_type) * classes + predicted.to(code_type)
    code[true == IGNORE] = ignored
    if not len(code):
        return torch.zeros(0, classes, classes, dtype=torch.int64, device=true.device)
    counts = (_counted if code.device.type == "cpu" else _counted_at_once)(code.flatten(1), ignored + 1)
    return counts[:, :ignored].view(-1, classes, classes)


def _counted(code: Tensor, codes: int) -> Tensor:
    """How often each of 0..codes-1 is in each row of `code [B,N]`: int64 [B,codes]."""
    return torch.stack([torch.bincount(row, minlength=codes) for row in code])


def _counted_at_once(code: Tensor, codes: int) -> Tensor:
    """`_counted` in one call: on a GPU each call of `bincount` waits until the GPU has nothing left to do."""
    first = torch.arange(0, len(code) * codes, codes, dtype=torch.int32, device=code.device)
    return torch.bincount((code + first[:, None]).flatten(), minlength=len(code) * codes).view(-1, codes)


def rates(counts: PixelCounts) -> dict[str, Tensor]:
    """The six rates of the module's list as `float64 [..., C]`."""
    tp, support, predicted = (count.double().cpu().numpy() for count in (counts.tp, counts.support, counts.predicted))
    values = {
        "iou": overlap_of(tp, support + predicted - tp),
        "precision": precision_of(tp, predicted, support),
        "recall": recall_of(tp, support),
        "f1": overlap_of(2 * tp, support + predicted),
        "area_ratio": overlap_of(predicted, support),
        "support": support,
    }
    return {name: torch.as_tensor(value, device=counts.tp.device) for name, value in values.items()}


def named(rates: Mapping[str, Tensor], classes: Sequence[str], *, split: str) -> dict[str, float]:
    """Flatten `[C]` rates to `split/measure/class` names, for example `test/iou/curve_1`."""
    flat: dict[str, float] = {}
    for measure, values in rates.items():
        if values.shape != (len(classes),):
            raise ValueError(
                f"{measure!r} must hold one value for each of {len(classes)} classes {tuple(classes)}, got shape "
                f"{tuple(values.shape)}; name channels in the order of the head, and sum sheets before the rates"
            )
        flat |= {f"{split}/{measure}/{name}": value for name, value in zip(classes, values.tolist(), strict=True)}
    return flat


class PixelMeasures(Metric):
    """Confusion summed over batches and ranks; with `keep_sheets` also one matrix for each sheet.

    `compute` gives rates, `total` and `sheets` the integers. All three gather: every rank must call them.
    """

    full_state_update = False
    counts: Tensor
    sheet_counts: list[Tensor]
    sheet_ids: list[Tensor]

    def __init__(self, classes: int, *, keep_sheets: bool = False) -> None:
        super().__init__()
        self.classes = classes
        self.keep_sheets = keep_sheets
        self.add_state("counts", torch.zeros(classes, classes, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("sheet_counts", [], dist_reduce_fx="cat")
        self.add_state("sheet_ids", [], dist_reduce_fx="cat")

    def update(self, predicted: Tensor, true: Tensor, sheet_ids: Tensor | None = None) -> None:
        """Add a batch of class ids `[B,H,W]`; `sheet_ids` int64 `[B]` are needed with `keep_sheets`."""
        matrices = confusion(predicted, true, classes=self.classes)
        self.counts += matrices.sum(0)
        if self.keep_sheets:
            self._keep(matrices, sheet_ids)

    def _keep(self, matrices: Tensor, sheet_ids: Tensor | None) -> None:
        if sheet_ids is None or sheet_ids.shape != matrices.shape[:1]:
            got = None if sheet_ids is None else tuple(sheet_ids.shape)
            raise ValueError(
                f"keep_sheets needs `sheet_ids` of shape ({len(matrices)},), got {got}; pass the index of each sheet"
            )
        self.sheet_counts.append(matrices)
        self.sheet_ids.append(sheet_ids.to(matrices))

    def compute(self) -> dict[str, Tensor]:
        """Rates of all batches, `float64 [C]` each."""
        return rates(PixelCounts.from_confusion(self.counts))

    def total(self) -> Tensor:
        """Confusion of all batches, `int64 [C,C]`."""
        with self.sync_context():
            return self.counts.clone()

    def sheets(self) -> tuple[Tensor, Tensor]:
        """Ids `int64 [N]`, ascending, and confusion `int64 [N,C,C]` of each sheet; a sheet in two tiles is summed."""
        with self.sync_context():
            ids, matrices = _joined(self.sheet_ids), _joined(self.sheet_counts)
        if ids is None or matrices is None:
            none = self.counts.new_zeros(0)
            return none, none.view(0, self.classes, self.classes)
        unique, index = torch.unique(ids, return_inverse=True)
        summed = matrices.new_zeros(len(unique), self.classes, self.classes)
        return unique, summed.index_add_(0, index, matrices)


def _joined(state: Any) -> Tensor | None:
    """A "cat" state as one tensor: torchmetrics has a list before gathering and a tensor after it."""
    if isinstance(state, Tensor):
        return state
    return torch.cat(state) if state else None


def _check_ids(predicted: Tensor, true: Tensor, *, classes: int) -> None:
    if predicted.ndim != 3 or predicted.shape != true.shape:
        raise ValueError(
            f"`predicted` and `true` must be class ids of one shape [B,H,W], got {tuple(predicted.shape)} and "
            f"{tuple(true.shape)}; decode probabilities to labels first"
        )
    if predicted.is_floating_point() or true.is_floating_point():
        raise ValueError(
            f"class ids must be integers, got {predicted.dtype} and {true.dtype}; decode probabilities first"
        )
    if not true.numel():
        return
    low, high = torch.stack(predicted.aminmax()).tolist()  # one transfer from a GPU
    if low < 0 or high >= classes:
        raise ValueError(
            f"`predicted` must hold ids 0..{classes - 1}, got {low}..{high}; is `classes` that of the head?"
        )
    low, high = torch.stack(true.aminmax()).tolist()
    if low < 0 or high >= classes:  # 255 or an error: only now look at every pixel
        outside = true[(true < 0) | ((true >= classes) & (true != IGNORE))]
        if outside.numel():
            raise ValueError(
                f"`true` must hold ids 0..{classes - 1} or {IGNORE} (ignore), got {int(outside[0])}; "
                "was the mask drawn with another vocabulary?"
            )
