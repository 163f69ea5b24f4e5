import pytest
import torch
from drawn_sheets import draw
from torch.autograd import gradcheck

from thinline.losses.map_pixels import picked_pixels, pixels_on

BATCH = draw(".11. .... 22.1", ".... .... ..1.")


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32, torch.float16])
def test_the_pixels_of_two_drawn_sheets(dtype: torch.dtype) -> None:
    assert pixels_on(BATCH.strokes.to(dtype)).tolist() == [1, 2, 8, 9, 11, 22]
    assert pixels_on(BATCH.strokes.to(dtype)[1:, 1:]).tolist() == []


@pytest.mark.parametrize("size", [(1, 1, 1, 1), (2, 3, 17, 31), (3, 1, 16, 16), (0, 2, 4, 4)])
@pytest.mark.parametrize("share", [0.003, 0.5])
def test_as_nonzero(size, share: float) -> None:
    maps = (torch.rand(size, generator=torch.Generator().manual_seed(0)) < share).float()
    assert torch.equal(pixels_on(maps), maps.any(1).flatten().nonzero()[:, 0])


def test_picked_pixels_and_their_gradient() -> None:
    image = torch.rand(2, 3, 3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    on = pixels_on(BATCH.strokes)
    expected = image.permute(1, 0, 2, 3).flatten(1)[:, on]
    for view in (image, image.to(memory_format=torch.channels_last)):
        assert torch.equal(picked_pixels(view, on), expected[None, :, None])
    assert gradcheck(lambda x: picked_pixels(x, on), (image.requires_grad_(),))
