"""Score predicted label images, or digitised curves, against true ones; no run is needed.

    thinline evaluate predicted/ masks/ --classes background,vessel
    thinline evaluate a.png b.png --classes 0:background,255:vessel --prediction-classes 0:background,255:vessel
    thinline evaluate out/curves.csv well.las --depth-unit ft

PRED and TRUTH are two image files, or two folders whose files are matched by name without suffix. The counts of all
images are added and divided once.

Values of the images
    --classes   names of the ids 0, 1, ... in order, background first; or the class of every value of the truth, as
                0:background,255:vessel or 0-127:background,128-255:vessel, where `ignore` names pixels that are not
                counted. Without it the values are ids 0 to 19, and 255 is not counted
    --prediction-classes   the same for values of PRED that are no ids; `thinline predict` writes ids

Curves
    Where PRED and TRUTH are LAS or CSV files (depth, then one column a curve), curves of one name are compared by
    Pearson r, SNR in dB, the share of strong matches (r of .9 or more) and the depth error in feet, beside the values
    that other digitisers publish. Both are interpolated to common depths. --depth-unit is the unit of a CSV's depths

The table has some metrics; --out writes all, a row for each image, metric and class (image `all`: all images together).
Lengths in mm need --px-per-mm.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from thinline.data.folder.class_map import IGNORED, ClassMap
from thinline.data.folder.image_files import SUFFIXES, PictureError, read_mask
from thinline.data.folder.image_pairs import matching, printable, without_partner
from thinline.metrics.catalogue import metric
from thinline.system.atomic_files import make_folder, write_bytes
from thinline.vocabulary import BACKGROUND, IGNORE

SHOWN: Final = ("iou", "precision", "recall", "f1", "nsd_2px", "cldice_2px", "hd95_px")
ALL: Final = "all"
CURVE_FILES: Final = (".csv", ".las")
MOST_UNNAMED: Final = 20
"""Most classes without --classes; an image with larger values holds grey levels, as a scan or probabilities do."""

_LISTED: Final = 10

Pair = tuple[Path, Path]
"""Files of a prediction and of its truth."""


@dataclass(frozen=True)
class Classes:
    """Names of the classes, None where they are not given, and the maps of values that are no ids."""

    names: tuple[str, ...] | None
    of_truth: ClassMap | None
    of_prediction: ClassMap | None

    def read(self, pair: Pair) -> tuple[NDArray[Any], NDArray[Any]]:
        """Predicted and true ids [H,W]."""
        return read_ids(pair[0], self.of_prediction), read_ids(pair[1], self.of_truth)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("prediction", type=Path, metavar="PRED", help="predicted label image, or a folder of them")
    parser.add_argument("truth", type=Path, metavar="TRUTH", help="true label image, or a folder of them")
    parser.add_argument("--classes", help="background,NAME,... or VALUE:NAME,... of the truth")
    parser.add_argument("--prediction-classes", metavar="VALUE:NAME,...", help="of values of PRED that are no ids")
    parser.add_argument("--px-per-mm", type=float, help="scale of the images, for lengths in mm")
    parser.add_argument("--depth-unit", default="m", help="unit of the depths of CSV files of curves, m or ft (m)")
    parser.add_argument("--out", type=Path, metavar="CSV", help="write every metric of every image here")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the table of all images, and write the rows of every image."""
    if options.out is not None and options.out.suffix.lower() != ".csv":
        raise ValueError(f"--out: expected a file that ends in .csv, got {options.out}")
    if all(path.suffix.lower() in CURVE_FILES for path in (options.prediction, options.truth)):
        # scipy's optimisers take time to import
        from thinline.cli.pages.curve_agreement import run_curve_agreement

        files = options.prediction, options.truth
        return run_curve_agreement(*files, unit=options.depth_unit, out=options.out, console=console)
    classes = classes_of(options.classes, options.prediction_classes)
    pairs = _pairs(options.prediction, options.truth)
    rows = _rows(pairs, classes, console, px_per_mm=options.px_per_mm)
    whole = rows[rows["image"] == ALL] if len(pairs) > 1 else rows
    console.print(_table(whole, title=f"{len(pairs)} image{'s' if len(pairs) > 1 else ''}, pixels of each class"))
    if options.out is not None:
        make_folder(options.out.parent)
        write_bytes(options.out, rows.to_csv(index=False, float_format="%.10g").encode())
        console.print(f"{printable(options.out)}: {len(rows)} rows", soft_wrap=True)
    return 0


def classes_of(text: str | None, of_prediction: str | None = None) -> Classes:
    """The classes of the options. Raises ValueError where they do not agree."""
    if text is None:
        if of_prediction is not None:
            raise ValueError("--prediction-classes: expected --classes beside it, which gives the order of the classes")
        return Classes(None, None, None)
    table = _map(text)
    names = tuple(dict.fromkeys(table.values())) if table else tuple(name.strip() for name in text.split(","))
    names = tuple(name for name in names if name != IGNORED)
    if table:  # the order of values is free
        names = tuple(sorted(names, key=lambda name: name != BACKGROUND))
    if "" in names:
        raise ValueError(f"--classes {text}: expected a name after every comma, as background,vessel")
    predicted = _map(of_prediction or "")
    if of_prediction is not None and not set(predicted.values()) <= {*names, IGNORED}:
        raise ValueError(
            f"--prediction-classes {of_prediction}: expected VALUE:NAME,... with the names of --classes, "
            f"{', '.join(names)}; as 0:{names[0]},255:{names[-1]}"
        )
    return Classes(
        names,
        ClassMap.from_conf(table, names) if table else None,
        ClassMap.from_conf(predicted, names) if predicted else None,
    )


