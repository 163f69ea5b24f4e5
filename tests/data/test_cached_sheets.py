import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.data.cached_sheets import ALIGN, SheetHeader, read
from thinline.system.shared_file import HEADER, CacheError


@pytest.mark.parametrize("curves", [1, 2, 5, 8])
def test_class_counts_are_those_of_a_bincount(drawn, curves: int) -> None:
    sheets = drawn(6, curves=curves)
    classes = curves + 1
    expected = np.bincount(sheets.labels.reshape(-1), minlength=256)
    np.testing.assert_array_equal(sheets.class_counts(classes), expected[:classes])
    assert sheets.class_counts(classes).dtype == np.int64
    np.testing.assert_array_equal(sheets.pixels[:, -1].sum(), expected[255])
    assert sheets.pixels.sum() == sheets.labels.size


def test_a_sheet_shown_twice_counts_twice(drawn) -> None:
    sheets = drawn(3)
    order = np.array([2, 0, 2, 2])
    expected = np.bincount(sheets.labels[order].reshape(-1), minlength=256)[:3]
    np.testing.assert_array_equal(sheets.class_counts(3, order=order), expected)
    np.testing.assert_allclose(sheets.shares(3, order=order), expected / expected.sum())
    assert sheets.shares(3).sum() == pytest.approx(1.0)


def test_classes_nobody_drew_count_zero_and_too_few_are_refused(drawn) -> None:
    sheets = drawn(3)
    np.testing.assert_array_equal(sheets.class_counts(5)[3:], [0, 0])
    with pytest.raises(ValueError, match="expected 3 or more, got 2"):
        sheets.class_counts(2)
    assert np.isnan(sheets.shares(3, order=np.array([], dtype=np.int64))).all()


def test_a_pickled_copy_reopens_the_file(drawn) -> None:
    sheets = drawn(40, height=64, width=64)
    packed = pickle.dumps(sheets)
    assert len(packed) < 1000
    copy = pickle.loads(packed)
    np.testing.assert_array_equal(copy.images, sheets.images)
    np.testing.assert_array_equal(copy.pixels, sheets.pixels)
    sheets.path.unlink()
    with pytest.raises(CacheError, match="got no whole file; run again"):
        pickle.loads(packed)


SMALL = SheetHeader(key="k", sheets=1, height=2, width=3, curves=2)


@given(
    sheets=st.integers(1, 10**6),
    height=st.integers(1, 20_000),
    width=st.integers(1, 20_000),
    curves=st.integers(0, 8),
)
def test_a_header_survives_packing_and_its_regions_do_not_overlap(
    sheets: int, height: int, width: int, curves: int
) -> None:
    header = SheetHeader(key="a" * 64, sheets=sheets, height=height, width=width, curves=curves, table_crc=2**32 - 1)
    assert len(header.packed()) == HEADER
    assert SheetHeader.unpacked(header.packed()) == header
    assert 4 * height * width <= header.stride < 4 * height * width + ALIGN
    assert header.table_start == HEADER + sheets * header.stride
    assert header.size == header.table_start + sheets * 8 * (curves + 3)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\x00" * HEADER,
        b"{}",
        b"[1, 2]",
        b"7",
        SheetHeader(key="k", sheets=1, height=2, width=3, curves=2).packed().replace(b": 3", b': "3"'),
    ],
)
def test_what_is_no_header_is_none(block: bytes) -> None:
    assert SheetHeader.unpacked(block) is None


def test_a_file_of_another_format_is_not_read(drawn) -> None:
    path = drawn(2).path
    content = path.read_bytes()
    assert read(path) is not None
    path.write_bytes(content.replace(b'"format": 1', b'"format": 9'))
    assert read(path) is None
