"""Write the files of a network that comes with the package: weights, configuration, example and model card."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from safetensors.torch import save
from torch import Tensor

from thinline.cli.network.model_card import card_of, scores_on
from thinline.config.shipped import BRANCH, CARD, CONFIG, EXAMPLE, EXAMPLE_INK, WEIGHTS
from thinline.config.trained_run import TrainedFiles, config_of, trained_files
from thinline.data.cached_sheets import CachedSheets, read
from thinline.pipeline.finished_run import network_of, reopen
from thinline.pipeline.load import LoadedRun, load_run
from thinline.runs import RunFolder
from thinline.system.atomic_files import StorageError, make_folder, write_bytes
from thinline.vocabulary import UInt8

KEPT: Final = (
    *("classes", "mirrored", "seed", "head", "network", "resolution", "budget", "data_mix", "loss", "class_weight"),
    *("optimiser", "pooling", "shares_of", "checkpoint"),
)
"""Branches of the configuration of a run that a shipped network keeps. The others hold paths and the machine."""

OWN_FILES: Final = ("root", "images", "masks", "curves", "split", "groups")
"""Keys of data_mix that name files of a user."""


@dataclass(frozen=True)
class Packed:
    """What was written; `agreement` is the share of the pixels of the example where it predicts as the run itself."""

    parameters: int
    bytes: int
    sha256: str
    agreement: float


def pack(run: str, folder: Path, *, store: Path, cache: Path | None, most_bytes: int, console: Console) -> Packed:
    """Write the network of a finished `run` into `folder`.

    Raises NoRunError for an unknown run, StorageError for one that has not finished or whose sheets are drawn
    differently today, ValueError for weights of more than `most_bytes`.
    """
    files = trained_files(run, store)
    own = _finished(run, files)
    network = network_of(own, device="cpu")
    weights = save(halved(network.network.state_dict()))
    if len(weights) > most_bytes:
        raise ValueError(
            f"{own.name}: expected at most {most_bytes:,} bytes of weights, got {len(weights):,}; train with smaller "
            "network.widths"
        )
    digest = hashlib.sha256(weights).hexdigest()
    sheets = sheets_of_test(own, network, cache=cache or own.root / "cache", console=console)
    config = shipped_config(config_of(files.config), network, digest)
    make_folder(folder)
    for name in (CONFIG, CARD, EXAMPLE, EXAMPLE_INK):  # of an older network: none of them belongs to the new weights
        (folder / name).unlink(missing_ok=True)
    write_bytes(folder / WEIGHTS, weights)
    write_bytes(folder / CONFIG, OmegaConf.to_yaml(config).encode())
    packed = load_run(folder)
    example = np.array(sheets.images[0])
    ink = packed.predict(example, factor=1).labels > 0
    write_bytes(folder / EXAMPLE, _png(example))
    write_bytes(folder / EXAMPLE_INK, _png(np.where(ink, np.uint8(255), np.uint8(0))))
    parameters = sum(parameter.numel() for parameter in packed.network.parameters())
    facts = {"parameters": f"{parameters:,}", "bytes": f"{len(weights):,}", "sha256": digest}
    card = card_of(folder.name, config, own.begun(), facts=facts, scores=scores_on(packed, sheets))
    write_bytes(folder / CARD, card.encode())
    agreement = float(((network.predict(example, factor=1).labels > 0) == ink).mean())
    return Packed(parameters, len(weights), digest, agreement)


def _finished(run: str, files: TrainedFiles) -> RunFolder:
    if files.folder is None:
        raise StorageError(f"{run}: expected a run folder with its manifest and tables, got {files.checkpoint} alone")
    return files.folder


def sheets_of_test(own: RunFolder, network: LoadedRun, *, cache: Path, console: Console) -> CachedSheets:
    """The test sheets of a run: from the file of `cache` that the run itself drew, or else drawn again.

    So a run can be shipped after its family of sheets was changed. Raises what `reopen` raises.
    """
    digest = next(row["digest"] for row in own.begun().cell.datasets if row["split"] == "test")
    files = list(cache.glob(f"{digest}*.sheets"))
    sheets = read(files[0]) if len(files) == 1 else None
    return reopen(own, network, cache=cache, console=console).test if sheets is None else sheets


def halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, matrices and kernels at half precision; vectors (biases, norms) and integers as they are."""
    return {
        name: (tensor.half() if tensor.ndim > 1 and tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in tensors.items()
    }


def shipped_config(config: DictConfig, network: LoadedRun, sha256: str) -> DictConfig:
    """The configuration of a shipped network: that of its run without paths and machine, and the branch `shipped`."""
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    kept = {name: plain[name] for name in KEPT if name in plain}
    mix = kept.get("data_mix", {})
    kept["data_mix"] = {key: value for key, value in mix.items() if key not in OWN_FILES or mix.get("name") != "folder"}
    if "archive" in kept["data_mix"]:
        kept["data_mix"]["archive"]["las_dir"] = None
    branch: dict[str, Any] = {"run": network.name, "sha256": sha256}
    if network.thresholds is not None:
        branch["thresholds"] = dict(zip(network.head.classes[1:], network.thresholds, strict=True))
    shipped = OmegaConf.create(kept | {BRANCH: branch})
    assert isinstance(shipped, DictConfig)
    return shipped


def _png(image: UInt8) -> bytes:
    coded, png = cv2.imencode(".png", image)
    assert coded
    return bytes(png.tobytes())
