"""The LAS files that lie beside the checkout, read once for all tests of a process."""

import warnings
from functools import cache
from pathlib import Path

import pytest

from thinline.curves.las import LasCurve, read_las_dir

REAL = Path(__file__).parents[2] / "../shared/data/las"
needs_real_logs = pytest.mark.skipif(not REAL.is_dir(), reason="the real LAS files are not in the repository")


@cache
def real_curves() -> tuple[LasCurve, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(read_las_dir(REAL))
