import pytest
import torch
from drawn_sheets import CLASSES, Batch, draw, random_batch, sheets, torn
from hypothesis import given, settings
from hypothesis import strategies as st
from looped import looped
from option_cases import LEVELS, keys, option

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.dice import Dice
from thinline.losses.objective import Objective
from thinline.losses.soft_ce import SoftCE
from thinline.system import numba_kernels

HEADS = [Softmax, SigmoidStack, Binary]
LOSSES = [option("loss", level) for level in LEVELS["loss"]]
PIXEL = [loss for loss in LOSSES if loss.kind == "pixel"]
REGION = [loss for loss in LOSSES if loss.kind == "region"]
SINGLE = [loss for loss in LOSSES if loss.kind != "sum"]
UNEVEN = [1.0, 42.0, 7.0]

every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
every_head = looped("head", HEADS)


def run(objective: Objective, batch: Batch, *, seed: int = 0, dtype: torch.dtype = torch.float32):
    logits = batch.logits(objective.head.channels, seed=seed, dtype=dtype)
    loss = objective(logits, *batch)
    return loss, torch.autograd.grad(loss, logits)[0]


def can_weigh(loss, head_name: str, weight, scale: str = "kept") -> bool:
    """Whether a weight [1, a, b] moves the balance between the classes of this loss under this head."""
    if loss.kind == "sum":
        return all(can_weigh(term, head_name, weight, scale) for _, _, term in loss.parts)
    if loss.name == "cb_focal":
        return False
    if loss.kind == "pixel" or scale == "raw":
        return True
    if loss.kind == "mapped" and loss.truth_map.curves_only and weight[1] == weight[2]:
        return False
    return head_name == "softmax" or (head_name in ("sigmoid_stack", "curves") and weight[1] != weight[2])


def test_the_lists_of_levels_are_not_empty_and_losses_have_the_names_of_their_levels() -> None:
    assert set(LEVELS["head"]) == {head.name for head in HEADS} | {"curves"}  # which takes no other classes
    assert set(LEVELS["class_weight"]) >= {"effective_number", "fixed", "measured", "none", "sqrt"}
    assert [loss.name for loss in LOSSES] == LEVELS["loss"]
    assert len(LOSSES) >= 15


@looped("head", LEVELS["head"])
@pytest.mark.parametrize("loss", LEVELS["loss"])
def test_every_combination_is_finite_has_a_slope_and_its_weight_acts_or_raises(loss, head) -> None:
    batch, build = random_batch(0), {"head": option("head", head), "loss": option("loss", loss)}
    plain, _ = run(Objective(**build), batch)
    for level in (option("class_weight", name) for name in LEVELS["class_weight"]):
        weight = level([96_000, 3_000, 1_000])
        if weight is not None and not can_weigh(build["loss"], head, weight):
            with pytest.raises(ValueError, match=rf"weight \[1\.0.*loss={loss} with head={head}"):
                Objective(**build, weight=weight, scale=level.scale)
            continue
        value, slope = run(Objective(**build, weight=weight, scale=level.scale), batch)
        assert torch.isfinite(value)
        assert torch.isfinite(slope).all()
        assert slope.any()
        assert (weight is None) == torch.equal(value, plain)


@every_loss
@looped("pooling", ["none", "scnp"])
def test_the_number_of_threads_moves_a_loss_by_rounding_alone(loss, pooling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba_kernels, "_SMALLEST_PART", 1)
    before, found = torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        try:
            found.append(run(Objective(Softmax(CLASSES), loss, pooling=pooling), random_batch(4, size=(3, 24, 40))))
        finally:
            torch.set_num_threads(before)
    (value, slope), (with_three, slope_with_three) = found
    torch.testing.assert_close(with_three, value, rtol=1e-5, atol=1e-7)
    assert (slope_with_three - slope).abs().max() <= 1e-5 * slope.abs().max()


@every_loss
@every_head
@looped("scale", ["kept", "raw"])
def test_weights_of_one_are_no_weights(loss, head, scale) -> None:
    plain = run(Objective(head(CLASSES), loss), torn())
    ones = run(Objective(head(CLASSES), loss, weight=[1, 1, 1], scale=scale), torn())
    for one, other in zip(ones, plain, strict=True):
        torch.testing.assert_close(one, other)


