"""Statistics of a study: the hierarchical bootstrap against a loop over its slots, and all effects against the clock.

60 cells are 12 conditions at 5 seeds, 1,200 are 240; 64 sheets each. The loop draws the sheets of a slot by index and
adds them up for all conditions at once, which is how one would write it with numpy.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from turns import seconds_in_turns

from hairline.study.bootstrap import draws, resampling, slots
from hairline.study.effects import effects
from hairline.study.samples import Samples

sys.path.insert(0, str(Path(__file__).parents[1] / "study"))

from effect_cases import SEEDS_RULE, drawn
from study_cases import THREE, planted

BOOTSTRAPS = 1000
SMALL_S, LARGE_S = 15.0, 120.0
LARGE = {
    "loss": ("dice", "focal", "lovasz", "soft_ce", "tversky"),
    "class_weight": ("none", "measured", "sqrt", "effective_number"),
    "resolution": ("pen1", "pen2", "pen3"),
    "data_mix": ("scarce", "duplicated", "fresh", "enriched"),
}


def main() -> list[tuple[str, float, str]]:
    """Ratios to the loop, and the time wanted over the time taken."""
    data = drawn(np.random.default_rng(0), np.full(12, 0.5), **SEEDS_RULE)
    ours, loop = seconds_in_turns([lambda: _ours(data), lambda: _loop(data)], repeats=5)
    ratio = min(loop) / min(ours)
    rows = [("1,000 bootstraps of 60 cells, loop / matrix products", ratio, f"{1e3 * min(ours):.1f} ms a measure")]
    large = replace(THREE, factors=LARGE)
    for study, wanted in ((THREE, SMALL_S), (large, LARGE_S)):
        results = planted(study)
        began = time.perf_counter()
        effects(results)
        taken = time.perf_counter() - began
        rows.append((f"{wanted:g} s / all effects of {len(results.cells):,} cells", wanted / taken, f"{taken:.1f} s"))
    return rows


def _ours(data: Samples) -> None:
    made = resampling([64] * 5, bootstraps=BOOTSTRAPS, rng=np.random.default_rng(0))
    draws(slots(data, made), np.eye(len(data.conditions)))


def _loop(data: Samples) -> None:
    rng = np.random.default_rng(0)
    seeds, sheets = data.parts.shape[1:]
    out = np.empty((BOOTSTRAPS, len(data.conditions)))
    for bootstrap in range(BOOTSTRAPS):
        values = []
        for seed in rng.integers(seeds, size=seeds):
            taken = rng.integers(sheets, size=sheets)
            values.append(data.parts[:, seed, taken].sum(-1) / data.whole[:, seed, taken].sum(-1))
        out[bootstrap] = np.mean(values, 0)


if __name__ == "__main__":
    for name, ratio, comment in main():
        print(f"{name:<52}{ratio:8.2f}  {comment}")
