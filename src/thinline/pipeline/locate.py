"""Roof: which run folder a composed configuration belongs to, and how its cell ended. Needs no torch, so that a plan
of hundreds of cells is quick.

The identity is the configuration that counts, and the content of the sheets: another drawing is another cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from omegaconf import DictConfig, OmegaConf

from thinline.config.levels import levels
from thinline.config.schema import NOT_IDENTITY, Conf, checked
from thinline.metrics.catalogue import signatures
from thinline.pipeline.sheets import Planned, plan_sheets
from thinline.runs import FAILED, FINISHED, Manifest, RunFolder, cell_digest, cell_slug

SKIPPED: Final = "SKIPPED"


@dataclass(frozen=True)
class CellOutcome:
    """How a cell ended: FINISHED now, or SKIPPED because it was finished before."""

    name: str
    status: str
    folder: Path


class FailedBeforeError(RuntimeError):
    """A cell of a sweep that failed before and was not asked to try again."""


class OtherMeasuresError(ValueError):
    """A finished cell whose numbers were defined otherwise."""


@dataclass(frozen=True)
class RunLocation:
    """A cell before it runs: its typed configuration, the levels of its factors, its sheets and its run folder."""

    conf: Conf
    factors: dict[str, str]
    planned: Planned
    folder: RunFolder


def locate(config: DictConfig, choices: Mapping[str, str]) -> RunLocation:
    """Where the cell of `config` lies; `choices` are the options Hydra picked of each group.

    Raises `ConfigError` for what cannot be run, and what `plan_sheets` raises.
    """
    conf = checked(config)
    factors = levels(choices, conf)
    planned = plan_sheets(conf)
    digest = cell_digest(plain(config) | {"sheets": planned.digest}, leave_out=NOT_IDENTITY)
    slug = cell_slug(levels(choices, conf, leave_out=NOT_IDENTITY))  # where a thing lies is no part of a name
    return RunLocation(conf, factors, planned, RunFolder(Path(conf.paths.store), slug, digest))


def done_before(folder: RunFolder, *, force: bool, retry: bool, study: str | None) -> CellOutcome | None:
    """How the cell of `folder` ended before, if that settles it; it then joins `study`.

    Raises `FailedBeforeError` for one that failed, unless it may `retry`, and `OtherMeasuresError` for one that was
    measured by other definitions than today's.
    """
    manifest = folder.manifest()
    if manifest is None or force:
        return None
    if manifest.status == FINISHED:
        if otherwise_measured(manifest):
            raise OtherMeasuresError(
                f"run {folder.name} must have been measured as this version measures, by {signatures()[0]}, ..., got "
                f"{', '.join(manifest.cell.signatures)}; its numbers cannot stand beside new ones: run it again with "
                "force=true, or give another paths.store"
            )
        if study is not None:
            folder.join_study(study)
        return CellOutcome(folder.name, SKIPPED, folder.path)
    if manifest.status == FAILED and not retry:
        told = manifest.exception
        reason = "it left no reason" if told is None else f"{told.type}: {told.message}"
        raise FailedBeforeError(f"it failed before and is not run again (retry_failed=true tries): {reason}")
    return None


def otherwise_measured(manifest: Manifest) -> bool:
    """Whether the numbers of a run were defined by another version of the measures."""
    return set(manifest.cell.signatures) != set(signatures())


def plain(config: DictConfig) -> dict[str, object]:
    """The resolved configuration as plain values."""
    tree = OmegaConf.to_container(config, resolve=True)
    assert isinstance(tree, dict)
    return {str(key): value for key, value in tree.items()}