def _map(text: str) -> dict[str, str]:
    """Class names by value of `0:background,255:vessel`; empty for a list of names."""
    if ":" not in text:
        return {}
    parts = [part.partition(":") for part in text.split(",")]
    wrong = next((value for value, colon, name in parts if not colon or not name.strip()), None)
    if wrong is not None:
        raise ValueError(f"classes {text}: expected VALUE:NAME,..., got {wrong!r}; as 0:background,255:vessel")
    table = {value.strip(): name.strip() for value, _, name in parts}
    if len(table) < len(parts):
        raise ValueError(f"classes {text}: expected every value once; leave the repeated one out")
    return table


def _pairs(prediction: Path, truth: Path) -> dict[str, Pair]:
    """The files of each image by name. Raises ValueError where they do not pair."""
    for path in (prediction, truth):
        if not path.exists():
            raise ValueError(f"{path}: expected a label image or a folder of them, got no such file; check the path")
    if prediction.is_dir() != truth.is_dir():
        raise ValueError(f"expected two files or two folders, got a file and a folder: {prediction} and {truth}")
    if not prediction.is_dir():
        return {prediction.stem: (prediction, truth)}
    problems: list[str] = []
    predicted, true = (matching(folder, "*", SUFFIXES, problems) for folder in (prediction, truth))
    problems += without_partner(predicted, true, f"prediction without a truth in {truth}")
    problems += without_partner(true, predicted, f"truth without a prediction in {prediction}")
    if problems or not predicted:
        listed = "".join(f"\n  {line}" for line in problems[:_LISTED])
        more = f"\n  and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
        raise ValueError(
            f"expected label images of the same names in {prediction} and {truth}, got {len(predicted)} and "
            f"{len(true)} images{listed}{more}"
        )
    return {name: (predicted[name], true[name]) for name in sorted(predicted)}


def _rows(pairs: Mapping[str, Pair], classes: Classes, console: Console, *, px_per_mm: float | None) -> pd.DataFrame:
    """Rows (image, measure, class, value, support, signature), those of all images together first."""
    # torch takes seconds to import, and errors of the options need none of it
    from thinline.training.evaluation import evaluate
    from thinline.training.label_evaluation import LabelledSheet, check_truths, class_names, labelled_sheet

    if classes.of_truth is None:
        check_truths(classes.read(pair)[1] for pair in pairs.values())
    names = classes.names or class_names(map(classes.read, pairs.values()))
    if classes.names is None and len(names) > MOST_UNNAMED:
        _refuse_grey_levels(pairs.values(), classes)

    def sheets() -> Iterator[LabelledSheet]:
        hidden = not console.is_terminal
        for name, pair in track(list(pairs.items()), "scoring images", console=console, transient=True, disable=hidden):
            try:
                yield labelled_sheet(*classes.read(pair), names, px_per_mm=px_per_mm)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{printable(name)}: {error}") from error

    whole, each = evaluate(sheets(), names, px_per_mm=px_per_mm)
    images = dict(enumerate(pairs))
    each = each.assign(image=each["sheet"].map(images)).drop(columns="sheet")
    together = [whole.assign(image=ALL)] if len(pairs) > 1 else []
    rows = pd.concat([*together, each], ignore_index=True)
    return rows[["image", "measure", "class", "value", "support", "signature"]]


def _refuse_grey_levels(pairs: Iterable[Pair], classes: Classes) -> None:
    """Raise ValueError for the first image with values of MOST_UNNAMED or more; the truth is read first."""
    for pair in pairs:
        for path, ids in zip(reversed(pair), reversed(classes.read(pair)), strict=True):
            values = np.unique(ids[ids != IGNORE])
            if values.max(initial=0) >= MOST_UNNAMED:
                raise ValueError(
                    f"{path}: expected class ids 0 to {MOST_UNNAMED - 1}, or --classes, got {len(values)} values up to "
                    f"{values.max()}; for a mask of grey levels name them, as --classes "
                    "0-127:background,128-255:vessel (--prediction-classes for PRED)"
                )


def read_ids(path: Path, values: ClassMap | None) -> NDArray[Any]:
    """Class ids [H,W] of a label image."""
    try:
        mask = read_mask(path)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error
    if values is None:
        return mask
    labels, unknown = values.labels(mask)
    if unknown:
        listed = ", ".join(f"{value} ({pixels:,} px)" for value, pixels in list(unknown.items())[:_LISTED])
        raise PictureError(
            f"{path}: expected the values of {values}, got also {listed}; name them too, as ranges (0-127) where "
            "edges are soft"
        )
    return labels


def _table(rows: pd.DataFrame, *, title: str) -> Table:
    """The metrics SHOWN of each class."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("class", overflow="fold")
    shown = [metric(name) for name in SHOWN]
    for column in shown:
        table.add_column(column.axis, justify="right", no_wrap=True)
    for name in rows["class"].unique():
        values = rows[rows["class"] == name].set_index("measure")["value"]
        cells = [values.get(column.key, np.nan) for column in shown]
        table.add_row(
            str(name),
            *(
                "-" if np.isnan(cell) else f"{cell:.{column.digits}f}"
                for cell, column in zip(cells, shown, strict=True)
            ),
        )
    return table
