import cv2
import numpy as np
import pytest
import torch
from drawn_sheets import CLASSES, draw, random_batch, sheets
from scipy.ndimage import distance_transform_edt

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.boundary import Boundary, SignedDistance, boundary, by_torch
from thinline.losses.objective import Objective


def authors_distance(inside: np.ndarray) -> np.ndarray:
    """The authors' map: distances of the outside less those of the inside, which start from 0 there."""
    if not inside.any():
        return np.zeros(inside.shape)
    return distance_transform_edt(~inside) * ~inside - (distance_transform_edt(inside) - 1) * inside


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_the_distance_is_the_authors_less_half_a_pixel(seed: int, share: float) -> None:
    inside = np.random.default_rng(seed).random((40, 30)) < share
    np.testing.assert_allclose(SignedDistance()(inside), authors_distance(inside) - 0.5, atol=1e-5)


def test_distances_by_hand_change_sign_between_pixels() -> None:
    inside = draw("..11.").strokes[0, 0].numpy()
    assert SignedDistance()(inside).tolist() == [[1.5, 0.5, -0.5, -0.5, 0.5]]
    for nowhere in (np.zeros((2, 3), bool), np.ones((2, 3), bool)):
        assert not SignedDistance()(nowhere).any()


def test_the_formula_on_five_pixels() -> None:
    phi = torch.tensor([1.5, 0.5, -0.5, -0.5, 0.5]).view(1, 1, 1, 5)
    t = torch.tensor([0.0, 0, 1, 1, 0]).view(1, 1, 1, 5)
    p = torch.tensor([0.2, 0, 1, 0.5, 1]).view(1, 1, 1, 5)
    assert boundary(p, phi).item() == pytest.approx((0.2 * 1.5 + 0.5 * 0.5 + 0.5) / 5)
    assert boundary(t, phi).item() == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_compiled_sum_and_torch_have_one_value_and_gradient(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(2, 3, 33, 65, generator=generator, dtype=dtype).requires_grad_()
    phi = 40 * torch.randn(2, 3, 33, 65, generator=generator, dtype=dtype)
    shares = torch.tensor([1.0, 2.0, 3.0], dtype=dtype)
    for one in (p, p.to(memory_format=torch.channels_last)):
        compiled, plain = boundary(one, phi), by_torch(one, phi) / (2 * 33 * 65)
        torch.testing.assert_close(compiled, plain)
        torch.testing.assert_close(*(torch.autograd.grad((shares * terms).sum(), p)[0] for terms in (compiled, plain)))


def test_the_slope_is_the_authors_on_two_channels_of_a_softmax() -> None:
    """Half a pixel more everywhere is the same for both channels, whose probabilities add up to one."""
    batch, names = random_batch(0, curves=1), ("background", "curve_1")
    logits = batch.logits(2, dtype=torch.float64)
    phi = np.array([[authors_distance(mask) for mask in (labels == 0, labels == 1)] for labels in batch.labels.numpy()])
    peer = (logits.softmax(1) * torch.from_numpy(phi)).mean()
    ours = Objective(Softmax(names), Boundary())(logits, *batch)
    torch.testing.assert_close(*(torch.autograd.grad(value, logits)[0] for value in (ours, peer)), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("head", [Softmax, SigmoidStack, Binary])
def test_equals_the_formula_in_float64_on_every_channel(head) -> None:
    batch, head = random_batch(0), head(CLASSES)
    logits = batch.logits(head.channels, dtype=torch.float64)
    t = head.targets(*batch).double()
    phi = np.array([[authors_distance(plane) - 0.5 for plane in planes] for planes in t.numpy() > 0])
    expected = ((head.probabilities(logits) - t) * torch.from_numpy(phi)).mean()
    torch.testing.assert_close(Objective(head, Boundary())(logits, *batch), expected, rtol=1e-6, atol=0)


def test_a_false_positive_farther_away_costs_more_and_no_loss_is_negative() -> None:
    batch, objective = sheets(), Objective(SigmoidStack(CLASSES), Boundary())
    perfect = (60.0 * batch.strokes - 30).double()
    costs = []
    for column in (1, 5):  # curve 1 of the first row lies in column 1
        logits = perfect.clone()
        logits[0, 0, 1, column] = 30
        costs.append(objective(logits, *batch).item())
    assert objective(perfect, *batch).item() == pytest.approx(0, abs=1e-9)
    assert 0 < costs[0] < costs[1]


@pytest.fixture
def threads():
    """Sets the threads of OpenCV and torch; as they were afterwards."""
    before = cv2.getNumThreads(), torch.get_num_threads()

    def set_both(number: int) -> None:
        cv2.setNumThreads(number)
        torch.set_num_threads(number)

    yield set_both
    cv2.setNumThreads(before[0])
    torch.set_num_threads(before[1])


def by_hand(inside: np.ndarray) -> np.ndarray:
    """The distance of every pixel to the nearest one of the other kind, of all pairs, less half a pixel."""
    points = np.argwhere(np.ones_like(inside)).astype(float)
    ink = inside.reshape(-1)
    away = ((points[ink, None] - points[None, ~ink]) ** 2).sum(-1)
    phi = np.empty(ink.shape)
    phi[ink], phi[~ink] = 0.5 - np.sqrt(away.min(1)), np.sqrt(away.min(0)) - 0.5
    return phi.reshape(inside.shape)


def test_small_sheets_have_the_same_distance_every_time_on_any_number_of_threads(threads) -> None:
    rng = np.random.default_rng(0)
    for size in range(3, 41):
        inside = rng.random((size, size)) < 0.1
        inside[0, 0], inside[-1, -1] = True, False
        expected = by_hand(inside)
        for number in (1, 2):
            threads(number)
            first = SignedDistance()(inside)
            np.testing.assert_allclose(first, expected, rtol=1e-6)
            assert all((SignedDistance()(inside) == first).all() for _ in range(50)), size
