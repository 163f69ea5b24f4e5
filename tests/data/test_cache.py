"""The cache as several processes, a killer, a full disk and a careless editor meet it."""

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from noise_sheets import Drawing, noise

from thinline.data import cache
from thinline.data.cache import CacheError, content_key, open_sheets
from thinline.data.cached_sheets import CachedSheets
from thinline.sheets import Sheet

WORKER = """
import hashlib, os, resource, sys, time
from pathlib import Path
from noise_sheets import Drawing, noise
from thinline.data.cache import open_sheets

folder, log, pause = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
specs = [Drawing(i, height=64, width=48) for i in range(12)]

def slow(spec):
    with log.open("a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(pause)
    return noise(spec)

def run():
    sheets = open_sheets(specs, px_per_mm=1.0, folder=folder, render=slow, version=1)
    print(hashlib.sha256(sheets.path.read_bytes()).hexdigest())
"""


SPECS = [Drawing(i, height=64, width=48) for i in range(12)]
"""The sheets of `worker`."""


def opened(folder: Path, specs: list[Drawing], *, render=noise, **more) -> CachedSheets:
    return open_sheets(specs, px_per_mm=1.0, folder=folder, render=render, version=1, **more)


def worker(tmp_path: Path, pause: float, last: str = "run()") -> subprocess.Popen[str]:
    """A process that asks for the same twelve sheets; `last` is the last line of its program."""
    program = WORKER + textwrap.dedent(last)
    arguments = [sys.executable, "-c", program, str(tmp_path / "cache"), str(tmp_path / "log"), str(pause)]
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def rendered(tmp_path: Path) -> list[str]:
    """One process id for each sheet drawn so far."""
    log = tmp_path / "log"
    return log.read_text().split() if log.exists() else []


def wait_for(process: subprocess.Popen[str], tmp_path: Path, count: int) -> None:
    until = time.monotonic() + 60
    while len(rendered(tmp_path)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "the worker drew nothing"
        time.sleep(0.01)


def test_processes_render_the_same_file(tmp_path, monkeypatch) -> None:
    specs = [Drawing(i, height=13, width=7) for i in range(19)]
    monkeypatch.setattr(cache, "WORTH_PROCESSES", 2)
    monkeypatch.setattr(cache, "AT_ONCE", 3)
    seen = []
    alone = opened(tmp_path / "alone", specs)
    together = opened(tmp_path / "together", specs, processes=2, on_progress=lambda *done: seen.append(done))
    assert seen == [(i + 1, 19) for i in range(19)]
    assert together.path.read_bytes() == alone.path.read_bytes()


def test_what_a_rendering_process_raises_is_raised_and_leaves_no_file(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cache, "WORTH_PROCESSES", 2)
    specs = [Drawing(i, height=13, width=7) for i in range(19)]
    with pytest.raises(ZeroDivisionError, match="of sheet 17"):
        opened(tmp_path, specs, render=noise_but_17, processes=2)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def noise_but_17(spec: Drawing) -> Sheet:
    if spec.number == 17:
        raise ZeroDivisionError("of sheet 17")
    return noise(spec)


def test_sheets_come_back_as_rendered(tmp_path) -> None:
    specs = [Drawing(i, height=13, width=7, curves=3) for i in range(5)]
    seen = []
    sheets = opened(tmp_path, specs, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i + 1, 5) for i in range(5)]
    assert len(sheets) == 5
    for i, spec in enumerate(specs):
        sheet = noise(spec)
        np.testing.assert_array_equal(sheets.images[i], sheet.image)
        np.testing.assert_array_equal(sheets.labels[i], sheet.labels)
        np.testing.assert_array_equal(sheets.layers[i], sheet.layers)
        for k, stroke in enumerate(sheet.strokes):
            np.testing.assert_array_equal(sheets.strokes[i] >> k & 1, stroke)
    assert not sheets.images.flags.writeable
    assert len(list(tmp_path.glob("*.sheets"))) == 1
    assert not list(tmp_path.glob("*.partial"))


def test_stored_sheets_are_not_drawn_again(tmp_path) -> None:
    specs = [Drawing(i) for i in range(3)]
    first = opened(tmp_path, specs)
    second = opened(tmp_path, specs, render=lambda spec: pytest.fail("drawn again"))
    np.testing.assert_array_equal(first.images, second.images)


def test_the_key_changes_with_everything_the_pixels_depend_on() -> None:
    a, b = Drawing(0), Drawing(1)
    keys = [
        content_key(specs, px_per_mm=scale, version=version)
        for specs, scale, version in [
            ([a], 1, 1),
            ([b], 1, 1),
            ([a, b], 1, 1),
            ([b, a], 1, 1),
            ([a], 2, 1),
            ([a], 1, 2),
        ]
    ]
    assert len(set(keys)) == len(keys)
    assert content_key([a], px_per_mm=1, version=1) == keys[0]
    assert len(keys[0]) == hashlib.sha256().digest_size * 2