@every_loss
@every_head
def test_a_common_factor_is_dropped_if_the_scale_is_kept_and_multiplies_if_raw(loss, head) -> None:
    plain, _ = run(Objective(head(CLASSES), loss), torn())
    kept, _ = run(Objective(head(CLASSES), loss, weight=[5, 5, 5]), torn())
    raw, _ = run(Objective(head(CLASSES), loss, weight=[5, 5, 5], scale="raw"), torn())
    torch.testing.assert_close(kept, plain)
    torch.testing.assert_close(raw, 5 * plain)


@every_loss
@looped("weight", [None, UNEVEN])
def test_renaming_the_curves_changes_nothing(loss, weight) -> None:
    batch = torn()
    swapped = torch.tensor([0, 2, 1, *range(3, 256)])
    for head, order in ((Softmax, [0, 2, 1]), (SigmoidStack, [1, 0])):
        if weight is not None and not can_weigh(loss, head.name, weight):
            continue
        logits = batch.logits(len(order))
        other = None if weight is None else [weight[0], weight[2], weight[1]]
        one = Objective(head(CLASSES), loss, weight=weight)(logits, *batch)
        two = Objective(head(CLASSES), loss, weight=other)(
            logits[:, order], swapped[batch.labels], batch.strokes.flip(1)
        )
        torch.testing.assert_close(two, one)


@pytest.mark.parametrize("loss", [loss for loss in PIXEL if loss.name != "cb_focal"], ids=lambda loss: loss.name)
@looped("scale", ["kept", "raw"])
@every_head
def test_pixel_weights_pixel_by_pixel(loss, head, scale) -> None:
    """The definition as a loop: a softmax pixel by its label, a channel by its curve where it is, else background."""
    batch, head = torn(), head(CLASSES)
    logits = batch.logits(head.channels)
    targets, valid = head.read(*batch)
    soft = loss.spread(targets, valid) if hasattr(loss, "spread") else head.soften(targets, loss.smoothing)
    terms = loss(head.pixel_nll(logits, soft))[0]
    total, used, count = 0.0, 0.0, 0
    for channel, row, column in torch.cartesian_prod(*map(torch.arange, terms.shape)).tolist():
        label = int(batch.labels[0, row, column])
        if label == 255:
            continue
        own = batch.strokes[0, channel, row, column] if head.name == "sigmoid_stack" else label > 0
        weight = UNEVEN[channel + 1 if head.name == "sigmoid_stack" else label] if own else UNEVEN[0]
        total, used, count = total + weight * terms[channel, row, column].item(), used + weight, count + 1
    value = Objective(head, loss, weight=UNEVEN, scale=scale)(logits, *batch)
    assert value.item() == pytest.approx(total / (used if scale == "kept" else count), rel=1e-5)


@pytest.mark.parametrize("loss", REGION, ids=lambda loss: loss.name)
@looped("head", [Softmax, SigmoidStack])
def test_region_weights_term_by_term(loss, head) -> None:
    batch, head = sheets(), head(CLASSES)
    logits = batch.logits(head.channels)
    terms = loss(head.probabilities(logits), head.targets(*batch))
    weight = torch.tensor(UNEVEN[3 - head.channels :])
    kept, raw = (Objective(head, loss, weight=UNEVEN, scale=scale)(logits, *batch) for scale in ("kept", "raw"))
    torch.testing.assert_close(kept, (weight * terms).sum() / weight.sum())
    torch.testing.assert_close(raw, (weight * terms).mean())


@pytest.mark.parametrize("loss", REGION, ids=lambda loss: loss.name)
@looped("scale", ["kept", "raw"])
def test_an_absent_class_is_left_out_of_the_mean(loss, scale) -> None:
    batch = draw(".11. .... 11.1")
    head = Softmax(CLASSES)
    logits = batch.logits(3)
    terms = loss(head.probabilities(logits), head.targets(*batch))[:2]
    weight = torch.tensor(UNEVEN[:2])
    value = Objective(head, loss, weight=UNEVEN, scale=scale)(logits, *batch)
    torch.testing.assert_close(value, (weight * terms).sum() / (weight.sum() if scale == "kept" else 2))


