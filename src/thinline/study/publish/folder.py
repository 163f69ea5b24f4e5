"""Reads and writes the tables of a study's folder, `experiments/<study>/`, and detects edited tables by their digest.

    results.parquet    every number: run, cell, condition, grid, seed, the factors, split, sheet, measure, class, value,
                       support, signature; `sheet` is empty for a number of a whole split
    results.csv        the pixel rates and curve errors of whole splits
    environment.json   commit, versions, processor, dates and time of the runs
    at_recall.csv      the runs at one recall, written by `at-recall`; removed when the results change
    digests.json       sha256 of every table

Whole splits have every metric of the runs, single sheets those from which effects are estimated (`SHEET_MEASURES`).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from thinline.study.design.results import CELL_COLUMNS, ROW_COLUMNS, SHEET_COLUMNS, Results
from thinline.study.design.study import SEED, Study, StudyError
from thinline.study.stats.samples import AXES
from thinline.system.atomic_files import write_bytes

RESULTS: Final = "results.parquet"
RESULTS_CSV: Final = "results.csv"
ENVIRONMENT: Final = "environment.json"
DIGESTS: Final = "digests.json"
AT_RECALL: Final = "at_recall.csv"

SHEET_MEASURES: Final = (*AXES, "area_ratio", "viterbi_swaps", "edge_follower_swaps")
"""The metrics of single sheets that are kept."""

CSV_MEASURES: Final = (
    *SHEET_MEASURES,
    "threshold",
    "viterbi_bridged_r2",
    "viterbi_values_mae_track",
    "breaks",
    "claimed_twice",
)
_PERTURBED_TRUTH_IN_CSV: Final = (
    *("iou", "precision", "recall", "nsd_1px"),
    *("viterbi_bridged_mae_track", "viterbi_values_mae_track"),
)


def tidy(results: Results) -> pd.DataFrame:
    """All numbers of `results` in one table, whole splits first, cells in their order; see the module for columns."""
    position = {run: number for number, run in enumerate(results.cells["run"])}
    parts = [
        rows.sort_values("run", key=lambda runs: runs.map(position), kind="stable")
        for rows in (results.rows, results.sheets)
    ]
    numbers = pd.concat(parts, ignore_index=True)
    numbers["sheet"] = numbers["sheet"].astype("Int64")  # whole splits have none
    cells = results.cells.set_index("run")
    of_run = cells.loc[numbers["run"].to_numpy()].reset_index()
    factors = list(results.factors)
    front = of_run[[*CELL_COLUMNS[:3], "grid", "seed", *factors]]
    return pd.concat([front, numbers[["split", "sheet", "measure", "class", "value", "support", "signature"]]], axis=1)


def results_csv(results: Results) -> bytes:
    """The content of results.csv."""
    rows = results.rows
    perturbed = rows["split"].str.startswith("oracle")
    kept = (~perturbed & rows["measure"].isin(CSV_MEASURES)) | (
        perturbed & rows["measure"].isin(_PERTURBED_TRUTH_IN_CSV)
    )
    table = rows[kept & (rows["split"] != "val")]
    names = results.cells.drop(columns=["grid"])
    return _csv(names.merge(table, on="run"))


def write_results(folder: Path, results: Results) -> None:
    """Write results.parquet, results.csv and environment.json with their digests, each file whole or not at all.

    An at_recall.csv of other results is removed.
    """
    out = io.BytesIO()
    tidy(results).to_parquet(out, index=False, compression="zstd")
    if not (folder / RESULTS).exists() or (folder / RESULTS).read_bytes() != out.getvalue():
        (folder / AT_RECALL).unlink(missing_ok=True)
    environment = json.dumps(dict(results.made_by) | {"left_out": list(results.left_out)}, indent=2) + "\n"
    write_tables(
        folder,
        {RESULTS: out.getvalue(), RESULTS_CSV: results_csv(results), ENVIRONMENT: environment.encode()},
    )


def write_tables(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` by name, and add their digests to those of the folder."""
    for name, content in files.items():
        write_bytes(folder / name, content)
    digests = _digests(folder) | {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    existing = {name: digest for name, digest in sorted(digests.items()) if (folder / name).exists()}
    write_bytes(folder / DIGESTS, (json.dumps(existing, indent=2) + "\n").encode())


def read_results(folder: Path, study: Study, *, but: Sequence[str] = ()) -> Results:
    """The results that `write_results` wrote for `study`.

    Raises `StudyError` for an edited table of the folder, except those in `but`, which the caller will write.
    """
    check_unedited(folder, but=but)
    path = folder / RESULTS
    if not path.exists():
        raise StudyError(
            f"{path}: expected the results of a study, got no such file; python -m thinline study writes it"
        )
    table = pd.read_parquet(path)
    whole = table["sheet"].isna()
    factors = [name for name in study.names if name != SEED]
    cells = table.loc[whole, [*CELL_COLUMNS, *factors, "grid"]].drop_duplicates("run").reset_index(drop=True)
    sheets = table.loc[~whole, list(SHEET_COLUMNS)].astype({"sheet": "int64"}).reset_index(drop=True)
    made_by = json.loads((folder / ENVIRONMENT).read_text())
    left_out = tuple(made_by.pop("left_out"))
    return Results(study, cells, table.loc[whole, list(ROW_COLUMNS)].reset_index(drop=True), sheets, left_out, made_by)


def check_unedited(folder: Path, *, but: Sequence[str] = ()) -> None:
    """Raises `StudyError` naming the tables of `folder`, except those in `but`, that were edited or removed.

    A folder without digests, or with a result without one, is refused as well.
    """
    if not (folder / DIGESTS).exists():
        raise StudyError(
            f"{folder}: expected {DIGESTS} beside the tables of a study, got no such file; restore it (git checkout), "
            "or python -m thinline study writes it with them"
        )
    digests = _digests(folder)
    written = (RESULTS, RESULTS_CSV, ENVIRONMENT)
    wrong = [f"{name} (no digest)" for name in written if name not in digests and (folder / name).exists()]
    for name, digest in ((name, digest) for name, digest in digests.items() if name not in but):
        path = folder / name
        current = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "no file"
        if current != digest:
            wrong.append(f"{name} (digest {digest[:12]} when written, {current[:12]} now)")
    if wrong:
        raise StudyError(
            f"{folder}: expected tables as they were written, got {'; '.join(wrong)}. Results are not edited by hand: "
            f"restore them (git checkout), or write them anew with python -m thinline study ({AT_RECALL}: at-recall)"
        )


def _digests(folder: Path) -> dict[str, str]:
    path = folder / DIGESTS
    try:
        return dict(json.loads(path.read_text())) if path.exists() else {}
    except ValueError as error:
        raise StudyError(f"{path}: expected digests as JSON, got {error}; restore the file (git checkout)") from error


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()
