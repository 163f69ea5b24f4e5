"""The report of a study: one HTML file that opens from disk and needs nothing else, neither network nor other files.

Style, scripts, figures and tables are in the page. A content security policy forbids it to load anything, and to run
other scripts than its own. Tables and figures are there without scripts as well; the board, the dial, the slider and
the downloads need them. Equal arguments give equal bytes.

jinja2 belongs to the extra `report` and is imported when a report is written.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
from collections.abc import Mapping
from importlib.resources import files
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
_SCRIPTS: Final = ("page.js", "tables.js", "plane.js", "board.js", "dial.js", "shift.js", "downloads.js")
_FOR_SCRIPTS: Final = ("measures", "values", "usable", "classes", "board", "dial", "shift", "downloads")


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

    `verdicts` is the table of claims (`report_tables.VERDICT_COLUMNS`), `pictures` the figures in the order in which
    they are shown, `usable` the thresholds of a usable curve by axis, `sources` what the `source` of a claim is.
    Raises `StudyError` where jinja2 is not installed, for cells without condition of the study, and for odd verdicts.
    """
    if importlib.util.find_spec("jinja2") is None:
        raise StudyError('a report needs jinja2, which is not installed; pip install "thinline[report]"')
    strange = sorted(set(effects.cells["condition"]) - set(results.conditions.index))
    if strange:
        raise StudyError(
            f"expected effects of the conditions of study {results.study.name!r}, got {', '.join(strange[:3])}; were "
            "they estimated from other results?"
        )
    data = report_data(results, effects, verdicts, pictures, usable=usable, sources=sources or {})
    return page(data).encode()


def page(data: Mapping[str, Any]) -> str:
    """The page of what `report_data` returns."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    told = {path.name: path.read_text("utf-8") for path in _PAGE.iterdir() if path.is_file()}
    environment = Environment(
        loader=DictLoader(told), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = '"use strict";\n' + "\n".join(told[name] for name in _SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html.jinja").render(
        data=data,
        json=in_script({name: data[name] for name in _FOR_SCRIPTS}),
        style=told["page.css"],
        script=script,
        policy=(
            f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'"
        ),
    )


def in_script(data: Mapping[str, Any]) -> str:
    """`data` as JSON that no text in it can end the script block of."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
