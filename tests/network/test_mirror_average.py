from __future__ import annotations

import torch
from torch.nn import functional

from thinline.network import FlipAverage, SlimUNet


def network() -> SlimUNet:
    torch.manual_seed(0)
    return SlimUNet(3, widths=(4, 8))


def test_the_mirror_image_is_answered_by_the_mirrored_answer() -> None:
    image, bare = torch.rand(2, 1, 24, 40), network().eval()
    mirrored = FlipAverage(bare).eval()
    torch.testing.assert_close(mirrored(image.flip(-1)), mirrored(image).flip(-1))
    assert not torch.allclose(bare(image.flip(-1)), bare(image).flip(-1))


def test_flip_averaging_is_the_mean_of_both_predictions() -> None:
    """Against the mirror image made by hand, column by column."""
    image, bare = torch.rand(1, 1, 16, 16), network().eval()
    turned = torch.stack([image[..., 15 - column] for column in range(16)], dim=-1)
    answer = bare(turned)
    back = torch.stack([answer[..., 15 - column] for column in range(16)], dim=-1)
    torch.testing.assert_close(FlipAverage(bare).eval()(image), 0.5 * bare(image) + 0.5 * back)


def test_flip_averaging_is_off_in_training() -> None:
    image = torch.rand(2, 1, 16, 16)
    bare, mirrored = network().train(), FlipAverage(network()).train()
    assert torch.equal(bare(image), mirrored(image))
    for one, other in zip(bare.state_dict().values(), mirrored.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_flip_averaging_leaves_a_symmetric_network_unchanged() -> None:
    class Blur(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return functional.avg_pool2d(image, 3, stride=1, padding=1)

    image = torch.rand(1, 1, 9, 9)
    torch.testing.assert_close(FlipAverage(Blur()).eval()(image), Blur()(image))
