"""Loads a trained network by a checkpoint, a run folder, or the name or MLflow id of a run.

What `run` may be, tried in this order
    a file        a checkpoint; its config.yaml lies beside it, or beside its folder `checkpoints`
    a folder      a run folder: config.yaml and checkpoints/last.ckpt
    a word        the name of a run of the store, its MLflow run id, or the beginning of either where it is unique; also
                  its name in MLflow where that is unique

Only `head`, `network`, `mirrored`, `resolution.px_per_mm`, `budget.sheet_mm` and what they refer to are needed from the
configuration, so runs of older versions load, whose configurations lack keys that came later. Of `data_mix` the keys
`name`, `invert` and `piece_px` are used where they are there, of `class_weight` whether the test was decided by tuned
thresholds, which are read from the tables of the run folder.
"""

from __future__ import annotations

import hashlib
import math
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import nn
from yaml import YAMLError

from thinline.config.schema import saved_config
from thinline.data.folder.image_folder import FOLDER
from thinline.digitise.inference import Reader
from thinline.heads import Head
from thinline.losses.class_weight import TunedThreshold
from thinline.network import FlipAverage
from thinline.pipeline.predict import Prediction, decided, grey_of
from thinline.runs import FINISHED, RunFolder, run_folders
from thinline.runs.folder import PER_CLASS
from thinline.training.callbacks import LAST
from thinline.training.evaluation import THRESHOLD
from thinline.vocabulary import UInt8

HOW_TO_TRAIN: Final = "`python train.py` trains one on drawn sheets (budget=laptop: minutes on two cores)"
_COPY: Final = "copy config.yaml anew from the run folder that the checkpoint comes from, or train the run again"
_NETWORK = "network."
_TUNED: Final = f"{TunedThreshold.__module__}.{TunedThreshold.__qualname__}"
_LISTED = 5

WHOLE_PX: Final = 2048
"""Side of the tiles of a run on whole images of a folder (data_mix.piece_px=null), whose size is not known."""


class NoRunError(ValueError):
    """There is no such trained network; the message says how to get one."""


@dataclass(frozen=True)
class LoadedRun:
    """A network in evaluation mode, on `device`.

    `name` has the name of its run and a digest of the checkpoint; `sheet_px` is the shorter side of its sheets,
    `tile_px` the side of the tiles of `predict`. An `invert` run was trained on inverted images. A `tuned` run decides
    the K curves by `thresholds`, which are None where its run folder is not there.
    """

    name: str
    network: nn.Module
    head: Head
    px_per_mm: float
    sheet_px: int
    finished: bool
    device: str = "cpu"
    tile_px: int | None = None
    invert: bool = False
    tuned: bool = False
    thresholds: tuple[float, ...] | None = None

    def predict(self, image: UInt8 | str | Path) -> Prediction:
        """Labels and probabilities of an image of any size: grey uint8 [H,W], 255 white, or a PNG, TIFF or JPEG file.

        The network sees overlapping tiles as large as the sheets of the run, and their probabilities are blended. An
        image that fits into one tile gets the labels of the test pass, to the pixel in the precision of the test pass;
        here the network computes in fp32. Raises TypeError for another dtype, ValueError for another shape, for a file
        that cannot be read, and for a tuned run without thresholds.
        """
        if self.tuned and self.thresholds is None:
            raise ValueError(
                f"{self.name}: this run decides by thresholds tuned on validation (class_weight=tuned_threshold), "
                f"expected them in {PER_CLASS} of its run folder, got none; give the folder of the finished run"
            )
        grey = grey_of(image)
        reader = Reader(self.network, self.head, self.tile_px or self.sheet_px, self.device)
        probabilities = reader.probabilities(255 - grey if self.invert else grey)
        labels = decided(self.head, probabilities, self.thresholds)
        return Prediction(labels, probabilities[self.head.first_curve :], self.head.classes, self.px_per_mm)


