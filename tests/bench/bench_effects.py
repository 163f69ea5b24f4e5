"""Statistics of a study: all effects against the clock.

60 cells are 12 conditions at 5 seeds, 1,200 are 240; 64 sheets each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from rows import Row, limited
from study_cases import THREE, planted
from turns import compare_limit

from thinline.study.stats.effects import effects

SMALL_S, LARGE_S = 15.0, 120.0
BUDGET_S = 40
LARGE = {
    "loss": ("dice", "focal", "lovasz", "soft_ce", "tversky"),
    "class_weight": ("none", "measured", "sqrt", "effective_number"),
    "resolution": ("pen1", "pen2", "pen3"),
    "data_mix": ("scarce", "duplicated", "fresh", "enriched"),
}


def main() -> Iterator[Row]:
    """Rows: the time wanted over the time taken."""
    for study, wanted_s in ((THREE, SMALL_S), (replace(THREE, factors=LARGE), LARGE_S)):
        results = planted(study)
        comparison = compare_limit(partial(effects, results), wanted_s, budget_s=BUDGET_S)
        name = f"{wanted_s:g} s / all effects of {len(results.cells):,} cells"
        yield limited(name, comparison, f"{comparison.seconds[0]:.1f} s")
