"""Roof: the maps of the truth that an objective looks at, made once for the training sheets and kept beside them."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from torch import nn

from thinline.config.schema import Conf
from thinline.data.batch import batch_of
from thinline.data.cached_maps import CachedMaps, open_maps
from thinline.data.cached_sheets import CachedSheets
from thinline.losses.objective import Objective
from thinline.losses.protocols import TruthMap
from thinline.pipeline.sheets import progress
from thinline.vocabulary import Float32, UInt8


def open_truth_maps(
    objective: nn.Module, sheets: CachedSheets, conf: Conf, *, console: Console
) -> dict[str, CachedMaps]:
    """Every map the objective wants, by key, for its head; empty where it wants none. Raises `CacheError`."""
    assert isinstance(objective, Objective)
    return {wanted.key: _open(wanted, objective, sheets, conf, console) for wanted in objective.truth_maps}


def _open(wanted: TruthMap, objective: Objective, sheets: CachedSheets, conf: Conf, console: Console) -> CachedMaps:
    def make(sheet: int) -> UInt8 | Float32:
        batch = batch_of(sheets, [sheet])
        drawn: UInt8 | Float32 = objective.draw(wanted, batch.labels, batch.strokes)[0].numpy()
        return drawn

    head = objective.head
    with progress(f"drawing {wanted.key}", console) as tell:
        return open_maps(
            sheets,
            name=f"{wanted.key} of {head.name} {list(head.vocabulary)}",
            make=make,
            folder=Path(conf.paths.cache),
            on_progress=tell,
        )
