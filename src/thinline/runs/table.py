"""Tables of all runs in a store, read from the run folders without MLflow and without locks.

Conventions

- A row has one number, with its run, seed, factor levels, split, measure and class.
- The columns of texts are categories in alphabetical order: a row takes about 40 bytes instead of 300, so that the
  numbers of 10,000 runs (18 million rows) fit into 1 GiB. `column.astype(str)` makes texts of them.
- Only FINISHED runs have rows; `status` lists all runs with their errors.
- The user's own metrics of the runs are added to the catalogue, with label, unit and direction.
- A table with two signatures of one measure is refused, because different signatures mean different definitions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from thinline.metrics.catalogue import register
from thinline.metrics.own import own_rows
from thinline.runs.folder import (
    CLASS_COLUMNS,
    PER_CLASS,
    PER_SHEET,
    RUNS,
    SHEET_COLUMNS,
    RunFolder,
    check_store,
    run_folders,
)
from thinline.runs.manifest import FINISHED, KILLED, RUNNING, Manifest
from thinline.system.atomic_files import StorageError

_OWN_COLUMNS = ("run", "seed")
_TEXTS: Final = ("split", "measure", "class", "signature")
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
        table = _arrow(folder / PER_CLASS, ("split", "measure", "class", "value"), ["iou"], "test")
    except (OSError, ValueError, KeyError):
        return {}
    scores = zip(table["class"].to_pylist(), table["value"].to_pylist(), strict=True)
    return {
        str(name): float("nan") if value is None else float(value)
        for name, value in scores
        if name not in ("background", "all")
    }


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
    names: list[dict[str, str]] = []
    seeds: list[int] = []
    parts: list[dict[str, Any]] = []
    known: dict[str, dict[str, int]] = {name: {} for name in _TEXTS}
    for folder, manifest in _begun(root, runs):
        if manifest.status == FINISHED and (study is None or study in manifest.studies):
            names.append({"run": folder.name} | _factors(manifest, folder.name))
            seeds.append(manifest.cell.seed)
            parts.append(_in_numbers(_table(folder.path / file, columns, measures, split), known))
    if not parts:
        return pd.DataFrame(columns=[*_OWN_COLUMNS, *columns])
    lengths = [len(part["value"]) for part in parts]
    rows = pd.DataFrame(_repeated(names, seeds, lengths) | _joined(parts, columns, known), copy=False)
    _refuse_mixed_signatures(rows)
    return rows


def _begun(root: Path, runs: Collection[str] | None = None) -> Iterator[tuple[RunFolder, Manifest]]:
    """The run folders with a manifest, all or those named `runs`; of other folders no file is opened."""
    folders = run_folders(root) if runs is None else [RunFolder.open(root / RUNS / name) for name in sorted(set(runs))]
    for folder in folders:
        manifest = folder.manifest()
        if manifest is None:
            continue
        own = manifest.cell.config.get("metrics")
        with suppress(ValueError):  # the name of an own metric may now be that of a built-in metric
            for row in own_rows(own).values() if isinstance(own, Mapping) else ():
                register(row)
        yield folder, manifest


def _table(path: Path, columns: tuple[str, ...], measures: Collection[str] | None, split: str | None) -> pa.Table:
    try:
        return _arrow(path, columns, measures, split)
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(
            f"{path}: expected a table with columns {', '.join(columns)}, got {type(error).__name__}: {error}. The run "
            "is FINISHED, so the file was lost or changed later: restore it, or start this run again with "
            "force=true"
        ) from error


def _arrow(path: Path, columns: tuple[str, ...], measures: Collection[str] | None, split: str | None) -> pa.Table:
    """The `columns` of a file, texts as dictionaries. pandas takes five times as long to open such a small file."""
    with pa.parquet.ParquetFile(path) as file:
        table = file.read(columns=list(columns), use_threads=False).select(list(columns))
    if measures is not None:
        table = table.filter(pa.compute.is_in(table["measure"], pa.array(sorted(measures), table["measure"].type)))
    if split is not None:
        table = table.filter(pa.compute.equal(table["split"], split))
    for number, name in enumerate(columns):
        if name in _TEXTS:
            table = table.set_column(number, name, table[name].cast(pa.string()).dictionary_encode())
    return table.replace_schema_metadata(None)


def _in_numbers(table: pa.Table, known: Mapping[str, dict[str, int]]) -> dict[str, Any]:
    """The columns of one run; a text is its number in `known`, to which new texts are added, and -1 if missing."""
    columns: dict[str, Any] = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if name in known:
            texts = known[name]
            numbers = [texts.setdefault(text, len(texts)) for text in column.dictionary.to_pylist()]
            codes = column.indices.fill_null(len(numbers)).to_numpy(zero_copy_only=False)
            columns[name] = np.array([*numbers, -1], np.int32)[codes]
        else:
            columns[name] = column.to_pandas().to_numpy()
    return columns


def _joined(
    parts: list[dict[str, Any]], columns: Sequence[str], known: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    """The columns of all runs, one after the other, so that little memory is used twice."""
    joined: dict[str, Any] = {}
    for name in columns:
        values = np.concatenate([part.pop(name) for part in parts])
        if name in known:
            texts = sorted(known[name])
            order = np.full(len(texts) + 1, -1, np.int32)  # its last, for -1, stays -1
            order[[known[name][text] for text in texts]] = np.arange(len(texts))
            joined[name] = pd.Categorical.from_codes(order[values], categories=pd.Index(texts, dtype="str"))
        else:
            joined[name] = values
    return joined


def _repeated(names: Sequence[Mapping[str, str]], seeds: Sequence[int], lengths: Sequence[int]) -> dict[str, Any]:
    """Run, seed and levels of each run, in as many rows as its table has."""
    run = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(key for each in names for key in each):
        levels = [each.get(name) for each in names]
        known = pd.Index(sorted({level for level in levels if level is not None}), dtype="str")
        columns[name] = pd.Categorical(levels, categories=known).take(run)
        if name == "run":
            columns["seed"] = np.array(seeds)[run]
    return columns


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
    measures, signatures = rows["measure"].cat, rows["signature"].cat
    count = len(signatures.categories)
    codes = measures.codes.to_numpy(np.int32) * np.int32(count) + signatures.codes.to_numpy(np.int32)
    pairs = np.bincount(codes[codes >= 0])
    per_measure = np.bincount(np.flatnonzero(pairs) // max(count, 1), minlength=1)
    for measure in measures.categories[np.flatnonzero(per_measure > 1)]:
        group = rows[rows["measure"] == measure]
        runs_of = {str(signature): sorted(set(part["run"])) for signature, part in group.groupby("signature")}
        listed = "; ".join(f"'{signature}' in {len(runs)} runs, as {runs[0]}" for signature, runs in runs_of.items())
        raise StorageError(
            f"measure '{measure}': expected one signature, got {len(runs_of)}: {listed}. Numbers of different "
            "definitions cannot be compared: start the older runs again with force=true, or read one study at a "
            "time"
        )