@pytest.mark.parametrize("loss", REGION, ids=lambda loss: loss.name)
def test_false_positives_of_an_absent_class_cost_a_softmax_and_not_a_sigmoid(loss) -> None:
    batch = draw(".11. .... 11.1")
    for head, free in ((Softmax, False), (SigmoidStack, True)):
        _, slope = run(Objective(head(CLASSES), loss), batch)
        assert bool((slope[:, -1] == 0).all()) == free


@every_loss
@every_head
@looped(("weight", "scale"), [(None, "kept"), (UNEVEN, "kept"), (UNEVEN, "raw")])
def test_logits_and_strokes_of_ignored_pixels_do_not_matter(loss, head, weight, scale) -> None:
    if weight is not None and not can_weigh(loss, head.name, weight, scale):
        weight = None  # others raise
    batch, objective = torn(), Objective(head(CLASSES), loss, weight=weight, scale=scale)
    ignored = (batch.labels == 255)[:, None]
    logits = batch.logits(objective.head.channels).detach()
    values = []
    for beneath, ink in ((0.0, False), (30.0, True)):
        z = torch.where(ignored, beneath, logits).requires_grad_()
        loss_value = objective(z, batch.labels, batch.strokes | (ignored & ink))
        (slope,) = torch.autograd.grad(loss_value, z)
        assert not slope[ignored.expand_as(slope)].any()
        values.append(loss_value)
    torch.testing.assert_close(*values)


@every_loss
@every_head
@looped("weight", [None, UNEVEN])
@looped(
    "batch",
    [
        draw("????  ????"),  # all ignored
        Batch(torch.zeros(0, 4, 5, dtype=torch.long), torch.zeros(0, 2, 4, 5, dtype=torch.bool)),  # no sheet
    ],
)
def test_nothing_to_learn_from_is_zero_with_a_zero_slope(loss, head, weight, batch) -> None:
    if weight is not None and not can_weigh(loss, head.name, weight, "raw"):
        weight = None  # others raise
    value, slope = run(Objective(head(CLASSES), loss, weight=weight, scale="raw"), batch)
    assert value == 0
    assert slope.shape == (len(batch.labels), head(CLASSES).channels, *batch.labels.shape[1:])
    assert not slope.any()


@every_loss
@every_head
def test_one_pixel(loss, head) -> None:
    for mark in (".", "1", "x"):
        value, slope = run(Objective(head(CLASSES), loss), draw(mark))
        assert torch.isfinite(value)
        assert torch.isfinite(slope).all()


@every_loss
@every_head
@looped("size", [1e2, 1e4])
def test_logits_beyond_every_doubt_are_finite(loss, head, size) -> None:
    batch, objective = sheets(), Objective(head(CLASSES), loss)
    logits = (size * batch.logits(objective.head.channels).detach().sign()).requires_grad_()
    value = objective(logits, *batch)
    assert torch.isfinite(value)
    assert torch.isfinite(torch.autograd.grad(value, logits)[0]).all()


@pytest.mark.parametrize("loss", SINGLE, ids=lambda loss: loss.name)
@every_head
def test_more_pixels_than_float16_counts_in_bf16(loss, head) -> None:
    batch = random_batch(0, share=0.01, size=(1, 240, 800))  # sums of as many pixels overflow float16
    value, slope = run(Objective(head(CLASSES), loss), batch, dtype=torch.bfloat16)
    assert value.dtype == torch.float32
    assert torch.isfinite(value)
    assert slope.dtype == torch.bfloat16
    assert torch.isfinite(slope).all()
    assert slope.any()


@every_loss
@every_head
def test_dtype_is_float32_or_wider_and_half_precision_is_widened_before_anything_else(loss, head) -> None:
    batch, objective = sheets(), Objective(head(CLASSES), loss)
    for dtype, wide in (
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ):
        logits = batch.logits(objective.head.channels, dtype=dtype)
        value = objective(logits, *batch)
        assert value.dtype == wide
        torch.testing.assert_close(value, objective(logits.to(wide), *batch))


@every_loss
@every_head
def test_float32_and_float64_agree(loss, head) -> None:
    batch, objective = random_batch(1), Objective(head(CLASSES), loss)
    logits = batch.logits(objective.head.channels).detach()
    both = []
    for z in (logits.clone().requires_grad_(), logits.double().requires_grad_()):
        value = objective(z, *batch)
        both.append((value.double(), torch.autograd.grad(value, z)[0].double()))
    assert both[0][0].item() == pytest.approx(both[1][0].item(), rel=1e-5)
    assert (both[0][1] - both[1][1]).norm() < 1e-5 * both[1][1].norm()


