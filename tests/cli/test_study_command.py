"""`thinline study` and `thinline reproduce` on a tiny trained study."""

import argparse
import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import cv2
import pandas as pd
import pytest
from hydra.core.global_hydra import GlobalHydra
from rich.console import Console
from run_cases import EXPERIMENT, copied
from tiny_study import CELLS, CONDITIONS, DECLARED_CELLS, SEEDS, STUDY, budget, study_options

import train
from thinline import runs
from thinline.cli import reproduce
from thinline.cli import study as study_command
from thinline.cli.main import main
from thinline.study.figures.sheets import best_run, wanted_sheets
from thinline.study.publish.folder import read_results
from thinline.sweep.study_results import declared, gather


def test_the_folder_has_all_of_a_study(published):
    names = {str(path.relative_to(published)) for path in published.rglob("*") if path.is_file()}
    assert {"results.parquet", "conditions.csv", "effects.csv", "verdicts.csv", "findings.csv"} <= names
    assert {"environment.json", "digests.json", "report.html", "figures/frontier.png", "effects/cells.csv"} <= names
    environment = json.loads((published / "environment.json").read_text())
    assert len(environment["left_out"]) == DECLARED_CELLS - CELLS
    assert "budget=smoke" in environment["setting"]
    assert environment["threads a cell"] == "1"


def test_results_are_those_of_the_runs(published, trained):
    results = read_results(published, declared(STUDY))
    assert len(results.cells) == CELLS
    rows = runs.read(trained, STUDY, runs=list(results.cells["run"]))
    values = results.rows.set_index(["run", "split", "measure", "class"])["value"]
    expected = rows.set_index(["run", "split", "measure", "class"])["value"].reindex(values.index)
    pd.testing.assert_series_equal(values, expected)
    assert len(values) == len(rows)


def test_an_unfinished_study_is_refused_by_the_names_of_its_cells(trained, tmp_path, capsys):
    assert main([*study_options(trained), "--out", str(tmp_path)]) == 1
    text = capsys.readouterr().out
    assert f"expected {5 * CELLS // len(SEEDS)} finished cells, got {CELLS + 1}" in text
    assert "scarce/soft_ce/s2 (not run)" in text
    assert not list(tmp_path.iterdir())


def test_a_study_without_cells_says_what_runs_it(tmp_path, capsys):
    assert main(["study", STUDY, "--store", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 1
    assert "python train.py -m +experiment=data_mix" in capsys.readouterr().out


def test_edited_results_are_named(published, tmp_path, capsys):
    copy = tmp_path / STUDY
    shutil.copytree(published, copy)
    assert main(["study", STUDY, "--out", str(copy), "--check"]) == 0
    (copy / "effects.csv").write_text((copy / "effects.csv").read_text() + "\n")
    assert main(["study", STUDY, "--out", str(copy), "--check"]) == 1
    assert "effects.csv (digest" in capsys.readouterr().out
    assert main(["study", STUDY, "--out", str(copy), "--published"]) == 1


def test_published_results_are_analysed_to_the_same_tables(published, tmp_path, monkeypatch):
    monkeypatch.setattr("thinline.study.publish.write.all_figures", lambda *_, **__: ({}, {}))  # no figure for tables
    copy = tmp_path / STUDY
    shutil.copytree(published, copy)
    for name in ("effects.csv", "verdicts.csv"):
        (copy / name).unlink()
    digests = json.loads((copy / "digests.json").read_text())
    kept = {name: digest for name, digest in digests.items() if (copy / name).exists()}
    (copy / "digests.json").write_text(json.dumps(kept))
    assert main(["study", STUDY, "--out", str(copy), "--published"]) == 0
    for name in ("effects.csv", "verdicts.csv", "effects/pairs.csv", "conditions.csv"):
        assert (copy / name).read_bytes() == (published / name).read_bytes(), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["study", "four_family"], "one of data_mix"),
        (["study", STUDY, "--only", "smoke"], "must be FACTOR=LEVEL"),
        (["study", STUDY, "--claims", "nowhere.yaml"], "nowhere.yaml"),
        (["reproduce", "nowhere/data_mix"], "no such file"),
    ],
)
def test_invalid_options_are_refused(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(options) == 1
    assert message in " ".join(capsys.readouterr().out.split())


@pytest.mark.usefixtures("log_handlers")
def test_a_published_cell_is_reproduced_to_the_digit(published, tmp_path, cache, monkeypatch, capfd):
    """By the command line of train.py, run in this process because another one imports torch."""

    def run_here(command, *, check):
        assert command[:2] == [sys.executable, train.__file__]
        monkeypatch.setattr(sys, "argv", command[1:])
        GlobalHydra.instance().clear()
        train.main()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(reproduce, "subprocess", SimpleNamespace(run=run_here))
    command = ["reproduce", str(published), "--cells", "1", "--store", str(tmp_path / "again")]
    assert main([*command, "--set", f"paths.cache={cache}", "trainer.precision=fp32", "tracking.uri="]) == 0
    text = capfd.readouterr().out
    assert "4 numbers of 1 cells: 4 are equal to the last digit" in text


def test_without_an_interval_a_different_number_is_no_error(published, monkeypatch, capsys):
    results = read_results(published, declared(STUDY))

    def moved(study, results, row, options):
        table = results.rows[results.rows["run"] == row["run"]]
        return table.assign(value=table["value"] + 0.9)

    monkeypatch.setattr(reproduce, "_trained", moved)
    code = main(["reproduce", str(published), "--cells", "2"])
    text = capsys.readouterr().out
    assert len(results.seeds) == len(SEEDS) == 2, "one other run of the condition gives no interval"
    assert code == 0
    assert "0 are equal to the last digit; of 0 with a prediction interval 0 differ" in text


def test_the_report_is_attached_to_the_study_in_mlflow(prepared, tmp_path):
    from thinline.tracking.tracker import Tracker  # imports MLflow

    mlflow_store = copied(prepared, tmp_path / "store")
    parent = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root).open_parent("sweep", {"study": STUDY})
    options = argparse.Namespace(store=mlflow_store.root, uri="", experiment=EXPERIMENT, out=None)
    report = tmp_path / "report.html"
    for content, words in ((None, "not in MLflow: expected files"), ("x", f"parent run {parent}, folder report")):
        if content:
            report.write_text(content)
        with (console := Console(width=300)).capture() as capture:
            study_command._attach(declared(STUDY), [report], options, console)
        assert words in capture.get()
    attached = tmp_path / "store/artifacts" / parent / "artifacts/report/report.html"
    assert attached.read_text() == "x"
    report.write_text("of a part")
    options.out = tmp_path
    study_command._attach(declared(STUDY), [report], options, Console())
    assert attached.read_text() == "x", "an analysis in another folder replaces no report in MLflow"


def test_gathering_twice_gives_the_same_rows(trained):
    study = declared(STUDY)
    only = {"budget": [budget(trained)], "data_mix": CONDITIONS["data_mix"]}
    first, second = (gather(study, trained, only=only, partial=True) for _ in range(2))
    pd.testing.assert_frame_equal(first.rows, second.rows)


def test_the_sheets_of_the_report_are_the_best_median_and_worst_of_all(published, trained):
    """Predicted again by the network, they equal the pictures of the run up to one pixel in a thousand."""
    results = read_results(published, declared(STUDY))
    run = best_run(results, pd.read_csv(published / "effects" / "cells.csv"))
    wanted = wanted_sheets(results, run)
    assert len(wanted) == 3
    options = argparse.Namespace(store=trained)
    (path,) = (trained / "runs" / run / "overlays").glob("*.png")
    drawn = int(path.stem.removeprefix("test_"))
    pictures = study_command._overlays(run, [drawn, *wanted], options=options, console=Console(quiet=True))
    assert list(pictures) == list(dict.fromkeys([drawn, *wanted]))
    own = cv2.imread(str(path))[..., ::-1]
    assert own.shape == pictures[drawn].shape
    assert (own != pictures[drawn]).any(-1).mean() < 0.001


def test_without_its_sheets_or_network_the_pictures_of_the_run_are_used(published, trained, tmp_path, capsys):
    results = read_results(published, declared(STUDY))
    run = best_run(results, pd.read_csv(published / "effects" / "cells.csv"))
    store = tmp_path / "store"
    shutil.copytree(trained / "runs" / run, store / "runs" / run)
    manifest = store / "runs" / run / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"dataset_digest": "0" * 16}))
    options = argparse.Namespace(store=store)
    (stored,) = (int(path.stem.removeprefix("test_")) for path in (store / "runs" / run / "overlays").glob("*.png"))
    for message in ("drawn differently today", ""):
        pictures = study_command._overlays(
            run, [sheet for sheet in range(3) if sheet != stored], options=options, console=Console(markup=False)
        )
        assert list(pictures) == [stored], "overlays=1 stores one"
        text = " ".join(capsys.readouterr().out.split())
        assert message in text
        assert bool(message) == bool(text), "a store without checkpoints needs no message"
        shutil.rmtree(store / "runs" / run / "checkpoints", ignore_errors=True)
