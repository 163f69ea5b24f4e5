"""NSD, HD95 and clDice of both curves of drawn sheets of 256x256 px, beside MONAI, exacta and torchmetrics.

Both sides begin with class ids [H,W] of a sheet. Ours has more for its time: `surfaces` has NSD at three tolerances,
precision, recall and F1 with them, and boundary IoU; `centrelines` has clDice at four tolerances and breaks. MONAI
looks for nearest surface pixels in SciPy's KD-tree. NSD and HD95 of the three agree, clDice of exacta has another
skeleton (tests/test_bench.py). torchmetrics has only the maximum of
the surface distances, looks at all pairs of pixels, and errs on images that are not square: it gets the ink of both
curves on a part of `PART_PX` x `PART_PX` px.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from bench_sheet_scores import case
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from rows import Row, compared, installed, without
from torchmetrics.functional.segmentation import hausdorff_distance
from turns import compare

from thinline.metrics.structure.centrelines import centrelines
from thinline.metrics.structure.distances import Pair
from thinline.metrics.structure.surfaces import surfaces
from thinline.vocabulary import UInt8

SHEETS, CLASSES, PART_PX = 8, 3, 64
Masks = tuple[UInt8, UInt8]
"""Class ids [SHEETS,H,W], predicted and true."""


def main() -> Iterator[Row]:
    """Rows: the peer's time for a sheet over ours."""
    warnings.filterwarnings("ignore", category=FutureWarning, module="monai")
    drawn = [case(number) for number in range(SHEETS)]
    masks = np.stack([predicted for predicted, *_ in drawn]), np.stack([truth.labels for *_, truth, _ in drawn])
    yield _row("NSD and HD95, monai (KD-tree)", masks, _surfaces, monai_surfaces)
    for name, ours, peer in (
        ("NSD and HD95, exacta", _surfaces, exacta_surfaces),
        ("clDice, exacta (other skeleton)", _centrelines, exacta_cldice),
        ("NSD, HD95 and clDice, exacta", _both, lambda masks: (exacta_surfaces(masks), exacta_cldice(masks))),
    ):
        yield _row(name, masks, ours, peer) if installed("exacta") else without("exacta", name)
    part = slice(96, 96 + PART_PX)
    ink = [np.minimum(ids[:, part, part], 1) for ids in masks]
    both = ink[0].any((1, 2)) & ink[1].any((1, 2))  # torchmetrics raises where one is absent
    name = f"Hausdorff distance, torchmetrics, {PART_PX} px"
    yield _row(name, (ink[0][both], ink[1][both]), partial(_surfaces, classes=2), torchmetrics_hausdorff)


def _row(name: str, masks: Masks, ours: Callable[[Masks], object], peer: Callable[[Masks], object]) -> Row:
    comparison = compare(lambda: ours(masks), lambda: peer(masks), units=(len(masks[0]), len(masks[0])))
    our_ms, peer_ms = (seconds * 1e3 for seconds in comparison.seconds)
    return compared(name, comparison, f"{our_ms:.2f} ms a sheet for {peer_ms:.2f}")


def _pairs(masks: Masks, classes: int = CLASSES) -> Iterator[Pair]:
    for predicted, true in zip(*masks, strict=True):
        for k in range(1, classes):
            yield Pair(predicted == k, true == k)


def _surfaces(masks: Masks, classes: int = CLASSES) -> None:
    for pair in _pairs(masks, classes):
        surfaces(pair)


def _centrelines(masks: Masks) -> None:
    for pair in _pairs(masks):
        centrelines(pair)


def _both(masks: Masks) -> None:
    for pair in _pairs(masks):
        surfaces(pair)
        centrelines(pair)


def monai_surfaces(masks: Masks) -> tuple[torch.Tensor, torch.Tensor]:
    """NSD at 1 px and HD95 [SHEETS,K]."""
    hot = [torch.from_numpy(ids[:, None] == np.arange(CLASSES)[:, None, None]).float() for ids in masks]
    nsd = compute_surface_dice(*hot, class_thresholds=[1.0] * (CLASSES - 1))
    return nsd, compute_hausdorff_distance(*hot, percentile=95)


def exacta_surfaces(masks: Masks) -> dict[str, torch.Tensor]:
    """NSD at 1 px and HD95 [SHEETS,K]."""
    from exacta.functional import evaluate

    scores: dict[str, torch.Tensor] = evaluate(
        *map(torch.from_numpy, masks),
        num_classes=CLASSES,
        include_background=False,
        spacing=(1.0, 1.0),
        metrics={"hd95": {}, "nsd": {"tolerance": 1.0}},
    )
    return scores


def exacta_cldice(masks: Masks) -> torch.Tensor:
    """Hard clDice [SHEETS,K]."""
    from exacta.functional import cldice

    scores: torch.Tensor = cldice(*map(torch.from_numpy, masks), num_classes=CLASSES, include_background=False)
    return scores


def torchmetrics_hausdorff(masks: Masks) -> torch.Tensor:
    """The Hausdorff distance of one class [SHEETS,1]."""
    return hausdorff_distance(*(torch.from_numpy(ids).long() for ids in masks), 2, input_format="index")
