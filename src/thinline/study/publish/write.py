"""A study's folder, all of it: results, effects, verdicts, figures and the report, from results that are complete.

results.parquet results.csv environment.json    folder.py
effects.csv                                     contrasts with intervals, p and what was detectable
effects/NAME.csv                                the other tables of effects.py, one file each
verdicts.csv findings.csv                       claims judged on this study, and every contrast behind them
figures/NAME.png                                figures.py
report.html                                     report.py
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

from thinline.study.claims.claims import SOURCES, Claim
from thinline.study.claims.verdicts import findings_table, table, verdicts_of
from thinline.study.design.results import Results
from thinline.study.figures.all import Picture, all_figures
from thinline.study.figures.sheets import best_run, wanted_sheets
from thinline.study.publish.folder import write_results, write_tables
from thinline.study.report.page import render_report
from thinline.study.stats.effects import COLUMNS, Effects, effects
from thinline.system.atomic_files import make_folder, write_bytes
from thinline.vocabulary import UInt8

REPORT: Final = "report.html"
EFFECTS: Final = "effects.csv"
VERDICTS: Final = "verdicts.csv"
SHEETS: Final = "sheets"
_SHEETS_TEXTS: Final = re.compile(r'aria-label="Figure: ([^"]*)"><img src="[^"]*" alt="(Sheets with [^"]*)"')
"""Title and alternative text in a report, as page.html.jinja writes them."""

Overlays = Callable[[str, Sequence[int]], Mapping[int, Path | UInt8]]


@dataclass(frozen=True)
class Published:
    """What was written: the effects, the table of verdicts, the figures, and why others were not drawn."""

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
    """Write the folder of a study anew.

    `overlays` gives pictures of a run by the numbers of its test sheets, those asked for or others that it has; `tell`
    hears how far it is.
    """
    make_folder(folder / "effects")
    make_folder(folder / "figures")
    tell(f"{len(results.cells)} cells, {len(results.seeds)} seeds: effects")
    write_results(folder, results)
    found = effects(results)
    judged = verdicts_of(claims, results)
    verdicts = table(judged)
    _keep_only(folder / "effects", "*.csv", COLUMNS)
    write_tables(folder, _tables(found) | {VERDICTS: _csv(verdicts), "findings.csv": _csv(findings_table(judged))})
    tell("figures")
    run = best_run(results, found.cells)
    pictures = overlays(run, wanted_sheets(results, run))
    drawn, not_drawn = all_figures(results, found, pictures=pictures)
    if SHEETS in not_drawn and (kept := kept_sheets(folder)):
        drawn[SHEETS] = kept
        del not_drawn[SHEETS]
    _keep_only(folder / "figures", "*.png", {*drawn, SHEETS})  # the run folders of the sheets may be gone
    for name, it in drawn.items():
        write_bytes(folder / "figures" / f"{name}.png", it.png)
    tell("report")
    write_bytes(folder / REPORT, render_report(results, found, verdicts, drawn, sources=SOURCES))
    return Published(found, verdicts, drawn, not_drawn)


def kept_sheets(folder: Path) -> Picture | None:
    """The picture of sheets in a folder with its texts in the report there: its run folders may be gone."""
    picture, report = folder / "figures" / f"{SHEETS}.png", folder / REPORT
    if not picture.exists() or not report.exists():
        return None
    texts = _SHEETS_TEXTS.search(report.read_text(encoding="utf-8"))
    return Picture(picture.read_bytes(), *(html.unescape(text) for text in texts.groups())) if texts else None


def _keep_only(folder: Path, pattern: str, names: Container[str]) -> None:
    """Remove files of an earlier time whose stem is none of `names`."""
    for old in folder.glob(pattern):
        if old.stem not in names:
            old.unlink()


def _tables(found: Effects) -> dict[str, bytes]:
    """File name and content of each table of effects."""
    named = {it.name: getattr(found, it.name) for it in fields(found)}
    others = {
        f"effects/{name}.csv": _csv(it)
        for name, it in named.items()
        if isinstance(it, pd.DataFrame) and name != "contrasts"
    }
    return {EFFECTS: _csv(found.contrasts)} | others


def _csv(rows: pd.DataFrame) -> bytes:
    return rows.to_csv(index=False, float_format="%.10g").encode()
