"""Statistics of a study: all effects against the clock.

60 cells are 12 conditions at 5 seeds, 1,200 are 240; 64 sheets each.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from rows import Row, limited
from study_cases import THREE, planted
from turns import compare_limit

from thinline.study.design.results import Results
from thinline.study.stats.effects import effects

SMALL_S, LARGE_S = 15.0, 120.0
LARGE = {
    "loss": ("dice", "focal", "lovasz", "soft_ce", "tversky"),
    "class_weight": ("none", "measured", "sqrt", "effective_number"),
    "resolution": ("pen1", "pen2", "pen3"),
    "data_mix": ("scarce", "duplicated", "fresh", "enriched"),
}


def main() -> Iterator[Row]:
    """Rows: the time wanted over the time taken; the large study is measured once."""
    results = planted(THREE)
    comparison = compare_limit(partial(effects, results), SMALL_S)
    yield limited(_name(SMALL_S, results), comparison, f"{comparison.seconds[0]:.1f} s")
    results = planted(replace(THREE, factors=LARGE))
    began = time.perf_counter()
    effects(results)
    taken_s = time.perf_counter() - began
    yield Row(_name(LARGE_S, results), LARGE_S / taken_s, f"{taken_s:.1f} s")


def _name(wanted_s: float, results: Results) -> str:
    return f"{wanted_s:g} s / all effects of {len(results.cells):,} cells"
