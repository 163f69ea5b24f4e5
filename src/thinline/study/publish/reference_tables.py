"""The reference pages of docs/ as Markdown: every metric of the catalogue, every option of conf/.

A block lies between `<!-- name -->` and `<!-- /name -->` in a page (`readme_tables.replaced`). `thinline publish`
writes it, and a test compares it with the catalogue and with the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from thinline.metrics.catalogue import ROWS, Metric, signatures


def metrics_block() -> str:
    """A table for each family of metrics, and the signatures of a run."""
    parts = []
    for family, rows in groupby(ROWS, key=lambda row: row.family):
        heads = ["| stored as | label | unit | better | digits | meaning |", "|---|---|---|---|---|---|"]
        parts.append("\n".join([f"## {family}", "", *heads, *map(_metric_line, rows)]))
    marks = "\n".join(f"- `{mark}`" for mark in signatures())
    return "\n\n".join([*parts, f"## Signatures of a run today\n\n{marks}"])


def _metric_line(row: Metric) -> str:
    label = f"`{row.label}`" if "{" in row.label else row.label
    unit = "px or mm" if "{" in row.unit else row.unit
    return f"| `{row.key}` | {label} | {unit} | {row.better or '-'} | {row.digits} | {row.meaning} |"


def factors_block(conf: Path, groups: Sequence[str]) -> str:
    """Every option of each of `groups` of the folder `conf`: its meaning, and its keys with their defaults."""
    parts = []
    for group in groups:
        parts.append(f"## {group}")
        parts += [_option(path, group) for path in sorted((conf / group).glob("*.yaml"))]
    return "\n\n".join(parts)


def _option(path: Path, group: str) -> str:
    """The leading comment of a file as text, and what follows as YAML."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("# @package")]
    comments = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    meaning = " ".join(line.lstrip("# ") for line in lines[:comments])
    keys = "\n".join(lines[comments:]).strip()
    return f"### {group}={path.stem}\n\n{meaning.rstrip('.')}.\n\n```yaml\n{keys}\n```"
