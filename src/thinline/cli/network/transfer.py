"""Score runs on tiles of real logs with truth: how well what was learned on drawn sheets transfers.

    thinline transfer RUN --tiles tiles/ --images '*_gray' --masks '*_mask' --px-per-mm 5.9 --out transfer.csv
    thinline transfer RUN OTHER --tiles tiles/ --px-per-mm tiles.csv --out transfer.csv

RUN is a run folder, the name or MLflow id of a run in --store, or a checkpoint file. --images and --masks are templates
below --tiles, as those of data_mix=folder. A mask has class ids, 0 the background and 255 not counted; --classes names
other values, as 0:background,255:curve.

Scales
    A tile is resampled from its own scale (--px-per-mm: a number, or a CSV file with the header tile,px_per_mm, whose
    tiles may be patterns as johnson_*) to the scale of the run's training, and to half of it. The predicted classes are
    resampled back by nearest pixel, so that scores of all runs are in pixels of the tile.

Measures (--out: rows of run, tile, scale, measure, value; tile `all` adds the counts of all tiles)
    ink/...         precision, recall and IoU of the union of all curves; precision, recall and F1 of its centreline
                    within 1, 2 and 3 px
    identity/..., swapped/...   the same of each of two curves, under both namings of the two
    better/...      the naming with the larger IoU; better/is_swapped says which
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from omegaconf import OmegaConf
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from thinline.cli.network.evaluate import classes_of, read_ids
from thinline.config.trained_run import config_of, trained_files
from thinline.data.folder.image_files import SUFFIXES, PictureError, read_image, resized
from thinline.data.folder.image_pairs import matching, printable, without_partner
from thinline.data.folder.keys import FOLDER
from thinline.metrics.structure.transfer_scores import TileCounts, pooled, tile_counts
from thinline.system.atomic_files import make_folder, write_bytes
from thinline.vocabulary import IGNORE, UInt8

if TYPE_CHECKING:  # torch takes seconds to import, and errors of the options need none of it
    from thinline.pipeline.load import LoadedRun

SCALES: Final = (1.0, 0.5)
"""Shares of the scale of the run's training."""
ALL: Final = "all"
HEADINGS: Final = {
    "ink/precision": "ink\nprec.",
    "ink/recall": "\nrecall",
    "ink/iou": "\nIoU",
    "ink/skeleton_f1_1px": "line F1\n1 px",
    "ink/skeleton_f1_2px": "\n2 px",
    "ink/skeleton_f1_3px": "\n3 px",
}
"""The measures of the printed table; the IoU of each curve under the better naming follows them."""
_IOU: Final = "better/iou/"
_LISTED: Final = 10
_LARGEST: Final = 20  # classes of a mask; larger values are grey levels


@dataclass(frozen=True, eq=False)
class Tile:
    """A tile: grey levels and true class ids uint8 [H,W], and its scale."""

    name: str
    grey: UInt8
    truth: UInt8
    px_per_mm: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folder, name or MLflow id, or a checkpoint file")
    parser.add_argument("--tiles", type=Path, required=True, metavar="DIR", help="the folder of the tiles")
    parser.add_argument("--images", default="images/*", help="where images are below --tiles, as '*_gray' (images/*)")
    parser.add_argument("--masks", default="masks/*", help="where masks are below --tiles, as '*_mask' (masks/*)")
    parser.add_argument("--classes", metavar="VALUE:NAME,...", help="of values of the masks that are no ids")
    parser.add_argument("--px-per-mm", required=True, metavar="NUMBER|CSV", help="scale of the tiles")
    parser.add_argument("--out", type=Path, required=True, metavar="CSV", help="write every measure here")
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store of runs (mlruns)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")


def run(options: argparse.Namespace, console: Console) -> int:
    """Score every run on every tile, write the rows, and print those of all tiles."""
    if options.out.suffix.lower() != ".csv":
        raise ValueError(f"--out: expected a file that ends in .csv, got {options.out}")
    tiles, curves = read_tiles(options.tiles, options.images, options.masks, options.classes, options.px_per_mm)
    scales = [run_px_per_mm(name, options.store) for name in options.runs]
    from thinline.pipeline.load import load_run

    rows: list[dict[str, Any]] = []
    runs = list(zip(options.runs, scales, strict=True))
    for name, scale in track(runs, "scoring runs", console=console, transient=True, disable=not console.is_terminal):
        rows += rows_of(load_run(name, options.store, options.device), tiles, curves=curves, px_per_mm=scale)
    table = pd.DataFrame(rows)
    make_folder(options.out.parent)
    write_bytes(options.out, table.to_csv(index=False, float_format="%.10g").encode())
    console.print(_table(table, f"{len(tiles)} tile{'s' if len(tiles) > 1 else ''}, all together"))
    console.print(f"{printable(options.out)}: {len(table)} rows", soft_wrap=True)
    return 0


def run_px_per_mm(run: str, store: Path) -> float:
    """The scale of the images that a run was trained on. Raises NoRunError, and ValueError where it is not known."""
    config = config_of(trained_files(run, store).config)
    own = OmegaConf.select(config, "data_mix.name") == FOLDER
    scale = OmegaConf.select(config, "data_mix.px_per_mm" if own else "resolution.px_per_mm")
    if scale is None:
        raise ValueError(
            f"run {run}: expected the scale of its images, got none; train it with data_mix.px_per_mm=NUMBER, because "
            "tiles are resampled to this scale"
        )
    return float(scale)


