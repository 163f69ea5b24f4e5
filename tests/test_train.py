"""The command line, in this process where that is the same, in a process of its own where it is not."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import train
from thinline import runs
from thinline.config.schema import CONF
from thinline.runs import FAILED, FINISHED, KILLED
from thinline.system.signals import Killed
from thinline.tracking.tracker import MlflowClient  # not from mlflow, whose import warns unless `tracking` quiets it

ROOT = Path(train.__file__).parent


def command(*arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        **options,
    )


def output(process: subprocess.Popen, seconds: float = 600) -> str:
    return process.communicate(timeout=seconds)[0]


def mlflow_runs(store: Path):
    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    experiment = client.get_experiment_by_name("thinline")
    return client.search_runs([experiment.experiment_id])


def cells_of_mlflow(store):
    """The runs of cells in MLflow: neither the parents nor the runs of conditions."""
    return [run for run in mlflow_runs(store) if "run_folder" in run.data.tags]


def test_help_lists_groups_and_options_quickly():
    began = time.monotonic()
    process = command("--help")
    text = output(process)
    assert process.returncode == 0
    for group in ("loss", "head", "experiment"):
        options = ", ".join(sorted(path.stem for path in (CONF / group).glob("*.yaml")))
        assert f"{group}: {options}" in text
    assert time.monotonic() - began < 20  # it imports neither torch nor Lightning nor MLflow


@pytest.mark.parametrize(
    ("argument", "named"), [("loss=nope", "tversky"), ("loss.nope=1", "nope"), ("budget.steps=many", "steps")]
)
def test_what_cannot_be_composed_is_refused_by_name(main, capsys, argument, named):
    assert main(argument) == 1
    printed = capsys.readouterr()
    assert named in printed.out + printed.err
    assert "Traceback" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["loss=dise"], "did you mean loss=dice?"),
        (["-m", "loss=dise,focal"], "did you mean loss=dice?"),
        (["-m", "loss=dice,focal", "optimizer=adamw"], "did you mean optimiser=adamw?"),
        (["budget.steps=many"], "budget.steps"),
        (["-m", "budget.batch_size=2,many"], "budget.batch_size"),
        (["loss=dice", "head=binary", "class_weight=fixed"], "cannot act on loss=dice with head=binary"),
        (["+loss.sharpness=1"], "sharpness"),
    ],
)
def test_an_error_of_configuration_makes_no_run(main, store, capsys, arguments, named):
    """Neither a folder nor a run of MLflow; of a sweep no parent run."""
    assert main(*arguments) == 1
    printed = capsys.readouterr()
    assert named in (printed.out + printed.err).replace("\n", " ")
    assert "Traceback" not in printed.out + printed.err
    assert runs.status(store).empty
    assert mlflow_runs(store) == []


def test_one_run_ends_with_tables_and_two_commands(main, store, capsys):
    assert main("loss=tversky") == 0
    text = capsys.readouterr().out
    assert all(f"{name}: unseen test sheets" in text for name in ("curve_1", "curve_2", "background"))
    assert "mlflow ui --backend-store-uri" in text
    assert "/overlays" in text
    (run,) = mlflow_runs(store)
    assert run.info.status == FINISHED
    rows = runs.read(store).query("split == 'test' and measure == 'iou'").set_index("class")["value"]
    assert run.data.metrics["test/iou/curve_1"] == rows["curve_1"]
    assert run.data.params["loss"] == run.data.tags["loss"] == "tversky"
    assert run.data.tags["git_dirty"] in ("true", "false")
    names = {item.path for item in MlflowClient(f"sqlite:///{store}/mlflow.db").list_artifacts(run.info.run_id)}
    assert {"config.yaml", "manifest.json", "per_class.parquet", "per_sheet.parquet", "overlays"} <= names
    assert main("loss=tversky") == 0
    again = capsys.readouterr().out
    assert re.search(r"^skipped: tversky-.* finished \d+ (s|min) ago .*; force=true runs it again$", again, re.M)
    assert "curve_1: unseen test sheets" in again


def test_a_sweep_with_a_failing_job_finishes_the_rest(main, store, capsys):
    assert main("-m", "loss=dice,soft_ce", "head=binary", "class_weight=none,fixed") == 1
    text = capsys.readouterr().out
    failures = [line for line in text.splitlines() if line.startswith("FAILED")]
    assert len(failures) == 1
    assert "loss=dice" in failures[0]
    assert "class_weight=fixed" in failures[0]
    assert "ValueError" in failures[0]
    assert sorted(runs.status(store)["status"]) == [FAILED, FINISHED, FINISHED, FINISHED]
    in_mlflow = mlflow_runs(store)
    (parent,) = [run for run in in_mlflow if "mlflow.parentRunId" not in run.data.tags]
    children = cells_of_mlflow(store)
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert parent.info.status == FAILED
    assert sorted(run.info.status for run in children) == [FAILED, FINISHED, FINISHED, FINISHED]
    assert {run.data.tags["run_folder"] for run in children} == set(runs.status(store)["run"])
    assert {run.info.run_name for run in children} == {
        f"{loss}-{weight}-s0" for loss in ("dice", "soft_ce") for weight in ("none", "fixed")
    }
    of_conditions = [run for run in in_mlflow if run.data.tags.get("kind") == "condition"]
    assert {run.info.run_name for run in of_conditions} == {"dice-none", "soft_ce-none", "soft_ce-fixed"}
    assert re.search(r"http://127.0.0.1:5000/#/experiments/\d+/runs\?.*viewStateShareKey=thinline-sweep\.", text)
    assert parent.info.run_name.startswith("loss=dice,soft_ce head=binary class_weight=none,fixed ")


def test_a_finished_sweep_over_one_weight_is_skipped_and_its_tables_are_printed_again(main, store, capsys):
    sweep = ("-m", "loss=soft_ce", "class_weight=fixed", "class_weight.value=5,42")
    assert main(*sweep) == 0
    first = capsys.readouterr().out
    levels = {"fixed(value=5)", "fixed"}
    assert set(runs.read(store)["class_weight"]) == levels
    assert {run.data.tags["class_weight"] for run in cells_of_mlflow(store)} == levels
    assert main(*sweep) == 0
    again = capsys.readouterr().out
    assert "2 of 2 cells were finished before" in again
    assert re.search(
        r"^skipped: 1/2 fixed\(value=5\) finished \d+ (s|min) ago \(.* UTC\); force=true runs it again$", again, re.M
    )
    assert re.search(r"^1/2 fixed\(value=5\)  step 3/6  \d:\d\d:\d\d elapsed, \d:\d\d:\d\d left  loss", first, re.M)
    children = cells_of_mlflow(store)
    for run in children:
        assert len(run.data.tags["study"].split(",")) == 2, "the sweep that skipped a cell counts it too"
    table = re.compile(r"^[ *]+(fixed|fixed\(value=5\))  .*$", re.MULTILINE)
    assert len(table.findall(first)) == 10  # two cells in two tables of either curve and one of the background
    assert [m.group() for m in table.finditer(first)] == [m.group() for m in table.finditer(again)]


def test_a_server_that_is_down_does_not_stop_training(main, store, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    assert main("tracking.uri=http://127.0.0.1:9") == 0
    assert "thinline replay" in capsys.readouterr().out
    (row,) = runs.status(store).to_dict("records")
    assert row["status"] == FINISHED
    assert row["pending"]


@pytest.mark.parametrize("many", [[], ["-m"]])
def test_a_store_that_cannot_be_written_is_reported_before_training(main, store, capsys, many):
    store.parent.mkdir(exist_ok=True)
    store.write_text("a file where a folder should be")
    assert main(*many, "loss=dice") == 1
    assert str(store) in capsys.readouterr().out.replace("\n", "")


def test_a_folder_without_curves_is_refused(main, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(f"data_mix.archive.las_dir={tmp_path / 'empty'}") == 1
    assert "expected *.las files" in capsys.readouterr().out


LONG = ("budget.steps=3000", "budget.validate_every=3")


def wait_for_a_checkpoint(store: Path) -> None:
    deadline = time.monotonic() + 400
    while not list(store.glob("runs/*/checkpoints/last.ckpt")):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def check_killed(store: Path, text: str) -> None:
    (folder,) = runs.run_folders(store)
    assert folder.manifest().status == KILLED
    assert "continue from the last checkpoint" in text
    (run,) = mlflow_runs(store)
    assert run.info.status == KILLED
    assert (folder.checkpoints / "last.ckpt").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_marks_the_run_as_killed(main, store, capsys, number):
    def interrupt() -> None:
        wait_for_a_checkpoint(store)
        os.kill(os.getpid(), number)

    user = threading.Thread(target=interrupt)
    user.start()
    with pytest.raises(Killed) as stop:
        main(*LONG)
    user.join()
    assert stop.value.exit_code == 128 + number
    check_killed(store, capsys.readouterr().out)
