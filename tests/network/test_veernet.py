from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from thinline.network import VeerNet
from thinline.network.attention import Attention, positions


def test_the_published_parts_are_there() -> None:
    """Five halvings and five doublings, 128 channels and two transformer layers between them, group norm, one grey."""
    network = VeerNet(3)
    kinds = [type(layer) for layer in network.modules()]
    halving = [layer for layer in network.down.modules() if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2)]
    doubling = [layer for layer in network.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert len(halving) == len(doubling) == 5
    assert all(layer.stride == (2, 2) for layer in doubling)
    assert halving[-1].out_channels == doubling[0].in_channels == 128
    assert kinds.count(Attention) == 2
    assert nn.GroupNorm in kinds
    assert not any(issubclass(kind, nn.modules.batchnorm._NormBase) for kind in kinds)
    assert network.stem[0].in_channels == 1


def test_a_long_sheet_needs_no_tiling_and_own_networks_do_not_import_smp() -> None:
    """Peak memory of a forward of 480 x 1,600 px in a new process: 280 MiB when measured.

    segmentation_models_pytorch takes seconds to import; only its own networks may.
    """
    code = """
import resource, sys, torch
from thinline.network import SlimUNet, VeerNet
torch.set_num_threads(1)
torch.manual_seed(0)
network, _ = VeerNet(3), SlimUNet(3)
assert 'segmentation_models_pytorch' not in sys.modules
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with torch.no_grad():
    logits = network(torch.rand(1, 1, 480, 1600))
assert logits.shape == (1, 3, 480, 1600), logits.shape
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 512 * 1024**2


def test_one_end_of_a_long_sheet_is_seen_from_the_other() -> None:
    """800 px are out of sight of any convolution here; the attention layers bridge them."""
    reached = {}
    for layers in (0, 2):
        torch.manual_seed(0)
        network = VeerNet(1, widths=(8, 8, 8), attention=layers).eval().double()
        image = torch.rand(1, 1, 32, 800, dtype=torch.float64)
        # group norm would carry anything anywhere, so its statistics are taken out
        for layer in network.modules():
            if isinstance(layer, nn.Sequential):
                for number, inner in enumerate(layer):
                    if isinstance(inner, nn.GroupNorm):
                        layer[number] = nn.Identity()
        changed = image.clone()
        changed[..., :4] += 1
        with torch.no_grad():
            reached[layers] = float((network(changed) - network(image))[..., -4:].abs().max())
    assert reached[0] == 0
    assert reached[2] > 0


def test_the_order_of_strips_matters() -> None:
    """Without positions the bottleneck could not tell a sheet from one whose strips are in another order."""
    torch.manual_seed(0)
    network = VeerNet(1, widths=(8,), attention=1).eval()
    swapped = torch.arange(64).view(4, 16)[[1, 0, 2, 3]].flatten()
    x = torch.rand(1, 8, 2, 64)
    with torch.no_grad():
        plain = network.bottleneck(x)
        assert torch.allclose(network.bottleneck(x[..., swapped]), plain[..., swapped], atol=1e-6)
        seen = [network.bottleneck(image + positions(image)) for image in (x, x[..., swapped])]
        assert not torch.allclose(seen[1], seen[0][..., swapped], atol=1e-3)


@pytest.mark.parametrize("bad", [{"widths": []}, {"widths": [16, 20]}, {"widths": [0]}, {"attention": -1}])
def test_a_network_of_nothing_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"network\.widths must be one or more multiples of 8"):
        VeerNet(3, **bad)


def test_a_sheet_alone_and_in_a_batch_gives_the_same() -> None:
    """No statistics are shared between sheets, so training on one image a step is as good as on many."""
    network = VeerNet(3, widths=(8, 16))
    images = torch.rand(3, 1, 40, 56)
    together = network(images)
    alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(together, alone)
