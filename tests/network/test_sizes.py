from __future__ import annotations

import pytest
import torch
from torch import nn

from thinline.network import AnySize, SlimUNet
from thinline.network.sizes import padded


def test_padding_repeats_the_last_row_and_column_and_is_cropped_away() -> None:
    network = SlimUNet(3, widths=(4, 8), patch=1).eval()
    image = torch.rand(1, 1, 7, 9)
    by_hand = torch.cat([image, image[:, :, -1:]], dim=2)
    by_hand = torch.cat([by_hand, by_hand[..., -1:]], dim=3)
    assert torch.equal(network(image), network(by_hand)[..., :7, :9])


@pytest.mark.parametrize(
    ("size", "smallest", "expected"),
    [
        ((1, 1), None, (64, 64)),
        ((64, 65), None, (64, 96)),
        ((1, 130), 128, (128, 160)),
        ((1, 1), 100, (128, 128)),
        ((96, 128), None, (96, 128)),
    ],
)
def test_the_least_enlargement_to_whole_strides(size, smallest, expected) -> None:
    image = torch.rand(1, 1, *size)
    enlarged = padded(image, 32, smallest=smallest)
    assert enlarged.shape[-2:] == expected
    assert torch.equal(enlarged[..., : size[0], : size[1]], image)


def test_too_few_sheets_for_a_norm_are_refused_in_training_alone() -> None:
    network = AnySize(nn.Conv2d(1, 2, 1), stride=1, sheets=2)
    with pytest.raises(ValueError, match=r"Conv2d needs 2 images a step.*got 1; raise budget\.batch_size"):
        network(torch.zeros(1, 1, 4, 4))
    assert network(torch.zeros(2, 1, 4, 4)).shape == (2, 2, 4, 4)
    assert network.eval()(torch.zeros(1, 1, 4, 4)).shape == (1, 2, 4, 4)


@pytest.mark.parametrize("prior", [[0.5, 0.5], [1.0, 0.0, 0.0], [0.9, 0.2, float("nan")]])
def test_a_wrong_prior_is_refused(prior) -> None:
    with pytest.raises(ValueError, match=r"network\.prior must hold a share .* 3 channels"):
        SlimUNet(3, prior=prior)
