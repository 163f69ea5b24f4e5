import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from thinline.heads import Binary, ChannelConflicts, Curves, SigmoidStack, Softmax, valid_pixels

CLASSES = ("background", "curve_1", "curve_2")
HEADS = [Softmax, SigmoidStack, Binary]
every_head = pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)

# background, curve 1, curve 2, a crossing that curve 2 was drawn over, ignored with ink beneath
LABELS = torch.tensor([[[0, 1, 2, 2, 255]]])
STROKES = torch.tensor([[[[0, 1, 0, 1, 1]], [[0, 0, 1, 1, 0]]]]).bool()


def logits_of(head, *, seed: int = 0, size=(2, 4, 5), dtype=torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    drawn = 3 * torch.randn(size[0], head.channels, *size[1:], generator=generator, dtype=torch.float64)
    return drawn.to(dtype).requires_grad_()


def soft_targets(head, logits: torch.Tensor) -> torch.Tensor:
    drawn = torch.rand(logits.shape, generator=torch.Generator().manual_seed(9), dtype=logits.dtype)
    return drawn / drawn.sum(1, keepdim=True) if head.name == "softmax" else drawn


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (Softmax, [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 1, 0]]),
        (SigmoidStack, [[0, 1, 0, 1, 0], [0, 0, 1, 1, 0]]),
        (Binary, [[0, 1, 1, 1, 0]]),
    ],
)
def test_targets(head, expected) -> None:
    head = head(CLASSES)
    targets = head.targets(LABELS, STROKES)
    assert targets.dtype == torch.float32
    assert targets[0, :, 0].tolist() == expected
    assert head.channels == len(expected)
    assert head.read(LABELS, STROKES).valid[0, 0, 0].tolist() == [True] * 4 + [False]


def test_binary_calls_one_curve_by_its_name_and_several_curve() -> None:
    assert Binary(("background", "vessel")).classes == ("background", "vessel")
    assert Binary(CLASSES).classes == ("background", "curve")


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
@every_head
def test_any_integer_holds_labels(head, dtype) -> None:
    head = head(CLASSES)
    assert torch.equal(head.targets(LABELS.to(dtype), STROKES), head.targets(LABELS, STROKES))
    weights = head.pixel_weights(torch.tensor([1.0, 2.0, 3.0]), LABELS.to(dtype), head.targets(LABELS, STROKES))
    assert weights.shape == head.targets(LABELS, STROKES)[:, : weights.shape[1]].shape


@pytest.mark.parametrize(
    ("head", "expected"),
    [(Softmax, [[1, 5, 7, 7]]), (SigmoidStack, [[1, 5, 1, 5], [1, 1, 7, 7]]), (Binary, [[1, 5, 7, 7]])],
)
def test_pixel_weights_follow_the_true_class(head, expected) -> None:
    head = head(CLASSES)
    weights = head.pixel_weights(torch.tensor([1.0, 5.0, 7.0]), LABELS, head.targets(LABELS, STROKES))
    assert weights[0, :, 0, :4].tolist() == expected


def test_channel_weights() -> None:
    weight = torch.tensor([1.0, 5.0, 7.0])
    assert [head(CLASSES).channel_weights(weight).tolist() for head in HEADS] == [[1, 5, 7], [5, 7], [6]]


def test_softmax_nll_is_torchs_cross_entropy() -> None:
    head = Softmax(CLASSES)
    logits = logits_of(head)
    targets = soft_targets(head, logits)
    expected = F.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(head.nll(logits, targets).sum(1), expected)
    torch.testing.assert_close(head.pixel_nll(logits, targets)[:, 0], expected)


@pytest.mark.parametrize("head", [SigmoidStack, Binary])
def test_sigmoid_nll_is_torchs_binary_cross_entropy(head) -> None:
    head = head(CLASSES)
    logits = logits_of(head)
    targets = soft_targets(head, logits)
    expected = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    torch.testing.assert_close(head.nll(logits, targets), expected)
    torch.testing.assert_close(head.pixel_nll(logits, targets), expected)


@every_head
def test_nll_of_hard_targets_is_minus_the_log_of_the_probability_of_the_truth(head) -> None:
    head = head(CLASSES)
    labels, strokes = LABELS[..., :4], STROKES[..., :4]
    logits, targets = logits_of(head, size=(1, 1, 4)), head.targets(labels, strokes)
    p = head.probabilities(logits)
    truth = (p * targets).sum(1, keepdim=True) if head.name == "softmax" else torch.where(targets > 0, p, 1 - p)
    torch.testing.assert_close(head.pixel_nll(logits, targets).neg().exp(), truth)


@every_head
def test_gradient_by_finite_differences(head) -> None:
    head = head(CLASSES)
    logits = logits_of(head, size=(1, 2, 3), dtype=torch.float64)
    targets = soft_targets(head, logits)
    assert gradcheck(lambda z: head.pixel_nll(z, targets), (logits,))
    assert gradcheck(lambda z: head.nll(z, targets), (logits,))


