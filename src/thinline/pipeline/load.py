"""Load a trained network by a checkpoint, a run folder, or the name or MLflow id of a run.

config/trained_run.py lists all values that `run` may have.

Runs of older versions load too, although their configurations lack newer keys, because few keys are read. Required:
`head`, `network`, `resolution.px_per_mm`, `budget.sheet_mm`. Optional: `mirrored`; `name`, `invert`, `piece_px`,
`px_per_mm` and `scale` of `data_mix`; `class_weight._target_`. If the classes of the run come from tuned thresholds
(class_weight=tuned_threshold), the thresholds are read from the tables of the run folder. A network that comes with the
package has them in its configuration.
"""

from __future__ import annotations

import math
import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from thinline.config.schema import Conf
from thinline.config.shipped import BRANCH, DEFAULT, WEIGHTS, shipped_folder, thresholds_of
from thinline.config.trained_run import (
    COPY,
    HOW_TO_TRAIN,
    NoRunError,
    config_of,
    file_digest,
    first_line,
    offered,
    trained_files,
)
from thinline.data.folder.image_files import image_px_per_mm
from thinline.data.folder.keys import FOLDER
from thinline.digitise.inference import Reader
from thinline.digitise.reading import choose_factor, ink_mask, read_at
from thinline.heads import Head
from thinline.losses.class_weight import TunedThreshold
from thinline.network import FlipAverage
from thinline.network.transfer import TransferError, channel_tensors, take_weights
from thinline.pipeline.locate import InitialWeights
from thinline.pipeline.predict import Prediction, decided, grey_of
from thinline.runs import FINISHED, Manifest, RunFolder, edited, own_code
from thinline.runs.folder import PER_CLASS
from thinline.training.evaluation import THRESHOLD
from thinline.vocabulary import UInt8

_NETWORK = "network."
SAFETENSORS: Final = Path(WEIGHTS).suffix
_LISTED = 3
_TUNED: Final = f"{TunedThreshold.__module__}.{TunedThreshold.__qualname__}"

WHOLE_PX: Final = 2048
"""Side of the tiles of a run that was trained on whole images of a folder (data_mix.piece_px=null) of any size."""


