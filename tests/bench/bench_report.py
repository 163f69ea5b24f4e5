"""From finished cells to the whole folder of a study, report included: how many times it fits into its limit.

The runs are synthetic: run folders as large as real ones (170 measures of two curves on 64 sheets), filled with noise.
Each store is read and published in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from thinline.cli.study import CLAIMS
from thinline.runs import FINISHED, Cell, Origin, RunFolder, cell_digest, cell_slug
from thinline.study.claims.claims import read_claims
from thinline.study.design.study import SEED, Study, expand
from thinline.study.publish.folder import SHEET_MEASURES
from thinline.study.publish.write import publish
from thinline.sweep.jobs import groups
from thinline.sweep.study_results import gather

SHEETS, CURVES = 64, ("curve_1", "curve_2")
OTHERS = tuple(f"tol_recall_{number}px" for number in range(160))
SMALL = Study(
    name="three_family",
    question="How long does a study of 60 cells take?",
    primary=("test/iou", "test/precision", "test/recall"),
    seeds=("0", "1", "2", "3", "4"),
    factors={
        "class_weight": ("none", "measured"),
        "loss": ("soft_ce", "dice", "tversky"),
        "data_mix": ("scarce", "fresh"),
    },
)
LARGE = replace(
    SMALL,
    factors={
        "class_weight": ("none", "fixed", "measured", "sqrt"),
        "loss": ("soft_ce", "dice", "tversky", "focal", "lovasz"),
        "data_mix": ("scarce", "duplicated", "fresh", "enriched"),
        "head": ("softmax", "sigmoid_stack", "binary"),
    },
)
LIMITS = {"60 cells": (SMALL, 60.0), "1,200 cells": (LARGE, 300.0)}


def write_runs(root: Path, study: Study) -> None:
    """A finished run of every cell."""
    noise = np.random.default_rng(0)
    measures = [*SHEET_MEASURES, *OTHERS]
    index = pd.MultiIndex.from_product([range(SHEETS), CURVES, measures], names=["sheet", "class", "measure"])
    sheets = index.to_frame(index=False).assign(split="test", support=700)
    sheets["signature"] = sheets["measure"] + "|v:1"
    rows = sheets[sheets["sheet"] == 0].drop(columns="sheet")
    splits = ("test", "tuned", "oracle_exact", "oracle_jitter", "oracle_shift", "oracle_thick")
    rows = pd.concat([rows.assign(split=split) for split in splits], ignore_index=True)
    for cell in expand(study):
        factors = {name: level for name, level in cell.items() if name != SEED}
        what = Cell(factors, int(cell[SEED]), cell, "synthetic")
        folder = RunFolder(root, cell_slug(cell), cell_digest(cell))
        assert folder.try_lock()
        folder.begin(what, Origin(None, None, {}, 1), study=study.name)
        drawn = [table.assign(value=noise.uniform(0.5, 0.9, len(table))) for table in (rows, sheets)]
        folder.write_results(*drawn)
        folder.finish(FINISHED)
        folder.unlock()


def analyse(name: str, root: Path) -> None:
    """Print the seconds by the clock, those of the processor, and the bytes at the peak that a study's folder took."""
    began = time.perf_counter()
    results = gather(LIMITS[name][0], root / "store")
    publish(root / "out", results, read_claims(CLAIMS, groups=groups()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(time.perf_counter() - began, time.process_time(), peak)


def main() -> list[tuple[str, float, str]]:
    """Times that each study fits into its limit."""
    rows = []
    for name, (study, limit_s) in LIMITS.items():
        with tempfile.TemporaryDirectory() as folder:
            write_runs(Path(folder) / "store", study)
            command = [sys.executable, __file__, name, folder]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        seconds, busy, peak = (float(number) for number in printed[-3:])
        comment = f"{seconds:.1f} s of {limit_s:.0f} s, {busy:.1f} s of CPU, {peak / 2**30:.2f} GiB at the peak"
        rows.append((f"study folder of {name}, limit / time", limit_s / seconds, comment))
    return rows


if __name__ == "__main__":
    analyse(sys.argv[1], Path(sys.argv[2]))
