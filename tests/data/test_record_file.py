"""Files of sheets and of maps: a damaged one is written again, and a header is read only if it is whole."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from noise_sheets import Drawing, noise

from thinline.data import cached_maps, cached_sheets
from thinline.data.cache import open_sheets
from thinline.data.cached_maps import CachedMaps, MapHeader, open_maps
from thinline.data.cached_sheets import ALIGN, CachedSheets, SheetHeader
from thinline.system.shared_file import HEADER, CacheError

SHEETS = SheetHeader(key="k", sheets=1, height=2, width=3, curves=2)
MAPS = MapHeader(key="k", sheets=1, height=2, width=3, channels=2, dtype="uint8")


def sheets_in(folder: Path) -> CachedSheets:
    specs = [Drawing(i) for i in range(4)]
    return open_sheets(specs, px_per_mm=1.0, folder=folder, render=noise, version=1)


def maps_in(folder: Path) -> CachedMaps:
    def make(sheet: int) -> np.ndarray:
        return (np.random.default_rng(sheet).random((2, 24, 20)) < 0.2).astype(np.uint8)

    return open_maps(sheets_in(folder / "sheets"), name="m", make=make, folder=folder)


both_kinds = pytest.mark.parametrize("opened", [sheets_in, maps_in])


def flipped(content: bytes, at: int) -> bytes:
    damaged = bytearray(content)
    damaged[at] ^= 0x41
    return bytes(damaged)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    **{f"cut to {share}": lambda b, share=share: b[: int(len(b) * share)] for share in (0.0, 0.001, 0.3, 0.999)},
    **{
        f"byte {at}": lambda b, at=at: flipped(b, at)
        for at in (0, 20, 100, 140, HEADER, HEADER + 500, HEADER + 3000, -200, -20, -1)
    },
    "unfinished": lambda b: b.replace(b'"complete": true', b'"complete": null'),
    "another format": lambda b: b.replace(b'"format": 1', b'"format": 9'),
}


@both_kinds
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_not_read_but_written_again(tmp_path: Path, opened, damage: str) -> None:
    path = opened(tmp_path).path
    whole = path.read_bytes()
    path.write_bytes(DAMAGE[damage](whole))
    opened(tmp_path)
    assert path.read_bytes() == whole


@both_kinds
def test_a_pickled_copy_reopens_the_file(tmp_path: Path, opened) -> None:
    content = opened(tmp_path)
    packed = pickle.dumps(content)
    assert len(packed) < 1000
    copy = pickle.loads(packed)
    name = "images" if opened is sheets_in else "planes"
    np.testing.assert_array_equal(getattr(copy, name), getattr(content, name))
    content.path.unlink()
    with pytest.raises(CacheError, match="got no whole file; run again"):
        pickle.loads(packed)


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


@pytest.mark.parametrize("whole", [SHEETS, MAPS], ids=["sheets", "maps"])
@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\x00" * HEADER,
        b"\xff\xfe",
        b"{}",
        b"[1, 2]",
        b"7",
        b'{"complete": true}',
        b'{"complete": true, "odd": 1}',
        b'{"complete": false}',
        SHEETS.packed().replace(b": 3", b': "3"'),
        MAPS.packed().replace(b"uint8", b"int64"),
    ],
)
def test_a_block_that_is_no_header_is_none(whole, block: bytes) -> None:
    assert type(whole).unpacked(whole.packed()) == whole
    assert type(whole).unpacked(block.ljust(HEADER)) is None


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert cached_sheets.read(tmp_path / "none") is None
    assert cached_maps.read(tmp_path / "none") is None
