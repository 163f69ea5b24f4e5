"""The splits of a run on the user's own images (`data_mix=folder`), and the printed summary of them."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np
from rich.console import Console

from thinline.config.schema import Conf, ConfigError
from thinline.data.folder.crops import Piece, cut
from thinline.data.folder.image_files import SUFFIXES
from thinline.data.folder.image_folder import FOLDER, Folder, Photo, Stamps, files_left_out, read_folder, state
from thinline.data.folder.image_pairs import printable
from thinline.data.folder.splits import PARTS
from thinline.data.folder.summary import SplitSummary, oddities, span, summaries
from thinline.data.mix import Split, Splits
from thinline.sheets import PEN_MM

logger = logging.getLogger(__name__)

CLASSES_SHOWN = 6
LEFT_OUT_SHOWN = 10


def is_folder(conf: Conf) -> bool:
    """Whether the run uses the user's own images."""
    return conf.data_mix.get("name") == FOLDER


def split_folder(conf: Conf) -> Splits:
    """The splits of the folder of `conf`; a sweep reads it once. Raises ConfigError, ValueError, FolderError."""
    if round(conf.resolution.px_per_mm * PEN_MM, 6) != 1:
        raise ConfigError(
            f"resolution={conf.resolution.name} needs sheets at another scale, but a folder has only one; expected "
            "resolution=pen1 with data_mix=folder. Scan again at the finer scale and set data_mix.px_per_mm to it"
        )
    folder = Folder.from_conf(conf.data_mix, conf.classes)
    photos = _photos(folder, conf.seed, state(folder))
    pieces = [cut(photos[part], folder.piece_px) for part in PARTS]
    for wanted, side, kind in zip(conf.budget.tile_px, ("height", "width"), ("rows", "columns"), strict=True):
        least, name = min((getattr(piece, side), piece.photo.image.name) for piece in pieces[0])
        if least < wanted:
            logger.warning(
                "training tiles have %d %s, not %d as budget.tile_px: the size of %s", least, kind, wanted, name
            )
    train, val, test = (Split(each, np.arange(len(each))) for each in pieces)
    return Splits(train, val, test)


@lru_cache(maxsize=2)
def _photos(folder: Folder, seed: int, files: Stamps) -> dict[str, tuple[Photo, ...]]:
    """The photos of each split. They are read again only if a file has changed."""
    return read_folder(folder, seed=seed)


def photos_of(splits: Splits) -> dict[str, list[Photo]]:
    """The photos of each split, in their order."""
    pieces = {part: [spec for spec in getattr(splits, part).specs if isinstance(spec, Piece)] for part in PARTS}
    return {part: list(dict.fromkeys(piece.photo for piece in mine)) for part, mine in pieces.items()}


def print_folder(splits: Splits, console: Console) -> None:
    """Print a line for each split (images, pieces, sizes, shares and grey levels of the classes), and the warnings."""
    photos = photos_of(splits)
    folder = photos[PARTS[0]][0].folder
    for row in summaries(photos):
        console.print(_line(row, folder, len(getattr(splits, row.part).specs)), style="dim", soft_wrap=True)
    for sentence in folder_warnings(folder, photos):
        console.print(f"warning: {sentence}", style="yellow", soft_wrap=True)


def folder_warnings(folder: Folder, photos: dict[str, list[Photo]]) -> list[str]:
    """Sentences on the oddities of the folder and on the files that are left out."""
    others = [_relative(path, folder.root) for path in files_left_out(folder)]
    sentences = oddities(folder, photos)
    if others:
        more = f" and {len(others) - LEFT_OUT_SHOWN} more" if len(others) > LEFT_OUT_SHOWN else ""
        sentences.append(
            f"left out: {', '.join(others[:LEFT_OUT_SHOWN])}{more}; neither data_mix.images={folder.images} nor "
            f"data_mix.masks={folder.masks} with a suffix of {' '.join(SUFFIXES)} fits"
        )
    return sentences


def _line(row: SplitSummary, folder: Folder, pieces: int) -> str:
    greys = row.greys
    columns = zip(folder.class_map.classes, greys.shares, greys.on, greys.off, greys.pixels, strict=True)
    classes = [
        f"{name} {100 * share:.2f} % (grey {on:.0f} on it, {off:.0f} off it)" if pixels else f"{name} none"
        for name, share, on, off, pixels in columns
    ][1:]
    more = f", and {len(classes) - CLASSES_SHOWN} more classes" if len(classes) > CLASSES_SHOWN else ""
    return (
        f"own images, {row.part}: pairs {row.images}, pieces {pieces}, {span(row.heights)} x {span(row.widths)} px; "
        f"{', '.join(classes[:CLASSES_SHOWN])}{more}"
    )


def _relative(path: Path, root: Path) -> str:
    return printable(path.relative_to(root) if path.is_relative_to(root) else path)
