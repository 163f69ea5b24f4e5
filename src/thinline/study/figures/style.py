"""How the figures of a study look: one page, one set of inks and markers, and equal bytes for equal figures.

Conventions
-----------
A page is 9 inches wide and drawn at 150 dots an inch, so that a README shows it at about two thirds of its pixels and
its letters (7 to 11 points) stay as large as text. Colours are those of Okabe and Ito; what a colour says is said by a
marker, a line style or a text as well, so that grey prints and colour-blind readers lose nothing. The title says what
is to be seen, the note at the foot how it was made and what its intervals are.

matplotlib belongs to the extra `report` and is imported when a figure is drawn, whatever the reader's own settings.

References
----------
Okabe and Ito, "Color universal design: how to make figures that are colorblind friendly", 2002.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, ParamSpec

import numpy as np
import pandas as pd
from PIL import Image

from thinline.study.claims import expectations
from thinline.study.design.study import StudyError
from thinline.study.stats.samples import AXES
from thinline.vocabulary import Float64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")

WIDTH_IN: Final = 9.0
DPI: Final = 150
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, RED, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
INKS: Final = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
DASHES: Final = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
GREY, RULE, SHADE = "#666666", "#DDDDDD", "#F2F2F2"
SMALL, TINY = 8.0, 7.0
_NOTE_LETTERS: Final = 132

_STYLE: Final[Mapping[str, Any]] = {
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "#222222",
    "ytick.labelcolor": "#222222",
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "lines.linewidth": 1.5,
    "lines.markersize": 5,
    "figure.titlesize": 11,
    "svg.hashsalt": "thinline",
}

_WORDS: Final = {
    "viterbi_bridged_mae_track": "MAE of the curve [tracks]",
    "viterbi_values_mae_track": "MAE of the values [tracks]",
    "viterbi_bridged_mae_mm": "MAE of the curve [mm]",
    "viterbi_coverage": "coverage [share of rows]",
    "nsd_1px": "NSD at 1 px",
    "tol_f1_1px": "F1 within 1 px",
    "tol_f1_0.25mm": "F1 within .25 mm",
    "class_weight": "class weight",
    "class_weight.value": "weight of a curve",
}
_SHORT: Final = {
    "viterbi_bridged_mae_track": "MAE",
    "viterbi_values_mae_track": "MAE values",
    "nsd_1px": "NSD 1px",
    "tol_f1_1px": "F1 1px",
    "viterbi_coverage": "coverage",
}


@dataclass(frozen=True)
class Picture:
    """A figure as PNG, its caption, and what it shows in words for those who do not see it."""

    png: bytes
    title: str
    alt: str


class NotDrawn(StudyError):
    """A figure whose data the study does not have; the text is the reason, for readers of the report."""


def check_matplotlib() -> None:
    """Raises `StudyError` where the extra is not installed, before anything has been computed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise StudyError('figures need matplotlib, which is not installed; pip install "thinline[report]"')


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's own defaults and the style of this module, whatever the reader has set."""
    check_matplotlib()
    import matplotlib.style

    with matplotlib.style.context(["default", dict(_STYLE)]):
        yield


def in_style(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """A function that draws a figure, drawing it in `style`."""

    @functools.wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with style():
            return draw(*args, **kwargs)

    return drawn


def page(height_in: float, *, constrained: bool = True) -> Figure:
    """An empty figure of the page's width."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, layout="constrained" if constrained else None)


def entitle(figure: Figure, title: str, note: str) -> None:
    """The title at the head, and at the foot the note, both from the left edge."""
    figure.suptitle("\n".join(textwrap.wrap(title, 100)), x=0.01, ha="left", fontweight="bold")
    told = "\n".join(textwrap.wrap(note, _NOTE_LETTERS))
    figure.supxlabel(told, x=0.01, ha="left", fontsize=SMALL, color=GREY)


def png(figure: Figure) -> bytes:
    """The figure as PNG, without version or date: equal figures are equal bytes.

    At most 256 colours, a third of the bytes, unless the figure shows pictures, whose pixels stay as they are.
    """
    drawn, out = io.BytesIO(), io.BytesIO()
    with style():
        figure.savefig(drawn, format="png", dpi=figure.dpi, metadata={"Software": None})
    if any(np.asarray(image.get_array()).ndim == 3 for axes in figure.axes for image in axes.images):
        return drawn.getvalue()
    few = Image.open(drawn).convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def svg(figure: Figure) -> bytes:
    """The figure as SVG, without version or date: equal figures are equal bytes."""
    out = io.BytesIO()
    with style():
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def words(name: str) -> str:
    """A measure, factor or class as it is called in a figure, with its unit."""
    return _WORDS.get(name) or AXES.get(name) or name.replace("_", " ")


def short(name: str) -> str:
    """A measure at the head of a narrow column."""
    return _SHORT.get(name) or words(name)


def told(value: float, *, like: float | None = None, figures: int = 3) -> str:
    """A number as `.712`, `-.034`, `12`, with as many digits as `like` (itself by default) has at `figures` figures."""
    if not np.isfinite(value):
        return "-"
    size = abs(value if like is None else like)
    if size == 0:
        return f"{value:g}"
    return expectations.short(value, min(max(figures - 1 - expectations.magnitude(size), 0), 5))


def whiskers(axes: Axes, at: Float64, ends: Float64, *, ink: str, upright: bool = True) -> None:
    """Intervals `ends [n,2]` at the places `at [n]`, as thin lines; one that is NaN is left out."""
    known = np.isfinite(ends).all(1) & np.isfinite(at)
    lines = axes.vlines if upright else axes.hlines
    lines(at[known], ends[known, 0], ends[known, 1], color=ink, linewidth=1.1, zorder=2)


@dataclass(frozen=True)
class Line:
    """How a line of means is drawn; hollow markers go with a dashed line."""

    ink: str
    marker: str
    label: str
    filled: bool = True


def response(axes: Axes, table: pd.DataFrame, line: Line) -> None:
    """A table of means by number as a line with its intervals."""
    at = table.index.to_numpy(np.float64)
    whiskers(axes, at, table[["low", "high"]].to_numpy(np.float64), ink=line.ink)
    face = line.ink if line.filled else "white"
    dashes = "-" if line.filled else "--"
    axes.plot(at, table["mean"], dashes, marker=line.marker, color=line.ink, markerfacecolor=face, label=line.label)
