"""Open a finished run again: its network, its validation sheets and its test sheets.

The sheets come from the cache or are drawn again; sheets that differ from those of the run are refused. The network
computes in fp32. If the run computed in another precision, about one pixel in ten thousand may get another class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from omegaconf import DictConfig
from rich.console import Console

from thinline.config.objective import weighting_of
from thinline.config.schema import ConfigError, checked, saved_config
from thinline.data.batch import batch_of
from thinline.data.cached_sheets import CachedSheets
from thinline.metrics.overlay import overlay
from thinline.pipeline.load import LoadedRun, load_run
from thinline.pipeline.sheets import plan_sheets, render_split
from thinline.runs import RunFolder
from thinline.system.atomic_files import StorageError
from thinline.vocabulary import UInt8


@dataclass(frozen=True)
class ReopenedRun:
    """A network and its sheets. `tuned`: the classes of test pixels come from tuned thresholds, not from the head."""

    network: LoadedRun
    val: CachedSheets
    test: CachedSheets
    tuned: bool


def network_of(folder: RunFolder, *, device: str) -> LoadedRun:
    """The network of a finished run. Raises `StorageError` for an unfinished one, and what `load_run` raises."""
    if not folder.finished:
        status = folder.begun().status
        raise StorageError(f"{folder.name}: expected a finished run, got {status}; train it to its end first")
    return load_run(str(folder.path), folder.root, device=device)


def reopen(folder: RunFolder, network: LoadedRun, *, cache: Path, console: Console) -> ReopenedRun:
    """The run of `network` with its validation and test sheets; training sheets are not drawn.

    Raises `StorageError` for a configuration of an older version and for sheets that are drawn differently today, and
    what `render_split` raises.
    """
    manifest = folder.begun()
    remedy = f"check out its commit ({manifest.origin.git_commit}) or train it again"
    config = saved_config(folder.config_path)
    assert isinstance(config, DictConfig)
    config.paths.cache = str(cache)
    try:
        conf = checked(config)
    except ConfigError as error:
        raise StorageError(
            f"{folder.name}: expected a configuration of this version, got an older one ({error}); {remedy}"
        ) from error
    planned = plan_sheets(conf)
    expected = manifest.cell.dataset_digest
    if planned.digest != expected:
        raise StorageError(
            f"{folder.name}: expected the sheets it was trained with (digest {expected}), got {planned.digest}: they "
            f"are drawn differently today; {remedy}"
        )
    val, test = (render_split(planned, name, conf, console=console) for name in ("val", "test"))
    return ReopenedRun(network, val, test, weighting_of(conf).tuned)


@torch.inference_mode()
def overlay_of(run: ReopenedRun, index: int) -> UInt8:
    """Truth, prediction and errors of test sheet `index`, RGB. Raises `StorageError` for a `tuned` run."""
    if run.tuned:
        raise StorageError(f"{run.network.name}: expected a run whose head decides, got one of tuned thresholds")
    batch = batch_of(run.test, [index])
    head = run.network.head
    predicted = head.decode(head.probabilities(run.network.network(batch.image).float()))[0]
    true = head.truth(batch.labels)[0]
    planes = (plane.to(torch.uint8).numpy() for plane in (true, predicted))
    return overlay(run.test.images[index], *planes, classes=head.classes)
