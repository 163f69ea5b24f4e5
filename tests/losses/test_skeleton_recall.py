import numpy as np
import pytest
import torch
from drawn_sheets import CLASSES, draw, random_batch, sheets

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.objective import Objective
from thinline.losses.skeleton_recall import SkeletonRecall, Tube, skeleton_recall
from thinline.losses.thinning import thinned

BAND = """
    .........
    .1111111.
    .1111111.
    .1111111.
    .1111111.
    .1111111.
    .1111111.
    .1111111.
    .........
    """


def published(probabilities, tubes):
    """The authors' sums over batch and pixels, without their smoothing; theirs is minus the recall."""
    recall = torch.einsum("bchw,bchw->c", probabilities, tubes) / torch.einsum("bchw->c", tubes)
    return (1 - recall).mean()


def around(mask: np.ndarray, radius: int) -> np.ndarray:
    """Pixels at most `radius` steps along rows and columns away from the mask."""
    rows, columns = np.indices(mask.shape)
    near = np.zeros_like(mask)
    for r, c in np.argwhere(mask):
        near |= abs(rows - r) + abs(columns - c) <= radius
    return near


@pytest.mark.parametrize("radius", [0, 1, 2])
def test_the_tube_is_the_skeleton_widened_inside_the_truth(radius: int) -> None:
    inside = draw(BAND).strokes[0, 0].numpy()
    tube = Tube(radius)(inside)
    np.testing.assert_array_equal(tube > 0, around(thinned(inside), radius) & inside)
    assert tube.sum() < inside.sum()


def test_a_curve_thinner_than_the_tube_is_its_own_tube() -> None:
    curve = sheets().strokes[0, 0].numpy()
    np.testing.assert_array_equal(Tube(2)(curve) > 0, curve)
    assert Tube(2)(np.zeros((3, 4), bool)).sum() == 0


def test_the_formula_on_four_pixels() -> None:
    p = torch.tensor([[[[0.5, 1.0], [0.25, 0.9]]]])
    u = torch.tensor([[[[1.0, 1.0], [1.0, 0.0]]]])
    assert skeleton_recall(p, u).item() == pytest.approx(1 - 1.75 / 3)


@pytest.mark.parametrize("head", [Softmax, SigmoidStack, Binary])
def test_equals_the_published_formula_on_the_curves_channels(head) -> None:
    batch, head = random_batch(0, share=0.3), head(CLASSES)
    logits = batch.logits(head.channels, dtype=torch.float64)
    curves = head.targets(*batch)[:, head.first_curve :].numpy() > 0
    tubes = torch.from_numpy(np.array([[Tube(2)(plane) for plane in planes] for planes in curves])).double()
    expected = published(head.probabilities(logits)[:, head.first_curve :], tubes)
    torch.testing.assert_close(Objective(head, SkeletonRecall())(logits, *batch), expected)


def test_false_positives_cost_nothing_and_there_is_no_term_for_the_background() -> None:
    batch, objective = draw(".11. .... 11.1"), Objective(SigmoidStack(CLASSES), SkeletonRecall())
    everything = torch.full((1, 2, 3, 4), 30.0, requires_grad=True)
    assert objective(everything, *batch).item() == pytest.approx(0)
    logits = batch.logits(3)
    (slope,) = torch.autograd.grad(Objective(Softmax(CLASSES), SkeletonRecall())(logits, *batch), logits)
    assert not slope[:, :, batch.labels[0] == 0].any()


def test_pixels_beside_the_tube_are_not_read_on_a_cpu_and_ignored_ones_do_not_count() -> None:
    batch = draw(".11.? ..... 11.1?")
    objective = Objective(Softmax(CLASSES), SkeletonRecall())
    logits = batch.logits(3)
    calls = []
    objective.loss.register_forward_pre_hook(lambda _, arguments: calls.append(arguments[0].shape))
    value = objective(logits, *batch)
    tube = objective.draw(objective.loss.truth_map, *batch).float()
    assert calls == [(1, 2, 1, int(tube.any(1).sum()))]
    recall = (logits.softmax(1)[:, 1:] * tube).sum((0, 2, 3)) / tube.sum((0, 2, 3)).clamp_min(1)
    expected = 1 - recall[0]  # curve 2 has no tube
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(*(torch.autograd.grad(one, logits, retain_graph=True)[0] for one in (value, expected)))


@pytest.fixture
def deterministic():
    """The setting of every run on a CPU."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(before)


@pytest.mark.usefixtures("deterministic")
def test_the_slope_is_that_of_all_pixels_with_deterministic_algorithms() -> None:
    batch = random_batch(0)
    objective = Objective(Softmax(CLASSES), SkeletonRecall())
    logits = batch.logits(3)
    tube = objective.draw(objective.loss.truth_map, *batch).float()
    expected = published(logits.softmax(1)[:, 1:], tube)
    slopes = [torch.autograd.grad(value, logits)[0] for value in (objective(logits, *batch), expected)]
    torch.testing.assert_close(*slopes)
