"""Reads and writes the tables of a study's folder, `experiments/<study>/`, and detects edited tables by their digest.

    results.parquet    every number: run, cell, condition, grid, seed, the factors, split, sheet, measure, class, value,
                       support, signature; `sheet` is empty for a number of a whole split
    conditions.csv     one row a condition, to be read by people: levels of the factors, seeds, and of a few measures of
                       each curve the mean and standard deviation over seeds, 95 % interval and number of values, and
                       `detectable`, the smallest difference of two rows that these seeds can tell, equal in all rows
    choices.csv        of a study with a tuned factor: every level of it on the seeds of the choice
    environment.json   commit, versions, processor, dates and time of the runs
    at_recall.csv      the runs at one recall, written by `at-recall`; removed when the results change
    digests.json       sha256 of every table

    ../perturbed_truth.csv   scores of the truth of the published test sheets, moved along the normal of the curves:
                       budget, resolution, seed, split, measure, class, value, support, signature. Studies that are
                       older than these scores read it; `thinline publish --perturbed-truth` writes it

Whole splits have every metric of the runs, single sheets those from which effects are estimated (`SHEET_MEASURES`).
Folders of earlier versions have a results.csv, a part of results.parquet; writing the results anew removes it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from thinline.metrics.catalogue import metric
from thinline.study.claims.verdicts import INTEGERS
from thinline.study.design.results import CELL_COLUMNS, ROW_COLUMNS, SHEET_COLUMNS, Results
from thinline.study.design.study import SEED, Study, StudyError
from thinline.study.design.tuning import analysed
from thinline.study.stats.detectable import smallest_of
from thinline.study.stats.samples import AXES, samples
from thinline.system.atomic_files import write_bytes
from thinline.vocabulary import Float64

RESULTS: Final = "results.parquet"
CONDITIONS: Final = "conditions.csv"
ENVIRONMENT: Final = "environment.json"
DIGESTS: Final = "digests.json"
AT_RECALL: Final = "at_recall.csv"
CHOICES: Final = "choices.csv"
CELLS: Final = "effects/cells.csv"
VERDICTS: Final = "verdicts.csv"
PERTURBED_TRUTH: Final = "perturbed_truth.csv"

SHEET_MEASURES: Final = (*AXES, "area_ratio", "viterbi_swaps", "edge_follower_swaps")
"""The metrics of single sheets that are kept."""

HEADLINE: Final = ("test/iou", "test/precision", "test/recall")
"""The measures of conditions.csv, and the declared measures of the study after them."""

_EARLIER: Final = "results.csv"
_TEXTS: Final = ("split", "measure", "class", "signature")
_ROWS: Final = 2**20
"""Rows of a row group of results.parquet, which are in memory as texts."""


def tidy(results: Results) -> pd.DataFrame:
    """All numbers of `results` in one table, whole splits first, cells in their order; see the module for columns.

    The columns of texts are categories: as texts, those of 1,200 cells would take a GiB.
    """
    position = {run: number for number, run in enumerate(results.cells["run"])}
    parts, positions = [], []
    for rows in (results.rows, results.sheets):
        cell = rows["run"].map(position).to_numpy(np.int64)
        order = np.argsort(cell, kind="stable")
        parts.append(rows.drop(columns="run").iloc[order])
        positions.append(cell[order])
    for name in _TEXTS:
        texts = sorted({str(text) for part in parts for text in part[name].unique()})
        parts = [part.assign(**{name: pd.Categorical(part[name], categories=texts)}) for part in parts]
    numbers = pd.concat(parts, ignore_index=True)
    numbers["sheet"] = numbers["sheet"].astype("Int64")  # whole splits have none
    factors = list(results.factors)
    front = results.cells[[*CELL_COLUMNS[:3], "grid", "seed", *factors]]
    front = front.astype(dict.fromkeys((*CELL_COLUMNS[:3], *factors), "category"))
    front = front.iloc[np.concatenate(positions)].reset_index(drop=True)
    return pd.concat([front, numbers[["split", "sheet", "measure", "class", "value", "support", "signature"]]], axis=1)


def conditions_csv(results: Results, cells: pd.DataFrame) -> bytes:
    """The content of conditions.csv; `cells` is the table of that name of the effects.

    Numbers have two digits more than the catalogue shows. A measure that a condition lacks has an empty mean and n 0.
    """
    seeds = results.cells.groupby("condition")["seed"].nunique()
    table = results.conditions.assign(seeds=seeds).reset_index()
    for split, _, measure in (key.partition("/") for key in dict.fromkeys([*HEADLINE, *results.study.primary])):
        for name in results.classes:
            own = cells[(cells["split"] == split) & (cells["measure"] == measure) & (cells["class"] == name)]
            if own.empty:
                continue
            own = own.set_index("condition").reindex(table["condition"])
            columns = {each: own[each].to_numpy(np.float64) for each in ("mean", "low", "high")}
            columns["sd"] = _deviations(samples(results, measure, name, split=split).values)
            head = f"{measure if split == 'test' else f'{split} {measure}'} {name}"
            for each in ("mean", "sd", "low", "high"):
                table[f"{head} {each}"] = columns[each].round(metric(measure).digits + 2)
            table[f"{head} n"] = own["seeds"].fillna(0).to_numpy(np.int64)
            smallest = smallest_of(results, measure, name, split=split)
            table[f"{head} detectable"] = round(smallest, metric(measure).digits + 2)
    return _csv(table)


def _deviations(values: Float64) -> Float64:
    """The standard deviation over seeds of `values` [A,S]; NaN with fewer than two."""
    known = np.isfinite(values)
    count = known.sum(1)
    means = np.where(known, values, 0.0).sum(1) / np.maximum(count, 1)
    squares = np.where(known, values - means[:, None], 0.0) ** 2
    return np.sqrt(np.where(count > 1, squares.sum(1) / np.maximum(count - 1, 1), np.nan))


def results_parquet(results: Results) -> bytes:
    """The content of results.parquet.

    The values are stored byte by byte of their place in a float64 (`BYTE_STREAM_SPLIT`), which compresses to 15 % less;
    all other columns repeat and are stored as numbers of a dictionary.
    """
    table, out = tidy(results), io.BytesIO()
    texts = {name: "str" for name in table.columns if table[name].dtype == "category"}
    first = pa.Table.from_pandas(table.iloc[:1].astype(texts), preserve_index=False)
    writer = pa.parquet.ParquetWriter(
        out,
        first.schema,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in table.columns if name != "value"],
        use_byte_stream_split=["value"],
    )
    with writer:
        for start in range(0, len(table), _ROWS):
            part = table.iloc[start : start + _ROWS].astype(texts)
            writer.write_table(pa.Table.from_pandas(part, first.schema, preserve_index=False))
    return out.getvalue()


def write_results(folder: Path, results: Results) -> None:
    """Write results.parquet and environment.json with their digests, each file whole or not at all.

    An at_recall.csv of other results is removed, and the results.csv of an earlier version.
    """
    content = results_parquet(results)
    if not _same_table(folder / RESULTS, content):
        (folder / AT_RECALL).unlink(missing_ok=True)
    (folder / _EARLIER).unlink(missing_ok=True)
    environment = json.dumps(dict(results.made_by) | {"left_out": list(results.left_out)}, indent=2) + "\n"
    tables = {RESULTS: content, ENVIRONMENT: environment.encode()}
    if results.choices is not None:
        tables[CHOICES] = results.choices.to_csv(index=False, float_format="%.10g").encode()
    write_tables(folder, tables)


def _same_table(path: Path, content: bytes) -> bool:
    """Whether the parquet file `path` is there and has the table of `content`, however either is compressed."""
    if not path.exists():
        return False
    old = path.read_bytes()
    if old == content:
        return True
    names = [pa.parquet.ParquetFile(io.BytesIO(each)).schema_arrow.names for each in (old, content)]
    # a column at a time: the whole tables of 1,200 cells take a GiB each
    return names[0] == names[1] and all(
        pd.read_parquet(io.BytesIO(old), columns=[name]).equals(pd.read_parquet(io.BytesIO(content), columns=[name]))
        for name in names[0]
    )


def write_tables(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` by name, and add their digests to those of the folder."""
    for name, content in files.items():
        write_bytes(folder / name, content)
    digests = _digests(folder) | {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    existing = {name: digest for name, digest in sorted(digests.items()) if (folder / name).exists()}
    write_bytes(folder / DIGESTS, (json.dumps(existing, indent=2) + "\n").encode())


def read_results(folder: Path, study: Study, *, but: Sequence[str] = ()) -> Results:
    """The results that `write_results` wrote for `study`, or for what is analysed of it (study/design/tuning.py).

    Raises `StudyError` for an edited table of the folder, except those in `but`, which the caller will write.
    """
    check_unedited(folder, but=but)
    study = analysed(study)
    path, choices = folder / RESULTS, folder / CHOICES
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
    rows = table.loc[whole, list(ROW_COLUMNS)].reset_index(drop=True)
    chosen_by = pd.read_csv(choices, dtype=dict.fromkeys(factors, str)) if choices.exists() else None
    beside = rows_beside(folder.parent / PERTURBED_TRUTH, cells, rows)
    return Results(study, cells, rows, sheets, left_out, made_by, beside=beside, choices=chosen_by)


def rows_beside(path: Path, cells: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table `path` that `rows` lacks, for each run that was scored on test sheets of the table.

    There are none without such a file. The sheets are known by the seed and the number of true pixels of each class.
    """
    if not path.exists():
        return rows.iloc[:0]
    table = pd.read_csv(path)
    table = table[~table["split"].isin(rows["split"].unique())]
    of_sheets = {
        _sheets_key(own["seed"].iloc[0], own[(own["measure"] == "iou") & (own["split"] == own["split"].iloc[0])]): own
        for _, own in table.groupby(["budget", "resolution", "seed"])
    }
    seeds = cells.set_index("run")["seed"]
    scored = rows[(rows["split"] == "test") & (rows["measure"] == "iou")].groupby("run", observed=True)
    keys = {run: _sheets_key(seeds[run], own) for run, own in scored}
    parts = [of_sheets[key].assign(run=run) for run, key in keys.items() if key in of_sheets]
    return pd.concat([rows.iloc[:0], *parts], ignore_index=True)[list(ROW_COLUMNS)]


def _sheets_key(seed: int, rows: pd.DataFrame) -> tuple[int, frozenset[tuple[str, int]]]:
    """The seed, and the true pixels of each class in the `rows` of one measure."""
    return int(seed), frozenset(zip(rows["class"].astype(str), rows["support"].astype(int), strict=True))


def read_cells(folder: Path) -> pd.DataFrame:
    """The means of all conditions that a study's folder has, as its effects have them. Raises `StudyError`."""
    return pd.read_csv(_written(folder / CELLS, "the means of the conditions"))


def read_verdicts(folder: Path) -> pd.DataFrame:
    """The verdicts that a study's folder has, with the types of `claims.verdicts.table`. Raises `StudyError`."""
    rows = pd.read_csv(_written(folder / VERDICTS, "the verdicts of the study"), dtype=INTEGERS)
    return rows.fillna({name: "" for name in rows if pd.api.types.is_string_dtype(rows[name])})


def _written(path: Path, content: str) -> Path:
    if not path.exists():
        raise StudyError(f"{path}: expected {content}, got no such file; thinline study writes it")
    return path


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
    written = (RESULTS, CONDITIONS, ENVIRONMENT)
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
