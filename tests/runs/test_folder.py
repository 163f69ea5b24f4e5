import errno
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from run_cases import ORIGIN, begun, cell, finished, folder_of, per_class, per_sheet

from thinline.runs import RunFolder, StorageError, run_folders
from thinline.runs.manifest import Tracking


def test_a_finished_run_has_its_files_and_manifest(tmp_path):
    folder = begun(tmp_path, study="smoke")
    assert folder.path == tmp_path / "runs" / folder.name
    assert folder.manifest().status == "RUNNING"
    assert not folder.finished
    folder.log(1, {"train/loss": 0.5})
    picture = folder.write_overlay("archive-0", b"\x89PNG")
    folder.write_results(per_class(), per_sheet())
    folder.finish("FINISHED")
    folder.unlock()
    assert folder.finished
    manifest = folder.manifest()
    assert (manifest.attempts, manifest.studies, manifest.cell, manifest.origin) == (1, ("smoke",), cell(), ORIGIN)
    assert datetime.fromisoformat(manifest.started).utcoffset().total_seconds() == 0
    names = ["config.yaml", "per_class.parquet", "per_sheet.parquet", "archive-0.png"]
    assert [path.name for path in folder.artifacts()] == names
    assert picture == folder.overlays / "archive-0.png"
    pd.testing.assert_frame_equal(pd.read_parquet(folder.path / "per_class.parquet"), per_class())


def test_the_name_is_slug_and_digest_and_opens_again(tmp_path):
    folder = begun(tmp_path)
    assert folder.name.startswith("dice-s0-")
    assert [run.name for run in run_folders(tmp_path)] == [folder.name]
    again = RunFolder.open(folder.path)
    assert (again.path, again.manifest()) == (folder.path, folder.manifest())
    assert run_folders(tmp_path / "nothing here") == []


def test_a_resumed_run_keeps_its_start_and_its_curve_up_to_the_checkpoint(tmp_path):
    folder = begun(tmp_path, study="one")
    for step in range(0, 60, 10):
        folder.log(step, {"train/loss": 1 / (step + 1)})
    folder.finish("KILLED")
    before = folder.manifest()
    manifest = folder.begin(cell(), ORIGIN, study="two")
    assert (manifest.status, manifest.attempts, manifest.started) == ("RUNNING", 2, before.started)
    assert manifest.finished is None
    assert manifest.studies == ("one", "two")
    assert folder.rewind(30) == 2
    for step in range(40, 80, 10):
        folder.log(step, {"train/loss": 1 / (step + 1)})
    assert [line.step for line in folder.history()] == list(range(0, 80, 10))


def test_a_failed_run_keeps_its_exception_until_it_is_begun_again(tmp_path):
    folder = begun(tmp_path)
    folder.finish("FAILED", ValueError("NaN at step 3"))
    failure = folder.manifest().exception
    assert (failure.type, failure.message) == ("ValueError", "NaN at step 3")
    assert folder.begin(cell(), ORIGIN).exception is None


def test_nothing_is_written_without_the_lock(tmp_path):
    folder = folder_of(tmp_path, cell())
    for act in (lambda: folder.begin(cell(), ORIGIN), folder.start_over, folder.settle):
        with pytest.raises(StorageError, match="expected to hold its lock"):
            act()
    assert not folder.path.exists()


def test_a_finished_run_is_not_begun_again(tmp_path):
    folder = finished(tmp_path)
    folder.lock(wait_s=1)
    with pytest.raises(StorageError, match=r"FINISHED; skip it.*force=true"):
        folder.begin(cell(), ORIGIN)