@every_head
@pytest.mark.parametrize("size", [50.0, 1e3, 3e4])
def test_nll_grows_with_the_logits_and_never_overflows(head, size) -> None:
    head = head(CLASSES)
    logits = torch.full((1, head.channels, 1, 4), -size)
    logits[:, -1] = size
    targets = head.targets(LABELS[..., :4], STROKES[..., :4])
    exact = head.nll(logits.double(), targets.double()).sum(1)
    assert exact.max() >= size
    torch.testing.assert_close(head.pixel_nll(logits, targets).sum(1).double(), exact)


def test_soften_keeps_smps_convention() -> None:
    labels, strokes = LABELS[..., :1], STROKES[..., :1]
    softmax, stack = Softmax(CLASSES), SigmoidStack(CLASSES)
    assert softmax.soften(softmax.targets(labels, strokes), 0.1).flatten().tolist() == pytest.approx(
        [0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3]
    )
    assert stack.soften(stack.targets(labels, strokes), 0.1).flatten().tolist() == pytest.approx([0.05, 0.05])
    assert Binary(CLASSES).soften(torch.ones(1, 1, 1, 1), 0.1).item() == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("head", "probabilities", "expected"),
    [
        (Softmax, [0.2, 0.5, 0.3], 1),
        (Softmax, [0.4, 0.2, 0.4], 0),
        (Softmax, [0.2, 0.4, 0.4], 1),
        (SigmoidStack, [0.6, 0.9], 2),
        (SigmoidStack, [0.8, 0.8], 1),
        (SigmoidStack, [0.5, 0.5], 0),
        (SigmoidStack, [0.5, 0.51], 2),
        (Binary, [0.5], 0),
        (Binary, [0.51], 1),
    ],
)
def test_decode_and_its_ties(head, probabilities, expected) -> None:
    decoded = head(CLASSES).decode(torch.tensor(probabilities).view(1, -1, 1, 1))
    assert decoded.dtype == torch.int64
    assert decoded.shape == (1, 1, 1)
    assert decoded.item() == expected


@every_head
def test_decoding_the_targets_gives_the_truth(head) -> None:
    head = head(CLASSES)
    labels = torch.tensor([[[0, 1, 2, 0]]])
    strokes = torch.stack([labels == 1, labels == 2], dim=1)
    assert torch.equal(head.decode(head.targets(labels, strokes)), head.truth(labels))
    assert head.truth(LABELS)[0, 0, -1] == 255
    assert head.truth(LABELS.to(torch.uint8)).dtype == torch.uint8
    assert int(head.truth(labels).max()) == len(head.classes) - 1


def test_conflicts_are_counted_before_decoding() -> None:
    stack = torch.tensor([[[[0.6, 0.6, 0.1, 0.5, 0.9]], [[0.7, 0.2, 0.3, 0.5, 0.9]]]])
    valid = torch.tensor([[[[True, True, True, True, False]]]])
    assert SigmoidStack(CLASSES).conflicts(stack) == ChannelConflicts(pixels=5, twice=2, none=2)
    assert SigmoidStack(CLASSES).conflicts(stack, valid=valid) == ChannelConflicts(pixels=4, twice=1, none=2)
    assert Binary(CLASSES).conflicts(stack[:, :1]) == ChannelConflicts(pixels=5, twice=0, none=2)
    softmax = torch.tensor([0.1, 0.6, 0.3, 0.9, 0.05, 0.05, 0.3, 0.4, 0.3]).view(3, 3).T.reshape(1, 3, 1, 3)
    assert Softmax(CLASSES).conflicts(softmax) == ChannelConflicts(pixels=3, twice=0, none=2)


@given(st.integers(1, 7))
def test_names_and_channels_of_any_vocabulary(curves: int) -> None:
    names = ["background", *(f"curve_{k}" for k in range(curves))]
    assert [head(names).channels for head in HEADS] == [curves + 1, curves, 1]
    either = "curve" if curves > 1 else "curve_0"
    assert [head(names).classes for head in HEADS] == [tuple(names), tuple(names), ("background", either)]
    assert all(head(names).vocabulary == tuple(names) for head in HEADS)


@pytest.mark.parametrize("names", [[], ["background"], ["curve_1", "background"], ["background", "a", "a"]])
def test_a_vocabulary_starts_with_the_background_and_names_each_class_once(names) -> None:
    with pytest.raises(ValueError, match="put the background first"):
        Softmax(names)


@every_head
@pytest.mark.parametrize("wrong", [7, 3, -1, 254, 256, 1000])
def test_an_unknown_id_is_shown(head, wrong: int) -> None:
    labels = LABELS.clone()
    labels[0, 0, 2] = wrong
    with pytest.raises(
        ValueError, match=rf"`labels` must hold ids 0\.\.2 or 255, got {wrong}; was the mask drawn with"
    ):
        head(CLASSES).targets(labels, STROKES)


