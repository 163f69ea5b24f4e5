import errno
import os
import subprocess
import sys

import pytest

from thinline.runs import StorageError
from thinline.system import atomic_files


def test_a_write_replaces_the_whole_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "manifest.json"
    for content in (b"a longer first version", b"short"):
        atomic_files.write_bytes(path, content)
    assert path.read_bytes() == b"short"
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_full_disk_keeps_the_old_content_and_reports_the_free_bytes(tmp_path, monkeypatch, call):
    path = tmp_path / "manifest.json"
    atomic_files.write_bytes(path, b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync" if call == "fsync" else "pathlib.Path.replace", full)
    with pytest.raises(StorageError, match=r"manifest\.json.*No space left on device.*bytes free.*Free some space"):
        atomic_files.write_bytes(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


SMALL_FILES_ONLY = """
import resource, signal, sys
from pathlib import Path
from thinline.system.atomic_files import StorageError, write_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
try:
    write_bytes(Path(sys.argv[1]), b"x" * 1000)
except StorageError as error:
    print(error)
"""


def test_a_write_that_the_system_cuts_short_keeps_the_old_content(tmp_path):
    """The kernel limits the files of a child process to 64 bytes."""
    path = tmp_path / "per_class.parquet"
    atomic_files.write_bytes(path, b"old")
    process = subprocess.run(
        [sys.executable, "-c", SMALL_FILES_ONLY, str(path)], capture_output=True, text=True, check=True
    )
    assert "got 'File too large'" in process.stdout
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["per_class.parquet"]


def test_a_parent_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "mlruns").write_text("not a folder")
    with pytest.raises(StorageError, match=r"mlruns/runs.*expected a writable folder.*Not a directory"):
        atomic_files.make_folder(tmp_path / "mlruns" / "runs")


def test_only_temporary_files_are_removed(tmp_path):
    (tmp_path / ".manifest.json.123.tmp").write_text("{")
    (tmp_path / "manifest.json").write_text("{}")
    atomic_files.remove_remains(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_free_space_asks_the_nearest_folder_that_exists(tmp_path):
    assert atomic_files.free_space(tmp_path / "no" / "such").endswith(f"on the disk of {tmp_path}")


def test_a_full_disk_is_found_before_anything_else_is_written(tmp_path, monkeypatch):
    atomic_files.check_writable(tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("thinline.system.atomic_files.os.fsync", full)
    with pytest.raises(StorageError, match=r"cannot write .*No space left on device.*bytes free"):
        atomic_files.check_writable(tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []
