import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from thinline.runs import StorageError
from thinline.system.file_lock import FileLock

HOLD = """
import sys, time
from pathlib import Path
from thinline.system.file_lock import FileLock
lock = FileLock(Path(sys.argv[1]))
assert lock.try_acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_one_holder_at_a_time_and_a_kill_frees_the_lock(tmp_path, other):
    lock = FileLock(tmp_path / "lock")
    assert not lock.try_acquire()
    assert lock.taken()
    assert f"process {other.pid} on" in lock.holder()
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert not lock.taken()
    assert lock.try_acquire()
    assert lock.held
    assert f"process {os.getpid()} on" in lock.holder()
    lock.release()


def test_waiting_ends_with_the_name_of_the_holder(tmp_path, other):
    with pytest.raises(
        StorageError, match=rf"locked: expected it free within 0\.2 s, got process {other.pid} on .*Wait"
    ):
        FileLock(tmp_path / "lock").acquire(wait_s=0.2)


def test_waiting_ends_when_the_lock_comes_free(tmp_path):
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.try_acquire()
    timer = threading.Timer(0.3, first.release)
    timer.start()
    began = time.monotonic()
    second.acquire(wait_s=30)
    assert time.monotonic() - began > 0.2
    timer.join()
    second.release()


def test_two_holders_in_one_process_exclude_each_other_too(tmp_path):
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.try_acquire()
    assert first.try_acquire()
    assert not second.try_acquire()
    first.release()
    first.release()
    assert second.try_acquire()
    second.release()


FORK = """
import os, sys
from pathlib import Path
from thinline.system.file_lock import FileLock
lock = FileLock(Path(sys.argv[1]))
assert lock.try_acquire()
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    os.close(writer)
    os.read(reader, 1)
    os._exit(3 if lock.held else 0)
assert not FileLock(Path(sys.argv[1])).try_acquire()
lock.release()
# the child is still alive; a lock that it kept would block this one
assert FileLock(Path(sys.argv[1])).try_acquire()
os.close(writer)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_does_not_keep_the_lock_of_its_parent(tmp_path):
    """As a data-loading worker that outlives its killed parent would."""
    process = subprocess.run([sys.executable, "-c", FORK, str(tmp_path / "lock")], capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")


def test_querying_a_lock_does_not_disturb_its_acquisition(tmp_path):
    path = tmp_path / "lock"
    stop = threading.Event()

    def query() -> None:
        while not stop.is_set():
            FileLock(path).taken()
            time.sleep(0.001)

    querying = threading.Thread(target=query)
    querying.start()
    try:
        for _ in range(200):
            lock = FileLock(path)
            assert lock.try_acquire()
            lock.release()
    finally:
        stop.set()
        querying.join()


def test_a_damaged_record_is_a_holder_without_name(tmp_path):
    (tmp_path / "lock").write_text("not json")
    assert FileLock(tmp_path / "lock").holder() == "a process that left no name"
    assert not FileLock(tmp_path / "none").taken()


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(StorageError, match="No such file"):
        FileLock(tmp_path / "no" / "lock").try_acquire()