def test_starting_over_removes_results_and_keeps_the_id_of_the_replaced_mlflow_run(tmp_path):
    folder = finished(tmp_path, study="one")
    folder.lock(wait_s=1)
    folder.track(Tracking("sqlite:////x.db", "thinline", "dice", run_id="ab12"))
    (folder.checkpoints / "last.ckpt").write_bytes(b"weights")
    assert folder.write_contact_sheet("<p>") in folder.artifacts()
    folder.start_over()
    assert not folder.finished
    assert not folder.contact_sheet.exists()
    assert folder.history() == []
    assert list(folder.path.rglob("*.ckpt")) + list(folder.path.glob("*.parquet")) == []
    manifest = folder.begin(cell(), ORIGIN)
    assert (manifest.attempts, manifest.superseded, manifest.mlflow, manifest.studies) == (1, ("ab12",), None, ("one",))
    assert folder.checkpoints.is_dir()


def test_starting_over_before_any_start_is_harmless(tmp_path):
    folder = folder_of(tmp_path, cell())
    folder.lock(wait_s=1)
    folder.start_over()
    assert folder.manifest() is None


def test_finished_without_results_is_refused(tmp_path):
    folder = begun(tmp_path)
    with pytest.raises(StorageError, match=r"FINISHED needs per_class\.parquet"):
        folder.finish("FINISHED")
    assert folder.manifest().status == "RUNNING"


def test_results_with_other_columns_are_refused_by_name(tmp_path):
    folder = begun(tmp_path)
    with pytest.raises(StorageError, match=r"per_sheet\.parquet.*expected columns split, .*sheet, got split, measure"):
        folder.write_results(per_class(), per_class())


def test_a_skipped_run_joins_the_study_once(tmp_path):
    folder = finished(tmp_path, study="one")
    folder.join_study("two")
    folder.join_study("two")
    assert folder.manifest().studies == ("one", "two")
    with pytest.raises(StorageError, match="call begin first"):
        folder_of(tmp_path, cell(seed=9)).join_study("two")


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from run_cases import begun
folder = begun(Path(sys.argv[1]))
folder.log(0, {"train/loss": 1.0})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_of_a_killed_process_ends_at_its_last_history_line(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parents[1] / "cases")], check=False)
    [folder] = run_folders(tmp_path)
    assert folder.manifest().status == "RUNNING"
    assert not folder.in_use()
    assert folder.try_lock()
    assert folder.settle()
    assert folder.manifest().status == "KILLED"
    assert datetime.fromisoformat(folder.manifest().finished).timestamp() == folder.history()[0].time_ms // 1000
    assert not folder.settle()


def test_a_run_killed_before_its_first_line_gets_an_end(tmp_path):
    folder = begun(tmp_path)
    assert folder.settle()
    assert folder.manifest().finished is not None


def test_two_processes_do_not_train_one_cell(tmp_path):
    first, second = folder_of(tmp_path, cell()), folder_of(tmp_path, cell())
    assert first.try_lock()
    assert not second.try_lock()
    assert f"process {os.getpid()}" in second.holder()
    with pytest.raises(StorageError, match="Wait for that process"):
        second.lock(wait_s=0.1)
    first.unlock()
    second.lock(wait_s=1)


def test_a_full_disk_loses_nothing_that_was_written(tmp_path, monkeypatch):
    folder = begun(tmp_path)
    before = folder.manifest()

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match=r"per_class\.parquet.*No space left.*resume"):
        folder.write_results(per_class(), per_sheet())
    with pytest.raises(StorageError, match=r"manifest\.json.*No space left"):
        folder.finish("FAILED")
    monkeypatch.undo()
    assert folder.manifest() == before
    assert sorted(path.name for path in folder.path.iterdir()) == [
        ".lock",
        "checkpoints",
        "config.yaml",
        "manifest.json",
        "overlays",
    ]


def test_a_store_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "mlruns").write_text("")
    with pytest.raises(StorageError, match="expected a writable folder"):
        folder_of(tmp_path / "mlruns", cell()).try_lock()


def test_temporary_files_of_a_killed_writer_are_removed_at_the_next_begin(tmp_path):
    folder = begun(tmp_path)
    (folder.path / ".manifest.json.99.tmp").write_text("{")
    folder.begin(cell(), ORIGIN)
    assert not list(folder.path.glob("*.tmp")) + list(folder.path.glob(".*.tmp"))
