"""Tables of all runs in a store, read from the run folders without MLflow and without locks.

Conventions

- A row has one number, with its run, seed, factor levels, split, measure and class.
- Only FINISHED runs have rows; `status` lists all runs with their errors.
- The user's own metrics of the runs are added to the catalogue, with label, unit and direction.
- A table with two signatures of one measure is refused, because different signatures mean different definitions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd

from thinline.metrics.catalogue import register
from thinline.metrics.own import own_rows
from thinline.runs.folder import (
    CLASS_COLUMNS,
    PER_CLASS,
    PER_SHEET,
    SHEET_COLUMNS,
    RunFolder,
    check_store,
    run_folders,
)
from thinline.runs.manifest import FINISHED, KILLED, RUNNING, Manifest
from thinline.system.atomic_files import StorageError

_OWN_COLUMNS = ("run", "seed")
STATUS_COLUMNS = ("run", "status", "seed", "attempts", "started", "finished", "exception", "pending", "folder")
"""The columns of `status` before the factors."""


def read(root: Path, study: str | None = None, *, runs: Collection[str] | None = None) -> pd.DataFrame:
    """All numbers of the finished runs under `root`; only those of `study` and of the run names `runs`, if given.

    Columns: run, seed, one for each factor, then split, measure, class, value, support, signature. A run without a
    factor has a missing value in its column. Without runs the table is empty.
    """
    return _gather(root, study, PER_CLASS, CLASS_COLUMNS, runs)


def read_runs(
    store: str | Path = "mlruns", study: str | None = None, *, runs: Collection[str] | None = None
) -> pd.DataFrame:
    """`read` in the Python API. Raises StorageError if there is no store of runs."""
    check_store(Path(store))
    return read(Path(store), study, runs=runs)


def read_sheets(
    root: Path, study: str | None = None, *, measures: Collection[str] | None = None, split: str | None = None
) -> pd.DataFrame:
    """Like `read`, but with one number per sheet and the column `sheet`; only `measures` and `split`, if given."""
    return _gather(root, study, PER_SHEET, SHEET_COLUMNS, measures=measures, split=split)


def manifests(root: Path, study: str | None = None) -> dict[str, Manifest]:
    """Manifests of all runs, or of all runs of a study, by the name of the folder.

    A run with the status RUNNING whose process is gone is returned as KILLED.
    """
    return {
        folder.name: replace(manifest, status=KILLED) if _died(folder, manifest) else manifest
        for folder, manifest in _begun(root)
        if study is None or study in manifest.studies
    }


def status(root: Path) -> pd.DataFrame:
    """One row per run: run, status, seed, attempts, started, finished, exception, pending, folder, then the factors.

    A run with the status RUNNING whose process is gone is listed as KILLED.
    """
    rows = [_status_row(folder, manifest) for folder, manifest in _begun(root)]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(STATUS_COLUMNS))


def curve_iou(folder: Path) -> dict[str, float]:
    """IoU of every curve on the test sheets of the run in `folder`; empty if its table cannot be read."""
    try:
        table = pd.read_parquet(folder / PER_CLASS, columns=["split", "measure", "class", "value"])
    except (OSError, ValueError, KeyError):
        return {}
    scores = table[(table["split"] == "test") & (table["measure"] == "iou")].set_index("class")["value"]
    return {str(name): float(value) for name, value in scores.items() if name not in ("background", "all")}


def _died(folder: RunFolder, manifest: Manifest) -> bool:
    return manifest.status == RUNNING and not folder.in_use()


def _status_row(folder: RunFolder, manifest: Manifest) -> dict[str, object]:
    failure = manifest.exception
    return {
        "run": folder.name,
        "status": KILLED if _died(folder, manifest) else manifest.status,
        "seed": manifest.cell.seed,
        "attempts": manifest.attempts,
        "started": manifest.started,
        "finished": manifest.finished,
        "exception": None if failure is None else f"{failure.type}: {failure.message}",
        "pending": manifest.mlflow is not None and manifest.mlflow.pending,
        "folder": str(folder.path),
    } | _factors(manifest, folder.name)


def _gather(
    root: Path,
    study: str | None,
    file: str,
    columns: tuple[str, ...],
    runs: Collection[str] | None = None,
    *,
    measures: Collection[str] | None = None,
    split: str | None = None,
) -> pd.DataFrame:
    tables = [
        _with_names(folder, manifest, _selected(_table(folder.path / file, columns), measures, split))
        for folder, manifest in _begun(root)
        if manifest.status == FINISHED
        and (study is None or study in manifest.studies)
        and (runs is None or folder.name in runs)
    ]
    if not tables:
        return pd.DataFrame(columns=[*_OWN_COLUMNS, *columns])
    rows = pd.concat(tables, ignore_index=True)
    factors = [name for name in rows.columns if name not in (*_OWN_COLUMNS, *columns)]
    rows = rows[[*_OWN_COLUMNS, *factors, *columns]]
    _refuse_mixed_signatures(rows)
    return rows


def _begun(root: Path) -> list[tuple[RunFolder, Manifest]]:
    pairs = ((folder, folder.manifest()) for folder in run_folders(root))
    begun = [(folder, manifest) for folder, manifest in pairs if manifest is not None]
    for _, manifest in begun:
        own = manifest.cell.config.get("metrics")
        with suppress(ValueError):  # the name of an own metric may now be that of a built-in metric
            for row in own_rows(own).values() if isinstance(own, Mapping) else ():
                register(row)
    return begun


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
        return table[list(columns)]
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(
            f"{path}: expected a table with columns {', '.join(columns)}, got {type(error).__name__}: {error}. The run "
            "is FINISHED, so the file was lost or changed later: restore it, or start this run again with "
            "force=true"
        ) from error


def _selected(table: pd.DataFrame, measures: Collection[str] | None, split: str | None) -> pd.DataFrame:
    if measures is not None:
        table = table[table["measure"].isin(measures)]
    return table if split is None else table[table["split"] == split]


def _with_names(folder: RunFolder, manifest: Manifest, table: pd.DataFrame) -> pd.DataFrame:
    names: dict[str, object] = {"run": folder.name, "seed": manifest.cell.seed, **_factors(manifest, folder.name)}
    constant = pd.DataFrame([names] * len(table), index=table.index, columns=list(names))
    return pd.concat([constant, table], axis=1)


def _factors(manifest: Manifest, run: str) -> dict[str, str]:
    factors = {name: level for name, level in manifest.cell.factors.items() if name != "seed"}
    taken = sorted(set(factors) & {*SHEET_COLUMNS, *_OWN_COLUMNS})
    if taken:
        raise StorageError(
            f"run {run}: factor names must differ from the columns of results, got {', '.join(taken)}; rename that "
            "group of conf/"
        )
    return factors


def _refuse_mixed_signatures(rows: pd.DataFrame) -> None:
    for measure, group in rows.groupby("measure", sort=True):
        runs_of = {str(signature): sorted(part["run"].unique()) for signature, part in group.groupby("signature")}
        if len(runs_of) > 1:
            listed = "; ".join(
                f"'{signature}' in {len(runs)} runs, as {runs[0]}" for signature, runs in runs_of.items()
            )
            raise StorageError(
                f"measure '{measure}': expected one signature, got {len(runs_of)}: {listed}. Numbers of different "
                "definitions cannot be compared: start the older runs again with force=true, or read one study at a "
                "time"
            )
