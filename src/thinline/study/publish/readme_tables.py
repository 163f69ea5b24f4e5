"""Published studies as Markdown: the frontier board, the verdicts, and a row for each study.

A block lies between `<!-- name -->` and `<!-- /name -->` in a file and is generated from the published tables; a test
compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import label, metric
from thinline.metrics.number_format import number
from thinline.study.claims.remedies import families_of, moves
from thinline.study.claims.verdicts import UNTESTABLE, VERDICTS
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.publish.folder import RESULTS

BOARD: Final = ("iou", "precision", "recall")


def published_folders(experiments: Path) -> list[Path]:
    """The folders of studies with results, by name."""
    return sorted(path.parent for path in experiments.glob(f"*/{RESULTS}"))


def frontier_block(results: Results, cells: pd.DataFrame) -> str:
    """A line for each condition: its families, and IoU, precision and recall of every curve with half the interval.

    `cells` is the table of that name of the effects.
    """
    columns = [(measure, name) for name in results.classes for measure in BOARD]
    heads = [f"{label(measure)} {name.replace('_', ' ')}" for measure, name in columns]
    lines = [f"| moved | condition | {' | '.join(heads)} |", f"|---|---|{'---|' * len(heads)}"]
    means = [_means(results, cells, measure, name) for measure, name in columns]
    families = families_of(results.conditions)
    for row in _order(results):
        condition = results.conditions.index[row]
        values = " | ".join(column[row] for column in means)
        lines.append(f"| {moves(families[condition])} | {condition} | {values} |")
    return "\n".join(lines)


def _order(results: Results) -> list[int]:
    """Conditions by the number of families, then by their names, then as declared."""
    keys = [moves(families).replace("base", "") for families in families_of(results.conditions).values()]
    return sorted(range(len(keys)), key=lambda row: (len(keys[row]), keys[row], row))


def _means(results: Results, cells: pd.DataFrame, measure: str, name: str) -> list[str]:
    """`.823 ±.012` of each condition over its seeds."""
    own = cells[(cells["split"] == "test") & (cells["measure"] == measure) & (cells["class"] == name)]
    means = own.set_index("condition").reindex(results.conditions.index)
    digits = metric(measure).digits
    halves = ["" if np.isnan(half) else f" ±{number(half, digits)}" for half in (means["high"] - means["low"]) / 2]
    return [number(mean, digits) + half for mean, half in zip(means["mean"], halves, strict=True)]


def verdict_block(table: pd.DataFrame) -> str:
    """A table for each verdict with a line for each of its claims; then the number of claims that were not tested."""
    parts = []
    for verdict in (name for name in VERDICTS if name != UNTESTABLE):
        claims = table[table["verdict"] == verdict]
        if len(claims):
            heads = ["| claim of the source | its numbers | measured here, 95 % | study |", "|---|---|---|---|"]
            lines = [_verdict_line(row, verdict) for row in claims.to_dict("records")]
            parts.append("\n".join([f"**{verdict.capitalize()}: {len(claims)}**", "", *heads, *lines]))
    untested = int((table["verdict"] == UNTESTABLE).sum())
    if untested:
        parts.append(f"**Not tested: {untested}** claims and numbers; verdicts.csv of a study says why.")
    return "\n\n".join(parts)


def _verdict_line(row: Mapping[Hashable, object], verdict: str) -> str:
    numbers = row["sourced_numbers"] if isinstance(row["sourced_numbers"], str) else ""
    measured = str(row["sentence"]).removeprefix(verdict.capitalize()).lstrip(" :")
    cells = [str(text).replace("|", r"\|") for text in (row["statement"], numbers, measured, row["study"])]
    return f"| {' | '.join(cells)} |"


def study_row(results: Results, verdicts: pd.DataFrame, folder: str) -> str:
    """The row of a study in experiments/README.md."""
    counts = verdicts["verdict"].value_counts()
    tested = ", ".join(f"{counts[name]} {name}" for name in counts.index if name != UNTESTABLE) or "none"
    cells = f"{len(results.cells)} cells, {len(results.seeds)} seeds"
    left = f"; {len(results.left_out)} left out" if results.left_out else ""
    made = results.made_by
    return (
        f"| [{results.study.name}]({folder}/README.md) | {results.study.question} | {cells}{left} | {tested} | "
        f"{made.get('hours of training', '')} | [report]({folder}/report.html) |"
    )


def studies_block(rows: Iterable[str], not_run: Iterable[str]) -> str:
    """The rows of the studies under their heads, then the studies that were not run."""
    heads = ["| study | question | run | claims judged | hours of training | |", "|---|---|---|---|---|---|"]
    missing = ", ".join(not_run)
    return "\n".join([*heads, *rows, *(["", f"Not run: {missing}."] if missing else [])])


def replaced(text: str, blocks: Mapping[str, str], *, where: str) -> str:
    """`text` with the content of its `blocks` replaced. Raises `StudyError` for a block without its two marks."""
    for name, block in blocks.items():
        pattern = re.compile(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", re.DOTALL)
        matches = list(pattern.finditer(text))
        if len(matches) != 1:
            raise StudyError(f"{where}: expected one block <!-- {name} --> ... <!-- /{name} -->, got {len(matches)}")
        text = f"{text[: matches[0].start(1)]}{block}\n{text[matches[0].end(1) :]}"
    return text