def load_run(run: str | Path | None, store: str | Path = "mlruns", device: str = "cpu") -> LoadedRun:
    """The network of `run`, on `device`: cpu, cuda or cuda:1. What `run` may be is listed at the top of the module.

    Raises NoRunError where there is no such run, its files do not match, or torch lacks the device.
    """
    store = Path(store)
    if run is None:
        raise NoRunError(f"expected --run with a trained network, got none: {HOW_TO_TRAIN}. {_offered(store)}")
    config_path, checkpoint, folder = _files(str(run), store)
    config = _config(config_path)
    px_per_mm, sheet_mm = _lengths(config, config_path)
    head = _head(config, config_path)
    network = _network(config, config_path, head, checkpoint)
    manifest = folder.manifest() if folder is not None else None
    tuned = OmegaConf.select(config, "class_weight._target_") == _TUNED
    return LoadedRun(
        name=f"{config_path.parent.name}@{_digest(checkpoint)}",
        network=_on(network, device).eval(),
        head=head,
        px_per_mm=px_per_mm,
        sheet_px=round(min(sheet_mm) * px_per_mm),
        finished=manifest is None or manifest.status == FINISHED,
        device=device,
        tile_px=_tile_px(config) or round(max(sheet_mm) * px_per_mm),
        invert=bool(OmegaConf.select(config, "data_mix.invert")),
        tuned=tuned,
        thresholds=_thresholds(folder, head) if tuned else None,
    )


def _on(network: nn.Module, device: str) -> nn.Module:
    try:
        return network.to(device)
    except (RuntimeError, AssertionError) as error:
        raise NoRunError(
            f"device {device!r}: expected a device of torch, as cpu or cuda, got an error ({_first(error)}); "
            "device=cpu works everywhere"
        ) from error


def _tile_px(config: DictConfig) -> int | None:
    """The side of the tiles of a run on a folder: the largest piece that it was trained on. None for drawn sheets."""
    if OmegaConf.select(config, "data_mix.name") != FOLDER:
        return None
    return int(OmegaConf.select(config, "data_mix.piece_px") or WHOLE_PX)


def _thresholds(folder: RunFolder | None, head: Head) -> tuple[float, ...] | None:
    """The threshold of each curve, from the tables of a finished run."""
    if folder is None or not (folder.path / PER_CLASS).is_file():
        return None
    rows = pd.read_parquet(folder.path / PER_CLASS)
    of_class = rows[rows["measure"] == THRESHOLD].set_index("class")["value"]
    return tuple(float(of_class[name]) for name in head.classes[1:])


def _files(run: str, store: Path) -> tuple[Path, Path, RunFolder | None]:
    """Paths of config.yaml and the checkpoint, and the run folder if there is one."""
    path = Path(run)
    if path.is_file():
        beside = (path.parent / "config.yaml", path.parent.parent / "config.yaml")
        config = next((candidate for candidate in beside if candidate.is_file()), None)
        if config is None:
            raise NoRunError(
                f"{path}: expected the config.yaml of its run beside the checkpoint or one folder above, found none; "
                "copy it there from the run folder, it defines the network"
            )
        return config, path, _folder(config.parent)
    folder = path if path.is_dir() else _named(run, store).path
    config, checkpoint = folder / "config.yaml", folder / "checkpoints" / LAST
    for part in (config, checkpoint):
        if not part.is_file():
            raise NoRunError(
                f"{folder}: expected a run folder with config.yaml and checkpoints/{LAST}, found no {part.name}; did "
                f"this run reach its first validation? {HOW_TO_TRAIN}"
            )
    return config, checkpoint, _folder(folder)


def _folder(path: Path) -> RunFolder | None:
    return RunFolder.open(path.absolute()) if (path / "manifest.json").is_file() else None


def _named(run: str, store: Path) -> RunFolder:
    """The run of the store with this name, MLflow name or MLflow id, or the only one whose name or id begins so.

    The digest at the end of a name, which `thinline status` lists, is a name as well.
    """
    exact, begun = [], []
    for folder in run_folders(store):
        manifest = folder.manifest()
        tracking = manifest.mlflow if manifest is not None else None
        run_id, label = ("", "") if tracking is None else (tracking.run_id or "", tracking.name)
        if run in (folder.name, run_id, label, folder.name.rpartition("-")[2]):
            exact.append(folder)
        if folder.name.startswith(run) or run_id.startswith(run):
            begun.append(folder)
    matching = exact or begun
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = ", ".join(folder.name for folder in matching[:_LISTED])
        raise NoRunError(f"run {run}: expected one, got {len(matching)} that begin so: {names}; give more of it")
    raise NoRunError(
        f"run {run}: expected a run folder, a checkpoint, or the name or MLflow id of a run in {store}, found none; "
        f"{HOW_TO_TRAIN}. {_offered(store)}"
    )


