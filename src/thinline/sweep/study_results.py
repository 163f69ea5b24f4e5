"""Gather the finished runs of a study from the store, with their provenance, for the statistics of the study.

A *cell* of the study is one of its runs. pipeline/locate.py decides whether a finished run is skipped.
"""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import pandas as pd

from thinline import runs
from thinline.config.schema import CONF, compose_config
from thinline.runs import FINISHED, Manifest
from thinline.study.design.collect import FinishedRun, collect
from thinline.study.design.results import ROW_COLUMNS, SHEET_COLUMNS, Results
from thinline.study.design.study import Study, StudyError
from thinline.study.design.tuning import rates_of, run_of, tuned_results
from thinline.study.publish.folder import SHEET_MEASURES
from thinline.sweep.jobs import study_of
from thinline.sweep.published_cells import levels_of, published_cells


@cache
def declared(name: str) -> Study:
    """The study that `conf/experiment/<name>.yaml` declares. Raises `StudyError` if there is no such file."""
    options = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
    if name not in options:
        raise StudyError(f"expected a study of conf/experiment, one of {', '.join(options)}, got {name!r}")
    study = study_of(compose_config([f"+experiment={name}"]))
    if study is None:
        raise StudyError(f"conf/experiment/{name}.yaml: expected a `study` node, got none; see three_family.yaml")
    return study


def gather(
    study: Study,
    store: Path,
    *,
    only: Mapping[str, Sequence[str]] | None = None,
    partial: bool = False,
    experiments: Path | None = None,
) -> Results:
    """The results of `study` from the run folders under `store`, and from the published tables under `experiments`.

    Raises `StudyError` for cells that are missing or doubled, `StorageError` for tables that are lost or mixed.
    """
    every = runs.manifests(store)
    own = {name: manifest for name, manifest in every.items() if study.name in manifest.studies}
    others = {name: manifest for name, manifest in every.items() if name not in own}
    rows = runs.read(store, study.name)[list(ROW_COLUMNS)]
    measures = {*SHEET_MEASURES, *(name.partition("/")[2] for name in study.primary)}
    sheets = runs.read_sheets(store, study.name, measures=measures, split="test")[list(SHEET_COLUMNS)]
    finished, elsewhere = (
        [finished_run(study, name, manifest) for name, manifest in part.items()] for part in (own, others)
    )
    rows, sheets, taken = rows.astype({"run": "str"}), sheets.astype({"run": "str"}), None
    if experiments is not None:
        taken = published_cells(study, experiments, but=finished)
        finished = [*finished, *taken.runs]
        rows, sheets = (pd.concat(pair, ignore_index=True) for pair in ((rows, taken.rows), (sheets, taken.sheets)))
    if study.tuning is None:
        results = collect(study, finished, rows, sheets, only=only, partial=partial, elsewhere=elsewhere)
    else:
        rates = rates_of(study, finished, rows, only=only)
        results = tuned_results(study, finished, rows, sheets, rates=rates, partial=partial, only=only)
    names = dict.fromkeys(run_of(name) for name in results.cells["run"])
    of_store = [own[run] for run in names if run in own]
    origin = {"setting": " ".join(setting(study, of_store[0]))} | made_by(of_store) if of_store else {}
    if taken is not None and (counts := Counter(taken.folders[run] for run in names if run not in own)):
        origin["taken over"] = "; ".join(f"{count} cells of {name}" for name, count in sorted(counts.items()))
    return replace(results, made_by=origin)


def finished_run(study: Study, name: str, manifest: Manifest) -> FinishedRun:
    """A run with its levels of the factors of `study`."""
    levels = levels_of(study, manifest.cell.factors, manifest.cell.config)
    failure = manifest.exception
    why = manifest.status if failure is None else f"{manifest.status}: {failure.type}: {failure.message}"
    return FinishedRun(name, manifest.cell.seed, levels, manifest.status == FINISHED, why)


def setting(study: Study, manifest: Manifest) -> list[str]:
    """Levels of the factors that a study does not vary, as overrides: `budget=laptop`, and changes to options."""
    varied = {name.partition(".")[0] for name in study.names}
    overrides = []
    for name, level in manifest.cell.factors.items():
        if name not in varied:
            option, _, inside = level.removesuffix(")").partition("(")
            changed = re.split(r",(?![^\[]*\])", inside) if inside else []
            overrides += [f"{name}={option}", *(f"{name}.{change}" for change in changed if not change.startswith("~"))]
    return overrides


def made_by(manifests: Sequence[Manifest]) -> dict[str, str]:
    """The provenance of the numbers, a text for each name: commits, versions, threads, dates, hours, machine."""
    once = [run for run in manifests if run.attempts == 1 and run.finished]
    hours = sum(_seconds(run) for run in once) / 3600
    versions = sorted({name for run in manifests for name in run.origin.versions})
    return {
        "cells": str(len(manifests)),
        "commits": ", ".join(_distinct(_commit(run) for run in manifests)),
        "threads a cell": ", ".join(_distinct(str(run.origin.threads) for run in manifests)),
        "first started": min(run.started for run in manifests),
        "last finished": max(run.finished or "" for run in manifests),
        "hours of training": f"{hours:.1f} by the clock of each cell "
        f"({len(manifests) - len(once)} resumed ones left out)",
        "analysed on": f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {_versions(manifests, name)}" for name in versions),
    }


def _versions(manifests: Iterable[Manifest], name: str) -> str:
    return " and ".join(_distinct(run.origin.versions[name] for run in manifests if name in run.origin.versions))


def _commit(run: Manifest) -> str:
    return f"{(run.origin.git_commit or 'unknown')[:12]}{' with changes' if run.origin.git_dirty else ''}"


def _distinct(texts: Iterable[str]) -> list[str]:
    return sorted(set(texts))


def _seconds(run: Manifest) -> float:
    ends = datetime.fromisoformat(run.finished or run.started)
    return (ends - datetime.fromisoformat(run.started)).total_seconds()


def _processor() -> str:
    """The name of the processor on Linux, elsewhere its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
