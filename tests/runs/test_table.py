from pathlib import Path

import pandas as pd
import pytest
from many_runs import copy_runs
from run_cases import begun, cell, finished, per_class, per_sheet

from thinline.pipeline import locate
from thinline.pipeline.locate import SKIPPED, done_before
from thinline.runs import CLASS_COLUMNS, SHEET_COLUMNS, RunFolder, StorageError, read, read_runs, read_sheets, status
from thinline.runs import table as tables
from thinline.runs.table import curve_iou


@pytest.fixture
def opened(monkeypatch):
    """The names of the manifests and tables that are opened, in their order."""
    names = []
    read_text, parquet = Path.read_text, tables.pa.parquet.ParquetFile

    def text(path, *arguments, **options):
        names.append(path.name)
        return read_text(path, *arguments, **options)

    def table(path):
        names.append(path.name)
        return parquet(path)

    monkeypatch.setattr(Path, "read_text", text)
    monkeypatch.setattr(tables.pa.parquet, "ParquetFile", table)
    return names


@pytest.mark.parametrize("count", [2, 6])
def test_each_file_is_opened_once_and_no_file_of_other_runs(tmp_path, opened, monkeypatch, count):
    """Else the time of a sweep would grow with the square of its runs."""
    copy_runs(finished(tmp_path / "one"), tmp_path / "many", count)
    store, name = tmp_path / "many", sorted(path.name for path in (tmp_path / "many" / "runs").iterdir())[0]
    monkeypatch.setattr(locate, "signatures", lambda: ("iou|v:1",))

    def names_after(job):
        opened.clear()
        assert job() is not None
        return sorted(opened)

    both = ["manifest.json"] * count + ["per_class.parquet"] * count
    assert names_after(lambda: read_runs(store)) == both
    assert names_after(lambda: status(store)) == ["manifest.json"] * count
    assert names_after(lambda: read(store, runs=[name])) == ["manifest.json", "per_class.parquet"]
    assert names_after(lambda: curve_iou(store / "runs" / name)) == ["per_class.parquet"]
    folder = RunFolder.open(store / "runs" / name)
    outcome = done_before(folder, force=False, retry=False, study=None)
    assert outcome.status == SKIPPED
    assert names_after(lambda: done_before(folder, force=False, retry=False, study=None)) == ["manifest.json"]


def test_the_numbers_are_those_of_the_files_and_texts_are_sorted_categories(tmp_path):
    folders = [finished(tmp_path, cell("tversky", 1), value=0.75), finished(tmp_path, cell("dice", 0), value=0.5)]
    for rows, file, columns in (
        (read(tmp_path), "per_class.parquet", CLASS_COLUMNS),
        (read_sheets(tmp_path), "per_sheet.parquet", SHEET_COLUMNS),
    ):
        for folder in folders:
            own = rows[rows["run"] == folder.name][list(columns)].reset_index(drop=True)
            own = own.astype({name: "str" for name in columns if own[name].dtype == "category"})
            pd.testing.assert_frame_equal(own, pd.read_parquet(folder.path / file)[list(columns)])
        for name in ("run", "loss", "split", "measure", "class", "signature"):
            assert list(rows[name].cat.categories) == sorted(set(rows[name]))


def test_sheets_of_one_split_and_of_some_measures(tmp_path):
    finished(tmp_path)
    rows = read_sheets(tmp_path, measures={"iou", "none"}, split="test")
    expected = per_sheet().query("measure == 'iou' and split == 'test'")
    assert list(rows["sheet"]) == list(expected["sheet"])
    assert set(rows["measure"]) == {"iou"}


def test_rows_carry_run_seed_and_levels_beside_every_number(tmp_path):
    first = finished(tmp_path, cell("dice", 0, head="softmax"), value=0.5)
    second = finished(tmp_path, cell("tversky", 1, head="binary"), value=0.75)
    rows = read(tmp_path)
    assert list(rows.columns) == [
        *("run", "seed", "loss", "head"),
        *("split", "measure", "class", "value", "support", "signature"),
    ]
    assert len(rows) == 2 * len(per_class())
    row = rows[(rows.run == second.name) & (rows["class"] == "curve_1") & (rows.measure == "iou")].iloc[0]
    assert (row.seed, row.loss, row["head"], row.value, row.support) == (1, "tversky", "binary", 0.75, 120)
    absent = rows[(rows.run == first.name) & (rows["class"] == "curve_2")].iloc[0]
    assert pd.isna(absent.value)
    assert absent.support == 0