def rows_of(run: LoadedRun, tiles: Sequence[Tile], *, curves: int, px_per_mm: float) -> list[dict[str, Any]]:
    """Rows (run, tile, scale, measure, value) of one run trained at `px_per_mm`, for tiles of `curves` curves."""
    classes = run.head.classes
    rows: list[dict[str, Any]] = []
    for share in SCALES:
        counts: dict[str, TileCounts] = {}
        for tile in tiles:
            labels = labels_of(run, tile.grey, share * px_per_mm / tile.px_per_mm)
            counts[tile.name] = tile_counts(labels, tile.truth, predicted_curves=len(classes) - 1, true_curves=curves)
        counts |= {ALL: pooled(list(counts.values()))} if len(tiles) > 1 else {}
        for name, each in counts.items():
            first = {"run": run.name, "tile": name, "scale": share}
            rows += [first | {"measure": key, "value": value} for key, value in each.rates(classes).items()]
    return rows


def labels_of(run: LoadedRun, grey: UInt8, factor: float) -> UInt8:
    """The classes [H,W] that a run predicts on an image [H,W] made larger by `factor`."""
    height, width = (max(1, round(side * factor)) for side in grey.shape)
    labels = run.predict(resized(grey, (height, width)), factor=1).labels
    return np.asarray(
        cv2.resize(labels, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8
    )


def read_tiles(root: Path, images: str, masks: str, classes: str | None, px_per_mm: str) -> tuple[list[Tile], int]:
    """The tiles, and the number of curves in their truths. Raises ValueError with all problems."""
    for option, template in {"--images": images, "--masks": masks}.items():
        if Path(template).name.count("*") != 1:
            raise ValueError(f"{option}: expected one * in the name of the files, got {template!r}; as '*_mask'")
    problems: list[str] = []
    longer = len(masks) >= len(images)
    truths = matching(root, masks, SUFFIXES, problems, but=None if longer else images)
    greys = matching(root, images, SUFFIXES, problems, but=masks if longer else None)
    problems += without_partner(greys, truths, f"image without a mask {masks}")
    problems += without_partner(truths, greys, f"mask without an image {images}")
    scales = _scales(px_per_mm)
    values = classes_of(classes).of_truth if classes is not None else None
    tiles = []
    for name in (name for name in greys if name in truths):
        try:
            grey, truth = _grey(greys[name]), read_ids(truths[name], values)
        except PictureError as error:
            problems.append(str(error))
            continue
        scale = next((value for pattern, value in scales.items() if fnmatchcase(name, pattern)), float("nan"))
        problems += [f"{greys[name]}: {problem}" for problem in _problems(grey, truth, scale)]
        tiles.append(Tile(name, grey, truth.astype(np.uint8), scale))
    if problems or not tiles:
        listed = "".join(f"\n  {line}" for line in problems[:_LISTED])
        more = f"\n  and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
        raise ValueError(
            f"{root}: expected tiles as {images} with masks as {masks}, got {len(tiles)} tiles and {len(problems)} "
            f"problems; see --images, --masks and --px-per-mm{listed}{more}"
        )
    return tiles, max(int(tile.truth[tile.truth != IGNORE].max()) for tile in tiles)


def _problems(grey: UInt8, truth: NDArray[Any], px_per_mm: float) -> list[str]:
    """What is wrong with a tile; a scale of NaN is none."""
    problems = []
    if grey.shape != truth.shape:
        sizes = [f"{image.shape[0]} x {image.shape[1]}" for image in (grey, truth)]
        problems.append(f"{sizes[0]} px, but its mask {sizes[1]}; was one of them cut or resized?")
    if math.isnan(px_per_mm):
        problems.append("expected its scale in the file of --px-per-mm, got none; add a line for it")
    ids = truth[truth != IGNORE]
    largest = int(ids.max(initial=0))
    if not 0 < largest < _LARGEST:
        got = f"values up to {largest}" if largest else "no curve"
        problems.append(f"expected class ids of curves in its mask, got {got}; or --classes 0:background,255:curve")
    return problems


def _grey(path: Path) -> UInt8:
    try:
        return read_image(path)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error


def _scales(text: str) -> Mapping[str, float]:
    """The scale in px per mm by pattern of tile names, from a number or the path of a CSV file."""
    rows = [["*", text]]
    if text.lower().endswith(".csv"):
        with Path(text).open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
        if not rows or rows.pop(0) != ["tile", "px_per_mm"] or any(len(row) != 2 for row in rows):
            raise ValueError(f"{text}: expected two columns under the header tile,px_per_mm; as johnson_*,5.9")
    try:
        scales = {pattern: float(value) for pattern, value in rows}
    except ValueError:
        scales = {"*": float("nan")}
    wrong = next((value for value in scales.values() if not 0 < value < float("inf")), None)
    if wrong is not None:
        raise ValueError(f"--px-per-mm: expected numbers above 0, or a file that ends in .csv, got {text}; as 5.9")
    return scales


def _table(rows: pd.DataFrame, title: str) -> Table:
    """The measures of HEADINGS of each run and scale, over all tiles, and the IoU of each curve."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("\nrun", no_wrap=True)
    own = rows[rows["tile"] == ALL] if (rows["tile"] == ALL).any() else rows
    curves = [measure for measure in own["measure"].unique() if measure.startswith(_IOU)]
    headings = HEADINGS | {measure: f"IoU\n{measure.removeprefix(_IOU)}" for measure in curves}
    for heading in ("\nscale", *headings.values()):
        table.add_column(heading, justify="right")
    for (run, scale), group in own.groupby(["run", "scale"], sort=False):
        values = group.set_index("measure")["value"]
        short = str(run).partition("@")[0].rpartition("-")[2]  # the id that `thinline status` lists
        table.add_row(short, f"{scale:g}", *(f"{values[measure]:.3f}" for measure in headings))
    return table
