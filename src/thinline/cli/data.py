"""Summarise the images and masks that a run on your own data would be trained on. Trains nothing.

The settings are those of `python train.py data_mix=folder ...` and can be copied from one to the other:

    thinline data scans 'data_mix.images=images/*' 'data_mix.masks=masks/*' \\
        'data_mix.class_map={0:background,255:trace}' 'classes=[background,trace]' seed=3 --preview scans.png

ROOT stands for data_mix.root=ROOT. Prints the image pairs of each split, their sizes, the share of each class, its mean
grey level and that of all other pixels (after data_mix.invert), the files that are left out, and warnings.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from typing_extensions import override

from thinline.cli.parser import Parser
from thinline.cli.sheets import write_png
from thinline.config.schema import Conf, ConfigError, checked, compose_config
from thinline.data.folder.image_folder import Photo
from thinline.data.folder.image_pairs import printable
from thinline.data.folder.keys import FOLDER, Folder
from thinline.data.folder.summary import SplitSummary, span, summaries
from thinline.metrics.overlay import class_legend, truth_overlay
from thinline.pipeline.user_images import folder_warnings, is_folder, photos_of, split_folder
from thinline.vocabulary import IGNORE, UInt8

PANELS: Final = 3
"""Images of each split on the contact sheet."""
LONGEST_PX: Final = 480
"""Longest side of an image on the contact sheet."""


class _PictureThenSettings(argparse.Action):
    """The first value is the picture; later values are settings, which argparse does not accept after an option."""

    @override
    def __call__(self, parser: object, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        if isinstance(parser, Parser):
            parser.refuse_second(self)
        namespace.preview, namespace.more = Path(values[0]), list(values[1:])


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.usage = "thinline data [ROOT] [KEY=VALUE ...] [--preview PNG]"
    parser.set_defaults(more=[])
    parser.add_argument("words", nargs="*", metavar="ROOT | KEY=VALUE", help="the folder, and settings as for train.py")
    parser.add_argument(
        "--preview", nargs="+", action=_PictureThenSettings, metavar="PNG", help="draw a few images of each split here"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the summary of the images, and draw the contact sheet."""
    conf = _composed([*options.words, *options.more])
    splits = split_folder(conf)
    photos = photos_of(splits)
    folder = photos["train"][0].folder
    rows = summaries(photos)
    pieces = {part: len(split.specs) for part, split in splits.by_name().items()}
    console.print(f"{folder.root}: seed {conf.seed}, data_mix.invert={str(folder.invert).lower()}", soft_wrap=True)
    console.print(_sizes_table(rows, pieces))
    console.print(_classes_table(rows, folder.class_map.classes))
    if folder.fresh is not None:
        order, own = splits.train.order, len(splits.train.specs)
        console.print(
            f"training also sees {len(splits.train.drawn):,} drawn sheets ({folder.fresh}) at "
            f"{folder.read_px_per_mm:g} px/mm, {100 * (order >= own).mean():.0f} % of its images; one image of the "
            f"folder is seen {(order < own).sum() / own:.1f} times in a pass",
            soft_wrap=True,
        )
    warnings = folder_warnings(folder, photos)
    for sentence in warnings:
        console.print(f"warning: {sentence}", style="yellow")
    if options.preview is not None:
        write_png(options.preview, _page(list(_panels(photos)), folder))
        console.print(f"{options.preview}: up to {PANELS} images of each split beside their masks", soft_wrap=True)
    return 0


def _composed(words: Sequence[str]) -> Conf:
    """The configuration that train.py would run with these settings. ConfigError if it does not use own images."""
    roots = [word for word in words if "=" not in word or Path(word).is_dir()]
    overrides = [word for word in words if word not in roots]
    if len(roots) > 1:
        raise ConfigError(f"expected one ROOT, got {', '.join(roots)}; settings are KEY=VALUE, as for train.py")
    mix = [] if any(word.startswith("data_mix=") for word in overrides) else [f"data_mix={FOLDER}"]
    try:
        config = compose_config([*mix, *overrides])
        if roots and config.data_mix.get("name") == FOLDER:
            config.data_mix.root = roots[0]
        conf = checked(config)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"{error}; settings are KEY=VALUE as for train.py, as data_mix.masks=masks/*") from error
    if not is_folder(conf):
        raise ConfigError(f"expected data_mix={FOLDER}, got {conf.data_mix.get('name')!r}; leave data_mix=... out")
    return conf


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(columns):
        table.add_column(heading, justify="right" if number else "left", overflow="fold", no_wrap=number > 0)
    return table


def _sizes_table(rows: Sequence[SplitSummary], pieces: dict[str, int]) -> Table:
    """One line for each split: image pairs, the pieces they are cut into, heights and widths."""
    table = _table("images with a mask", "split", "pairs", "pieces", "height px", "width px")
    for row in rows:
        table.add_row(row.part, str(row.images), str(pieces[row.part]), span(row.heights), span(row.widths))
    return table


def _classes_table(rows: Sequence[SplitSummary], classes: Sequence[str]) -> Table:
    """One line for each class in each split."""
    table = _table("classes", "class", "split", "images", "pixels", "share %", "grey on it", "grey off it")
    for number, name in enumerate(classes):
        for row in rows:
            greys = row.greys
            table.add_row(
                name if row is rows[0] else "",
                row.part,
                str(row.holding[number]),
                f"{greys.pixels[number]:,}",
                f"{100 * greys.shares[number]:.2f}",
                *("-" if np.isnan(mean[number]) else f"{mean[number]:.0f}" for mean in (greys.on, greys.off)),
            )
    return table


def _panels(photos: dict[str, list[Photo]]) -> Iterator[UInt8]:
    """Up to PANELS evenly chosen images of each split beside their classes."""
    for part, images in photos.items():
        for index in np.unique(np.linspace(0, len(images) - 1, min(PANELS, len(images))).round().astype(int)):
            image, labels = _shrunk(*images[index].load())
            scale = max(1, LONGEST_PX // 2 // max(image.shape))
            yield truth_overlay(image, labels, title=f"{part}: {printable(images[index].image.name)}", scale=scale)


def _shrunk(image: UInt8, labels: UInt8) -> tuple[UInt8, UInt8]:
    """Both reduced to LONGEST_PX. A small pixel gets a class that any of its pixels has, so thin lines stay visible."""
    factor = -(-max(image.shape) // LONGEST_PX)
    if factor == 1:
        return image, labels
    size = (max(1, image.shape[1] // factor), max(1, image.shape[0] // factor))
    classes = cv2.dilate(np.where(labels == IGNORE, 0, labels).astype(np.uint8), np.ones((factor, factor), np.uint8))
    small, ignored = (cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST) for plane in (classes, labels))
    reduced = np.where((small == 0) & (ignored == IGNORE), IGNORE, small).astype(np.uint8)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), reduced


def _page(panels: Sequence[UInt8], folder: Folder) -> UInt8:
    """The panels below each other over a legend."""
    width = max(240, *(panel.shape[1] for panel in panels))
    rows = [*panels, class_legend(width, folder.class_map.classes)]
    page = np.full((sum(row.shape[0] for row in rows), width, 3), 255, np.uint8)
    top = 0
    for row in rows:
        page[top : top + row.shape[0], : row.shape[1]] = row
        top += row.shape[0]
    return page
