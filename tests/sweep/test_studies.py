"""Studies on the command line: which cells run, in which order, in which processes, and what a plan says of them."""

import json
import os
import re

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser

from thinline import runs
from thinline.config.schema import checked, compose_config
from thinline.pipeline import locate
from thinline.pipeline.cell import run_cell
from thinline.pipeline.locate import SKIPPED
from thinline.runs import FAILED, FINISHED
from thinline.sweep import cost, job
from thinline.sweep.cost import Trial
from thinline.sweep.jobs import batches_of, covering, jobs_of
from thinline.sweep.study_results import declared
from thinline.system.launch import ProcessesError

STUDY = ["-m", "+experiment=target_shape", "loss=dice", "head=softmax,binary"]


def cells(store):
    """What each job of the latest sweep wrote, in the order in which they ended."""
    path = max(store.glob("hydra/*/*/cells.jsonl"), key=lambda path: path.stat().st_mtime)
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def trials_of_a_second(monkeypatch):
    """A plan measures nothing: each step takes a second, and everything else no time."""
    trial = Trial(step_s=1.0, evaluated_s=0.0, memory=2**30)
    monkeypatch.setattr(cost.Trials, "of", lambda *_: trial)
    monkeypatch.setattr(cost, "REST_S", 0.0)


def test_a_study_is_planned_and_runs_its_cells_seed_by_seed(main, trials_of_a_second, store, capsys):
    assert main(*STUDY, "seed=0", "tracking.uri=") == 0
    capsys.readouterr()
    before = runs.status(store)
    assert main(*STUDY, "seed=0,1", "tracking.uri=", "dry_run=true") == 0
    text = capsys.readouterr().out
    assert "primary measures test/f1" in text
    assert "4 cells: 2 done, 2 missing" in text
    images = 6 * 2  # steps x batch of the smoke budget
    for label, state in (("softmax/s0", "done"), ("binary/s1", "missing")):
        assert re.search(rf"^ *{label} +{state} .*{images}", text, re.MULTILINE), text
    assert f"{2 * images} images seen" in text
    assert "Times are medians of finished runs" in text
    assert runs.status(store).equals(before)
    assert main(*STUDY, "seed=0,1", "tracking.uri=") == 0
    ended = cells(store)
    assert [line["status"] for line in ended] == [SKIPPED, SKIPPED, FINISHED, FINISHED]
    assert [re.search(r"seed=(\d)", line["job"])[1] for line in ended] == list("0011")
    rows = runs.read(store, "target_shape")
    assert rows[["head", "loss", "seed"]].drop_duplicates().shape[0] == 4
    assert runs.read(store, "five_losses").empty


def test_a_study_goes_to_its_launcher_a_seed_at_a_time():
    """Ray starts jobs in an order of its own: seeds 1 and 3 came before 0, and a kill would have left no seed whole."""
    study = declared("target_shape")
    asked = OverridesParser.create().parse_overrides(["loss=dice,soft_ce", "head=softmax", "budget=smoke,laptop"])
    batches = batches_of(study, asked)
    assert [{job[-1] for job in batch} for batch in batches] == [{f"seed={seed}"} for seed in study.seeds]
    assert [job for batch in batches for job in batch] == jobs_of(study, asked)
    assert [len(batch) for batch in batches] == [4] * 5
    alone = OverridesParser.create().parse_overrides(["loss=dice,soft_ce", "seed=0,1"])
    assert batches_of(None, alone) == [jobs_of(None, alone)]


def test_few_jobs_are_composed_to_see_that_all_can_be():
    """Each level of a factor beside each key: a network without `strips` is seen, whatever the values of the others."""
    asked = OverridesParser.create().parse_overrides(
        ["loss=dice,focal,tversky", "network=unet_slim,veernet", "network.strips=1,2", "seed=0,1,2,3,4"]
    )
    jobs = jobs_of(None, asked)
    chosen = covering(jobs)
    assert len(jobs) == 3 * 2 * 2 * 5
    assert len(chosen) <= 3 + 2 + 2 + 5 - 3
    assert {text for job in chosen for text in job} == {text for job in jobs for text in job}
    assert all(job in jobs for job in chosen)


def test_a_level_that_lacks_a_key_is_refused_before_anything_runs(main, store, capsys):
    assert main("-m", "network=unet_slim,veernet", "network.strips=1,2", "tracking.uri=") == 1
    assert "strips" in capsys.readouterr().err
    assert not (store / "runs").exists()


def test_a_plan_counts_cells_scored_by_another_metric_version(main, trials_of_a_second, monkeypatch, capsys):
    sweep = ["-m", "loss=dice,focal", "tracking.uri="]
    assert main(*sweep, "loss=dice") == 0
    capsys.readouterr()
    monkeypatch.setattr(locate, "signatures", lambda: ("iou|v:2",))
    assert main(*sweep, "dry_run=true") == 0
    text = capsys.readouterr().out
    assert "2 cells: 1 other measures, 1 missing" in text


def test_a_plan_says_what_cannot_run(main, trials_of_a_second, capsys):
    sweep = ["loss=dice,soft_ce", "head=binary", "class_weight=none,fixed", "tracking.uri="]
    assert main("-m", *sweep, "dry_run=true") == 0
    text = capsys.readouterr().out
    assert "no estimate: dice-binary-fixed" in text
    assert "cannot act" in text
    assert re.search(r"dice/fixed +missing +\d+ *$", text, re.MULTILINE)  # images, neither time nor memory
    for cell in ("dice/none", "soft_ce/none", "soft_ce/fixed"):
        assert re.search(rf"{cell} +missing +6 s +1\.0 ", text)
    assert "To do, one after the other: 18 s, 1.0 GiB at the peak" in text
    assert "estimates from a few training steps" in text


