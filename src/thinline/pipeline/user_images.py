"""The splits of a run on the user's own images (`data_mix=folder`), and the printed summary of them."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np
from rich.console import Console

from thinline.config.data_set import check_root
from thinline.config.schema import Conf, ConfigError
from thinline.data.folder.crops import Piece, cut
from thinline.data.folder.image_files import SUFFIXES
from thinline.data.folder.image_folder import Photo, files_left_out, read_folder, state
from thinline.data.folder.image_pairs import printable
from thinline.data.folder.keys import FOLDER, Folder, PartTemplates
from thinline.data.folder.reading import Stamps
from thinline.data.folder.splits import PARTS
from thinline.data.folder.summary import SplitSummary, oddities, span, summaries
from thinline.data.mix import Split, Splits, with_fresh
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
    folder = folder_of(conf)
    photos = _photos(folder, conf.seed, conf.fold, state(folder))
    pieces = {part: cut(mine, folder.piece_px) for part, mine in photos.items()}
    for wanted, side, kind in zip(conf.budget.tile_px, ("height", "width"), ("rows", "columns"), strict=True):
        least, name = min((getattr(piece, side), piece.photo.image.name) for piece in pieces[PARTS[0]])
        if least < wanted:
            logger.warning(
                "training tiles have %d %s, not %d as budget.tile_px: the size of %s", least, kind, wanted, name
            )
    splits = {part: Split(each, np.arange(len(each))) for part, each in pieces.items()}
    train, val, test = (splits.pop(part) for part in PARTS)
    if folder.fresh is not None:
        size = (float(conf.budget.sheet_mm[0]), float(conf.budget.sheet_mm[1]))
        count, share = conf.budget.counts.train, folder.fresh_share
        train = with_fresh(train, folder.fresh, count, share=share, seed=conf.seed, size_mm=size)
    return Splits(train, val, test, more_tests=splits)


def folder_of(conf: Conf) -> Folder:
    """The folder of `conf`. Raises ValueError for a wrong key, ConfigError for a fold that the folder does not have."""
    if conf.data_set is not None:
        check_root(conf.data_set, conf.data_mix.get("root"))
    folder = Folder.from_conf(conf.data_mix, conf.classes)
    folds = folder.split.folds
    if folds is None and conf.fold is not None:
        raise ConfigError(f"`fold` needs folds, got fold={conf.fold} and data_mix.split.folds=null; say how many, as 5")
    if folds is not None and (conf.fold is None or not 0 <= conf.fold < folds):
        got = "null" if conf.fold is None else conf.fold
        raise ConfigError(f"`fold` must be 0 to {folds - 1} with data_mix.split.folds={folds}, got {got}; say fold=0")
    return folder


def px_per_mm_of(conf: Conf) -> float | None:
    """The scale of the images as they are read; None if it is unknown."""
    scale = conf.data_mix.get("px_per_mm")
    return None if scale is None else float(scale) * float(conf.data_mix.get("scale", 1.0))


@lru_cache(maxsize=2)
def _photos(folder: Folder, seed: int, fold: int | None, files: Stamps) -> dict[str, tuple[Photo, ...]]:
    """The photos of each split. They are read again only if a file has changed."""
    return read_folder(folder, seed=seed, fold=fold)


def photos_of(splits: Splits) -> dict[str, list[Photo]]:
    """The photos of each split, in their order."""
    by_name = splits.by_name()
    pieces = {part: [spec for spec in split.specs if isinstance(spec, Piece)] for part, split in by_name.items()}
    return {part: list(dict.fromkeys(piece.photo for piece in mine)) for part, mine in pieces.items()}


def print_folder(splits: Splits, console: Console) -> None:
    """Print a line for each split (images, pieces, sizes, shares and grey levels of the classes), and the warnings."""
    photos = photos_of(splits)
    folder = photos[PARTS[0]][0].folder
    by_name = splits.by_name()
    for row in summaries(photos):
        console.print(_line(row, folder, len(by_name[row.part].specs)), style="dim", soft_wrap=True)
    for sentence in folder_warnings(folder, photos):
        console.print(f"warning: {sentence}", style="yellow", soft_wrap=True)


def folder_warnings(folder: Folder, photos: dict[str, list[Photo]]) -> list[str]:
    """Sentences on the oddities of the folder and on the files that are left out."""
    others = [_relative(path, folder.root) for path in files_left_out(folder)]
    sentences = oddities(folder, photos)
    if others:
        more = f" and {len(others) - LEFT_OUT_SHOWN} more" if len(others) > LEFT_OUT_SHOWN else ""
        sentences.append(
            f"left out: {', '.join(others[:LEFT_OUT_SHOWN])}{more}; neither data_mix.images={_shown(folder.images)} "
            f"nor data_mix.masks={_shown(folder.masks)} with a suffix of {' '.join(SUFFIXES)} fits"
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


def _shown(templates: str | PartTemplates) -> str:
    """A template as it was written, or those of the splits."""
    return templates if isinstance(templates, str) else ", ".join(template for _, template in templates)


def _relative(path: Path, root: Path) -> str:
    return printable(path.relative_to(root) if path.is_relative_to(root) else path)
