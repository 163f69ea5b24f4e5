"""The pixels of the frozen families are those that published runs were drawn with.

The digests were taken before drawing was compiled. Only a new family, never a change here, may draw other pixels.
"""

from __future__ import annotations

import pytest
from frozen_sheets import digest, sheets

DIGESTS = {
    "archive, 4 px/mm": "e6eb6cd8d5564485",
    "procedural, 4 px/mm": "4bc3d214cd400599",
    "archive, 8 px/mm": "939c63a63ceef15a",
    "archive, 12 px/mm": "8a57f71368ccf5fe",
    "procedural, 8 px/mm": "b911771c632f4bc3",
    "procedural, 12 px/mm": "8f727ef718200663",
    "16.0 x 16.0 mm": "e4ae1f5fac9faaa3",
    "40.3 x 51.7 mm": "76915d3349288e1b",
    "160.0 x 96.0 mm": "efed6c6ceb8444a2",
    "wear and pens": "8c2be9ec3618dc29",
    "grids": "c094f829ed7fe985",
    "samples": "c5787d061e9469f6",
}
SHEETS = sheets()


def test_every_group_of_sheets_has_a_digest() -> None:
    assert SHEETS.keys() == DIGESTS.keys()
    assert sum(map(len, SHEETS.values())) == 212


@pytest.mark.parametrize("name", DIGESTS)
def test_no_pixel_has_changed(name: str) -> None:
    assert digest(SHEETS[name]) == DIGESTS[name]
