"""Roof: `python -m thinline publish`: the tables of README.md and experiments/README.md, from the published studies.

Writes the blocks `frontier`, `verdicts` of README.md and `studies` of experiments/README.md anew; --check writes
nothing and exits with 1 where a block is not what the published results say.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from thinline.config.schema import CONF
from thinline.study.claims.claims import Claim, read_claims
from thinline.study.claims.verdicts import table, verdicts_of, verdicts_of_studies
from thinline.study.design.results import Results
from thinline.study.publish.folder import read_results
from thinline.study.publish.readme_tables import (
    frontier_block,
    published_folders,
    replaced,
    studies_block,
    study_row,
    verdict_block,
)
from thinline.sweep.finished import declared
from thinline.sweep.jobs import groups
from thinline.system.atomic_files import write_bytes

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

ROOT: Final = CONF.parent
BOARD: Final = "three_family"


def add_publish(commands: Commands, console: Console) -> None:
    """The subcommand, printing to `console`."""
    parser = commands.add_parser(
        "publish",
        help="the tables of README.md and experiments/README.md, from the published studies",
        description=(__doc__ or "").removeprefix("Roof: "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 where a block is out of date")
    parser.set_defaults(run=partial(_publish, console=console))


def _publish(options: argparse.Namespace, *, console: Console) -> int:
    stale = []
    for path, text in pages(options.root).items():
        if path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not options.check:
            write_bytes(path, text.encode())
    for path in stale:
        console.print(f"{path}: {'out of date; python -m thinline publish' if options.check else 'written anew'}")
    if not stale:
        console.print("every block is what the published results say")
    return 1 if stale and options.check else 0


def pages(root: Path) -> dict[Path, str]:
    """The text that each page should have. Raises `StudyError` for edited results and for blocks without marks."""
    claims = read_claims(root / "experiments" / "claims.yaml", groups=groups())
    results = {
        folder.name: read_results(folder, declared(folder.name)) for folder in published_folders(root / "experiments")
    }
    texts = {}
    for path, blocks in _blocks(root, claims, results).items():
        texts[path] = replaced(path.read_text(encoding="utf-8"), blocks, where=str(path))
    return texts


def _blocks(root: Path, claims: tuple[Claim, ...], results: Mapping[str, Results]) -> dict[Path, dict[str, str]]:
    all_studies = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
    rows = [study_row(it, table(verdicts_of(claims, it)), name) for name, it in results.items()]
    studies = studies_block(rows, [name for name in all_studies if name not in results])
    front = {"verdicts": verdict_block(table(verdicts_of_studies(claims, results)))}
    if BOARD in results:
        front = {"frontier": frontier_block(results[BOARD])} | front
    return {root / "README.md": front, root / "experiments" / "README.md": {"studies": studies}}
