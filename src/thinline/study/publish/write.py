"""Writes the whole folder of a study from its results: tables, effects, verdicts, figures and report.

results.parquet environment.json conditions.csv folder.py
effects.csv                                     contrasts with intervals, p and the detectable effect
effects/NAME.csv                                the other tables of study/stats/effects.py, one file each
verdicts.csv findings.csv                       claims tested on this study, and every contrast behind them
figures/NAME.png                                study/figures
report.html                                     study/report
digests.json                                    of the tables
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import pandas as pd
from PIL import Image

from thinline.study.claims.claims import SOURCES, Claim
from thinline.study.claims.verdicts import findings_table, table, verdicts_of
from thinline.study.design.results import Results
from thinline.study.figures.all import Picture, all_figures
from thinline.study.figures.sheets import best_run, wanted_sheets
from thinline.study.figures.style import few_colours
from thinline.study.publish.folder import CONDITIONS, VERDICTS, conditions_csv, write_results, write_tables
from thinline.study.report.page import render_report
from thinline.study.stats.effects import COLUMNS, Effects, effects
from thinline.system.atomic_files import make_folder, write_bytes
from thinline.vocabulary import UInt8

REPORT: Final = "report.html"
EFFECTS: Final = "effects.csv"
SHEETS: Final = "sheets"
_SHEETS_TEXTS: Final = re.compile(r'aria-label="Figure: ([^"]*)"><img src="[^"]*" alt="(Sheets with [^"]*)"')
"""Title and alternative text of the sheets in a report, as page.html.jinja writes them."""

Overlays = Callable[[str, Sequence[int]], Mapping[int, Path | UInt8]]


@dataclass(frozen=True)
class Published:
    """What was written: effects, table of verdicts, figures, and the reason for each figure that was not drawn."""

    effects: Effects
    verdicts: pd.DataFrame
    figures: Mapping[str, Picture]
    not_drawn: Mapping[str, str]


def publish(
    folder: Path,
    results: Results,
    claims: Iterable[Claim],
    *,
    overlays: Overlays = lambda run, sheets: {},
    tell: Callable[[str], None] = lambda text: None,
) -> Published:
    """Write the folder of a study.

    `overlays(run, sheets)` returns pictures of a run by test sheet, of those sheets or of others that it has; `tell`
    is called with the progress.
    """
    make_folder(folder / "effects")
    make_folder(folder / "figures")
    tell(f"{len(results.cells)} cells, {len(results.seeds)} seeds: effects")
    write_results(folder, results)
    estimates = effects(results)
    tested = verdicts_of(claims, results)
    verdicts = table(tested)
    _keep_only(folder / "effects", "*.csv", COLUMNS)
    tables = {VERDICTS: _csv(verdicts), "findings.csv": _csv(findings_table(tested))}
    tables[CONDITIONS] = conditions_csv(results, estimates.cells)
    write_tables(folder, _tables(estimates) | tables)
    tell("figures")
    run = best_run(results, estimates.cells)
    pictures = overlays(run, wanted_sheets(results, run))
    drawn, not_drawn = all_figures(results, estimates, pictures=pictures)
    if SHEETS in not_drawn and (kept := kept_sheets(folder)):
        drawn[SHEETS] = kept
        del not_drawn[SHEETS]
    _keep_only(folder / "figures", "*.png", {*drawn, SHEETS})  # the run folders of the sheets may be gone
    for name, picture in drawn.items():
        write_bytes(folder / "figures" / f"{name}.png", picture.png)
    tell("report")
    write_bytes(folder / REPORT, render_report(results, estimates, verdicts, drawn, sources=SOURCES))
    return Published(estimates, verdicts, drawn, not_drawn)


def kept_sheets(folder: Path) -> Picture | None:
    """The picture of sheets in a folder with its texts from the report, in case the run folders are gone.

    A picture in full colours, as earlier versions wrote, is reduced to few.
    """
    picture, report = folder / "figures" / f"{SHEETS}.png", folder / REPORT
    if not picture.exists() or not report.exists():
        return None
    texts = _SHEETS_TEXTS.search(report.read_text(encoding="utf-8"))
    if not texts:
        return None
    with Image.open(picture) as image:
        content = picture.read_bytes() if image.mode == "P" else few_colours(image)
    return Picture(content, *(html.unescape(text) for text in texts.groups()))


def _keep_only(folder: Path, pattern: str, names: Container[str]) -> None:
    """Remove earlier files whose stem is not in `names`."""
    for old in folder.glob(pattern):
        if old.stem not in names:
            old.unlink()


def _tables(estimates: Effects) -> dict[str, bytes]:
    """Content of each table of effects by file name."""
    values = {field.name: getattr(estimates, field.name) for field in fields(estimates)}
    tables = {name: value for name, value in values.items() if isinstance(value, pd.DataFrame)}
    return {EFFECTS if name == "contrasts" else f"effects/{name}.csv": _csv(table) for name, table in tables.items()}


def _csv(rows: pd.DataFrame) -> bytes:
    return rows.to_csv(index=False, float_format="%.10g").encode()