def test_a_killed_writer_leaves_nothing_that_is_taken_for_whole(tmp_path: Path) -> None:
    victim = worker(tmp_path, pause=0.2)
    wait_for(victim, tmp_path, 5)
    waiting = worker(tmp_path, pause=0.0)
    time.sleep(0.5)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert list((tmp_path / "cache").glob("*.partial"))
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, err
    undisturbed = opened(tmp_path / "elsewhere", SPECS).path
    assert out.strip() == hashlib.sha256(undisturbed.read_bytes()).hexdigest()
    assert rendered(tmp_path).count(str(waiting.pid)) == 12
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_processes_that_ask_at_once_get_one_file_drawn_once(tmp_path: Path) -> None:
    workers = [worker(tmp_path, pause=0.05) for _ in range(2)]
    ends = [one.communicate(timeout=120) for one in workers]
    assert [one.returncode for one in workers] == [0, 0], ends
    assert len({out for out, _ in ends}) == 1
    assert len(rendered(tmp_path)) == 12
    assert len(list((tmp_path / "cache").glob("*.sheets"))) == 1


def test_a_file_that_never_reads_back_is_an_error_and_no_loop(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cache, "read", lambda path, key: None)
    with pytest.raises(CacheError, match="cannot be read back"):
        opened(tmp_path, [Drawing(0)])


def test_a_full_disk_is_reported_before_the_first_byte(tmp_path, monkeypatch) -> None:
    usage = namedtuple("usage", "total used free")(10**6, 10**6 - 1000, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(CacheError, match=r"expected [\d,]+ bytes of room .* got 1,000 free; free some") as caught:
        opened(tmp_path, [Drawing(0)])
    assert caught.value.errno == errno.ENOSPC
    assert str(tmp_path) in str(caught.value)
    assert not list(tmp_path.glob("*.sheets")) + list(tmp_path.glob("*.partial"))


def test_a_disk_that_fills_up_while_writing_leaves_no_file(tmp_path: Path) -> None:
    last = """
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
    run()
    """
    process = worker(tmp_path, 0.0, last)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "CacheError" in err
    assert "expected 152,032 bytes of room for rendered sheets" in err.splitlines()[-1]
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path) -> None:
    (tmp_path / "plain").write_text("a file, not a folder")
    with pytest.raises(CacheError, match=r"Not a directory.*`paths.cache`.*plain/cache"):
        opened(tmp_path / "plain/cache", [Drawing(0)])


def test_a_read_only_folder_serves_what_it_has_and_refuses_the_rest(tmp_path: Path) -> None:
    """Run as nobody where the tests run as root, whom no permission stops."""
    folder = tmp_path / "cache"
    opened(folder, SPECS)
    for one in [folder, *folder.parents]:
        if one.stat().st_uid == os.getuid() and Path(tempfile.gettempdir()) in one.parents:
            one.chmod(one.stat().st_mode | 0o555)
    folder.chmod(0o555)
    last = """
    specs, few = specs, specs[:3]
    os.geteuid() or os.setuid(65534)
    run()
    open_sheets(few, px_per_mm=1.0, folder=folder, render=noise, version=1)
    """
    process = worker(tmp_path, 0.0, last)
    out, err = process.communicate(timeout=60)
    folder.chmod(0o755)
    assert out
    assert "CacheError" in err.splitlines()[-1]
    assert "Permission denied" in err.splitlines()[-1]
    assert str(folder) in err.splitlines()[-1]
    assert len(list(folder.iterdir())) == 2


def test_whatever_the_renderer_raises_passes_and_leaves_no_partial(tmp_path) -> None:
    def failing(spec):
        if spec.number == 2:
            raise KeyboardInterrupt
        return noise(spec)

    with pytest.raises(KeyboardInterrupt):
        opened(tmp_path, [Drawing(i) for i in range(4)], render=failing)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_sheets_that_do_not_fit_into_one_file_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="at least one sheet, got none"):
        opened(tmp_path, [])
    with pytest.raises(ValueError, match=r"one size, expected all \(24.0, 20.0\) mm .* got .*\(30.0, 20.0\)"):
        opened(tmp_path, [Drawing(0), Drawing(1, height=30)])
    with pytest.raises(ValueError, match=r"expected \(24, 20\) px and 2 curves .* 3 curves") as caught:
        opened(tmp_path, [Drawing(0), Drawing(1, curves=3)])
    assert caught.value.__notes__ == ["this was sheet 1 of 2"]
    with pytest.raises(ValueError, match="at most 8 curves, got 9"):
        opened(tmp_path, [Drawing(0, curves=9)])


def test_labels_outside_the_vocabulary_are_refused(tmp_path) -> None:
    def strange(spec):
        sheet = noise(spec)
        sheet.labels[3, 4] = 7
        return sheet

    with pytest.raises(ValueError, match=r"ids 0..2 or 255, got \[7\]; was it drawn with another vocabulary"):
        opened(tmp_path, [Drawing(0)], render=strange)
