"""The page `overlays.html` of a run: pictures from the worst to the best test sheet by F1, and a legend of colours.

The page shows the files of the folder `overlays`, which lies beside the page. It needs no internet connection and no
scripts. The F1 of a sheet is the mean over its curves.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from html import escape
from typing import Final

import pandas as pd

from thinline.metrics.number_format import number
from thinline.metrics.overlay import MEANINGS, Colour, curve_colour

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fdfdfb; --ink: #1b1f23; --soft: #565d64; --rule: #d9dcd6; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #e8eaec; --soft: #a9b1b8; --rule: #333a40; } }
body { margin: 0 auto; max-width: 100rem; padding: 1rem clamp(.75rem, 3vw, 2rem); background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.25rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .4rem; }
p { margin: .3rem 0; } small, .soft { color: var(--soft); }
ul { list-style: none; padding: 0; margin: .5rem 0; display: flex; flex-wrap: wrap; gap: .2rem 1.25rem; }
i { display: inline-block; width: 1rem; height: 1rem; margin-right: .4rem; vertical-align: -.15rem;
  border: 1px solid var(--rule); }
div { overflow-x: auto; background: #fff; border: 1px solid var(--rule); padding: .25rem; }
img { display: block; width: 100%; min-width: 40rem; height: auto; image-rendering: pixelated; }
"""


def picture_name(sheet: int) -> str:
    """The name of the picture of a test sheet, without its ending."""
    return f"test_{sheet:03d}"


def contact_sheet(run: str, f1: pd.DataFrame, shown: Sequence[int], *, classes: Sequence[str]) -> str:
    """The page of the test sheets `shown`; `f1` has the F1 of all test sheets for each curve, the worst sheet first."""
    order = f1.index.tolist()
    means, rows = f1.mean(axis=1).to_dict(), f1.to_dict("index")
    parts = [_sheet(sheet, means[sheet], rows[sheet], _rank(order.index(sheet), len(order))) for sheet in shown]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Overlays of {escape(run)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            f"<h1>{escape(run)}</h1>",
            f"<p>{len(shown)} of {len(f1)} test sheets, the worst by F1 first: truth, prediction and errors.</p>",
            _legend("Curves, in truth and prediction", [(name, curve_colour(k)) for k, name in _curves(classes)]),
            _legend("Errors", list(MEANINGS.items())),
            *parts,
            "</body>\n</html>\n",
        ]
    )


def _curves(classes: Sequence[str]) -> list[tuple[int, str]]:
    return [(number, name) for number, name in enumerate(classes) if number]


def _rank(rank: int, count: int) -> str:
    """The name of a rank; rank 0 is the worst."""
    named = {(count - 1) // 2: "Median", count - 1: "Best", 0: "Worst"}
    return named.get(rank, f"Rank {rank + 1} of {count}")


def _sheet(sheet: int, mean: float, f1: Mapping[Hashable, float], rank: str) -> str:
    """A heading, the F1 of each curve, and the picture."""
    title = f"{rank}: sheet {sheet}, F1 {number(mean)}"
    curves = ", ".join(f"{escape(str(name))} {number(value)}" for name, value in f1.items())
    text = f"{title} ({curves}): truth, prediction, errors"
    picture = f'<img src="overlays/{picture_name(sheet)}.png" alt="{text}">'
    return f'<h2>{title}</h2>\n<p class="soft">{curves}</p>\n<div tabindex="0">{picture}</div>'


def _legend(title: str, entries: Sequence[tuple[str, Colour]]) -> str:
    items = "".join(
        f'<li><i style="background: rgb{colour}"></i>{escape(name)}</li>'.replace(", ", ",") for name, colour in entries
    )
    return f"<p><small>{title}</small></p>\n<ul>{items}</ul>"
