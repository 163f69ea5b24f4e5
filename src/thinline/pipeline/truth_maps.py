"""The truth maps that an objective needs (skeletons, distances), computed once for each training sheet and cached."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from thinline.config.schema import Conf
from thinline.data.batch import batch_of
from thinline.data.cached_maps import CachedMaps, open_maps
from thinline.data.cached_sheets import CachedSheets
from thinline.losses.objective import Objective
from thinline.losses.protocols import TruthMap
from thinline.pipeline.sheets import progress
from thinline.vocabulary import Float32, UInt8


def open_truth_maps(
    objective: Objective, sheets: CachedSheets, conf: Conf, *, console: Console
) -> dict[str, CachedMaps]:
    """The truth maps of `objective` by key; most objectives have none. Raises `CacheError` for a full disk."""
    return {truth_map.key: _open(truth_map, objective, sheets, conf, console) for truth_map in objective.truth_maps}


def _open(truth_map: TruthMap, objective: Objective, sheets: CachedSheets, conf: Conf, console: Console) -> CachedMaps:
    def make(sheet: int) -> UInt8 | Float32:
        batch = batch_of(sheets, [sheet])
        drawn: UInt8 | Float32 = objective.draw(truth_map, batch.labels, batch.strokes)[0].numpy()
        return drawn

    head = objective.head
    with progress(f"drawing {truth_map.key}", console) as on_progress:
        return open_maps(
            sheets,
            name=f"{truth_map.key} of {head.name} {list(head.vocabulary)}",
            make=make,
            folder=Path(conf.paths.cache),
            on_progress=on_progress,
        )
