"""What every program does around its work: one line for a signal, `?` for what a terminal cannot show."""

import gc
import io
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import train
from thinline.cli.main import main
from thinline.runs import FAILED, Cell, Origin, RunFolder
from thinline.system.entry import program, slow_imports
from thinline.system.launch import CHILD, RANKS, forget_ranks, rank_and_world
from thinline.system.signals import Killed, ending_at_once, stop_at_once, stoppable

ROOT = Path(train.__file__).parent
SLOW = """
import sys, time
print("importing", flush=True)
for _ in range(600):  # as a library that hides what is raised while it is imported
    try:
        time.sleep(0.1)
    except BaseException:
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("command", "library"), [(["train.py"], "hydra"), (["-m", "thinline", "status"], "numpy")])
def test_a_signal_while_libraries_are_imported_is_one_line(tmp_path, number, command, library):
    """A library of the same name, which takes a minute to import, comes first on the path."""
    (tmp_path / f"{library}.py").write_text(SLOW)
    path = f"{tmp_path}{os.pathsep}{ROOT / 'src'}"
    if command[0] == "train.py":
        command = ["-c", f"import runpy, sys; sys.argv = ['train.py']; runpy.run_path({str(ROOT / 'train.py')!r}, "]
        command[-1] += "run_name='__main__')"
    with subprocess.Popen(
        [sys.executable, *command],
        env=os.environ | {"PYTHONPATH": path},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors.splitlines() == [f"stopped by {number.name}"]


def test_a_signal_inside_a_run_is_an_exception_and_the_handlers_of_before_come_back(monkeypatch, capsys):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    monkeypatch.setattr(logging, "raiseExceptions", True)

    def stopped() -> None:
        with ending_at_once():
            pass
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as stop, program(), stoppable():
        stopped()
    assert stop.value.code == 143
    assert capsys.readouterr().err == "stopped by SIGTERM\n"
    shown = Killed(signal.SIGINT)
    shown.shown = True
    with pytest.raises(SystemExit), program():
        raise shown
    assert capsys.readouterr().err == ""
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_slow_imports_are_not_searched_for_garbage_and_end_at_a_signal():
    """The collector is afterwards as it was before, also where it was off and where an import fails."""
    before, within = signal.getsignal(signal.SIGTERM), []

    def missing() -> None:
        with slow_imports():
            within.extend([gc.isenabled(), signal.getsignal(signal.SIGTERM)])
            raise ImportError

    with pytest.raises(ImportError):
        missing()
    assert within == [False, stop_at_once]
    assert gc.isenabled()
    assert signal.getsignal(signal.SIGTERM) is before
    gc.disable()
    try:
        with slow_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_few_characters_and_columns_shows_what_it_can(monkeypatch, tmp_path, encoding):
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    monkeypatch.setattr(logging, "raiseExceptions", True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("thinline.cli.main.CONSOLE", Console(markup=False, highlight=False, width=40))
    folder = RunFolder(tmp_path, "dice-softmax-none-fresh-pen1-unet_slim-smoke-muon-s0", "0123456789")
    assert folder.try_lock()
    folder.begin(Cell({"loss": "dice"}, 0, {}, "d1ce"), Origin(None, None, {}))
    folder.finish(FAILED, ValueError("a cell of 中 ± ─ that failed"))
    folder.unlock()
    with program():
        assert main(["status", "--store", str(tmp_path / "中 ±")]) == 1
        assert main(["status", "--store", str(tmp_path)]) == 0
        print("─ ± 中", file=sys.stderr)
    for stream in streams:
        stream.flush()
    out, errors = (stream.buffer.getvalue().decode(encoding) for stream in streams)
    plus = "?" if encoding == "ascii" else "±"
    assert f"expected a store of runs at {tmp_path}/? {plus}, got no such folder" in out.replace("\n", " ")
    name = "dice-softmax-none-fresh-pen1-unet_slim-smoke-muon-s0-0123456789"
    (line,) = [line for line in out.splitlines() if "FAILED" in line]
    assert f"{name}  ValueError: a cell of ? {plus} ? that failed" in line
    assert errors == f"? {plus} ?\n"


@pytest.mark.parametrize("command", ["status", "replay", "at-recall three_family", "study three_family"])
def test_a_store_that_is_not_there_is_refused_and_not_made(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    assert main([*command.split(), "--store", "typo"]) == 1
    if command != "at-recall three_family":  # which looks for the published study first
        assert "expected a store of runs at typo, got no such folder" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "other").mkdir()
    assert main(["replay", "--store", "other"]) == 1
    assert "got one without runs" in capsys.readouterr().out
    assert list((tmp_path / "other").iterdir()) == []


def test_an_empty_path_of_a_command_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["status", "--store", ""])
    assert stop.value.code == 2
    assert "argument --store: expected a path, got ''" in capsys.readouterr().err


def test_ranks_of_another_program_are_forgotten_and_those_of_our_own_are_not(monkeypatch):
    for name in RANKS:
        monkeypatch.setenv(name, "3")
    monkeypatch.delenv(CHILD, raising=False)
    assert rank_and_world() == (0, 1)
    with monkeypatch.context() as patch:
        patch.setenv(CHILD, "1")
        assert forget_ranks() == []
        assert rank_and_world() == (3, 3)
    assert forget_ranks() == [f"{name}=3" for name in RANKS]
    assert not set(RANKS) & set(os.environ)
    assert forget_ranks() == []
