"""What the end of a sweep says."""

import os
import shlex
import signal

import pandas as pd
import pytest
from omegaconf import OmegaConf

from thinline.sweep import callback
from thinline.sweep.callback import Line, Parent, Sweep, append, lines, parent_of
from thinline.system.signals import Killed


@pytest.fixture
def config(tmp_path):
    paths, hydra = {"store": str(tmp_path / "store")}, {"sweep": {"dir": str(tmp_path / "sweep")}}
    hydra["overrides"] = {"task": ["loss=dice"]}
    return OmegaConf.create({"paths": paths, "hydra": hydra, "tracking": {"uri": ""}, "dry_run": False})


def exit_code(config):
    """The exit code with which a sweep ends."""
    with pytest.raises(SystemExit) as stop:
        Sweep().on_multirun_end(config)
    return stop.value.code


def test_lines_come_back_in_the_order_of_the_sweep(tmp_path):
    given = [
        Line(2, "loss=c", "c", "FINISHED"),
        Line(0, "loss=a", "", "FAILED", "x"),
        Line(1, "loss=b", "b", "SKIPPED"),
    ]
    for line in given:
        append(tmp_path, line)
    assert lines(tmp_path) == sorted(given, key=lambda line: line.number)
    assert lines(tmp_path / "none") == []


def test_an_error_with_brackets_is_printed_unchanged(config, tmp_path, capsys):
    """Brackets are markup to rich: an error of gloo that names a file so once made a failed sweep end with 0."""
    append(tmp_path / "sweep", Line(0, "classes=[a,b]", "", "FAILED", "[/src/pair.cc:545] peer [bold]left"))
    assert exit_code(config) == 1
    assert "FAILED  classes=[a,b]: [/src/pair.cc:545] peer [bold]left" in capsys.readouterr().out.replace("\n", "")


def test_a_report_that_breaks_is_no_success(config, tmp_path, monkeypatch, capsys):
    append(tmp_path / "sweep", Line(0, "loss=dice", "dice-s0-1", "FINISHED"))
    monkeypatch.setattr(callback.runs, "read", lambda *_, **__: pd.DataFrame({"nothing": [1]}))
    assert exit_code(config) == 1
    assert "KeyError" in capsys.readouterr().err


def test_a_job_that_left_no_line_is_no_success(config, tmp_path, capsys):
    """A launcher may lose a job: its process was killed, or its node went away."""
    config.hydra.overrides.task = ["loss=dice,focal", "seed=0,1"]
    for number in range(3):
        append(tmp_path / "sweep", Line(number, "", "", "SKIPPED"))
    assert exit_code(config) == 1
    assert "1 of 4 jobs ended without a result" in capsys.readouterr().out


def test_a_signal_between_jobs_closes_the_parent_and_is_printed_once(config, tmp_path, capsys):
    (tmp_path / "sweep").mkdir()
    text = f'{{"study": "s", "run_id": null, "process": {os.getpid()}}}'
    (tmp_path / "sweep" / callback.PARENT).write_text(text)
    with pytest.raises(Killed), callback.stopped_as_one(config), callback.stopped_as_one(config):
        signal.raise_signal(signal.SIGTERM)
    assert parent_of(tmp_path / "sweep") is None
    assert capsys.readouterr().out.count("stopped by SIGTERM. Run the same command") == 1


def test_commands_can_be_pasted_into_a_shell(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    paths = {"store": str(tmp_path / "ä #1's")}
    config = OmegaConf.create({"paths": paths, "tracking": {"uri": f"sqlite:///{tmp_path}/ä #1's/mlflow.db"}})
    page, pictures = (shlex.split(line)[:4] for line in callback.commands(config, ["a-run"]))
    assert page == ["mlflow", "ui", "--backend-store-uri", "sqlite:///ä #1's/mlflow.db"]
    assert pictures[:2] == ["ls", "ä #1's/runs/a-run/overlays"]
    config.tracking.uri = "sqlite:////elsewhere/mlflow.db"
    assert shlex.split(callback.commands(config, ["a-run"])[0])[3] == "sqlite:////elsewhere/mlflow.db"


def test_only_the_process_that_opened_a_parent_closes_it(config, tmp_path):
    assert parent_of(None) is None
    assert parent_of(tmp_path / "sweep") is None
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / callback.PARENT).write_text('{"study": "s", "run_id": null, "process": 1}')
    callback.close(tmp_path / "sweep", config, "KILLED", [])
    assert parent_of(tmp_path / "sweep") == Parent("s", None, 1)


def test_the_links_of_a_sweep_follow_the_address_of_its_server(tmp_path):
    config = OmegaConf.create({"paths": {"store": str(tmp_path)}, "tracking": {"uri": "http://server:5000"}})
    texts = callback.commands(config, ["a-run"], ("http://server:5000/#/cells", "http://server:5000/#/conditions"))
    assert [text.split()[0] for text in texts] == [
        *("http://server:5000", "ls", "http://server:5000/#/cells", "http://server:5000/#/conditions")
    ]
