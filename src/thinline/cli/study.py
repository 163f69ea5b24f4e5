"""Roof: `python -m thinline study three_family`: finished cells -> results, effects, verdicts, figures and a report.

Reads the run folders of the study (or, with --uri, an MLflow server; with --published, the results written before) and
writes experiments/NAME/: results, effects, verdicts, figures, report.html. Cells that are missing, that came twice or
were measured otherwise are refused by name; --partial analyses the balanced part and says what was left out.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.config.schema import CONF
from thinline.runs import RunFolder
from thinline.runs.folder import RUNS, check_store
from thinline.study.claims.claims import Claim, read_claims
from thinline.study.claims.expectations import short
from thinline.study.design.results import Results
from thinline.study.design.study import Study, StudyError
from thinline.study.figures.sheets import pictures_of
from thinline.study.publish.folder import check_unedited, read_results
from thinline.sweep.finished import declared, gather
from thinline.sweep.jobs import groups
from thinline.system.atomic_files import StorageError
from thinline.tracking.addresses import uri_of
from thinline.vocabulary import UInt8

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

EXPERIMENTS: Final = Path("experiments")
_AT_COMMAS: Final = re.compile(r",(?![^(]*\))")
"""A level may hold commas in brackets, as laptop(steps=840,validate_every=168)."""
CLAIMS: Final = CONF.parent / "experiments" / "claims.yaml"


def add_study(commands: Commands, console: Console) -> None:
    """The subcommand, printing to `console`."""
    parser = commands.add_parser(
        "study",
        help="finished cells -> results, effects, verdicts, figures and a report",
        description=(__doc__ or "").removeprefix("Roof: "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="a study of conf/experiment, as three_family")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write (experiments/NAME)")
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store with the run folders (mlruns)")
    parser.add_argument("--experiment", default="thinline", help="experiment of the tracker (thinline)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--uri", help="read the runs from this MLflow tracking URI; its files are kept in the store")
    source.add_argument("--published", action="store_true", help="analyse the results that lie in DIR again")
    source.add_argument("--check", action="store_true", help="only say whether the tables in DIR are as written")
    parser.add_argument("--partial", action="store_true", help="analyse the balanced part of an unfinished study")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="FACTOR=LEVEL,..",
        help="runs of this setting (the study's budget); of a factor of the study, these levels",
    )
    parser.add_argument("--claims", type=Path, default=CLAIMS, metavar="YAML", help="claims to judge")
    parser.set_defaults(run=partial(_study, console=console))


def _study(options: argparse.Namespace, *, console: Console) -> int:
    study = declared(options.name)
    out: Path = options.out or EXPERIMENTS / study.name
    if options.check:
        check_unedited(out)
        console.print(f"{out}: every table is as it was written")
        return 0
    if options.published and (options.partial or options.only):
        raise StudyError("--published analyses what was written, so --partial and --only need the runs; leave it out")
    claims = read_claims(options.claims, groups=groups())
    results = read_results(out, study) if options.published else _gathered(study, options, console)
    _publish(results, claims, out, options, console)
    return 0


def _gathered(study: Study, options: argparse.Namespace, console: Console) -> Results:
    """Results of the runs in the store, fetched first where a tracker was named."""
    levels = _levels(options.only)
    if options.uri:
        # MLflow takes seconds, and a store on this disk needs none of it
        from thinline.tracking.download import fetch

        fetched = fetch(options.uri, study.name, options.store, experiment=options.experiment)
        console.print(f"{len(fetched)} runs of {study.name} from {options.uri} in {options.store}", soft_wrap=True)
    else:
        try:
            check_store(options.store)
        except StorageError as error:
            raise StorageError(f"{error}: {study.command}") from error
    results = gather(study, options.store, only=levels, partial=options.partial)
    for line in results.left_out:
        console.print(f"left out: {line}", soft_wrap=True)
    return results


def _levels(given: Sequence[str]) -> Mapping[str, Sequence[str]]:
    odd = [text for text in given if "=" not in text]
    if odd:
        raise StudyError(f"--only must be FACTOR=LEVEL, as budget=smoke or loss=dice,focal, got {', '.join(odd)}")
    pairs = [text.split("=", 1) for text in given]
    return {name: _AT_COMMAS.split(levels) for name, levels in pairs}


def _publish(
    results: Results, claims: Iterable[Claim], out: Path, options: argparse.Namespace, console: Console
) -> None:
    """Write the folder, say what was found, and hang the report under the study in MLflow."""
    # matplotlib and jinja2 belong to this command alone
    from thinline.study.publish.write import EFFECTS, REPORT, VERDICTS, publish

    done = publish(
        out,
        results,
        claims,
        overlays=partial(_overlays, options=options, console=console),
        tell=lambda text: console.print(text, style="dim"),
    )
    console.print(_verdicts(done.verdicts))
    for note in done.effects.notes:
        console.print(f"note: {note}", soft_wrap=True)
    for name, reason in done.not_drawn.items():
        console.print(f"not drawn: {name}: {reason}", style="dim", soft_wrap=True)
    console.print(f"{out / REPORT}: open it in a browser; {out / EFFECTS}, {out / VERDICTS}, {out}/figures/")
    if not options.published:
        _attach(results.study, [out / REPORT, out / VERDICTS, out / EFFECTS], options, console)


def _overlays(
    run: str, sheets: Sequence[int], *, options: argparse.Namespace, console: Console
) -> Mapping[int, Path | UInt8]:
    """Pictures of the test `sheets` of a run, drawn by its network; where that cannot be, those that the run kept."""
    folder = RunFolder.open(options.store.absolute() / RUNS / run)
    kept = pictures_of(folder.overlays.glob("*.png"))
    if not list(folder.checkpoints.glob("*.ckpt")):
        return kept
    # torch takes seconds, and a store without networks needs none of it
    from thinline.pipeline.load import NoRunError
    from thinline.pipeline.reopen import network_of, overlay_of, reopen

    try:
        network = network_of(folder, device="cpu")
        it = reopen(folder, network, cache=options.store / "cache", console=console)
        return {sheet: overlay_of(it, sheet) for sheet in sheets}
    except (StorageError, NoRunError) as error:
        console.print(f"pictures of the run instead of the best, median and worst sheet: {error}", soft_wrap=True)
        return kept


def _attach(study: Study, files: Sequence[Path], options: argparse.Namespace, console: Console) -> None:
    """The report under the parent run of the study in MLflow, where there is a tracker."""
    uri = options.uri or uri_of(options.store)
    if not options.uri and not (options.store / "mlflow.db").exists():
        return
    from thinline.tracking.attach import attach

    try:
        run_id = attach(uri, study.name, files, root=options.store, experiment=options.experiment)
    except StorageError as error:
        console.print(f"not in MLflow: {error}", soft_wrap=True)
        return
    if run_id:
        console.print(f"in MLflow: artifacts of the parent run {run_id}, folder report")


def _verdicts(table: pd.DataFrame) -> Table:
    """The claims that this study tests, and how many it does not."""
    tested = table[table["verdict"] != "untestable"]
    title = f"{len(tested)} of {len(table)} claims tested here; verdicts.csv has the others with their reasons"
    shown = Table("claim", title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("verdict", no_wrap=True)
    shown.add_column("effect", justify="right", no_wrap=True)
    shown.add_column("95 %", justify="right", no_wrap=True)
    for row in tested.to_dict("records"):
        write = partial(short, decimals=3, signed=bool(row["signed"]))
        effect = "-" if pd.isna(row["effect"]) else write(row["effect"])
        interval = "-" if pd.isna(row["low"]) else f"{write(row['low'])} to {write(row['high'])}"
        shown.add_row(str(row["statement"]), str(row["verdict"]), effect, interval)
    return shown