@every_loss
@every_head
def test_the_gradient_may_be_asked_for_twice(loss, head) -> None:
    batch, objective = sheets(), Objective(head(CLASSES), loss)
    logits = batch.logits(objective.head.channels)
    value = objective(logits, *batch)
    first = torch.autograd.grad(value, logits, retain_graph=True)[0]
    assert torch.equal(first, torch.autograd.grad(value, logits)[0])


@given(seed=st.integers(0, 10_000), curves=st.integers(1, 5), share=st.floats(0, 0.5))
@settings(max_examples=8, deadline=None)
def test_any_number_of_curves(seed: int, curves: int, share: float) -> None:
    batch = random_batch(seed, share=share, size=(1, 6, 7), curves=curves)
    names = ("background", *(f"curve_{k + 1}" for k in range(curves)))
    for head in HEADS:
        for loss in LOSSES:
            value, slope = run(Objective(head(names), loss), batch, seed=seed)
            assert value >= 0
            assert torch.isfinite(slope).all()


@pytest.mark.parametrize("loss", REGION, ids=lambda loss: loss.name)
@looped(
    ("head", "weight", "scale"),
    [
        (Binary, [1, 42, 7], "kept"),
        (SigmoidStack, [1, 42, 42], "kept"),
        (SigmoidStack, [42, 1, 1], "raw"),
        (Binary, [42, 0.5, 1.5], "raw"),
        (SigmoidStack, [1, 0, 0], "raw"),
    ],
)
def test_a_weight_that_cannot_act_raises_with_loss_head_weight_and_a_way_out(loss, head, weight, scale) -> None:
    with pytest.raises(ValueError, match="cannot act") as caught:
        Objective(head(CLASSES), loss, weight=weight, scale=scale)
    for word in (f"loss={loss.name}", f"head={head.name}", str(float(weight[1])), "head=softmax", "class_weight=none"):
        assert word in str(caught.value)
    assert ("class_weight.scale=raw" in str(caught.value)) == (scale != "raw")  # no advice to set what is set


@pytest.mark.parametrize("loss", REGION, ids=lambda loss: loss.name)
@looped(("head", "weight"), [(Binary, [1, 42, 7]), (SigmoidStack, [1, 42, 42])])
def test_the_way_out_by_raw_is_one(loss, head, weight) -> None:
    plain, _ = run(Objective(head(CLASSES), loss), sheets())
    raw, _ = run(Objective(head(CLASSES), loss, weight=weight, scale="raw"), sheets())
    torch.testing.assert_close(raw, plain * sum(weight[1:]) / 2)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 42], "one number for each of"),
        ([[1, 42, 42]], "one number for each of"),
        ([1, -1, 2], "not negative"),
        ([1, float("nan"), 2], "finite"),
        ([1, float("inf"), 2], "finite"),
        ([0, 0, 0], "not all zero"),
    ],
)
@every_head
def test_an_impossible_weight_is_shown(head, weight, message) -> None:
    with pytest.raises(ValueError, match=message):
        Objective(head(CLASSES), SoftCE(), weight=weight)


def test_an_unknown_scale_is_shown_with_the_known() -> None:
    with pytest.raises(ValueError, match=r"'kept', 'raw'.*got 'mean'"):
        Objective(Softmax(CLASSES), Dice(), scale="mean")


def test_the_weight_moves_with_the_module_and_is_no_part_of_a_checkpoint() -> None:
    objective = Objective(Softmax(CLASSES), Dice(), weight=UNEVEN)
    assert dict(objective.named_buffers())["weight"].tolist() == UNEVEN
    assert not objective.state_dict()


def test_keys_of_the_command_line() -> None:
    assert set(keys("loss", "focal")) >= {"gamma"}
    assert set(keys("loss", "soft_ce")) >= {"smoothing"}
    assert set(keys("loss", "tversky")) >= {"fp_weight", "fn_weight"}
    assert "value" in keys("class_weight", "fixed")
    for level in LEVELS["class_weight"]:
        assert keys("class_weight", level).scale == "kept"
