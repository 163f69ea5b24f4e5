"""The report of a study: an HTML file that opens from disk and needs no network.

Style, scripts and tables are in the page. The figures are in the folder `figures` beside it, and the page links the
full tables of the study's folder. A content security policy forbids it to load anything but these pictures and to run
scripts other than its own. Only the board needs scripts. `alone` gives a page with the figures in it, for a page that
is shown without its folder. Equal arguments give equal bytes.

jinja2 belongs to the extra `report` and is imported when a report is written.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from thinline.study.claims.usable import USABLE
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.style import Picture
from thinline.study.report.data import report_data

if TYPE_CHECKING:
    from thinline.study.stats.effects import Effects

_PAGE: Final = files("thinline.study.report") / "page_files"
_SCRIPTS: Final = ("page.js", "tables.js", "plane.js", "board.js")
_FOR_SCRIPTS: Final = ("measures", "values", "usable", "classes", "board")
_FIGURE: Final = re.compile(rb'(<img src=")(figures/[\w.-]+\.png)(")')


def render_report(
    results: Results,
    effects: Effects,
    verdicts: pd.DataFrame,
    pictures: Mapping[str, Picture],
    *,
    usable: Mapping[str, float] = USABLE,
    sources: Mapping[str, str] | None = None,
) -> bytes:
    """The page, UTF-8.

    `verdicts` is the table of claims (`tables.VERDICT_COLUMNS`), `pictures` the figures in their order, `usable` the
    thresholds of a usable curve by axis, `sources` the title of each `source` of a claim. Raises `StudyError` without
    jinja2, for effects of conditions that the results lack, and for unknown verdicts.
    """
    if importlib.util.find_spec("jinja2") is None:
        raise StudyError('a report needs jinja2, which is not installed; pip install "thinline[report]"')
    unknown = sorted(set(effects.cells["condition"]) - set(results.conditions.index))
    if unknown:
        raise StudyError(
            f"expected effects of the conditions of study {results.study.name!r}, got {', '.join(unknown[:3])}; were "
            "they estimated from other results?"
        )
    data = report_data(results, effects, verdicts, pictures, usable=usable, sources=sources or {})
    return page(data).encode()


def page(data: Mapping[str, Any]) -> str:
    """The page for the data of `report_data`."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    sources = {path.name: path.read_text("utf-8") for path in _PAGE.iterdir() if path.is_file()}
    environment = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = '"use strict";\n' + "\n".join(sources[name] for name in _SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html.jinja").render(
        data=data,
        json=in_script({name: data[name] for name in _FOR_SCRIPTS}),
        style=sources["page.css"],
        script=script,
        policy=(
            f"default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'"
        ),
    )


def alone(report: Path) -> bytes:
    """The page of the file `report` with its figures as data addresses; a figure that is gone stays a link."""

    def inlined(match: re.Match[bytes]) -> bytes:
        path = report.parent / match[2].decode()
        if not path.exists():
            return match[0]
        return match[1] + b"data:image/png;base64," + base64.b64encode(path.read_bytes()) + match[3]

    return _FIGURE.sub(inlined, report.read_bytes())


def in_script(data: Mapping[str, Any]) -> str:
    """`data` as JSON in which no text can end the script block."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