@dataclass(frozen=True)
class LoadedRun:
    """A network in evaluation mode, on `device`.

    `name` consists of the name of the run and a digest of the checkpoint. `px_per_mm` is the scale at which the network
    reads, that of its training; of images of a user without a scale (`scale_known` is false) it is nominal. `sheet_px`
    is the shorter side of the sheets of the run, `tile_px` the side of the tiles of `predict`. `invert`: the run was
    trained on inverted images. `tuned`: the classes come from the K `thresholds`, which are None if there is no run
    folder. `scale`: the run was trained on images made smaller by this factor. `any_scale`: it chooses that of images.
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
    scale: float = 1.0
    scale_known: bool = True
    any_scale: bool = False

    @property
    def reader(self) -> Reader:
        """What reads images at the scale of the run, in tiles as large as those of its training."""
        return Reader(self.network, self.head, self.tile_px or self.sheet_px, self.device, self.invert)

    def predict(
        self, image: UInt8 | str | Path, *, px_per_mm: float | None = None, factor: float | None = None
    ) -> Prediction:
        """Labels and probabilities of an image of any size: grey uint8 [H,W], 255 white, or a PNG, TIFF or JPEG file.

        The network predicts overlapping tiles as large as the sheets of the run; the probabilities of the tiles are
        blended. An image that fits into one tile gets the same labels as in the test of the run if the run computed in
        fp32, as the network does here; else a few pixels may differ.

        The image is made larger by `factor` first, or from its scale `px_per_mm` to that of the run, and the
        probabilities are interpolated to its pixels. Without either the factor is that of a run with a `scale`, else 1;
        a network that comes with the package chooses it from the image (`choose_factor` in digitise/reading.py), and
        below 1 the edges of its ink are those of the image (`ink_mask` there).

        Raises TypeError for another dtype, ValueError for another shape, for a file that cannot be read, for a tuned
        run without thresholds, for a factor that is not above zero, and for both `px_per_mm` and `factor`.
        """
        if self.tuned and self.thresholds is None:
            raise ValueError(
                f"{self.name}: this run decides by thresholds tuned on validation (class_weight=tuned_threshold), "
                f"expected them in {PER_CLASS} of its run folder, got none; give the folder of the finished run"
            )
        by, reason = self._factor(px_per_mm, factor), ""
        grey = grey_of(image)
        if px_per_mm is None and factor is None and self.any_scale:
            known = image_px_per_mm(Path(image)) if isinstance(image, str | Path) else None
            chosen = choose_factor(self.reader, grey, implied=None if known is None else self.px_per_mm / known)
            by, reason = chosen.factor, chosen.reason
        probabilities = read_at(self.reader, grey, by)
        labels = decided(self.head, probabilities, self.thresholds)
        if self.any_scale and by < 1:
            least = self.thresholds[0] if self.thresholds else 0.5
            labels = ink_mask(probabilities[0], grey, threshold=least, factor=by).astype(np.uint8)
        scored = probabilities[: self.head.channels - self.head.unscored]
        return Prediction(
            labels=labels,
            probabilities=scored[self.head.first_curve :],
            classes=self.head.classes,
            px_per_mm=self.px_per_mm / by,
            centre=probabilities[len(scored)] if self.head.unscored else None,
            scale_reason=reason,
        )

    def _factor(self, px_per_mm: float | None, factor: float | None) -> float:
        """The factor by which an image is enlarged before the network reads it."""
        if px_per_mm is not None and factor is not None:
            raise ValueError(f"expected `px_per_mm` or `factor`, got both, {px_per_mm} and {factor}; leave one out")
        if px_per_mm is not None and not self.scale_known:
            raise ValueError(
                f"{self.name}: this run does not know its scale (data_mix.px_per_mm=null), expected no `px_per_mm`, "
                f"got {px_per_mm}; give `factor`, or train with data_mix.px_per_mm=NUMBER"
            )
        for name, value in (("px_per_mm", px_per_mm), ("factor", factor)):
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"`{name}` must be above zero and finite, got {value}")
        if px_per_mm is not None:
            return self.px_per_mm / px_per_mm
        return self.scale if factor is None else factor


def load_run(run: str | Path | None, store: str | Path = "mlruns", device: str = "cpu") -> LoadedRun:
    """The network of `run`, on `device`: cpu, cuda or cuda:1. The values of `run` are listed in config/trained_run.py.

    None is the network `reader`, which comes with the package.

    Raises NoRunError if there is no such run, if its files do not match, or if torch lacks the device. Warns if the
    user's own code was edited after the run.
    """
    store = Path(store)
    if run is None and shipped_folder(DEFAULT) is None:
        raise NoRunError(f"expected --run with a trained network, got none: {HOW_TO_TRAIN}. {offered(store)}")
    run = DEFAULT if run is None else run
    config_path, checkpoint, folder = trained_files(run, store)
    config = config_of(config_path)
    drawn_px_per_mm, sheet_mm = _lengths(config, config_path)
    head = _head(config, config_path)
    network = _network(config, config_path, head, checkpoint)
    manifest = folder.manifest() if folder is not None else None
    if manifest is not None and (sentence := _edited_code(config, manifest)):
        warnings.warn(f"{config_path.parent.name}: {sentence}", stacklevel=2)
    tuned = OmegaConf.select(config, "class_weight._target_") == _TUNED
    return LoadedRun(
        name=f"{config_path.parent.name}@{file_digest(checkpoint)}",
        network=_on(network, device).to(memory_format=torch.channels_last).eval(),  # 1.4 times as fast on a CPU
        head=head,
        px_per_mm=_own_px_per_mm(config) or drawn_px_per_mm,
        sheet_px=round(min(sheet_mm) * drawn_px_per_mm),
        finished=manifest is None or manifest.status == FINISHED,
        device=device,
        tile_px=_tile_px(config) or round(max(sheet_mm) * drawn_px_per_mm),
        invert=bool(OmegaConf.select(config, "data_mix.invert")),
        tuned=tuned,
        thresholds=(thresholds_of(config, head.classes) or _thresholds(folder, head)) if tuned else None,
        scale=float(OmegaConf.select(config, "data_mix.scale") or 1),
        scale_known=not _on_folder(config) or _own_px_per_mm(config) is not None,
        any_scale=bool(head.unscored) and OmegaConf.select(config, BRANCH) is not None,
    )


def _edited_code(config: DictConfig, manifest: Manifest) -> str:
    """A sentence on the user's own modules that were edited since the run, empty where none was."""
    of_network = OmegaConf.masked_copy(config, ["network", "head"])
    today, in_network = (own_code(OmegaConf.to_container(part)) for part in (config, of_network))
    changed = edited(manifest.origin.own_code, today)
    if not changed:
        return ""
    used = "the network or its head uses it, so predictions may differ from the test of the run"
    return (
        f"expected the own code that the run was trained with, got other code of {', '.join(changed)}; "
        f"{used if in_network.keys() & changed else 'predictions do not depend on it'}; restore it, or train again"
    )


