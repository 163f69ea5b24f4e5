from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from hairline.network import SlimUNet


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


def test_the_slim_network_does_not_import_smp() -> None:
    """segmentation_models_pytorch takes seconds to import; only its own backbone may cost them."""
    code = "import sys, hairline.network as n; n.SlimUNet(3); sys.exit('segmentation_models_pytorch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_attention_sees_across_the_sheet() -> None:
    """A change in one corner reaches the other corner only through attention: the convolutions do not reach so far."""
    reached = {}
    for layers in (0, 1):
        torch.manual_seed(0)
        network = SlimUNet(3, widths=(4, 8), attention=layers).eval()
        image = torch.zeros(1, 1, 96, 96)
        changed = image.clone()
        changed[..., :4, :4] = 1.0
        with torch.no_grad():
            reached[layers] = (network(changed) - network(image))[..., -4:, -4:].abs().max().item()
    assert reached[0] == 0.0
    assert reached[1] > 0.0


@pytest.mark.parametrize(("widths", "attention"), [((4, 6), 1), ((4, 8), -1)])
def test_attention_that_cannot_be_built_is_refused(widths: tuple[int, int], attention: int) -> None:
    with pytest.raises(ValueError, match=r"network\.attention"):
        SlimUNet(3, widths=widths, attention=attention)
