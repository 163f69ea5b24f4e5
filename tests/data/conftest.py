from collections.abc import Callable
from pathlib import Path

import pytest
from noise_sheets import Drawing, noise

from thinline.data.cache import open_sheets
from thinline.data.cached_sheets import CachedSheets


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[..., CachedSheets]:
    """Cached sheets of noise: `drawn(count, height=..., width=..., curves=...)`."""

    def make(count: int, **shape: int) -> CachedSheets:
        specs = [Drawing(i, **shape) for i in range(count)]
        return open_sheets(specs, px_per_mm=1.0, folder=tmp_path / "cache", render=noise, version=1)

    return make