def _offered(store: Path) -> str:
    names = [folder.name for folder in run_folders(store) if folder.finished]
    if not names:
        return f"There is no finished run in {store} yet"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"Finished runs in {store}: {', '.join(names[:_LISTED])}{more}"


def _config(path: Path) -> DictConfig:
    try:
        config = saved_config(path)
    except (OSError, YAMLError, OmegaConfBaseException) as error:
        raise NoRunError(f"{path}: expected the configuration of a run, could not read it ({error})") from error
    if not isinstance(config, DictConfig):
        raise NoRunError(f"{path}: expected the configuration of a run, got a list; give the run folder")
    return config


def _lengths(config: DictConfig, path: Path) -> tuple[float, tuple[float, ...]]:
    """px_per_mm, and the sides of a sheet in mm."""
    scale, sides = _needed(config, path, "resolution.px_per_mm"), _needed(config, path, "budget.sheet_mm")
    try:
        px_per_mm, sides_mm = float(scale), tuple(float(side) for side in sides)
    except (TypeError, ValueError):
        px_per_mm, sides_mm = 0.0, ()
    if not sides_mm or not all(math.isfinite(value) and value > 0 for value in (px_per_mm, *sides_mm)):
        raise NoRunError(
            f"{path}: expected `resolution.px_per_mm` and `budget.sheet_mm` above zero, got {scale} and {sides}; "
            f"{_COPY}"
        )
    return px_per_mm, sides_mm


def _head(config: DictConfig, path: Path) -> Head:
    _needed(config, path, "head._target_")
    try:
        head = instantiate(config.head)
    except (OmegaConfBaseException, InstantiationException) as error:
        raise NoRunError(f"{path}: expected a `head` of thinline.heads, got {_first(error)}; {_COPY}") from error
    if not isinstance(head, Head):
        raise NoRunError(f"{path}: expected a `head` of thinline.heads, got {config.head._target_}; {_COPY}")
    return head


def _needed(config: DictConfig, path: Path, key: str) -> Any:
    """The value of `key`."""
    try:
        value = OmegaConf.select(config, key)
    except OmegaConfBaseException as error:
        raise NoRunError(f"{path}: expected `{key}`, got {_first(error)}; {_COPY}") from error
    if value is None:
        raise NoRunError(f"{path}: expected `{key}`, without which the network cannot be rebuilt, got none; {_COPY}")
    return value


def _first(error: Exception) -> str:
    """The first line of the message of an error, or its type."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _network(config: DictConfig, path: Path, head: Head, checkpoint: Path) -> nn.Module:
    """The network of the configuration with the weights of the checkpoint."""
    _needed(config, path, "network._target_")
    try:
        bare = OmegaConf.merge(config.network, {"encoder_weights": None} if "encoder_weights" in config.network else {})
        network: nn.Module = instantiate(bare, channels=head.channels, _convert_="all")
        network = FlipAverage(network) if OmegaConf.select(config, "mirrored") else network
    except (OmegaConfBaseException, InstantiationException) as error:
        raise NoRunError(f"{path}: expected a `network` that can be built, got {_first(error)}; {_COPY}") from error
    try:
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
        weights = {key.removeprefix(_NETWORK): value for key, value in saved.items() if key.startswith(_NETWORK)}
        network.load_state_dict(weights)
    except (RuntimeError, KeyError, TypeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise NoRunError(
            f"{checkpoint}: expected a checkpoint of network {config.network._target_} with {head.channels} channels, "
            f"could not load it ({_first(error)}); does the config.yaml beside it belong to it?"
        ) from error
    return network


def _digest(checkpoint: Path) -> str:
    with checkpoint.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:10]
