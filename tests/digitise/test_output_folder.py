"""The output folder: results of two scans never lie together, and a job that fails leaves none of an earlier scan."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from scan_cases import blank, job, nothing, save, trace, wave

from thinline.digitise import ScanError, digitise
from thinline.digitise.output_folder import PARTIAL, RESULT, Partial, results


@pytest.fixture
def short(tmp_path: Path) -> Path:
    return save(trace(blank(120, 80), wave(120, middle=40, swing=15)), tmp_path / "short.tif")


def written(out: Path, names: list[str], text: str, *, force: bool = True) -> None:
    partial = Partial(out, text)
    with partial.held(force=force):
        for name in names:
            partial.stage(name, text.encode())
        partial.publish()


def test_a_shorter_scan_leaves_no_picture_of_a_longer_one(short: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written(out, ["curves.csv", "curves.las", "class_map.png", *(f"overlay_{n:03d}.png" for n in (1, 2, 3))], "old")
    for name in ("notes.txt", "overlay_mine.png", "my_curves.csv"):
        (out / name).write_text("mine")
    (out / "curves").mkdir()
    digitise(job(short), out, force=True)
    names = {path.name for path in out.iterdir()}
    assert names == {
        *("curves.csv", "curves.las", "class_map.png", "overlay.png"),
        *("notes.txt", "overlay_mine.png", "my_curves.csv", "curves"),
    }
    assert all(path.read_bytes() != b"old" for path in results(out))


def test_a_scan_without_curves_leaves_its_own_pictures_alone(short: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written(out, ["curves.csv", "curves.las", "overlay_001.png"], "old")
    assert not digitise(job(short, nothing), out, force=True).accepted
    assert sorted(path.name for path in out.iterdir()) == ["class_map.png", "overlay.png"]


@pytest.mark.parametrize("error", [ScanError("damaged"), MemoryError(), KeyboardInterrupt(), OSError("gone")])
def test_a_job_that_fails_leaves_no_results_of_an_earlier_scan(error: BaseException, short: Path, tmp_path: Path):
    out = tmp_path / "out"
    written(out, ["curves.csv", "curves.las", "class_map.png", "overlay.png"], "old")
    (out / "notes.txt").write_text("mine")

    def fails(image):
        raise error

    with pytest.raises(type(error)):
        digitise(job(short, fails), out, force=True)
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("new", [["curves.csv", "curves.las", "overlay.png"], ["class_map.png", "overlay.png"]])
def test_a_reader_who_finds_the_table_finds_its_whole_set_at_every_moment(
    new: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is looked at before and after every change of a name in it."""
    out, old = tmp_path / "out", ["curves.csv", "curves.las", "overlay_001.png", "overlay_002.png"]
    written(out, old, "old")
    seen: list[dict[str, str]] = []

    def look() -> None:
        seen.append({path.name: path.read_text() for path in out.iterdir() if RESULT.fullmatch(path.name)})

    for name in ("unlink", "replace"):
        original = getattr(Path, name)

        def watched(self: Path, *arguments, _original=original, **more):
            look()
            done = _original(self, *arguments, **more)
            look()
            return done

        monkeypatch.setattr(Path, name, watched)
    written(out, new, "new")
    monkeypatch.undo()
    for files in seen:
        assert len(set(files.values())) <= 1, "a mix of two scans"
        if "curves.csv" in files:
            assert list(files.values()) in ([files["curves.csv"]] * len(old), [files["curves.csv"]] * len(new))
    assert {path.name: path.read_text() for path in results(out)} == dict.fromkeys(new, "new")
    assert len(seen) > 10


OLD = ["curves.csv", "curves.las", "overlay_001.png", "overlay_002.png"]
NEW = ["curves.csv", "curves.las", "class_map.png", "overlay.png"]


@pytest.mark.parametrize("stop", range(len(OLD) + len(NEW)))
def test_a_kill_while_files_are_replaced_is_repaired_by_the_same_command(stop: int, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written(out, OLD, "old")
    assert killed_in_its_step(stop, lambda: written(out, NEW, "new")) == KILLED
    left = {path.read_text() for path in results(out)}
    assert left in (set(), {"old"}, {"new"})
    assert (out / PARTIAL).exists()
    written(out, NEW, "new", force=False)
    assert {path.name: path.read_text() for path in out.iterdir()} == dict.fromkeys(NEW, "new")


KILLED = 99


def killed_in_its_step(stop: int, action: Callable[[], None]) -> int:
    """Exit code of a child process that dies when it would change the name of result number `stop`."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    steps = 0

    def dying(original):
        def step(self: Path, *arguments, **more):
            nonlocal steps
            if RESULT.fullmatch(self.name):
                steps += 1
                if steps > stop:
                    os._exit(KILLED)
            return original(self, *arguments, **more)

        return step

    try:
        Path.unlink, Path.replace = dying(Path.unlink), dying(Path.replace)
        action()
    finally:
        os._exit(0)


def test_the_table_of_a_scan_is_read_by_pandas_with_and_without_comments(short: Path, tmp_path: Path) -> None:
    digitise(job(short), tmp_path / "out")
    plain = pd.read_csv(tmp_path / "out/curves.csv")
    pd.testing.assert_frame_equal(plain, pd.read_csv(tmp_path / "out/curves.csv", comment="#"))
