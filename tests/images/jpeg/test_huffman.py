"""Codes of baseline JPEG: those of libjpeg's encoder are right with all its options, flipped bits are detected."""

from __future__ import annotations

import io
from itertools import product

import numpy as np
import pytest
from drawn import log
from PIL import Image

from thinline.images.jpeg.header import changed_table
from thinline.images.jpeg.huffman import wrong_codes
from thinline.images.jpeg.stream import damage_of


def written(picture: np.ndarray, mode: str, **options: object) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(picture)
    if mode == "RGB":
        image = Image.fromarray(np.dstack([picture, 255 - picture, np.roll(picture, 1, 0)]))
    image.convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"restart_marker_blocks": 3}, {"progressive": True}])
def test_undamaged_files_have_no_errors(mode: str, options: dict[str, object]) -> None:
    noise = np.random.default_rng(0).integers(0, 2, (50, 77)).astype(np.uint8) * 255
    for picture, quality, sampling in product(
        (log(50, 77), noise, noise[:17, :33]), (5, 75, 100), (0, 1, 2)[: 1 if mode == "L" else 3]
    ):
        stream = written(picture, mode, quality=quality, subsampling=sampling, **options)
        assert damage_of(stream) == ""


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_flipped_bit_is_detected_or_stays_in_its_block(mode: str) -> None:
    """libjpeg alone accepts flips that shift all following blocks."""
    stream = written(log(200, 160), mode, quality=90)
    with Image.open(io.BytesIO(stream)) as image:
        whole = np.asarray(image.convert("L")).astype(int)
    rng, changed = np.random.default_rng(0), []
    for at in rng.integers(700, len(stream) - 2, 120):
        hurt = bytearray(stream)
        hurt[at] ^= 1 << rng.integers(8)
        if not wrong_codes(bytes(hurt)):
            with Image.open(io.BytesIO(bytes(hurt))) as image:
                changed.append((np.abs(np.asarray(image.convert("L")) - whole) > 40).sum())
    assert len(changed) < 100
    assert np.quantile(changed, 0.95) <= 256


def test_codes_that_end_early_or_late() -> None:
    stream = written(log(200, 160), "L")
    assert wrong_codes(stream[: len(stream) // 2]) == "JPEG codes that end before the last block"
    height = stream.index(b"\xff\xc0") + 5
    fewer, more = (stream[:height] + size.to_bytes(2, "big") + stream[height + 2 :] for size in (184, 208))
    assert wrong_codes(fewer) == "JPEG codes that continue after the last block"
    assert wrong_codes(more) == "JPEG codes that end before the last block"
    restarts = bytearray(written(log(200, 160), "L", restart_marker_blocks=20))
    restarts[restarts.index(b"\xff\xd1") + 1] = 0xD5
    assert wrong_codes(bytes(restarts)) == "JPEG data without their restart marker"


@pytest.mark.parametrize(
    ("marker", "reason"), [(b"\xff\xdb", "a quantisation table"), (b"\xff\xc4", "a Huffman table")]
)
def test_a_standard_table_with_a_flipped_bit_is_detected(marker: bytes, reason: str) -> None:
    stream = bytearray(written(log(), "L", quality=90))
    assert damage_of(bytes(stream)) == ""
    stream[stream.index(marker) + 30] ^= 2
    assert reason in changed_table(bytes(stream))


def test_nonstandard_tables_are_accepted() -> None:
    rng = np.random.default_rng(0)
    own = [np.sort(rng.integers(1, 99, 64)).tolist()] * 2
    for options in ({"qtables": own}, {"optimize": True, "quality": 83}):
        assert damage_of(written(log(), "RGB", **options)) == ""
