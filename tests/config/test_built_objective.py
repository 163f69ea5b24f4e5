"""The objective of a configuration has its keys, its weights and its prior."""

import pytest
import torch
from hydra.utils import instantiate
from looped import looped
from option_cases import LEVELS, keys, option

from thinline.config.objective import build_objective
from thinline.losses.objective import Objective


@looped("classes", [2, 7])
@pytest.mark.parametrize("loss", LEVELS["loss"])
@looped("head", sorted({*LEVELS["head"]} - {"curves"}))  # its two channels are ink and centre lines
def test_no_loss_and_head_assume_three_classes(loss, head, classes):
    """Another order of the classes gives the same value."""
    names = ["background", *(f"c{k}" for k in range(1, classes))]
    built = Objective(instantiate(keys("head", head), classes=names), option("loss", loss), weight=None)
    labels = torch.randint(0, classes, (2, 9, 11), generator=torch.Generator().manual_seed(0))
    channels = built.head.channels
    logits = torch.randn(2, channels, 9, 11, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    first = channels - (classes - 1)  # the channel of class 1
    order = torch.tensor([0, *range(classes - 1, 0, -1)])
    turned = torch.cat([logits[:, :first], logits[:, first:].flip(1)], dim=1) if channels > 1 else logits
    values = []
    for ids, answers in ((labels, logits), (order[labels], turned)):
        strokes = torch.stack([ids == k for k in range(1, classes)], dim=1)
        values.append(float(built(answers, ids, strokes)))
    assert values[0] == pytest.approx(values[1], rel=1e-9)
    assert values[0] > 0


def test_objective_takes_its_keys_and_weights_from_the_call():
    """Tversky's formula by hand, on all classes, weights 1, 42, 42 dividing by their sum."""
    overrides = ["loss=tversky", "head=softmax", "loss.fp_weight=0.3", "loss.fn_weight=0.7"]
    labels = torch.tensor([[[0, 1, 2, 0, 1]]])
    strokes = torch.stack([labels == 1, labels == 2], dim=1)
    logits = torch.randn(1, 3, 1, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    p = logits.softmax(1)
    terms = []
    for k in range(3):
        t = (labels == k).double()
        tp, fp, fn = (p[:, k] * t).sum(), (p[:, k] * (1 - t)).sum(), ((1 - p[:, k]) * t).sum()
        terms.append(1 - tp / (tp + 0.3 * fp + 0.7 * fn))
    expected = (terms[0] + 42 * terms[1] + 42 * terms[2]) / 85
    value = build_objective(overrides, weight=[1, 42, 42])(logits, labels, strokes)
    assert value.dtype == torch.float64
    assert float(value) == pytest.approx(float(expected), abs=1e-6)


def test_scale_raw_reaches_the_objective():
    labels = torch.tensor([[[0, 1, 2, 0]]])
    strokes = torch.stack([labels == 1, labels == 2], dim=1)
    logits = torch.zeros(1, 3, 1, 4)
    kept = build_objective(["loss=soft_ce", "loss.smoothing=0"], weight=[1, 3, 5])(logits, labels, strokes)
    raw = build_objective(["loss=soft_ce", "loss.smoothing=0", "class_weight.scale=raw"], weight=[1, 3, 5])
    # every pixel costs log 3: kept is a weighted mean, raw divides the weighted sum (1+3+5+1) log 3 by 4 pixels
    assert float(kept) == pytest.approx(torch.log(torch.tensor(3.0)).item())
    assert float(raw(logits, labels, strokes)) == pytest.approx(10 / 4 * torch.log(torch.tensor(3.0)).item())


@pytest.mark.parametrize(("loss", "head"), [("ce", "softmax"), ("dice", "binary")])
def test_logit_adjustment_wants_a_prior_and_no_other_level_takes_one(loss, head):
    overrides = [f"loss={loss}", f"head={head}", "class_weight=logit_adjustment"]
    with pytest.raises(ValueError, match=f"`prior` must be given.*loss={loss} and head={head}"):
        build_objective(overrides, weight=None)
    objective = build_objective([*overrides, "class_weight.tau=2"], weight=None, prior=[0.4, 0.35, 0.25])
    once = build_objective(overrides, weight=None, prior=[0.4, 0.35, 0.25])
    assert objective.shift.flatten().tolist() == pytest.approx([2 * value for value in once.shift.flatten().tolist()])
    with pytest.raises(ValueError, match="with no other level"):
        build_objective(overrides[:2], weight=None, prior=[0.9, 0.07, 0.03])


@pytest.mark.parametrize("head", LEVELS["head"])
def test_the_smoothing_of_soft_ce_and_a_rare_prior_raise_with_both_names_and_plain_ce_does_not(head):
    overrides, rare = [f"head={head}", "class_weight=logit_adjustment"], [0.9808, 0.0105, 0.0087]
    with pytest.raises(ValueError, match=f"loss=soft_ce with head={head} and loss.smoothing=0.1.*loss=ce"):
        build_objective(["loss=soft_ce", *overrides], weight=None, prior=rare)
    assert build_objective(["loss=ce", *overrides], weight=None, prior=rare).loss.smoothing == 0
    with pytest.raises(ValueError, match=r"loss=dice_ce .*loss\.terms\.ce\.smoothing=0\.2"):
        build_objective(["loss=dice_ce", "loss.terms.ce.smoothing=0.2", *overrides], weight=None, prior=rare)
