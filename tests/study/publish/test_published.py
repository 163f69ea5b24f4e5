"""A study's folder: what is written is what is read, and an edited table is named."""

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from claim_cases import RECALL, claim_node, claims_of
from scipy import stats
from study_cases import THREE, planted

from thinline.study.claims.verdicts import table, verdicts_of
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.publish.folder import (
    check_unedited,
    conditions_csv,
    read_results,
    read_verdicts,
    results_parquet,
    tidy,
    write_results,
    write_tables,
)
from thinline.study.stats.effects import effects


@pytest.fixture(scope="module")
def results():
    drawn = planted(sheets=3)
    return Results(drawn.study, drawn.cells, drawn.rows, drawn.sheets, ("a/b/s1 (not run)",), {"git_commit": "abc"})


def test_written_results_are_read_back_equal(results, tmp_path):
    write_results(tmp_path, results)
    again = read_results(tmp_path, THREE)
    for name in ("cells", "rows", "sheets"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(results, name), check_dtype=False)
    assert (again.left_out, dict(again.made_by)) == (results.left_out, {"git_commit": "abc"})


def beside(results, path, *, seeds, splits=("oracle_shift_normal",)):
    """Write a table of perturbed truth for the test sheets of `seeds`; the value is a hundredth of the seed."""
    scored = results.rows[(results.rows["split"] == "test") & (results.rows["measure"] == "iou")]
    scored = scored.merge(results.cells[["run", "seed"]], on="run").drop_duplicates(["seed", "class"])
    scored = scored[scored["seed"].isin(seeds)].assign(budget="laptop", resolution="pen1", value=scored["seed"] / 100)
    pd.concat([scored.assign(split=split) for split in splits]).drop(columns="run").to_csv(path, index=False)


