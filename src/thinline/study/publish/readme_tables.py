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

from thinline.metrics.catalogue import label, metric, with_labels
from thinline.metrics.number_format import interval, number
from thinline.study.claims.claims import Claim
from thinline.study.claims.remedies import families_of, moves
from thinline.study.claims.rule import DEPENDS
from thinline.study.claims.verdicts import UNTESTABLE, VERDICTS, kind_of, table_of_studies
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.publish.folder import HEADLINE, RESULTS
from thinline.study.stats.detectable import smallest_of

BOARD: Final = ("iou", "precision", "recall")
_HEADS: Final = (
    "| claim of the source | its numbers | measured here, 95 % | findings that hold | with Holm | power | study |",
    "|---|---|---|---|---|---|---|",
)


def published_folders(experiments: Path) -> list[Path]:
    """The folders of studies with results, by name."""
    return sorted(path.parent for path in experiments.glob(f"*/{RESULTS}"))


def frontier_block(results: Results, cells: pd.DataFrame) -> str:
    """A line for each condition: its families, and IoU, precision and recall of every curve with half the interval.

    The last line has the smallest difference of two conditions that the seeds can tell (stats/detectable.py).

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
    if len(results.seeds) < 2:
        return "\n".join(lines)
    smallest = [number(smallest_of(results, measure, name), metric(measure).digits) for measure, name in columns]
    lines.append(f"| | *smallest difference of two rows that these seeds can tell* | {' | '.join(smallest)} |")
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
        claims = table[table["verdict"].map(kind_of) == verdict]
        if len(claims):
            title = "Depends on another factor" if verdict == DEPENDS else verdict.capitalize()
            lines = [_verdict_line(row, verdict) for row in claims.to_dict("records")]
            parts.append("\n".join([f"**{title}: {len(claims)}**", "", *_HEADS, *lines]))
    untested = int((table["verdict"] == UNTESTABLE).sum())
    if untested:
        parts.append(f"**Not tested: {untested}** claims and numbers; verdicts.csv of a study says why.")
    return "\n\n".join(parts)


def domain_block(claims: Iterable[Claim], tables: Mapping[str, pd.DataFrame], domains: Mapping[str, str]) -> str:
    """Claims that were tested on several kinds of image: a line a claim, a column a kind, with verdict and key effect.

    `tables` has the verdicts of each study, `domains` the kind of image of each study. Of the studies of one kind the
    first in the claim's own order decides.
    """
    kinds = list(dict.fromkeys(domains[study] for study in tables))
    claims = list(claims)
    columns = [
        table_of_studies(claims, {study: own for study, own in tables.items() if domains[study] == kind})
        for kind in kinds
    ]
    lines = []
    for claim, *rows in zip(claims, *(column.to_dict("records") for column in columns), strict=True):
        cells = [_domain_cell(row) for row in rows]
        if sum(bool(cell) for cell in cells) > 1:
            lines.append(f"| {claim.statement} | {' | '.join(cell or 'not tested' for cell in cells)} |")
    if not lines:
        return "No claim was tested on more than one kind of image."
    return "\n".join([f"| claim of the source | {' | '.join(kinds)} |", f"|---{'|---' * len(kinds)}|", *lines])


def _domain_cell(row: Mapping[Hashable, object]) -> str:
    """`**refuted**: IoU, dice less ce at none: +.002 [-.001, .005] (study)`; empty if no study tested the claim.

    A claim that depends on a factor has the value at the levels where it holds as well.
    """
    if row["verdict"] == UNTESTABLE:
        return ""
    split, _, measure = str(row["measure"]).partition("/")
    digits = metric(measure).digits
    effect = number(_float(row["effect"]), digits, signed=bool(row["signed"]))
    ends = interval(_float(row["low"]), _float(row["high"]), digits)
    subject = f"{label(measure, split)} of {row['class']}, {with_labels(str(row['contrast']))}"
    other = f", but {row['other']}" if isinstance(row["other"], str) and row["other"] else ""
    return f"**{row['verdict']}**: {subject}: {effect} {ends}{other} ({row['study']})".replace("|", r"\|")


def _verdict_line(row: Mapping[Hashable, object], verdict: str) -> str:
    numbers, caution = (row[name] if isinstance(row[name], str) else "" for name in ("sourced_numbers", "caution"))
    measured = str(row["sentence"]).removeprefix(verdict.capitalize()).lstrip(" :")
    if verdict == DEPENDS:
        measured = str(row["sentence"])
    if caution:
        measured += f" *Caution:* {caution}"
    holm = "the same" if row["holm"] == row["verdict"] else row["holm"]
    counts = (f"{row['holding']} of {row['findings']}", holm, number(_float(row["power"]), 2))
    others = row.get("elsewhere")
    elsewhere = f"; elsewhere {others}" if isinstance(others, str) and others else ""
    texts = (row["statement"], numbers, measured, *counts, f"{row['study']}{elsewhere}")
    cells = [str(text).replace("|", r"\|") for text in texts]
    return f"| {' | '.join(cells)} |"


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def study_row(results: Results, verdicts: pd.DataFrame, folder: str) -> str:
    """The row of a study in experiments/README.md."""
    counts = verdicts["verdict"].map(kind_of).value_counts()
    texts = {DEPENDS: "depend on a factor"}
    tested = (
        ", ".join(f"{counts[name]} {texts.get(name, name)}" for name in counts.index if name != UNTESTABLE) or "none"
    )
    cells = f"{len(results.cells)} cells, {len(results.seeds)} seeds"
    left = f"; {len(results.left_out)} left out" if results.left_out else ""
    made = results.made_by
    return (
        f"| [{results.study.name}]({folder}/README.md) | {results.study.question} | {cells}{left} | {tested} | "
        f"{made.get('hours of training', '')} | [report]({folder}/report.html) |"
    )


def smallest_block(results: Results) -> str:
    """A sentence with the smallest difference of two conditions that the seeds of a study can tell, by measure."""
    texts = []
    for key in dict.fromkeys([*HEADLINE, *results.study.primary]):
        split, _, measure = key.partition("/")
        values = [
            number(smallest_of(results, measure, name, split=split), metric(measure).digits) for name in results.classes
        ]
        texts.append(f"{label(measure, split)} {' / '.join(values)}")
    curves = " / ".join(name.replace("_", " ") for name in results.classes)
    return (
        "Rows of the tables are not compared by their own intervals. The smallest difference of two conditions that\n"
        f"these {len(results.seeds)} seeds can tell (paired by seed, found with a probability of .8 at p < .05, median "
        f"over pairs; {curves}):\n{', '.join(texts)}."
    )


def studies_block(rows: Iterable[str], not_run: Iterable[str]) -> str:
    """The rows of the studies under their heads, then the studies that were not run."""
    heads = ["| study | question | run | claims judged | hours of training | |", "|---|---|---|---|---|---|"]
    missing = ", ".join(not_run)
    return "\n".join([*heads, *rows, *(["", f"Without results: {missing}."] if missing else [])])


def replaced(text: str, blocks: Mapping[str, str], *, where: str) -> str:
    """`text` with the content of its `blocks` replaced. Raises `StudyError` for a block without its two marks."""
    for name, block in blocks.items():
        pattern = re.compile(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", re.DOTALL)
        matches = list(pattern.finditer(text))
        if len(matches) != 1:
            raise StudyError(f"{where}: expected one block <!-- {name} --> ... <!-- /{name} -->, got {len(matches)}")
        text = f"{text[: matches[0].start(1)]}{block}\n{text[matches[0].end(1) :]}"
    return text
