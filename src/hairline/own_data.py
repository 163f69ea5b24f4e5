"""Roof: the splits of a run on the user's own images, `data_mix=folder`."""

from __future__ import annotations

import logging
from functools import lru_cache

import numpy as np

from hairline.config import Conf, ConfigError
from hairline.data.image_folder import FOLDER, Folder, Photo, Stamps, read_folder, state
from hairline.data.mix import Split, Splits
from hairline.data.parting import PARTS
from hairline.data.pieces import cut
from hairline.sheets import PEN_MM

logger = logging.getLogger(__name__)


def is_folder(conf: Conf) -> bool:
    """Whether the run sees the user's own images."""
    return conf.data_mix.get("name") == FOLDER


def split_folder(conf: Conf) -> Splits:
    """The splits of the folder of `conf`; a sweep reads it once. Raises ConfigError, ValueError and FolderError."""
    if round(conf.resolution.px_per_mm * PEN_MM, 6) != 1:
        raise ConfigError(
            f"resolution={conf.resolution.name} renders drawn sheets anew, and pixels of a folder cannot be; expected "
            "resolution=pen1 with data_mix=folder. Scan again at the finer scale and set data_mix.px_per_mm to it"
        )
    folder = Folder.from_conf(conf.data_mix, conf.classes)
    photos = _photos(folder, conf.seed, state(folder))
    pieces = [cut(photos[part], folder.piece_px) for part in PARTS]
    for wanted, side, kind in zip(conf.budget.tile_px, ("height", "width"), ("rows", "columns"), strict=True):
        least, name = min((getattr(piece, side), piece.photo.image.name) for piece in pieces[0])
        if least < wanted:
            logger.warning(
                "training tiles have %d %s, not %d as budget.tile_px: %s is no larger", least, kind, wanted, name
            )
    train, val, test = (Split(each, np.arange(len(each))) for each in pieces)
    return Splits(train, val, test)


@lru_cache(maxsize=2)
def _photos(folder: Folder, seed: int, files: Stamps) -> dict[str, tuple[Photo, ...]]:
    """The photos of each split, read again only when a file has changed."""
    return read_folder(folder, seed=seed)