def test_rows_of_perturbed_truth_are_read_from_beside_the_folder_and_not_written(results, tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    write_results(folder, results)
    content = (folder / "results.parquet").read_bytes()
    assert read_results(folder, THREE).beside.empty
    beside(results, tmp_path / "perturbed_truth.csv", seeds=(1, 3))
    again = read_results(folder, THREE)
    pd.testing.assert_frame_equal(again.rows, results.rows, check_dtype=False)
    seeds = again.beside.merge(again.cells[["run", "seed"]], on="run")
    assert set(seeds["seed"]) == {1, 3}
    assert len(seeds) == 2 * 12 * 2  # seeds, conditions, curves
    assert (seeds["value"] == seeds["seed"] / 100).all()
    write_results(folder, again)
    assert (folder / "results.parquet").read_bytes() == content


def test_rows_beside_are_of_sheets_with_as_many_true_pixels_and_of_splits_that_are_lacking(results, tmp_path):
    folder, path = tmp_path / "study", tmp_path / "perturbed_truth.csv"
    folder.mkdir()
    write_results(folder, results)
    beside(results, path, seeds=(1,), splits=("oracle_shift_normal", "tuned"))
    assert set(read_results(folder, THREE).beside["split"]) == {"oracle_shift_normal"}
    table = pd.read_csv(path)
    table.assign(support=table["support"] + (table["class"] == "curve_2")).to_csv(path, index=False)
    assert read_results(folder, THREE).beside.empty


def in_texts(table):
    """The table with texts in place of categories."""
    return table.astype({name: "str" for name in table.columns if table[name].dtype == "category"})


def test_the_tidy_table_has_every_number_with_all_that_names_it(results):
    table = tidy(results)
    assert len(table) == len(results.rows) + len(results.sheets)
    one = table[(table["condition"] == "measured/dice/fresh") & (table["seed"] == 3) & (table["sheet"] == 2)]
    one = one[(one["measure"] == "iou") & (one["class"] == "curve_2")].iloc[0]
    assert (one["class_weight"], one["loss"], one["data_mix"]) == ("measured", "dice", "fresh")
    run = results.cells.loc[results.cells["cell"] == "measured/dice/fresh/s3", "run"].item()
    result = results.sheets[(results.sheets["run"] == run) & (results.sheets["sheet"] == 2)]
    result = result[(result["measure"] == "iou") & (result["class"] == "curve_2")]
    assert one["value"] == result["value"].item()
    assert not table.drop(columns=["sheet"]).isna().any(axis=None)


def test_a_table_that_is_written_in_parts_is_the_whole_table(results, monkeypatch):
    whole = pd.read_parquet(io.BytesIO(results_parquet(results)))
    monkeypatch.setattr("thinline.study.publish.folder._ROWS", 1000)
    content = io.BytesIO(results_parquet(results))
    pd.testing.assert_frame_equal(pd.read_parquet(content), whole)
    assert pq.ParquetFile(content).num_row_groups == -(-len(whole) // 1000) > 2


def test_compression_changes_no_bit(results):
    """Against pandas' own file: NaN, signs and the last bit of every value, and the types of the other columns."""
    values = [np.nan, -0.0, 0.1 + 0.2, np.nextafter(1.0, 0.0), 5e-324, np.inf]
    rows = results.rows.assign(value=np.resize(values, len(results.rows)))
    own = replace(results, rows=rows)
    plain = io.BytesIO()
    in_texts(tidy(own)).to_parquet(plain, index=False)
    table = pd.read_parquet(io.BytesIO(results_parquet(own)))
    expected = pd.read_parquet(plain)
    assert table["value"].to_numpy().view(np.int64).tolist() == expected["value"].to_numpy().view(np.int64).tolist()
    pd.testing.assert_frame_equal(table, expected, check_exact=True)
    assert len(results_parquet(own)) < len(plain.getvalue())


def test_conditions_have_the_mean_and_spread_of_their_seeds(results):
    """Against the rows of whole splits: a condition a row, `n` seeds, Student's interval around the mean."""
    table = pd.read_csv(io.BytesIO(conditions_csv(results, effects(results).cells))).set_index("condition")
    assert list(table.index) == list(results.conditions.index)
    assert (table["seeds"] == 5).all()
    rows = results.rows[(results.rows["split"] == "test") & (results.rows["measure"] == "iou")]
    values = rows.merge(results.cells, on="run").groupby(["condition", "class"])["value"]
    for (condition, name), own in values:
        row = {each: table.loc[condition, f"iou {name} {each}"] for each in ("mean", "sd", "low", "high", "n")}
        assert (row["mean"], row["sd"]) == pytest.approx((own.mean(), own.std(ddof=1)), abs=1e-5)
        half = stats.t.ppf(0.975, 4) * own.std(ddof=1) / np.sqrt(5)
        assert (row["low"], row["high"]) == pytest.approx((own.mean() - half, own.mean() + half), abs=2e-5)
        assert row["n"] == 5
    assert {"precision curve_1 mean", "recall curve_2 sd"} <= set(table)


def test_a_condition_without_a_measure_has_an_empty_mean(results):
    cells = effects(results).cells
    lacking = (cells["condition"] == "none/dice/fresh") & (cells["measure"] == "iou") & (cells["class"] == "curve_1")
    table = pd.read_csv(io.BytesIO(conditions_csv(results, cells[~lacking]))).set_index("condition")
    assert np.isnan(table.loc["none/dice/fresh", "iou curve_1 mean"])
    assert table.loc["none/dice/fresh", "iou curve_1 n"] == 0
    assert table["iou curve_1 mean"].isna().sum() == 1


def test_cells_keep_their_order_whatever_that_of_the_numbers(results, tmp_path):
    """Runs are read by name; cells once came back in that order, and the tables differed."""
    mixed = replace(results, rows=results.rows.iloc[::-1].reset_index(drop=True))
    write_results(tmp_path, mixed)
    again = read_results(tmp_path, THREE)
    assert list(again.cells["run"]) == list(results.cells["run"])
    assert (tmp_path / "results.parquet").read_bytes() == results_parquet(again)


def test_a_table_that_is_only_compressed_anew_keeps_the_tables_made_from_it(results, tmp_path):
    """at_recall.csv is of the numbers, not of the bytes of results.parquet."""
    write_results(tmp_path, results)
    in_texts(tidy(results)).to_parquet(tmp_path / "results.parquet", index=False, compression="gzip")
    write_tables(tmp_path, {"at_recall.csv": b"a\n1\n"})
    (tmp_path / "results.csv").write_text("of an earlier version")
    write_results(tmp_path, results)
    assert (tmp_path / "at_recall.csv").exists()
    assert not (tmp_path / "results.csv").exists()
    write_results(tmp_path, replace(results, rows=results.rows.assign(value=0.5)))
    assert not (tmp_path / "at_recall.csv").exists()


def test_an_edited_or_lost_table_is_named_with_both_digests(results, tmp_path):
    write_results(tmp_path, results)
    write_tables(tmp_path, {"conditions.csv": b"mean\n0.6\n"})
    path = tmp_path / "conditions.csv"
    text = path.read_text()
    path.write_text(text.replace("0.6", "0.7", 1))
    with pytest.raises(StudyError, match=r"conditions.csv \(digest \w{12} when written, \w{12} now\)"):
        read_results(tmp_path, THREE)
    path.write_text(text)
    assert len(read_results(tmp_path, THREE).cells) == 60
    path.unlink()
    with pytest.raises(StudyError, match=r"conditions.csv .*no file"):
        read_results(tmp_path, THREE)


def test_other_tables_keep_their_digests(results, tmp_path):
    write_results(tmp_path, results)
    write_tables(tmp_path, {"effects.csv": b"a\n1\n"})
    digests = json.loads((tmp_path / "digests.json").read_text())
    assert set(digests) == {"effects.csv", "environment.json", "results.parquet"}
    (tmp_path / "effects.csv").write_bytes(b"a\n2\n")
    with pytest.raises(StudyError, match=r"effects.csv \(digest"):
        read_results(tmp_path, THREE)


def test_a_folder_without_results_says_what_writes_them(tmp_path):
    with pytest.raises(StudyError, match="python -m thinline study writes it"):
        read_results(tmp_path, THREE)


def test_a_folder_without_digests_is_not_called_unedited(results, tmp_path):
    with pytest.raises(StudyError, match=r"expected digests.json.*python -m thinline study"):
        check_unedited(tmp_path)
    write_results(tmp_path, results)
    (tmp_path / "digests.json").unlink()
    with pytest.raises(StudyError, match=r"expected digests.json.*git checkout"):
        read_results(tmp_path, THREE)


def test_a_table_that_was_put_beside_the_others_is_named(results, tmp_path):
    write_results(tmp_path, results)
    result = json.loads((tmp_path / "digests.json").read_text())
    del result["results.parquet"]
    (tmp_path / "digests.json").write_text(json.dumps(result))
    with pytest.raises(StudyError, match=r"results.parquet \(no digest"):
        read_results(tmp_path, THREE)


def test_digests_that_are_no_json_are_named(results, tmp_path):
    write_results(tmp_path, results)
    (tmp_path / "digests.json").write_text("{")
    with pytest.raises(StudyError, match="expected digests as JSON"):
        read_results(tmp_path, THREE)


def test_verdicts_are_read_back_with_their_types(results, tmp_path):
    claims = claims_of(tmp_path, claim_node(RECALL | {"expect": "up"}), claim_node(id="two", untestable="an identity"))
    verdicts = table(verdicts_of(claims, results, draws=0))
    with pytest.raises(StudyError, match=r"verdicts\.csv.*thinline study writes it"):
        read_verdicts(tmp_path)
    verdicts.to_csv(tmp_path / "verdicts.csv", index=False)
    again = read_verdicts(tmp_path)
    columns = ["claim", "verdict", "holding", "findings", "measure", "study", "sentence"]
    pd.testing.assert_frame_equal(again[columns], verdicts[columns])
    assert again["measure"].tolist()[1] == ""
