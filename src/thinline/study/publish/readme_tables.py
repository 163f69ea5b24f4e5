"""Published studies as Markdown, for the README: the frontier board, the verdicts, and a row for each study.

A block stands in a file between `<!-- name -->` and `<!-- /name -->`, and is written anew from the published tables; a
test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.claims.expectations import short
from thinline.study.claims.remedies import families_of, moves
from thinline.study.claims.verdicts import UNTESTABLE, VERDICTS
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.publish.folder import RESULTS
from thinline.study.stats.estimates import estimate_all
from thinline.study.stats.samples import samples

BOARD: Final = {"iou": "IoU", "precision": "precision", "recall": "recall"}


def published_folders(experiments: Path) -> list[Path]:
    """The folders of studies with results, by name."""
    return sorted(path.parent for path in experiments.glob(f"*/{RESULTS}"))


def frontier_block(results: Results) -> str:
    """A line for each condition: its families, and IoU, precision and recall of every curve with half the interval."""
    names = list(results.classes)
    heads = [f"{title} {name.replace('_', ' ')}" for name in names for title in BOARD.values()]
    lines = [f"| moved | condition | {' | '.join(heads)} |", f"|---|---|{'---|' * len(heads)}"]
    told = {(measure, name): _means(results, measure, name) for name in names for measure in BOARD}
    order = _order(results)
    for place in order:
        label = results.conditions.index[place]
        cells = [told[measure, name][place] for name in names for measure in BOARD]
        lines.append(f"| {moves(families_of(results.conditions)[label])} | {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _order(results: Results) -> list[int]:
    """Conditions by how many families moved, then which, then as declared."""
    keys = [moves(it).replace("base", "") for it in families_of(results.conditions).values()]
    return sorted(range(len(keys)), key=lambda place: (len(keys[place]), keys[place], place))


def _means(results: Results, measure: str, name: str) -> list[str]:
    """`.823 ±.012` of each condition over its seeds."""
    data = samples(results, measure, name)
    means = estimate_all(data, np.eye(len(data.conditions)))
    texts = []
    for effect, low, high in zip(means.effect, means.low, means.high, strict=True):
        half = "" if np.isnan(low) else f" ±{short((high - low) / 2, 3)}"
        texts.append("-" if np.isnan(effect) else f"{short(effect, 3)}{half}")
    return texts


def verdict_block(table: pd.DataFrame) -> str:
    """A table for each verdict that was given, a line for each claim in it; then how many claims were not tested."""
    parts = []
    for verdict in (it for it in VERDICTS if it != UNTESTABLE):
        claims = table[table["verdict"] == verdict]
        if len(claims):
            heads = ["| claim of the source | its numbers | measured here, 95 % | study |", "|---|---|---|---|"]
            lines = [_verdict_line(row, verdict) for row in claims.to_dict("records")]
            parts.append("\n".join([f"**{verdict.capitalize()}: {len(claims)}**", "", *heads, *lines]))
    rest = int((table["verdict"] == UNTESTABLE).sum())
    if rest:
        parts.append(f"**Not tested: {rest}** claims and numbers; verdicts.csv of a study says why.")
    return "\n\n".join(parts)


def _verdict_line(row: Mapping[Hashable, object], verdict: str) -> str:
    numbers = row["sourced_numbers"] if isinstance(row["sourced_numbers"], str) else ""
    measured = str(row["sentence"]).removeprefix(verdict.capitalize()).lstrip(" :")
    told = [row["statement"], numbers, measured, row["study"]]
    return f"| {' | '.join(_in_cell(str(text)) for text in told)} |"


def _in_cell(text: str) -> str:
    """A text whose bars do not end its cell."""
    return text.replace("|", r"\|")


def study_row(results: Results, verdicts: pd.DataFrame, folder: str) -> str:
    """The row of a study in experiments/README.md."""
    counts = verdicts["verdict"].value_counts()
    judged = ", ".join(f"{counts[name]} {name}" for name in counts.index if name != "untestable") or "none"
    cells = f"{len(results.cells)} cells, {len(results.seeds)} seeds"
    left = f"; {len(results.left_out)} left out" if results.left_out else ""
    made = results.made_by
    return (
        f"| [{results.study.name}]({folder}/README.md) | {results.study.question} | {cells}{left} | {judged} | "
        f"{made.get('hours of training', '')} | [report]({folder}/report.html) |"
    )


def studies_block(rows: Iterable[str], not_run: Iterable[str]) -> str:
    """The rows of the studies under their heads, then what was not run."""
    heads = ["| study | question | run | claims judged | hours of training | |", "|---|---|---|---|---|---|"]
    missing = ", ".join(not_run)
    return "\n".join([*heads, *rows, *(["", f"Not run: {missing}."] if missing else [])])


def replaced(text: str, blocks: Mapping[str, str], *, where: str) -> str:
    """`text` with its blocks written anew. Raises `StudyError` for a block without its two marks."""
    for name, block in blocks.items():
        pattern = re.compile(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", re.DOTALL)
        found = list(pattern.finditer(text))
        if len(found) != 1:
            raise StudyError(f"{where}: expected one block <!-- {name} --> ... <!-- /{name} -->, got {len(found)}")
        text = f"{text[: found[0].start(1)]}{block}\n{text[found[0].end(1) :]}"
    return text
