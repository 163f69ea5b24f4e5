"""The best, median and worst sheet of the best condition, as pictures of truth, prediction and errors.

Sheets are ranked by IoU, mean over curves, among all test sheets of the run. Without their pictures (the network is not
available), they are ranked among the sheets that the run drew itself: the first few test sheets (`overlays` of its
configuration), named `test_003.png` for sheet 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from thinline.metrics.number_format import number
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.style import WIDTH_IN, NotDrawn, entitle, in_style, page
from thinline.study.figures.tables import overall, short_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAME: Final = re.compile(r"test_(\d+)")
_WIDEST_PX: Final = 1600
_DECIMALS: Final = 12
"""Scores are compared to so many digits, so that equal ones keep their order."""
_LINE_IN: Final = 0.24
_HEAD_IN, _FOOT_IN = 0.4, 0.4


def best_run(results: Results, cells: pd.DataFrame) -> str:
    """The run of the condition with the best IoU (mean over curves and seeds) at the first seed."""
    condition = overall(results, cells).index[0]
    table = results.cells[(results.cells["condition"] == condition) & (results.cells["seed"] == results.seeds[0])]
    return str(table["run"].iloc[0])


def pictures_of(paths: Iterable[Path]) -> dict[int, Path]:
    """Pictures by the id of their sheet; files with other names are left out."""
    return {int(match[1]): path for path in sorted(paths) if (match := _NAME.fullmatch(path.stem))}


def ranked_sheets(results: Results, run: str, drawn: Iterable[int]) -> pd.Series:
    """IoU, mean over curves, of the `drawn` sheets of a run, best first; sheets without curves are left out.

    Raises `NotDrawn` where no sheet is left.
    """
    table = results.sheets
    table = table[(table["run"] == run) & (table["split"] == "test") & (table["measure"] == "iou")]
    table = table[table["class"].isin(results.classes) & table["sheet"].isin(set(drawn))]
    scores = table.groupby("sheet")["value"].mean().round(_DECIMALS).dropna()
    if scores.empty:
        raise NotDrawn(f"run {run} has no picture of a test sheet")
    return scores.sort_values(ascending=False, kind="stable")


def wanted_sheets(results: Results, run: str) -> list[int]:
    """The best, median and worst of all test sheets of a run; empty without sheets."""
    try:
        return list(three_of(ranked_sheets(results, run, results.sheets["sheet"].unique())).values())
    except NotDrawn:
        return []


def three_of(scores: pd.Series) -> dict[str, int]:
    """The best, median and worst sheet of `ranked_sheets`, each sheet once."""
    ranks = {"best": 0, "worst": len(scores) - 1, "median": (len(scores) - 1) // 2}
    by_rank = {rank: name for name, rank in reversed(ranks.items())}
    return {by_rank[rank]: int(scores.index[rank]) for rank in sorted(by_rank)}


@in_style
def sheet_overlays(results: Results, cells: pd.DataFrame, pictures: Mapping[int, Path | NDArray[np.uint8]]) -> Figure:
    """The best, median and worst sheet of `best_run`; `pictures` by sheet are RGB uint8 arrays or PNG files.

    They are chosen among all test sheets if `pictures` has those three, else among the sheets of `pictures`. Pixels
    are drawn one to one up to a width of 1600. Raises `NotDrawn` where no picture is of a sheet with curves.
    """
    run = best_run(results, cells)
    of_all = set(wanted_sheets(results, run)) <= set(pictures)
    scores = ranked_sheets(results, run, results.sheets["sheet"].unique() if of_all else pictures)
    chosen = three_of(scores)
    images = {name: _read(pictures[sheet]) for name, sheet in chosen.items()}
    heights = [WIDTH_IN * image.shape[0] / image.shape[1] for image in images.values()]
    height = _HEAD_IN + sum(heights) + _LINE_IN * len(heights) + _FOOT_IN
    figure = page(height, constrained=False)
    figure.set_dpi(min(max(image.shape[1] for image in images.values()), _WIDEST_PX) / WIDTH_IN)
    top = height - _HEAD_IN
    for (name, image), tall in zip(images.items(), heights, strict=True):
        top -= _LINE_IN + tall
        axes = figure.add_axes((0, top / height, 1, tall / height))
        axes.imshow(image, aspect="auto", interpolation="nearest" if image.shape[1] <= _WIDEST_PX else "antialiased")
        axes.axis("off")
        axes.set_title(f"{name}: sheet {chosen[name]}, IoU {number(scores[chosen[name]])}", x=0.01)
    label = short_labels(results)[str(results.cells.set_index("run").loc[run, "condition"])]
    entitle(
        figure,
        f"{', '.join(chosen).capitalize()} of the {len(scores)} {'test sheets' if of_all else 'sheets drawn'}",
        f"Condition {label} (best mean IoU), seed {results.seeds[0]}; IoU: mean over the curves of the sheet.",
    )
    return figure


def _read(picture: Path | NDArray[np.uint8]) -> NDArray[Any]:
    """A picture as [H,W,3]. Raises `StudyError` for a file that is no picture."""
    if not isinstance(picture, Path):
        return picture
    from matplotlib.image import imread

    try:
        return np.asarray(imread(picture))[..., :3]
    except (OSError, SyntaxError, ValueError) as error:
        raise StudyError(f"{picture.name} must be a PNG picture of a sheet, could not be read: {error}") from error
