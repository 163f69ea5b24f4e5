"""Statistics of a study: all effects against the clock.

60 cells are 12 conditions at 5 seeds, 1,200 are 240; 64 sheets each.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from thinline.study.stats.effects import effects

sys.path.insert(0, str(Path(__file__).parents[1] / "cases"))

from study_cases import THREE, planted

SMALL_S, LARGE_S = 15.0, 120.0
LARGE = {
    "loss": ("dice", "focal", "lovasz", "soft_ce", "tversky"),
    "class_weight": ("none", "measured", "sqrt", "effective_number"),
    "resolution": ("pen1", "pen2", "pen3"),
    "data_mix": ("scarce", "duplicated", "fresh", "enriched"),
}


def main() -> list[tuple[str, float, str]]:
    """The time wanted over the time taken."""
    rows = []
    large = replace(THREE, factors=LARGE)
    for study, wanted in ((THREE, SMALL_S), (large, LARGE_S)):
        results = planted(study)
        began = time.perf_counter()
        effects(results)
        taken = time.perf_counter() - began
        rows.append((f"{wanted:g} s / all effects of {len(results.cells):,} cells", wanted / taken, f"{taken:.1f} s"))
    return rows


if __name__ == "__main__":
    for name, ratio, comment in main():
        print(f"{name:<52}{ratio:8.2f}  {comment}")