def test_the_runs_of_the_python_api_take_a_path_as_text_and_refuse_what_is_no_store(tmp_path):
    finished(tmp_path, cell(seed=0), study="three_family")
    finished(tmp_path, cell(seed=1))
    pd.testing.assert_frame_equal(read_runs(str(tmp_path)), read(tmp_path))
    assert set(read_runs(tmp_path, "three_family")["seed"]) == {0}
    with pytest.raises(StorageError, match=r"expected a store of runs at .*typo, got no such folder"):
        read_runs(str(tmp_path / "typo"))


def test_sheets_have_one_row_more_per_sheet(tmp_path):
    finished(tmp_path)
    rows = read_sheets(tmp_path)
    assert set(rows.sheet) == {"archive-0", "archive-1"}
    assert len(rows) == 2 * len(per_class())


def test_only_finished_runs_of_the_study_are_read(tmp_path):
    kept = finished(tmp_path, cell(seed=0), study="three_family")
    finished(tmp_path, cell(seed=1), study="other")
    finished(tmp_path, cell(seed=2))
    begun(tmp_path, cell(seed=3), study="three_family").finish("FAILED", ValueError("x"))
    assert set(read(tmp_path, "three_family").run) == {kept.name}
    assert read(tmp_path).run.nunique() == 3
    assert read(tmp_path, "nobody's").empty


def test_a_run_without_a_factor_of_other_runs_has_a_missing_value(tmp_path):
    finished(tmp_path, cell(seed=0, head="softmax"))
    finished(tmp_path, cell(seed=1))
    rows = read(tmp_path)
    assert rows.groupby("seed")["head"].first().isna().tolist() == [False, True]


def test_an_empty_store_gives_empty_tables_with_their_columns(tmp_path):
    assert list(read(tmp_path).columns)[:3] == ["run", "seed", "split"]
    assert read(tmp_path).empty
    assert "exception" in status(tmp_path).columns
    assert status(tmp_path).empty


def test_two_signatures_of_one_measure_are_refused_with_measure_signatures_and_runs(tmp_path):
    old = finished(tmp_path, cell(seed=0), signature="iou|v:1", study="old")
    new = finished(tmp_path, cell(seed=1), signature="iou|v:2")
    with pytest.raises(StorageError) as caught:
        read(tmp_path)
    for word in ("measure 'iou'", "iou|v:1", "iou|v:2", old.name, new.name, "force=true"):
        assert word in str(caught.value)
    assert len(read(tmp_path, "old")) == len(per_class())
    assert set(read(tmp_path, runs=[new.name])["run"]) == {new.name}  # the older run is not read


def test_a_factor_named_like_a_column_is_refused(tmp_path):
    finished(tmp_path, cell(measure="x"))
    with pytest.raises(StorageError, match="got measure; rename that group"):
        read(tmp_path)


@pytest.mark.parametrize("damage", ["gone", "cut", "other columns"])
def test_a_finished_run_without_its_table_is_reported(tmp_path, damage):
    folder = finished(tmp_path)
    path = folder.path / "per_class.parquet"
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    else:
        per_class().drop(columns="support").to_parquet(path)
    with pytest.raises(StorageError, match=rf"{folder.name}/per_class\.parquet: expected a table.*force=true"):
        read(tmp_path)


def test_status_lists_all_runs_and_what_went_wrong(tmp_path):
    finished(tmp_path, cell(seed=0))
    failed = begun(tmp_path, cell("lovasz", 1))
    failed.finish("FAILED", RuntimeError("loss is NaN at step 12"))
    alive = begun(tmp_path, cell(seed=2))
    dead = begun(tmp_path, cell(seed=3))
    dead.unlock()
    table = status(tmp_path).set_index("seed")
    assert table.status.to_dict() == {0: "FINISHED", 1: "FAILED", 2: "RUNNING", 3: "KILLED"}
    assert table.exception[1] == "RuntimeError: loss is NaN at step 12"
    assert (table.loss[1], table.folder[1]) == ("lovasz", str(failed.path))
    alive.unlock()
