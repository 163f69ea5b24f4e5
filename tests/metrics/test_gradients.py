import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinline.metrics.gradients import class_square_norms


def test_the_gradient_of_cross_entropy_by_hand() -> None:
    """p - t over the number of pixels, for torch's own cross-entropy: two pixels with equal logits."""
    logits = torch.zeros(1, 2, 1, 3, requires_grad=True)
    truth = torch.tensor([[[0, 1, 255]]])
    torch.nn.functional.cross_entropy(logits, truth, ignore_index=255).backward()
    # each valid pixel has the gradient (+-1/2, -+1/2) / 2
    assert class_square_norms(logits.grad, truth, classes=3).tolist() == [1 / 8, 1 / 8, 0]


@given(st.integers(0, 1000), st.integers(1, 4), st.integers(1, 4))
def test_classes_and_ignored_pixels_share_the_whole_gradient(seed: int, channels: int, classes: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    gradient = torch.randn(2, channels, 5, 6, generator=draw)
    truth = torch.randint(0, classes + 1, (2, 5, 6), generator=draw)
    truth[truth == classes] = 255
    predicted = class_square_norms(gradient, truth, classes=classes)
    ignored = gradient.permute(0, 2, 3, 1)[truth == 255].double().square().sum()
    assert float(predicted.sum() + ignored) == pytest.approx(float(gradient.double().norm() ** 2))
    alone = torch.where((truth == 0)[:, None], gradient, 0.0)
    assert float(predicted[0]) == pytest.approx(float(torch.linalg.vector_norm(alone.double()) ** 2))


def test_half_precision_is_summed_in_double() -> None:
    gradient = torch.full((1, 1, 300, 300), 300.0, dtype=torch.bfloat16)
    truth = torch.zeros(1, 300, 300, dtype=torch.int64)
    assert class_square_norms(gradient, truth, classes=1).tolist() == [300.0**2 * 300**2]


@pytest.mark.parametrize(
    ("gradient", "truth"), [((1, 2, 3), (1, 3)), ((1, 2, 3, 4), (1, 4, 3)), ((2, 2, 3, 4), (1, 3, 4))]
)
def test_another_batch_is_refused(gradient, truth) -> None:
    with pytest.raises(ValueError, match=r"`gradient` must be \[B,c,H,W\] and `truth` \[B,H,W\]"):
        class_square_norms(torch.zeros(gradient), torch.zeros(truth, dtype=torch.int64), classes=2)