def test_a_plan_composes_each_condition_once(main, trials_of_a_second, monkeypatch, capsys):
    """Hydra takes a tenth of a second for each, which is minutes for thousands of cells."""
    composed = []
    load = ConfigLoaderImpl.load_sweep_config
    monkeypatch.setattr(ConfigLoaderImpl, "load_sweep_config", lambda *own: composed.append(own[2]) or load(*own))
    assert main("-m", "loss=dice,focal", "seed=1,2,3", "tracking.uri=", "dry_run=true") == 0
    assert "6 cells: 6 missing" in capsys.readouterr().out
    assert len(composed) == 2


def test_a_plan_composes_each_seed_where_another_key_is_made_from_it(main, trials_of_a_second, capsys):
    """Else the cells of a seed would be listed with the settings of another seed."""
    made = ["-m", "seed=2,3", "loss=dice", "optimiser.clip_norm=${seed}", "tracking.uri=", "dry_run=true"]
    assert main(*made) == 0
    text = capsys.readouterr().out
    for seed in (2, 3):
        assert re.search(rf"muon\(clip_norm={seed},.*\)/s{seed} +missing", text), text


def test_what_the_study_does_not_have_is_refused_before_anything_runs(main, store, capsys):
    assert main("-m", "+experiment=target_shape", "seed=9") == 1
    assert "seed=9 is no level of this study" in capsys.readouterr().out
    assert main("-m", "+experiment=target_shape", "study.seeds=[]") == 1
    assert "seeds" in capsys.readouterr().out
    assert not (store / "runs").exists()


def test_a_study_is_no_single_run(main, capsys):
    assert main("+experiment=target_shape") == 1
    assert "python train.py -m" in capsys.readouterr().out


def test_a_plan_of_a_single_run_is_refused_and_trains_nothing(main, store, capsys):
    assert main("dry_run=true", "tracking.uri=") == 1
    assert "got a single run; use `python train.py -m ...`" in capsys.readouterr().out
    assert not (store / "runs").exists()


def test_failed_cells_are_reported_again_and_run_again_when_asked(main, trials_of_a_second, store, capsys):
    bad = ["-m", "loss=dice", "head=softmax,binary", "class_weight=fixed", "tracking.uri="]
    assert main(*bad) == 1
    capsys.readouterr()
    assert main(*bad) == 1
    text = capsys.readouterr().out
    assert "FailedBeforeError" in text
    assert "retry_failed=true" in text
    assert main(*bad, "dry_run=true") == 0
    text = capsys.readouterr().out
    assert re.search(r"binary +failed", text)
    assert re.search(r"softmax +done", text)
    attempts = runs.status(store).set_index("status")["attempts"]
    assert attempts.to_dict() == {FAILED: 1, FINISHED: 1}
    assert main(*bad, "retry_failed=true") == 1
    assert runs.status(store).set_index("status")["attempts"].to_dict() == {FAILED: 2, FINISHED: 1}


def test_a_job_that_fails_in_a_process_of_its_own_is_reported_with_its_reason(main, store, monkeypatch):
    def run_here(processes, overrides, *, program, environment):
        with pytest.raises(ValueError, match="weight"):
            run_cell(checked(compose_config(overrides)), HydraConfig.get().runtime.choices)
        raise ProcessesError("a process ended with exit code 1")

    monkeypatch.setattr(job, "launch", run_here)
    bad = ["loss=dice", "head=binary", "class_weight=fixed"]
    assert main("-m", *bad, "tracking.uri=", "fresh_process=true") == 1
    (line,) = cells(store)
    assert line["error"].startswith("ProcessesError: ValueError: weight [1.0, 42.0, 42.0] cannot act on loss=dice")


def test_a_process_of_its_own_is_given_the_options_and_modules_of_this_one(main, store, tmp_path, monkeypatch):
    """Else it lacks a user's loss, or finds another one, and trains another run."""
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss" / "own.yaml").write_text("_target_: mine_apart.Loss\n")
    (tmp_path / "mine_apart.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    given = []

    def note(processes, overrides, *, program, environment):
        given.append((overrides, environment))
        raise ProcessesError("noted")

    monkeypatch.setattr(job, "launch", note)
    assert main("--config-dir", str(tmp_path), "-m", "loss=own", "tracking.uri=", "fresh_process=true") == 1
    [(overrides, environment)] = given
    assert overrides[0] == f"--config-dir={tmp_path}"
    assert "loss=own" in overrides
    assert environment["PYTHONPATH"].split(os.pathsep)[0] == str(tmp_path)
    assert environment["PYTHONSAFEPATH"] == "1"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            "nowhere_mine.Loss",
            "Error locating target 'nowhere_mine.Loss': No module named 'nowhere_mine'; check the name",
        ),
        ("thinline.losses.dice.Dicee", "Error locating target 'thinline.losses.dice.Dicee'.*; check the name"),
    ],
)
def test_a_target_that_cannot_be_imported_is_named_with_its_reason(main, store, capsys, target, words):
    assert main(f"loss._target_={target}", "tracking.uri=") == 1
    text = capsys.readouterr().out
    assert re.search(f"^error: {words}", text, re.M)
    assert "HYDRA_FULL_ERROR" not in text
    assert not (store / "runs").exists()
