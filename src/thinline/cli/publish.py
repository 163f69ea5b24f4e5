"""Generate the tables of docs/ and experiments/README.md.

Writes, from the published studies, the blocks `frontier`, `verdicts` and `domains` of docs/explanation/findings.md,
`studies` of experiments/README.md and `smallest` of the page of each study; from the catalogue of metrics and from
conf/ the blocks of docs/reference; from experiments/bench.json the ratios of docs/explanation/speed.md. --check writes
nothing and exits with 1 where a block is out of date. --perturbed-truth first scores the truth of the published test
sheets, moved along the normal of the curves, and writes experiments/perturbed_truth.csv (minutes); studies that are
older than these scores read it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import yaml
from rich.console import Console

from thinline.config.schema import CONF, FACTORS
from thinline.study.claims.claims import Claim, read_claims
from thinline.study.claims.verdicts import table_of_studies
from thinline.study.design.results import Results
from thinline.study.publish.folder import PERTURBED_TRUTH, read_cells, read_results, read_verdicts
from thinline.study.publish.readme_tables import (
    domain_block,
    frontier_block,
    published_folders,
    replaced,
    smallest_block,
    studies_block,
    study_row,
    verdict_block,
)
from thinline.study.publish.reference_tables import factors_block, metrics_block
from thinline.study.publish.speed_table import speed_block
from thinline.sweep.jobs import groups
from thinline.sweep.study_results import declared
from thinline.system.atomic_files import write_bytes

ROOT: Final = CONF.parent
FRONTIER_STUDY: Final = "three_family"
FINDINGS: Final = "docs/explanation/findings.md"
METRICS: Final = "docs/reference/metrics.md"
FACTOR_PAGE: Final = "docs/reference/factors.md"
SPEED: Final = "docs/explanation/speed.md"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--root", type=Path, default=ROOT, help="root of the repository")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="write nothing, exit with 1 where a block is out of date")
    what.add_argument(
        "--perturbed-truth", action="store_true", help=f"also write experiments/{PERTURBED_TRUTH} (minutes)"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Update or check the blocks of all pages."""
    if options.perturbed_truth:
        _write_perturbed_truth(options.root / "experiments" / PERTURBED_TRUTH, console)
    stale = []
    for path, text in pages(options.root).items():
        if path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not options.check:
            write_bytes(path, text.encode())
    for path in stale:
        console.print(f"{path}: {'out of date; run thinline publish' if options.check else 'updated'}")
    if not stale:
        console.print("every block is up to date")
    return 1 if stale and options.check else 0


def _write_perturbed_truth(path: Path, console: Console) -> None:
    # torch takes seconds to import, and the pages need none of it
    from thinline.pipeline.perturbed_rows import published_table

    with TemporaryDirectory() as folder:
        table = published_table(folder=Path(folder), console=console)
    write_bytes(path, table.to_csv(index=False, float_format="%.10g").encode())
    console.print(f"{path}: {len(table):,} rows")


def pages(root: Path) -> dict[Path, str]:
    """The expected text of each page. Raises `StudyError` for edited results and for missing block marks."""
    claims = read_claims(root / "experiments" / "claims.yaml", groups=groups())
    results = {
        folder.name: read_results(folder, declared(folder.name)) for folder in published_folders(root / "experiments")
    }
    return {
        path: replaced(path.read_text(encoding="utf-8"), blocks, where=str(path))
        for path, blocks in _blocks(root, claims, results).items()
    }


def _blocks(root: Path, claims: tuple[Claim, ...], results: Mapping[str, Results]) -> dict[Path, dict[str, str]]:
    files = sorted((CONF / "experiment").glob("*.yaml"))
    all_studies = [path.stem for path in files if "study" in yaml.safe_load(path.read_text(encoding="utf-8"))]
    verdicts = {name: read_verdicts(root / "experiments" / name) for name in results}
    rows = [study_row(study, verdicts[name], name) for name, study in results.items()]
    studies = studies_block(rows, [name for name in all_studies if name not in results])
    domains = {name: study.study.domain for name, study in results.items()}
    blocks = {
        "verdicts": verdict_block(table_of_studies(claims, verdicts)),
        "domains": domain_block(claims, verdicts, domains),
    }
    if FRONTIER_STUDY in results:
        blocks = {
            "frontier": frontier_block(results[FRONTIER_STUDY], read_cells(root / "experiments" / FRONTIER_STUDY))
        } | blocks
    return {
        root / FINDINGS: blocks,
        root / "experiments" / "README.md": {"studies": studies},
        **{
            root / "experiments" / name / "README.md": {"smallest": smallest_block(own)}
            for name, own in results.items()
        },
        root / METRICS: {"metrics": metrics_block()},
        root / FACTOR_PAGE: {"factors": factors_block(CONF, (*FACTORS, "data_set", "trainer"))},
        root / SPEED: {"speed": speed_block(root / "experiments" / "bench.json")},
    }
