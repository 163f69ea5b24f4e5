"""Pixel scores against torchmetrics, smp and a plain loop; absent classes; sums over sheets, batches and ranks."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
import torchmetrics.functional.classification as tm
from error_cases import ids
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from two_ranks import sheets

from thinline.metrics import pixels
from thinline.metrics.pixels import RATES, PixelCounts, PixelMeasures, confusion, named, rates, signature
from thinline.vocabulary import IGNORE, LOG_CLASSES

PEERS = {
    "iou": tm.multiclass_jaccard_index,
    "precision": tm.multiclass_precision,
    "recall": tm.multiclass_recall,
    "f1": tm.multiclass_f1_score,
}
NAN = float("nan")


def drawn(picture: str) -> Tensor:
    """Class ids `[1,H,W]` of a picture."""
    return torch.from_numpy(ids(picture))[None]


def scores(predicted: Tensor, true: Tensor, *, classes: int = 3) -> dict[str, list[float]]:
    counts = PixelCounts.from_confusion(confusion(predicted, true, classes=classes).sum(0))
    return {measure: values.tolist() for measure, values in rates(counts).items()}


def test_a_drawn_sheet_is_counted_by_hand() -> None:
    true = drawn("..1.. ..1.. .12.x")
    predicted = drawn("..1.. .11.. .2..1")
    assert confusion(predicted, true, classes=3).tolist() == [[[9, 1, 0], [0, 2, 1], [1, 0, 0]]]
    assert scores(predicted, true) == {
        "iou": [9 / 11, 2 / 4, 0.0],
        "precision": [9 / 10, 2 / 3, 0.0],
        "recall": [9 / 10, 2 / 3, 0.0],
        "f1": [18 / 20, 4 / 6, 0.0],
        "area_ratio": [1.0, 1.0, 1.0],
        "support": [10.0, 3.0, 1.0],
    }


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
@pytest.mark.parametrize("classes", [2, 3, 17])
def test_confusion_equals_a_loop_over_pixels(classes: int, dtype: torch.dtype) -> None:
    predicted, true = (ids.to(dtype) for ids in sheets(classes, classes=classes))
    before = predicted.clone(), true.clone()
    by_hand = np.zeros((len(true), classes, classes), np.int64)
    for sheet, one_true, one_predicted in zip(
        np.indices(true.shape)[0].ravel(), true.ravel().tolist(), predicted.ravel().tolist(), strict=True
    ):
        if one_true != IGNORE:
            by_hand[sheet, one_true, one_predicted] += 1
    counted = confusion(predicted, true, classes=classes)
    assert counted.dtype == torch.int64
    assert np.array_equal(counted.numpy(), by_hand)
    assert torch.equal(predicted, before[0])  # neither argument changes
    assert torch.equal(true, before[1])


@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_torchmetrics_and_smp_where_every_class_is_present(seed: int) -> None:
    predicted, true = sheets(seed)
    ours = scores(predicted, true)
    for measure, peer in PEERS.items():
        theirs = peer(predicted, true, num_classes=3, average=None, ignore_index=IGNORE)
        assert ours[measure] == pytest.approx(theirs.tolist(), abs=1e-6)
    stats = smp.metrics.get_stats(
        predicted, true.where(true != IGNORE, -1), mode="multiclass", ignore_index=-1, num_classes=3
    )
    sums = [stat.sum(0) for stat in stats]
    for measure, name in {"iou": "iou_score", "precision": "precision", "recall": "recall", "f1": "f1_score"}.items():
        assert ours[measure] == pytest.approx(getattr(smp.metrics, name)(*sums).tolist(), abs=1e-6)


ZERO_CASES = {
    # true, predicted -> iou, precision, recall, f1, area_ratio, support of class 1
    "absent from both": ("...", "...", (NAN, NAN, NAN, NAN, NAN, 0)),
    "false alarms only": ("...", ".1.", (0, 0, NAN, 0, NAN, 0)),
    "everything missed": (".1.", "...", (0, 0, 0, 0, 0, 1)),
    "taken for another": (".1.", ".2.", (0, 0, 0, 0, 0, 1)),
    "only where ignored": (".x.", ".1.", (NAN, NAN, NAN, NAN, NAN, 0)),
}


@pytest.mark.parametrize("case", ZERO_CASES)
def test_each_zero_over_zero_of_the_docstring(case: str) -> None:
    true, predicted, expected = ZERO_CASES[case]
    ours = scores(drawn(predicted), drawn(true))
    got = [ours[measure][1] for measure in RATES]
    assert got == pytest.approx(expected, nan_ok=True)


def test_where_the_peers_score_an_absent_class() -> None:
    """torchmetrics gives an absent class 0 and smp gives it 1; a mean over classes then moves with the empty ones."""
    true, predicted = drawn("..1 ..."), drawn("..1 ...")
    assert math.isnan(scores(predicted, true)["iou"][2])
    for peer in PEERS.values():
        assert float(peer(predicted.long(), true.long(), num_classes=3, average=None)[2]) == 0
    stats = smp.metrics.get_stats(predicted.long(), true.long(), mode="multiclass", num_classes=3)
    assert float(smp.metrics.iou_score(*[stat.sum(0) for stat in stats])[2]) == 1


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), order=st.permutations(range(4)))
def test_permuting_classes_permutes_scores(seed: int, order: list[int]) -> None:
    predicted, true = sheets(seed, classes=4, batch=1, size=(9, 9))
    renamed = torch.full((256,), IGNORE)
    renamed[:4] = torch.tensor(order)
    plain, permuted = scores(predicted, true, classes=4), scores(renamed[predicted], renamed[true], classes=4)
    for measure in RATES:
        assert [permuted[measure][order[k]] for k in range(4)] == pytest.approx(plain[measure], nan_ok=True)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), cut=st.integers(0, 5))
def test_counts_of_batches_add_up_to_the_counts_of_all(seed: int, cut: int) -> None:
    predicted, true = sheets(seed, batch=5, size=(7, 8))
    whole = PixelCounts.from_confusion(confusion(predicted, true, classes=3).sum(0))
    first, second = (
        PixelCounts.from_confusion(confusion(predicted[part], true[part], classes=3).sum(0))
        for part in (slice(0, cut), slice(cut, 5))
    )
    assert torch.equal((first + second).tp, whole.tp)
    assert torch.equal((first + second).fp, whole.fp)
    assert torch.equal((first + second).fn, whole.fn)


@settings(deadline=None, max_examples=50)
@given(counts=st.lists(st.integers(0, 1000), min_size=9, max_size=9))
def test_iou_is_f1_over_two_minus_f1(counts: list[int]) -> None:
    result = rates(PixelCounts.from_confusion(torch.tensor(counts).view(3, 3)))
    assert result["iou"].tolist() == pytest.approx((result["f1"] / (2 - result["f1"])).tolist(), nan_ok=True)
    known = {measure: values for measure, values in result.items() if measure not in ("area_ratio", "support")}
    for values in known.values():
        assert bool(((values >= 0) & (values <= 1) | values.isnan()).all())


def test_names_are_split_measure_class() -> None:
    result = rates(PixelCounts.from_confusion(torch.tensor([[10, 1, 0], [0, 2, 1], [1, 0, 0]])))
    flat = named(result, LOG_CLASSES, split="test")
    assert flat["test/iou/curve_1"] == 0.5
    assert flat["test/support/background"] == 11
    assert len(flat) == len(RATES) * 3
    with pytest.raises(ValueError, match=r"2 classes .*got shape \(3,\)"):
        named(result, LOG_CLASSES[1:], split="test")


def test_every_measure_has_a_signature_and_only_those() -> None:
    assert signature("iou") == "iou|absent:nan|ignore:255|v:1"
    assert len({signature(measure) for measure in RATES}) == len(RATES)
    with pytest.raises(ValueError, match=r"no metric is called 'dice'.*f1"):
        signature("dice")


BAD = {
    "shape": (torch.zeros(1, 2, 2), torch.zeros(1, 2, 3), "one shape"),
    "no batch": (torch.zeros(2, 2), torch.zeros(2, 2), "one shape"),
    "float": (torch.zeros(1, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long), "integers"),
    "predicted outside": (torch.full((1, 2, 2), 3), torch.zeros(1, 2, 2, dtype=torch.long), r"0\.\.2, got 3\.\.3"),
    "predicted ignored": (torch.full((1, 2, 2), IGNORE), torch.full((1, 2, 2), IGNORE), "`predicted` must"),
    "true outside": (torch.zeros(1, 2, 2, dtype=torch.long), torch.full((1, 2, 2), 7), "or 255.*got 7.*vocabulary"),
    "true negative": (torch.zeros(1, 2, 2, dtype=torch.long), torch.full((1, 2, 2), -1), "got -1"),
    "true wraps to 0": (torch.zeros(1, 2, 2, dtype=torch.long), torch.full((1, 2, 2), 256), "got 256"),
}


@pytest.mark.parametrize("case", BAD)
def test_ids_that_cannot_be_counted_are_refused(case: str) -> None:
    predicted, true, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        confusion(predicted, true, classes=3)


@pytest.mark.parametrize("shape", [(0, 4, 4), (2, 0, 4)])
def test_nothing_to_count_counts_nothing(shape: tuple[int, int, int]) -> None:
    none = torch.zeros(shape, dtype=torch.int64)
    counted = confusion(none, none, classes=3)
    assert counted.shape == (shape[0], 3, 3)
    assert int(counted.sum()) == 0


def test_pixel_measures_equal_the_functions_and_reset_clears_them() -> None:
    predicted, true = sheets(4, batch=6)
    measures = PixelMeasures(3, keep_sheets=True)
    measures.update(predicted[:4], true[:4], torch.tensor([7, 3, 5, 0]))
    measures.update(predicted[4:], true[4:], torch.tensor([3, 9]))  # sheet 3 comes in two tiles
    matrices = confusion(predicted, true, classes=3)
    assert torch.equal(measures.total(), matrices.sum(0))
    assert {name: values.tolist() for name, values in measures.compute().items()} == scores(predicted, true)
    numbers, kept = measures.sheets()
    assert numbers.tolist() == [0, 3, 5, 7, 9]
    assert torch.equal(
        kept, torch.stack([matrices[3], matrices[1] + matrices[4], matrices[2], matrices[0], matrices[5]])
    )
    measures.reset()
    assert int(measures.total().sum()) == 0
    assert measures.sheets()[1].shape == (0, 3, 3)


def test_without_keep_sheets_no_ids_are_required() -> None:
    predicted, true = sheets(4)
    measures = PixelMeasures(3)
    measures.update(predicted, true)
    assert torch.equal(measures.total(), confusion(predicted, true, classes=3).sum(0))
    assert measures.sheets()[0].tolist() == []


def test_with_keep_sheets_ids_are_required() -> None:
    predicted, true = sheets(4)
    with pytest.raises(ValueError, match=r"shape \(3,\), got None"):
        PixelMeasures(3, keep_sheets=True).update(predicted, true)
    with pytest.raises(ValueError, match=r"shape \(3,\), got \(2,\)"):
        PixelMeasures(3, keep_sheets=True).update(predicted, true, torch.tensor([1, 2]))


def test_two_ranks_count_what_one_process_counts(two_ranks: Path) -> None:
    predicted, true = sheets(5, batch=5)
    matrices = confusion(predicted, true, classes=3)
    for rank in range(2):
        result = torch.load(two_ranks / f"rank{rank}.pt")["counts"]
        assert torch.equal(result["total"], matrices.sum(0))
        assert result["ids"].tolist() == list(range(5))
        assert torch.equal(result["kept"], matrices)
        assert {name: values.tolist() for name, values in result["rates"].items()} == scores(predicted, true)


def test_one_call_counts_what_a_call_for_each_sheet_counts() -> None:
    """The way of a GPU, here on the CPU."""
    code = torch.randint(0, 10, (5, 400), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert torch.equal(pixels._counted_at_once(code, 12), pixels._counted(code, 12))
