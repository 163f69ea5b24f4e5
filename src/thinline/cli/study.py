"""Analyse the finished cells of a study.

Reads the run folders of the study (with --uri an MLflow server, with --published the results written before) and writes
experiments/NAME/: results, effects, verdicts, figures, report.html. Missing cells, duplicate cells and cells with other
versions of the metrics are refused by name; --partial analyses the balanced part and prints what it leaves out. The
report is attached to the study in MLflow, but not with --out, which is for trials.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.config.schema import CONF
from thinline.metrics.number_format import number
from thinline.runs import RunFolder
from thinline.runs.folder import RUNS, check_store
from thinline.study.claims.claims import Claim, read_claims
from thinline.study.design.results import Results
from thinline.study.design.study import Study, StudyError
from thinline.study.design.tuning import run_of
from thinline.study.figures.sheets import pictures_of
from thinline.study.publish.folder import PERTURBED_TRUTH, check_unedited, read_results, rows_beside
from thinline.sweep.jobs import groups
from thinline.sweep.study_results import declared, gather
from thinline.system.atomic_files import StorageError
from thinline.tracking.addresses import uri_of
from thinline.vocabulary import UInt8

EXPERIMENTS: Final = Path("experiments")
_AT_COMMAS: Final = re.compile(r",(?![^(]*\))")
"""A level may hold commas in brackets, as laptop(steps=840,validate_every=168)."""
CLAIMS: Final = CONF.parent / "experiments" / "claims.yaml"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("name", help="a study of conf/experiment, as three_family")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write (experiments/NAME)")
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store with the run folders (mlruns)")
    parser.add_argument("--experiment", default="thinline", help="MLflow experiment (thinline)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--uri", help="download the runs from this MLflow tracking URI into the store")
    source.add_argument("--published", action="store_true", help="analyse the published results in DIR again")
    source.add_argument("--check", action="store_true", help="only check that the tables in DIR were not edited")
    parser.add_argument("--partial", action="store_true", help="analyse the balanced part of an unfinished study")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="FACTOR=LEVEL,..",
        help="only runs with this setting, or these levels of a factor of the study",
    )
    parser.add_argument("--claims", type=Path, default=CLAIMS, metavar="YAML", help="claims to test")


def run(options: argparse.Namespace, console: Console) -> int:
    """Gather the results, analyse them and write the folder."""
    study = declared(options.name)
    out: Path = options.out or EXPERIMENTS / study.name
    if options.check:
        check_unedited(out)
        console.print(f"{out}: no table was edited")
        return 0
    if options.published and (options.partial or options.only):
        raise StudyError("--partial and --only need the runs, --published reads none; leave out one of them")
    claims = read_claims(options.claims, groups=groups())
    results = read_results(out, study) if options.published else _gathered(study, options, console)
    _publish(results, claims, out, options, console)
    return 0


def _gathered(study: Study, options: argparse.Namespace, console: Console) -> Results:
    """Results of the runs in the store; with --uri they are downloaded first."""
    levels = _levels(options.only)
    if options.uri:
        # MLflow takes seconds to import, and a local store does not need it
        from thinline.tracking.download import fetch

        fetched = fetch(options.uri, study.name, options.store, experiment=options.experiment)
        console.print(f"{len(fetched)} runs of {study.name} from {options.uri} in {options.store}", soft_wrap=True)
    else:
        try:
            check_store(options.store)
        except StorageError as error:
            raise StorageError(f"{error}: {study.command}") from error
    out: Path = options.out or EXPERIMENTS / study.name
    results = gather(study, options.store, only=levels, partial=options.partial, experiments=out.absolute().parent)
    if "taken over" in results.made_by:
        console.print(f"taken over from published tables: {results.made_by['taken over']}", soft_wrap=True)
    for line in results.left_out:
        console.print(f"left out: {line}", soft_wrap=True)
    return replace(results, beside=rows_beside(EXPERIMENTS / PERTURBED_TRUTH, results.cells, results.rows))


def _levels(settings: Sequence[str]) -> Mapping[str, Sequence[str]]:
    invalid = [text for text in settings if "=" not in text]
    if invalid:
        raise StudyError(f"--only must be FACTOR=LEVEL, as budget=smoke or loss=dice,focal, got {', '.join(invalid)}")
    pairs = [text.split("=", 1) for text in settings]
    return {name: _AT_COMMAS.split(levels) for name, levels in pairs}


def _publish(
    results: Results, claims: Iterable[Claim], out: Path, options: argparse.Namespace, console: Console
) -> None:
    """Write the folder, print the verdicts, and attach the report to the study in MLflow, but with --out."""
    # only this command needs matplotlib and jinja2
    from thinline.study.publish.folder import CONDITIONS, VERDICTS
    from thinline.study.publish.readme_tables import smallest_block
    from thinline.study.publish.write import EFFECTS, REPORT, publish

    published = publish(
        out,
        results,
        claims,
        overlays=partial(_overlays, options=options, console=console),
        tell=lambda text: console.print(text, style="dim"),
    )
    console.print(_verdicts(published.verdicts))
    console.print(smallest_block(results).replace("\n", " "), soft_wrap=True)
    for note in published.effects.notes:
        console.print(f"note: {note}", soft_wrap=True)
    for name, reason in published.not_drawn.items():
        console.print(f"not drawn: {name}: {reason}", style="dim", soft_wrap=True)
    console.print(f"{out / REPORT}: open it in a browser; {out / EFFECTS}, {out / VERDICTS}, {out}/figures/")
    if not options.published:
        _attach(results.study, [out / REPORT, out / CONDITIONS, out / VERDICTS, out / EFFECTS], options, console)


def _overlays(
    run: str, sheets: Sequence[int], *, options: argparse.Namespace, console: Console
) -> Mapping[int, Path | UInt8]:
    """Pictures of the test `sheets` of a run, predicted by its network, or the pictures in its folder without one."""
    folder = RunFolder.open(options.store.absolute() / RUNS / run_of(run))
    kept = pictures_of(folder.overlays.glob("*.png"))
    if not list(folder.checkpoints.glob("*.ckpt")):
        return kept
    # torch takes seconds to import, and a store without checkpoints does not need it
    from thinline.config.trained_run import NoRunError
    from thinline.pipeline.finished_run import network_of, overlay_of, reopen

    try:
        network = network_of(folder, device="cpu")
        reopened = reopen(folder, network, cache=options.store / "cache", console=console)
        return {sheet: overlay_of(reopened, sheet) for sheet in sheets}
    except (StorageError, NoRunError) as error:
        console.print(f"using the pictures of the run, not the best, median and worst sheet: {error}", soft_wrap=True)
        return kept


def _attach(study: Study, files: Sequence[Path], options: argparse.Namespace, console: Console) -> None:
    """Attach the report to the parent run of the study, if there is an MLflow database or server; not with --out."""
    uri = options.uri or uri_of(options.store)
    if options.out is not None or (not options.uri and not (options.store / "mlflow.db").exists()):
        return
    from thinline.study.report.page import alone
    from thinline.tracking.attach import attach

    try:
        with TemporaryDirectory() as folder:  # MLflow shows a page without the figures beside it
            whole = [Path(folder) / file.name if file.suffix == ".html" and file.exists() else file for file in files]
            for file, copy in zip(files, whole, strict=True):
                if copy is not file:
                    copy.write_bytes(alone(file))
            run_id = attach(uri, study.name, whole, root=options.store, experiment=options.experiment)
    except StorageError as error:
        console.print(f"not in MLflow: {error}", soft_wrap=True)
        return
    if run_id:
        console.print(f"in MLflow: artifacts of the parent run {run_id}, folder report")


def _verdicts(table: pd.DataFrame) -> Table:
    """The claims that this study tests with their cautions and verdicts, and how many it does not test."""
    tested = table[table["verdict"] != "untestable"]
    title = f"{len(tested)} of {len(table)} claims tested; verdicts.csv has the others with their reasons"
    summary = Table("claim", title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    summary.add_column("verdict")
    summary.add_column("effect, 95 %", justify="right", no_wrap=True)
    for row in tested.to_dict("records"):
        write = partial(number, signed=bool(row["signed"]))
        effect = "-" if pd.isna(row["effect"]) else write(row["effect"])
        interval = "" if pd.isna(row["low"]) else f"\n{write(row['low'])} to {write(row['high'])}"
        claim = f"{row['statement']}{f' Caution: {caution}' if (caution := row['caution']) else ''}"
        counts = f"{row['holding']} of {row['findings']} hold, power {number(row['power'], 2)}"
        holm = "" if row["holm"] == row["verdict"] else f"\nwith Holm: {row['holm']}"
        summary.add_row(claim, f"{row['verdict']}\n{counts}{holm}", f"{effect}{interval}")
    return summary