def test_ids_on_a_device_that_would_have_to_wait_are_not_read() -> None:
    elsewhere = torch.empty(1, 2, 3, dtype=torch.int64, device="meta")
    mask = valid_pixels(elsewhere, 3)
    assert mask is not None
    assert mask.shape == (1, 1, 2, 3)


@every_head
@pytest.mark.parametrize(
    ("labels", "strokes", "error", "message"),
    [
        (LABELS.float(), STROKES, TypeError, "`labels` must be integers"),
        (LABELS > 0, STROKES, TypeError, "`labels` must be integers"),
        (LABELS, STROKES.float(), TypeError, "`strokes` must be bool"),
        (LABELS[0], STROKES, ValueError, r"`labels` must be \[B,H,W\]"),
        (LABELS, STROKES[:, :1], ValueError, r"`strokes` must be \[1, 2, 1, 5\]"),
        (LABELS, STROKES[..., :3], ValueError, r"`strokes` must be \[1, 2, 1, 5\]"),
    ],
)
def test_labels_and_strokes_that_do_not_belong_together(head, labels, strokes, error, message) -> None:
    with pytest.raises(error, match=message):
        head(CLASSES).targets(labels, strokes)


@every_head
def test_fields_of_another_shape_are_refused(head) -> None:
    head = head(CLASSES)
    logits = logits_of(head)
    wide = torch.cat([logits, logits], dim=1)
    for ask in (head.probabilities, head.decode, head.conflicts):
        with pytest.raises(ValueError, match=rf"must be \[B,{head.channels},H,W\] for head '{head.name}'"):
            ask(wide)
    for ask in (head.nll, head.pixel_nll):
        with pytest.raises(ValueError, match="must have one shape"):
            ask(logits, logits[..., :2])


@every_head
def test_every_channel_of_a_head_of_classes_is_scored(head) -> None:
    head = head(CLASSES)
    probabilities = head.probabilities(logits_of(head))
    assert torch.equal(head.scored(probabilities), probabilities)
    assert head.scored_classes == head.channel_names == head.classes[-head.channels :]
    strokes = STROKES[0].numpy()
    union = head.scored_strokes(strokes)
    assert (union == (strokes.any(0) if head.name == "binary" else strokes)).all()


def ink_and_centre() -> tuple[Curves, torch.Tensor, torch.Tensor]:
    """Background, ink, centre on ink, centre in the gap of a dash, ignored."""
    labels = torch.tensor([[[0, 1, 2, 0, 255]]])
    return Curves(), labels, torch.tensor([[[[0, 1, 1, 0, 1]], [[0, 0, 1, 1, 1]]]]).bool()


def test_the_targets_of_curves_are_ink_and_centre_lines_and_only_ink_is_a_class() -> None:
    head, labels, strokes = ink_and_centre()
    assert head.targets(labels, strokes)[0, :, 0].tolist() == [[0, 1, 1, 0, 0], [0, 0, 1, 1, 0]]
    assert head.truth(labels)[0, 0].tolist() == [0, 1, 1, 0, 255]
    assert head.decode(head.targets(labels, strokes))[0, 0, :4].tolist() == [0, 1, 1, 0]
    assert (head.classes, head.scored_classes, head.channel_names) == (
        ("background", "ink"),
        ("ink",),
        ("ink", "centre"),
    )
    probabilities = head.probabilities(logits_of(head))
    assert torch.equal(head.scored(probabilities), probabilities[:, :1])
    assert head.scored_strokes(strokes[0].numpy()).tolist() == [[[False, True, True, False, True]]]


def test_weights_of_curves_act_where_ink_and_where_centre_lines_are() -> None:
    head, labels, strokes = ink_and_centre()
    weight = torch.tensor([1.0, 5.0, 7.0])
    weights = head.pixel_weights(weight, labels, head.targets(labels, strokes))
    assert weights[0, :, 0, :4].tolist() == [[1, 5, 5, 1], [1, 1, 7, 7]]
    assert head.channel_weights(weight).tolist() == [5, 7]


def test_the_likelihood_of_curves_is_that_of_a_stack_of_two() -> None:
    head, stack = Curves(), SigmoidStack(CLASSES)
    logits = logits_of(head)
    targets = soft_targets(head, logits)
    torch.testing.assert_close(head.pixel_nll(logits, targets), stack.pixel_nll(logits, targets))
    assert torch.equal(head.probabilities(logits), stack.probabilities(logits))


@pytest.mark.parametrize("classes", [CLASSES, ("background", "ink"), ("background", "centre", "ink")])
def test_curves_refuses_other_classes_and_names_the_override(classes) -> None:
    with pytest.raises(ValueError, match=r"got \[.*say classes=\[background,ink,centre\]"):
        Curves(classes)
