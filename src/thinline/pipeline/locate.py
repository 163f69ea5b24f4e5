"""Identity and folder of a run, and the decision to skip a finished run, retry a failed one, or refuse it.

A *cell* of a sweep or study is one of its runs. The identity of a run consists of its configuration without machine and
paths, the content of its sheets, and the source of the user's own code (all rules are in runs/identity.py). So sheets
that are drawn differently, or an edited loss, make another run. This module does not import torch, so that planning
hundreds of runs is quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from thinline.config.levels import levels
from thinline.config.schema import KEY_LEVELS, NEUTRAL, NOT_IDENTITY, Conf
from thinline.config.trained_run import file_digest, trained_files
from thinline.metrics.catalogue import comparable, signatures
from thinline.metrics.own import calls
from thinline.pipeline.sheets import Planned, plan_sheets
from thinline.runs import FAILED, FINISHED, Manifest, RunFolder, cell_digest, cell_slug, own_code

SKIPPED: Final = "SKIPPED"


@dataclass(frozen=True)
class CellOutcome:
    """How a run ended: FINISHED now, or SKIPPED because it had finished before."""

    name: str
    status: str
    folder: Path


class FailedBeforeError(RuntimeError):
    """A run of a sweep that failed before and may not be tried again."""


class OtherMeasuresError(ValueError):
    """A finished run that was scored with other versions of the metrics."""


@dataclass(frozen=True)
class InitialWeights:
    """The checkpoint of `init_from`, its digest, and its config.yaml.

    `name` is the folder name of the run that wrote it, `@`, and the digest of the checkpoint: `dice-...-4567@0123`.
    """

    name: str
    digest: str
    checkpoint: Path
    config: Path


@dataclass(frozen=True)
class RunLocation:
    """A run before it starts: its configuration, the levels of its factors, its planned sheets and its folder.

    `own_code` has the digest of each module of the user that the run executes. `initial` is the checkpoint whose
    weights the network begins with, or None for random weights.
    """

    conf: Conf
    factors: dict[str, str]
    planned: Planned
    folder: RunFolder
    own_code: Mapping[str, str] = field(default_factory=dict)
    initial: InitialWeights | None = None


def locate(conf: Conf, choices: Mapping[str, str]) -> RunLocation:
    """The run of `conf`; `choices` has the option that Hydra chose for each config group.

    Raises what `plan_sheets` raises, and `NoRunError` if `init_from` names no run.
    """
    initial = initial_weights(conf)
    planned = plan_sheets(conf)
    code = own_code(conf.tree)
    content: dict[str, object] = {"sheets": planned.digest}
    if code:
        content["own_code"] = code
    if initial is not None:
        content["init_from"] = initial.digest  # in place of the path or name
    if conf.metrics:
        content["metrics"] = calls(conf.metrics)  # without labels and units
    digest = cell_digest(conf.tree | content, leave_out=_not_hashed(conf))
    folder = RunFolder(Path(conf.paths.store), slug_of(conf, choices), digest)
    return RunLocation(conf, _levels(conf, choices, initial), planned, folder, code, initial)


@dataclass(frozen=True)
class Outline:
    """What is known of a run without its sheets, so within a millisecond: the beginning of the name of its folder, the
    levels of its factors, and a digest that differs between different configurations."""

    slug: str
    factors: dict[str, str]
    digest: str


def outline(conf: Conf, choices: Mapping[str, str]) -> Outline:
    """The outline of the run of `conf`, as for `locate`. Raises `NoRunError` if `init_from` names no run."""
    factors = _levels(conf, choices, initial_weights(conf))
    return Outline(slug_of(conf, choices), factors, cell_digest(conf.tree, leave_out=_not_hashed(conf)))


def slug_of(conf: Conf, choices: Mapping[str, str]) -> str:
    """The name of the folder of a run, without the digest at its end."""
    return cell_slug(levels(choices, conf, leave_out=NOT_IDENTITY) | _key_levels(conf))


def _not_hashed(conf: Conf) -> tuple[str, ...]:
    """The dotted keys that are no part of the identity: `NOT_IDENTITY`, and newer keys where they are neutral."""
    return (*NOT_IDENTITY, *(key for key, neutral in NEUTRAL.items() if _at(conf.tree, key) == neutral))


def _at(tree: Mapping[str, object], key: str) -> object:
    """The value of a dotted key, None where there is none."""
    node: object = tree
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def initial_weights(conf: Conf) -> InitialWeights | None:
    """The checkpoint that `init_from` names, or None if it is not set. Raises `NoRunError`."""
    if conf.init_from is None:
        return None
    config, checkpoint, _ = trained_files(conf.init_from, Path(conf.paths.store))
    digest = file_digest(checkpoint)
    return InitialWeights(f"{config.absolute().parent.name}@{digest}", digest, checkpoint, config)


def _levels(conf: Conf, choices: Mapping[str, str], initial: InitialWeights | None) -> dict[str, str]:
    """The levels of the factors, and of `pooling`, `init_from`, `checkpoint` and `metrics` where they are set."""
    more = _key_levels(conf)
    if initial is not None:
        more["init_from"] = initial.name.rpartition("-")[2]  # digest of the run, @, digest of the checkpoint
    if conf.checkpoint.monitor is not None:
        more["checkpoint"] = ",".join(f"{key}={value}" for key, value in asdict(conf.checkpoint).items())
    if conf.metrics:
        more["metrics"] = ",".join(sorted(conf.metrics))
    return levels(choices, conf) | more


def _key_levels(conf: Conf) -> dict[str, str]:
    """The levels of `KEY_LEVELS` that are not neutral."""
    return {key: getattr(conf, key) for key, known in KEY_LEVELS.items() if getattr(conf, key) != known[0]}


def done_before(folder: RunFolder, *, force: bool, retry: bool, study: str | None) -> CellOutcome | None:
    """The outcome of a run that has finished before, or None for a run that is to be trained now.

    A finished run is also added to `study`, if there is one. Raises `FailedBeforeError` for a run that failed before,
    unless `retry` is true, and `OtherMeasuresError` for a finished run that was scored with other metric versions.
    """
    manifest = folder.manifest()
    if manifest is None or force:
        return None
    if manifest.status == FINISHED:
        if otherwise_measured(manifest):
            raise OtherMeasuresError(
                f"run {folder.name}: expected metric versions {', '.join(signatures())}, got "
                f"{', '.join(manifest.cell.signatures)}. It cannot be compared with new runs; rerun it with "
                "force=true, or set another paths.store"
            )
        if study is not None:
            folder.join_study(study)
        return CellOutcome(folder.name, SKIPPED, folder.path)
    if manifest.status == FAILED and not retry:
        error = manifest.exception
        reason = "no reason was recorded" if error is None else f"{error.type}: {error.message}"
        raise FailedBeforeError(f"this run failed before; retry_failed=true starts it again: {reason}")
    return None


def otherwise_measured(manifest: Manifest) -> bool:
    """Whether a run was scored with other versions of the metrics; a run from before a metric was added was not."""
    return not comparable(manifest.cell.signatures, signatures())
