import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from noise_sheets import Drawing, noise

from thinline.data.batch import Batch, Window, batch_of, darkness_of, pair, whole


@pytest.mark.parametrize("curves", [1, 2, 5, 8])
def test_a_batch_of_whole_sheets_holds_what_was_drawn(drawn, curves: int) -> None:
    sheets = drawn(4, curves=curves)
    batch = batch_of(sheets, [3, 0])
    assert batch.image.shape == (2, 1, 24, 20)
    assert batch.strokes.shape == (2, curves, 24, 20)
    dtypes = (torch.float32, torch.int64, torch.bool, torch.int64)
    assert tuple(tensor.dtype for tensor in batch[:4]) == dtypes
    assert all(tensor.is_contiguous() for tensor in batch[:4])
    assert batch.maps is None
    for row, number in enumerate([3, 0]):
        sheet = noise(Drawing(number, curves=curves))
        np.testing.assert_array_equal(batch.labels[row], sheet.labels)
        np.testing.assert_array_equal(batch.strokes[row], sheet.strokes)
        np.testing.assert_allclose(batch.image[row, 0], 1 - sheet.image / 255, atol=1e-6)
    assert batch.index.tolist() == [3, 0]


def test_white_paper_is_zero_and_black_ink_one() -> None:
    grey = torch.tensor([255, 0, 51], dtype=torch.uint8)
    torch.testing.assert_close(darkness_of(grey), torch.tensor([0.0, 1.0, 0.8]))
    assert darkness_of(torch.arange(256, dtype=torch.uint8)).min() >= 0
    assert grey.tolist() == [255, 0, 51]


@given(data=st.data(), flip=st.booleans())
def test_a_window_is_a_slice_turned_or_not(data: st.DataObject, flip: bool) -> None:
    plane = np.arange(12 * 9, dtype=np.uint8).reshape(12, 9)
    plane.flags.writeable = False
    height, width = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 9))
    row, column = data.draw(st.integers(0, 12 - height)), data.draw(st.integers(0, 9 - width))
    out = np.zeros((height, width), dtype=np.uint8)
    Window(row, column, height, width, flip).copy(plane, out)
    expected = plane[row : row + height, column : column + width]
    np.testing.assert_array_equal(out, np.fliplr(expected) if flip else expected)


def test_image_labels_and_strokes_are_cut_and_turned_together(drawn) -> None:
    sheets = drawn(3)
    windows = [Window(2, 5, 8, 10, flip=True), Window(16, 0, 8, 10)]
    batch = batch_of(sheets, [1, 2], windows)
    all_of_it = batch_of(sheets, [1, 2])
    for part, full in zip(batch[:3], all_of_it[:3], strict=True):
        np.testing.assert_array_equal(part[0], full[0, ..., 2:10, 5:15].flip(-1))
        np.testing.assert_array_equal(part[1], full[1, ..., 16:24, 0:10])


def test_a_batch_is_a_copy(drawn) -> None:
    sheets = drawn(1)
    before = sheets.labels[0].copy()
    batch_of(sheets, [0]).labels.zero_()
    np.testing.assert_array_equal(sheets.labels[0], before)


@pytest.mark.parametrize("window", [Window(-1, 0, 4, 4), Window(0, -1, 4, 4), Window(21, 0, 4, 4), Window(0, 17, 4, 4)])
def test_windows_beyond_the_sheet_are_refused(drawn, window: Window) -> None:
    with pytest.raises(ValueError, match="on the sheet of 24 x 20 px"):
        batch_of(drawn(1), [0], [window])


def test_windows_that_fit_no_batch_are_refused(drawn) -> None:
    sheets = drawn(2)
    with pytest.raises(ValueError, match="one size, got several"):
        batch_of(sheets, [0, 1], [Window(0, 0, 4, 4), Window(0, 0, 4, 5)])
    with pytest.raises(ValueError, match="got 1 for 2"):
        batch_of(sheets, [0, 1], [whole(sheets, 0)])
    with pytest.raises(ValueError, match="got 0 for 0"):
        batch_of(sheets, [])


def test_the_fields_are_named() -> None:
    assert Batch._fields == ("image", "labels", "strokes", "index", "maps")


@pytest.mark.parametrize("classes", [2, 3, 40])
def test_a_pair_passes_unchanged(classes: int) -> None:
    mask = np.array([[0, classes - 1], [255, 1]], dtype=np.uint8)
    image = np.zeros((2, 2), dtype=np.uint8)
    same_image, same_mask = pair(image, mask, classes=classes)
    assert same_image is image
    assert same_mask is mask


def test_an_image_and_a_mask_that_do_not_fit_are_refused() -> None:
    image, mask = np.zeros((4, 5), dtype=np.uint8), np.zeros((4, 5), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"one size, got \(4, 5\) and \(4, 4\); was one of them resized"):
        pair(image, mask[:, :4], classes=3)
    with pytest.raises(TypeError, match="`mask` must be uint8, got float64"):
        pair(image, mask.astype(float), classes=3)
    with pytest.raises(TypeError, match="`image` must be uint8, got bool"):
        pair(image.astype(bool), mask, classes=3)
    with pytest.raises(ValueError, match=r"`image` must be \[H,W\], got shape \(4, 5, 3\)"):
        pair(np.zeros((4, 5, 3), dtype=np.uint8), mask, classes=3)
    mask[1, 1], mask[2, 2] = 3, 254
    with pytest.raises(ValueError, match=r"ids 0..2 or 255, got \[3, 254\]; was the mask"):
        pair(image, mask, classes=3)
    mask[1, 1], mask[2, 2] = 2, 255
    assert pair(image, mask, classes=3)[1].max() == 255
