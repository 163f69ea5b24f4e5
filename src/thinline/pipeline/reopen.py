"""A finished run opened again: its network, and the very sheets that it was validated and tested on.

The sheets come from the cache or are drawn anew, and are those of the run or it is refused. The network computes in
fp32, whatever the run computed in, so a pixel in ten thousand may be decided otherwise than in the run's own numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from thinline.config.schema import ConfigError, checked, saved_config
from thinline.data.batch import batch_of
from thinline.data.cached_sheets import CachedSheets
from thinline.losses.class_weight import TunedThreshold
from thinline.metrics.overlay import overlay
from thinline.pipeline.load import LoadedRun, load_run
from thinline.pipeline.sheets import Planned, plan_sheets, render_split
from thinline.runs import RunFolder
from thinline.system.atomic_files import StorageError
from thinline.vocabulary import UInt8


@dataclass(frozen=True)
class ReopenedRun:
    """A network and its sheets; with `tuned` the run decided by thresholds, and not by its head."""

    network: LoadedRun
    val: CachedSheets
    test: CachedSheets
    tuned: bool


def network_of(folder: RunFolder, *, device: str) -> LoadedRun:
    """The network of a finished run. Raises `StorageError` for one that is not, and what `load_run` raises."""
    if not folder.finished:
        status = folder.begun().status
        raise StorageError(f"{folder.name}: expected a finished run, got {status}; train it to its end first")
    return load_run(str(folder.path), folder.root, device=device)


def reopen(folder: RunFolder, network: LoadedRun, *, cache: Path, console: Console) -> ReopenedRun:
    """The run of `network` with its sheets.

    Raises `StorageError` for a configuration that is older than today's and for sheets that are drawn otherwise today,
    and what `render_split` raises. Training sheets are not drawn.
    """
    commit = folder.begun().origin.git_commit
    config = saved_config(folder.config_path)
    config.paths.cache = str(cache)
    assert isinstance(config, DictConfig)
    try:
        conf = checked(config)
    except ConfigError as error:
        raise StorageError(
            f"{folder.name}: expected a configuration as runs have it today, got an older one ({error}); check out its "
            f"commit ({commit}) or train it again"
        ) from error
    planned = plan_sheets(conf)
    _check_same(folder, planned)
    val, test = (render_split(planned, name, conf, console=console) for name in ("val", "test"))
    return ReopenedRun(network, val, test, isinstance(instantiate(config.class_weight), TunedThreshold))


def _check_same(folder: RunFolder, planned: Planned) -> None:
    expected = folder.begun().cell.dataset_digest
    if planned.digest != expected:
        raise StorageError(
            f"{folder.name}: expected the sheets it was trained with (digest {expected}), got {planned.digest}: they "
            f"are drawn otherwise today; check out its commit ({folder.begun().origin.git_commit}) or train it again"
        )


@torch.inference_mode()
def overlay_of(it: ReopenedRun, index: int) -> UInt8:
    """Truth, prediction and misses of test sheet `index`, RGB. Raises `StorageError` for a run of tuned thresholds."""
    if it.tuned:
        raise StorageError(f"{it.network.name}: expected a run whose head decides, got one of tuned thresholds")
    batch = batch_of(it.test, [index])
    head = it.network.head
    found = head.decode(head.probabilities(it.network.network(batch.image).float()))[0]
    true = head.truth(batch.labels)[0]
    planes = (plane.to(torch.uint8).numpy() for plane in (true, found))
    return overlay(it.test.images[index], *planes, classes=head.classes)
