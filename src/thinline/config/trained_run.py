"""Find a trained run by its folder, name or checkpoint, which `--run` and `init_from` name. Imports no torch.

Values of `run`, tried in this order
    a word        the name of a network that comes with the package, as `reader` (shipped.py); `./reader` is a folder
    a file        a checkpoint. The config.yaml is in the same folder, or beside the folder `checkpoints`
    a folder      a run folder: config.yaml and checkpoints/last.ckpt, or best.ckpt for a run that was tested with
                  best.ckpt (checkpoint.test=best); or the folder of a shipped network
    a word        the name of a run of the store, or the MLflow id of the run, or a unique beginning of one of these; or
                  the name of the run in MLflow, if it is unique
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from thinline.config.schema import saved_config
from thinline.config.shipped import CONFIG, WEIGHTS, is_whole, shipped_folder
from thinline.runs import RunFolder, run_folders
from thinline.system.entry import expanded
from thinline.training.settings import BEST, LAST

HOW_TO_TRAIN: Final = "`python train.py` trains one on drawn sheets (budget=laptop: minutes on two cores)"
COPY: Final = "copy config.yaml again from the run folder that the checkpoint comes from, or train the run again"
_LISTED = 5


class NoRunError(ValueError):
    """There is no such trained network; the message says how to get one."""


class TrainedFiles(NamedTuple):
    """Paths of config.yaml and the checkpoint of a run, and its run folder if there is one."""

    config: Path
    checkpoint: Path
    folder: RunFolder | None


def trained_files(run: str | Path, store: Path) -> TrainedFiles:
    """The files of `run`. Raises NoRunError where there is no such run, or a file of it is missing."""
    shipped = shipped_folder(str(run))
    path = shipped or expanded(str(run))
    if (path / WEIGHTS).is_file():
        return _shipped(path)
    if path.is_file():
        beside = (path.parent / "config.yaml", path.parent.parent / "config.yaml")
        config = next((candidate for candidate in beside if candidate.is_file()), None)
        if config is None:
            raise NoRunError(
                f"{path}: expected the config.yaml of its run beside the checkpoint or one folder above, found none; "
                "copy it there from the run folder, it defines the network"
            )
        return TrainedFiles(config, path, _folder(config.parent))
    folder = path if path.is_dir() else _named(str(run), store).path
    config = folder / "config.yaml"
    best = config.is_file() and OmegaConf.select(config_of(config), "checkpoint.test") == "best"
    checkpoint = folder / "checkpoints" / (BEST if best else LAST)
    for part in (config, checkpoint):
        if not part.is_file():
            raise NoRunError(
                f"{folder}: expected a run folder with config.yaml and checkpoints/{checkpoint.name}, found no "
                f"{part.name}; did this run reach its first validation? {HOW_TO_TRAIN}"
            )
    return TrainedFiles(config, checkpoint, _folder(folder))


def _shipped(folder: Path) -> TrainedFiles:
    """The files of a shipped network. Raises NoRunError for weights that are not those of its config.yaml."""
    config, weights = folder / CONFIG, folder / WEIGHTS
    if not is_whole(weights, config_of(config)):
        raise NoRunError(
            f"{weights}: expected the weights whose sha256 is in {CONFIG}, got others; was the file damaged? Install "
            "the package again, or write the folder again with `thinline ship`"
        )
    return TrainedFiles(config, weights, None)


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
        f"{HOW_TO_TRAIN}. {offered(store)}"
    )


def offered(store: Path) -> str:
    """A sentence with the finished runs of `store`."""
    names = [folder.name for folder in run_folders(store) if folder.finished]
    if not names:
        return f"There is no finished run in {store} yet"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"Finished runs in {store}: {', '.join(names[:_LISTED])}{more}"


def config_of(path: Path) -> DictConfig:
    """The configuration of a run. Raises NoRunError for a file that cannot be read."""
    try:
        config = saved_config(path)
    except (OSError, YAMLError, OmegaConfBaseException) as error:
        raise NoRunError(f"{path}: expected the configuration of a run, could not read it ({error})") from error
    if not isinstance(config, DictConfig):
        raise NoRunError(f"{path}: expected the configuration of a run, got a list; give the run folder")
    return config


def first_line(error: Exception) -> str:
    """The first line of the message of an error, or its type."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def file_digest(path: Path) -> str:
    """Ten hex digits of the content of a file."""
    known = path.stat()
    return _digest(path, known.st_size, known.st_mtime_ns)


@lru_cache(maxsize=16)  # every cell of a sweep may begin with one checkpoint, and one that is as large takes a second
def _digest(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:10]
