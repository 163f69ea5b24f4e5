"""The style that all figures of a study share: page, colours, markers, and the marks that several figures draw.

Conventions
-----------
A page is 9 inches wide at 150 dots per inch, so that a README shows it at about two thirds of its pixels and its text
(7 to 11 points) stays readable. Colours are those of Okabe and Ito; a marker, a line style or a text repeats what a
colour says, for grey prints and colour-blind readers. The title states the finding, the note at the foot how the
numbers were made and what the intervals are. Equal figures are equal bytes.

matplotlib belongs to the extra `report`; it is imported when a figure is drawn and ignores the user's settings.

References
----------
Okabe and Ito, "Color universal design: how to make figures that are colorblind friendly", 2002.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, ParamSpec

import numpy as np
import pandas as pd
from PIL import Image

from thinline.study.design.study import StudyError
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
_MOST_CHANGE: Final = 48
"""The most by which a channel of a colour may change, of 255."""

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
}

_WORDS: Final = {"class_weight.value": "weight of a curve"}


@dataclass(frozen=True)
class Picture:
    """A figure as PNG, its caption, and its alternative text."""

    png: bytes
    title: str
    alt: str


class NotDrawn(StudyError):
    """A figure whose data the study does not have; the message is the reason, for readers of the report."""


def check_matplotlib() -> None:
    """Raises `StudyError` where matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise StudyError('figures need matplotlib, which is not installed; pip install "thinline[report]"')


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's defaults with the style of this module, whatever the user has set."""
    check_matplotlib()
    import matplotlib.style

    with matplotlib.style.context(["default", dict(_STYLE)]):
        yield


def in_style(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """`draw`, run within `style`."""

    @functools.wraps(draw)
    def styled(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with style():
            return draw(*args, **kwargs)

    return styled


def page(height_in: float, *, constrained: bool = True) -> Figure:
    """An empty figure of the page's width."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, layout="constrained" if constrained else None)


def entitle(figure: Figure, title: str, note: str) -> None:
    """Write the title at the head and the note at the foot, both from the left edge."""
    figure.suptitle("\n".join(textwrap.wrap(title, 100)), x=0.01, ha="left", fontweight="bold")
    figure.supxlabel("\n".join(textwrap.wrap(note, _NOTE_LETTERS)), x=0.01, ha="left", fontsize=SMALL, color=GREY)


def png(figure: Figure) -> bytes:
    """The figure as PNG without version or date, in 256 colours."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    with style():
        canvas.draw()  # type: ignore[no-untyped-call]  # `savefig` lays out all texts twice
    return few_colours(Image.fromarray(np.asarray(canvas.buffer_rgba())))  # type: ignore[no-untyped-call]


def few_colours(picture: Image.Image) -> bytes:
    """A picture as PNG of 256 colours, which takes a third of the bytes.

    The median cut keeps the frequent colours to the last bit, but may lose a rare one that says which pixels are
    missed; a picture whose colours it changes by more than `_MOST_CHANGE` gets the colours of an octree, which spares
    greys instead.
    """
    full, out = picture.convert("RGB"), io.BytesIO()
    few = full.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    if int(np.abs(np.asarray(full, np.int16) - np.asarray(few.convert("RGB"), np.int16)).max()) > _MOST_CHANGE:
        few = full.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def words(name: str) -> str:
    """A factor or class as in a text: without underscores."""
    return _WORDS.get(name, name.replace("_", " "))


def whiskers(axes: Axes, at: Float64, ends: Float64, *, ink: str, upright: bool = True) -> None:
    """Intervals `ends [n,2]` at the positions `at [n]` as thin lines; one that is NaN is left out."""
    known = np.isfinite(ends).all(1) & np.isfinite(at)
    lines = axes.vlines if upright else axes.hlines
    lines(at[known], ends[known, 0], ends[known, 1], color=ink, linewidth=1.1, zorder=2)


def dots(axes: Axes, table: pd.DataFrame, rows: Float64, *, ink: str, marker: str, label: str) -> None:
    """Means of `table` (`mean`, `low`, `high`) as markers at the heights `rows [n]`, with their intervals."""
    whiskers(axes, rows, table[["low", "high"]].to_numpy(np.float64), ink=ink, upright=False)
    axes.plot(table["mean"], rows, marker, color=ink, markersize=4.5, label=label, zorder=3)


def name_rows(axes: Axes, names: Sequence[str], *, size: float = TINY) -> None:
    """Label the rows 0, 1, ... of a panel from the top down."""
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.tick_params(axis="y", length=0)


def shaded(
    axes: Axes,
    shades: Float64,
    texts: Mapping[tuple[int, int], str],
    colours: Any,
    *,
    low: float = 0,
    size: float = TINY,
) -> None:
    """Cells shaded by `shades [n,m]` from `low` to 1, with `texts` by (row, column)."""
    axes.imshow(
        np.ma.masked_invalid(shades), cmap=colours.with_extremes(bad="#F4F4F4"), vmin=low, vmax=1, aspect="auto"
    )
    for (row, column), text in texts.items():
        axes.text(column, row, text, ha="center", va="center", fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def level_line(
    axes: Axes, at: Float64, values: pd.Series, ends: Float64, *, number: int, label: str, width: float = 1.5
) -> str:
    """A line over the levels of a factor in the colour, marker and dashes of its `number`. Returns its colour."""
    ink, marker = INKS[number % len(INKS)], MARKERS[number % len(MARKERS)]
    whiskers(axes, at, ends, ink=ink)
    dashes = DASHES[number % len(DASHES)]
    axes.plot(at, values, marker=marker, linestyle=dashes, linewidth=width, color=ink, label=label)
    return ink


@dataclass(frozen=True)
class Line:
    """How a line of means is drawn; hollow markers go with a dashed line."""

    ink: str
    marker: str
    label: str
    filled: bool = True


def response(axes: Axes, table: pd.DataFrame, line: Line) -> None:
    """Means over a numeric index as a line with intervals."""
    at = table.index.to_numpy(np.float64)
    whiskers(axes, at, table[["low", "high"]].to_numpy(np.float64), ink=line.ink)
    face, dashes = (line.ink, "-") if line.filled else ("white", "--")
    axes.plot(at, table["mean"], dashes, marker=line.marker, color=line.ink, markerfacecolor=face, label=line.label)
