"""A study's folder: what is written is what is read, and an edited table is named."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from study_cases import THREE, planted

from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.publish.folder import check_unedited, read_results, results_csv, tidy, write_results, write_tables


@pytest.fixture(scope="module")
def results():
    drawn = planted(sheets=3)
    return Results(drawn.study, drawn.cells, drawn.rows, drawn.sheets, ("a/b/s1 (not run)",), {"git_commit": "abc"})


def test_what_is_written_is_read_again(results, tmp_path):
    write_results(tmp_path, results)
    again = read_results(tmp_path, THREE)
    for name in ("cells", "rows", "sheets"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(results, name), check_dtype=False)
    assert (again.left_out, dict(again.made_by)) == (results.left_out, {"git_commit": "abc"})


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


def test_the_csv_holds_whole_splits_to_the_last_digit(results, tmp_path):
    write_results(tmp_path, results)
    table = pd.read_csv(tmp_path / "results.csv").set_index(["run", "split", "measure", "class"])["value"]
    result = results.rows.set_index(["run", "split", "measure", "class"])["value"]
    assert set(table.index) <= set(result.index)
    np.testing.assert_array_equal(table, result[table.index])
    assert {"iou", "viterbi_coverage"} <= set(table.index.get_level_values("measure"))


def test_cells_keep_their_order_whatever_that_of_the_numbers(results, tmp_path):
    """Runs are read by name; cells once came back in that order, and the csv differed."""
    mixed = replace(results, rows=results.rows.iloc[::-1].reset_index(drop=True))
    write_results(tmp_path, mixed)
    again = read_results(tmp_path, THREE)
    assert list(again.cells["run"]) == list(results.cells["run"])
    assert (tmp_path / "results.csv").read_bytes() == results_csv(again)


def test_an_edited_or_lost_table_is_named_with_both_digests(results, tmp_path):
    write_results(tmp_path, results)
    path = tmp_path / "results.csv"
    text = path.read_text()
    path.write_text(text.replace("0.6", "0.7", 1))
    with pytest.raises(StudyError, match=r"results.csv \(digest \w{12} when written, \w{12} now\)"):
        read_results(tmp_path, THREE)
    path.write_text(text)
    assert len(read_results(tmp_path, THREE).cells) == 60
    path.unlink()
    with pytest.raises(StudyError, match=r"results.csv .*no file"):
        read_results(tmp_path, THREE)


def test_other_tables_keep_their_digests(results, tmp_path):
    write_results(tmp_path, results)
    write_tables(tmp_path, {"effects.csv": b"a\n1\n"})
    digests = json.loads((tmp_path / "digests.json").read_text())
    assert set(digests) == {"effects.csv", "environment.json", "results.csv", "results.parquet"}
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
