"""A store with many finished runs, copied from one run: other seeds and levels, the same tables.

A copy costs a manifest; its tables are links to those of the first run, so 10,000 runs take little disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from thinline.runs import RunFolder, cell_digest
from thinline.runs.folder import PER_CLASS, PER_SHEET, RUNS

LOSSES = ("dice", "focal", "lovasz", "soft_ce", "tversky")
WEIGHTS = ("none", "fixed", "measured", "sqrt")


def levels(number: int) -> dict[str, str | int]:
    """Levels of the copy `number`: 20 conditions, each with seeds 0, 1, ..."""
    loss, weight = LOSSES[number % 5], WEIGHTS[number // 5 % 4]
    return {"loss": loss, "class_weight": weight, "seed": number // 20}


def copy_runs(template: RunFolder, root: Path, count: int, *, study: str | None = None) -> None:
    """Write `count` finished runs like `template` into the store `root`, as runs of `study`."""
    record = json.loads(template.manifest_path.read_text())
    for number, path in enumerate(_folders(root, count)):
        path.mkdir(parents=True)
        own = levels(number)
        factors = record["factors"] | {name: str(own[name]) for name in ("loss", "class_weight")}
        changed = {"factors": factors, "seed": own["seed"], "studies": [study] if study else []}
        (path / "manifest.json").write_text(json.dumps(record | changed, indent=2) + "\n")
        for name in (PER_CLASS, PER_SHEET):
            os.link(template.path / name, path / name)


def _folders(root: Path, count: int) -> Iterator[Path]:
    for number in range(count):
        own = levels(number)
        name = f"{own['loss']}-softmax-{own['class_weight']}-s{own['seed']}-{cell_digest(own)}"
        yield root / RUNS / name