def _on(network: nn.Module, device: str) -> nn.Module:
    try:
        return network.to(device)
    except (RuntimeError, AssertionError) as error:
        raise NoRunError(
            f"device {device!r}: expected a device of torch, e.g. cpu or cuda, got an error ({first_line(error)}); "
            "device=cpu works everywhere"
        ) from error


def _on_folder(config: DictConfig) -> bool:
    """Whether the run was trained on images of a user."""
    return bool(OmegaConf.select(config, "data_mix.name") == FOLDER)


def _own_px_per_mm(config: DictConfig) -> float | None:
    """The scale at which the images of a user were read in training; None for drawn sheets, or if it is unknown."""
    own = OmegaConf.select(config, "data_mix.px_per_mm") if _on_folder(config) else None
    return None if own is None else float(own) * float(OmegaConf.select(config, "data_mix.scale") or 1)


def _tile_px(config: DictConfig) -> int | None:
    """The side of the tiles of a run on a folder: that of the largest piece in its training. None for drawn sheets."""
    if not _on_folder(config):
        return None
    return int(OmegaConf.select(config, "data_mix.piece_px") or WHOLE_PX)


def _thresholds(folder: RunFolder | None, head: Head) -> tuple[float, ...] | None:
    """The threshold of each curve, from the tables of a finished run."""
    if folder is None or not (folder.path / PER_CLASS).is_file():
        return None
    rows = pd.read_parquet(folder.path / PER_CLASS)
    of_class = rows[rows["measure"] == THRESHOLD].set_index("class")["value"]
    return tuple(float(of_class[name]) for name in head.classes[1:])


def _lengths(config: DictConfig, path: Path) -> tuple[float, tuple[float, ...]]:
    """px_per_mm, and the sides of a sheet in mm."""
    scale, sides = _needed(config, path, "resolution.px_per_mm"), _needed(config, path, "budget.sheet_mm")
    try:
        px_per_mm, sides_mm = float(scale), tuple(float(side) for side in sides)
    except (TypeError, ValueError):
        px_per_mm, sides_mm = 0.0, ()
    if not sides_mm or not all(math.isfinite(value) and value > 0 for value in (px_per_mm, *sides_mm)):
        raise NoRunError(
            f"{path}: expected `resolution.px_per_mm` and `budget.sheet_mm` above zero, got {scale} and {sides}; {COPY}"
        )
    return px_per_mm, sides_mm


def _head(config: DictConfig, path: Path) -> Head:
    _needed(config, path, "head._target_")
    try:
        head = instantiate(config.head)
    except (OmegaConfBaseException, InstantiationException) as error:
        raise NoRunError(f"{path}: expected a `head` of thinline.heads, got {first_line(error)}; {COPY}") from error
    if not isinstance(head, Head):
        raise NoRunError(f"{path}: expected a `head` of thinline.heads, got {config.head._target_}; {COPY}")
    return head


