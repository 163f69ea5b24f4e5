"""A coded scan of two curves."""

from __future__ import annotations

from pathlib import Path

import pytest
from scan_cases import INK, ONE, TWO, blank, save, trace


@pytest.fixture
def two_curves(tmp_path: Path) -> Path:
    """A coded scan with a curve at the columns ONE and one at the columns TWO."""
    return save(trace(trace(blank(500, 200), TWO, ink=INK[1]), ONE), tmp_path / "scan.tif")
