from __future__ import annotations

import pytest
import torch

from thinline.network import SlimUNet


def test_bf16_steps_repeat_bit_for_bit_and_stay_near_float32() -> None:
    image, direction = torch.rand(2, 1, 48, 48), torch.randn(2, 3, 48, 48)
    answers: dict[str, list[torch.Tensor]] = {}
    for name, half in (("first", True), ("second", True), ("float32", False)):
        torch.manual_seed(0)
        network = SlimUNet(3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits = network(image)
        (logits.float() * direction).sum().backward()
        answers[name] = [logits.detach(), *(p.grad for p in network.parameters() if p.grad is not None)]
    assert answers["first"][0].dtype == torch.bfloat16
    assert all(torch.equal(a, b) for a, b in zip(answers["first"], answers["second"], strict=True))
    torch.testing.assert_close(answers["first"][0].float(), answers["float32"][0], atol=0.1, rtol=0.1)


@pytest.mark.parametrize("bad", [{"widths": [16]}, {"widths": [16, 0]}, {"down_convs": 0}, {"up_convs": 0}])
def test_a_slim_network_of_nothing_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"network\.widths must be two or more"):
        SlimUNet(3, **bad)


def test_attention_sees_across_the_sheet() -> None:
    """A change in one corner reaches the other corner only through attention: the convolutions do not reach so far."""
    reached = {}
    for layers in (0, 1):
        torch.manual_seed(0)
        network = SlimUNet(3, widths=(4, 8), attention=layers, strips=0).eval()
        image = torch.zeros(1, 1, 96, 96)
        changed = image.clone()
        changed[..., :4, :4] = 1.0
        with torch.no_grad():
            reached[layers] = (network(changed) - network(image))[..., -4:, -4:].abs().max().item()
    assert reached[0] == 0.0
    assert reached[1] > 0.0


@pytest.mark.parametrize("bad", [{"patch": 0}, {"strips": -1}])
def test_patches_and_strips_that_cannot_be_built_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"network\.patch must be 1 or more and network\.strips 0 or more"):
        SlimUNet(3, **bad)


@pytest.mark.parametrize("patch", [1, 2, 3])
def test_a_network_of_patches_answers_each_pixel_by_its_own_weights(patch: int) -> None:
    """The last layer has one row of weights for each class and place in the patch, in the order of pixel shuffle."""
    network = SlimUNet(2, widths=(4, 8), patch=patch, strips=0).eval()
    with torch.no_grad():
        network.last.weight.zero_()
        network.bias.copy_(torch.tensor([10.0, 20.0]))
        row, column = patch - 1, 0
        network.last.weight[patch**2 + row * patch + column] = 1e6  # class 1, lower left of every patch
        logits = network(torch.rand(1, 1, 24, 24))
    assert (logits[:, 0] == 10).all()
    elsewhere = torch.ones(24, 24, dtype=torch.bool)
    elsewhere[row::patch, column::patch] = False
    assert (logits[0, 1][elsewhere] == 20).all()
    assert (logits[0, 1][row::patch, column::patch] > 20).any()


@pytest.mark.parametrize(("widths", "attention"), [((4, 6), 1), ((4, 8), -1)])
def test_attention_that_cannot_be_built_is_refused(widths: tuple[int, int], attention: int) -> None:
    with pytest.raises(ValueError, match=r"network\.attention"):
        SlimUNet(3, widths=widths, attention=attention)
