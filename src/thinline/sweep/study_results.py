"""Gather the finished runs of a study from the store, with their provenance, for the statistics of the study.

A *cell* of the study is one of its runs. pipeline/locate.py decides whether a finished run is skipped.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from thinline import runs
from thinline.config.schema import CONF, KEY_LEVELS, compose_config
from thinline.runs import FINISHED, Manifest
from thinline.study.design.collect import FinishedRun, collect
from thinline.study.design.results import ROW_COLUMNS, SHEET_COLUMNS, Results
from thinline.study.design.study import Study, StudyError
from thinline.study.publish.folder import SHEET_MEASURES
from thinline.sweep.jobs import study_of


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
    study: Study, store: Path, *, only: Mapping[str, Sequence[str]] | None = None, partial: bool = False
) -> Results:
    """The results of `study` from the run folders under `store`.

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
    results = collect(study, finished, rows, sheets, only=only, partial=partial, elsewhere=elsewhere)
    of_results = [own[run] for run in results.cells["run"]]
    return replace(results, made_by={"setting": " ".join(setting(study, of_results[0]))} | made_by(of_results))


def finished_run(study: Study, name: str, manifest: Manifest) -> FinishedRun:
    """A run with its levels of the factors of `study`.

    A dotted factor, for example `loss.fp_weight`, gets a level of its own and is removed from the level of its group.
    """
    levels = {key: known[0] for key, known in KEY_LEVELS.items()} | dict(manifest.cell.factors)
    dotted = [factor for factor in study.names if "." in factor]
    for factor in dotted:
        group, _, key = factor.partition(".")
        option, _, inside = levels.get(group, "").rstrip(")").partition("(")
        rest = [part for part in inside.split(",") if part and part.partition("=")[0] != key]
        levels[group] = f"{option}({','.join(rest)})" if rest else option
        value = _at(manifest.cell.config, factor)
        if value is not None:
            levels[factor] = _text(value)
    failure = manifest.exception
    why = manifest.status if failure is None else f"{manifest.status}: {failure.type}: {failure.message}"
    return FinishedRun(name, manifest.cell.seed, levels, manifest.status == FINISHED, why)


def _at(config: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    value: Any = config
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    """A level in the spelling of study files: 10.0 becomes 10."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


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
