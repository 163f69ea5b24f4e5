"""Best, median and worst sheet of the best condition, as pictures of truth, prediction and misses.

The three are chosen by IoU, mean over curves, among all test sheets of the run. Where their pictures cannot be had (the
network is not here), among those that the run kept: its first few test sheets (`overlays` of its configuration), named
`test_003.png` for sheet 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.style import WIDTH_IN, NotDrawn, entitle, in_style, page, told
from thinline.study.figures.tables import overall, short_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAME: Final = re.compile(r"test_(\d+)")
_WIDEST_PX: Final = 1600
_DECIMALS: Final = 12
"""To which scores are compared, so that equal ones keep their order."""
_LINE_IN: Final = 0.24
_HEAD_IN, _FOOT_IN = 0.4, 0.4


def best_run(results: Results, cells: pd.DataFrame) -> str:
    """The run of the condition with the best IoU (mean over curves and seeds) at the first seed."""
    condition = overall(results, cells).index[0]
    table = results.cells[(results.cells["condition"] == condition) & (results.cells["seed"] == results.seeds[0])]
    return str(table["run"].iloc[0])


def pictures_of(paths: Iterable[Path]) -> dict[int, Path]:
    """Pictures by the id of their sheet; files with other names are left out."""
    found = {path: _NAME.fullmatch(path.stem) for path in sorted(paths)}
    return {int(match[1]): path for path, match in found.items() if match}


def ranked_sheets(results: Results, run: str, drawn: Iterable[int]) -> pd.Series:
    """IoU, mean over curves, of the `drawn` sheets of a run by id, best first; sheets without curves are left out.

    Raises `NotDrawn` where there is none.
    """
    table = results.sheets
    table = table[(table["run"] == run) & (table["split"] == "test") & (table["measure"] == "iou")]
    table = table[table["class"].isin(results.classes) & table["sheet"].isin(set(drawn))]
    scores = table.groupby("sheet")["value"].mean().round(_DECIMALS).dropna()
    if scores.empty:
        raise NotDrawn(f"run {run} has no picture of a test sheet")
    return scores.sort_values(ascending=False, kind="stable")


def wanted_sheets(results: Results, run: str) -> list[int]:
    """The best, median and worst of all test sheets of a run; none where no sheet was kept."""
    try:
        return list(three_of(ranked_sheets(results, run, results.sheets["sheet"].unique())).values())
    except NotDrawn:
        return []


def three_of(scores: pd.Series) -> dict[str, int]:
    """The best, median and worst sheet of `ranked_sheets`; of fewer than three sheets, those that there are."""
    places = {"best": 0, "median": (len(scores) - 1) // 2, "worst": len(scores) - 1}
    chosen: dict[str, int] = {}
    for name, place in places.items():
        sheet = int(scores.index[place])
        if sheet not in chosen.values():
            chosen[name] = sheet
    return chosen


@in_style
def sheet_overlays(results: Results, cells: pd.DataFrame, pictures: Mapping[int, Path | NDArray[np.uint8]]) -> Figure:
    """`pictures` of `best_run` by sheet, RGB uint8 arrays or PNG files: the best, the median and the worst.

    They are those of all test sheets where `pictures` has them, else those of the sheets that `pictures` has.

    Pixels are shown one to one up to a width of 1600. Raises `NotDrawn` where no picture is of a sheet with curves.
    """
    run = best_run(results, cells)
    everything = set(wanted_sheets(results, run)) <= set(pictures)
    scores = ranked_sheets(results, run, results.sheets["sheet"].unique() if everything else pictures)
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
        axes.set_title(f"{name}: sheet {chosen[name]}, IoU {told(scores[chosen[name]])}", x=0.01)
    label = short_labels(results)[str(results.cells.set_index("run").loc[run, "condition"])]
    entitle(
        figure,
        f"{', '.join(chosen).capitalize()} of the {len(scores)} {'test sheets' if everything else 'sheets drawn'}",
        f"Condition {label} (best mean IoU), seed {results.seeds[0]}; IoU: mean over the curves of the sheet.",
    )
    return figure


def _read(picture: Path | NDArray[np.uint8]) -> NDArray[Any]:
    """A picture as [H,W,3]. Raises `StudyError` for a file that is none."""
    if not isinstance(picture, Path):
        return picture
    from matplotlib.image import imread

    try:
        return np.asarray(imread(picture))[..., :3]
    except (OSError, SyntaxError, ValueError) as error:
        raise StudyError(f"{picture.name} must be a PNG picture of a sheet, could not be read: {error}") from error