def _needed(config: DictConfig, path: Path, key: str) -> Any:
    """The value of `key`."""
    try:
        value = OmegaConf.select(config, key)
    except OmegaConfBaseException as error:
        raise NoRunError(f"{path}: expected `{key}`, got {first_line(error)}; {COPY}") from error
    if value is None:
        raise NoRunError(f"{path}: expected `{key}`, without which the network cannot be rebuilt, got none; {COPY}")
    return value


def _network(config: DictConfig, path: Path, head: Head, checkpoint: Path) -> nn.Module:
    """The network of the configuration with the weights of the checkpoint."""
    _needed(config, path, "network._target_")
    try:
        bare = OmegaConf.merge(config.network, {"encoder_weights": None} if "encoder_weights" in config.network else {})
        network: nn.Module = instantiate(bare, channels=head.channels, _convert_="all")
        network = FlipAverage(network) if OmegaConf.select(config, "mirrored") else network
    except (OmegaConfBaseException, InstantiationException) as error:
        raise NoRunError(f"{path}: expected a `network` that can be built, got {first_line(error)}; {COPY}") from error
    expected = f"a checkpoint of network {config.network._target_} with {head.channels} channels"
    try:
        network.load_state_dict(_weights(checkpoint, expected))
    except RuntimeError as error:
        raise _other_weights(checkpoint, expected, error) from error
    return network


def _weights(checkpoint: Path, expected: str) -> dict[str, Tensor]:
    """The tensors of the network in a checkpoint. Raises NoRunError."""
    try:
        if checkpoint.suffix == SAFETENSORS:  # some are stored at half precision
            tensors = load_file(checkpoint).items()
            return {key: value.float() if value.is_floating_point() else value for key, value in tensors}
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
        return {key.removeprefix(_NETWORK): value for key, value in saved.items() if key.startswith(_NETWORK)}
    except (RuntimeError, KeyError, TypeError, EOFError, OSError, pickle.UnpicklingError, SafetensorError) as error:
        raise _other_weights(checkpoint, expected, error) from error


def _other_weights(checkpoint: Path, expected: str, error: Exception) -> NoRunError:
    # torch's own advice is to load the file without its safety check
    reason = "torch reads no weights in it" if isinstance(error, pickle.UnpicklingError) else first_line(error)
    return NoRunError(
        f"{checkpoint}: expected {expected}, could not load it ({reason}); does the config.yaml beside it belong to it?"
    )


def begin_with(network: nn.Module, conf: Conf, initial: InitialWeights, *, channels: int) -> str:
    """Copy the weights of `init_from` into `network`, the network of `conf` without flip averaging.

    If the two runs have different heads or classes, the tensors whose size depends on the number of `channels` keep
    their initial values. Returns a sentence that says what was copied. Raises NoRunError for a file that is no
    checkpoint, `TransferError` for a checkpoint of another architecture.
    """
    config = config_of(initial.config)
    saved = _weights(initial.checkpoint, "the checkpoint of a run")
    if OmegaConf.select(config, "mirrored"):
        saved = {key.removeprefix(_NETWORK): value for key, value in saved.items()}
    before = [str(config.head._target_), *map(str, config.head.classes)]
    other_head = before != [str(conf.head["_target_"]), *map(str, conf.head["classes"])]
    bare = conf.network | {key: None for key in ("encoder_weights", "prior") if key in conf.network}

    def build(number: int) -> nn.Module:
        built: nn.Module = instantiate(bare, channels=number, _convert_="all")
        return built

    try:
        fresh = take_weights(network, saved, leave_out=channel_tensors(build, channels) if other_head else ())
    except TransferError as error:
        raise TransferError(f"init_from={conf.init_from}: {error}") from error
    count = len(network.state_dict())
    sentence = f"network begins with {initial.name}: {count - len(fresh)} of {count} tensors taken"
    if fresh:
        more = f" and {len(fresh) - _LISTED} more" if len(fresh) > _LISTED else ""
        sentence += f", newly initialised {', '.join(fresh[:_LISTED])}{more}"
    return f"{sentence}; its head was {before[0]} of {', '.join(before[1:])}" if other_head else sentence
