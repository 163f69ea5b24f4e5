"""What a cell survives: being killed, a disk that is full, a clock that is set back."""

import resource
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import time_machine
from cell_cases import manifest, only_folder, run, tables
from run_cases import copied
from tiny_cells import tiny_cell

from thinline.pipeline.cell import Sinks, steps_done
from thinline.runs import FAILED, FINISHED, KILLED, RunFolder
from thinline.system.signals import Killed
from thinline.tracking.tracker import MlflowClient, Tracker
from thinline.training.callbacks import LAST, AtomicCheckpoint, CheckpointError


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, cache):
    """The run that the others would have been, in a store of its own. Tests only read it."""
    return run(tiny_cell(tmp_path_factory.mktemp("undisturbed") / "store", cache))


def test_a_killed_run_goes_on_where_it_was(undisturbed, tiny, tmp_path, monkeypatch):
    """Killed after the first checkpoint, resumed: same numbers, same curve as a run nobody disturbed."""
    kept = tables(undisturbed)
    history = RunFolder.open(undisturbed.folder).history()
    log = RunFolder.log

    def kill_in_second_half(self, step, metrics):
        if step > 3:
            raise Killed(15)
        return log(self, step, metrics)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "log", kill_in_second_half)
        with pytest.raises(Killed):
            run(tiny())
    folder = only_folder(tmp_path / "store")
    assert folder.manifest().status == KILLED
    assert steps_done(folder.checkpoints / LAST) == 3

    resumed = run(tiny())
    assert manifest(resumed).status == FINISHED
    assert manifest(resumed).attempts == 2
    for old, new in zip(kept, tables(resumed), strict=True):
        pd.testing.assert_frame_equal(old, new, check_exact=True)
    steps = [line.step for line in folder.history()]
    assert steps == sorted(steps)
    timing = {"steps_per_second", "validation_seconds"}
    for before, after in zip(history, folder.history(), strict=True):
        assert before.step == after.step
        for name in set(before.metrics) - timing:
            assert after.metrics[name] == pytest.approx(before.metrics[name], nan_ok=True, abs=0)


def test_a_disk_full_at_a_checkpoint_costs_the_steps_since_the_one_before(undisturbed, tiny, tmp_path, monkeypatch):
    """The kernel refuses to let files grow at the second checkpoint; the next start goes on from the first."""
    kept = tables(undisturbed)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    write = AtomicCheckpoint.on_train_epoch_end

    def on_a_full_disk(self, trainer, task):
        if trainer.global_step > 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
        try:
            write(self, trainer, task)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    with monkeypatch.context() as patch:
        patch.setattr(AtomicCheckpoint, "on_train_epoch_end", on_a_full_disk)
        with pytest.raises(CheckpointError, match=r"at step 6.*'File too large'.*start the same command again"):
            run(tiny())
    folder = only_folder(tmp_path / "store")
    assert folder.manifest().status == FAILED
    assert [path.name for path in folder.checkpoints.iterdir()] == [LAST]
    assert steps_done(folder.checkpoints / LAST) == 3
    for old, new in zip(kept, tables(run(tiny())), strict=True):
        pd.testing.assert_frame_equal(old, new, check_exact=True)


def test_a_run_killed_between_training_and_results_only_scores(tiny, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_results", lambda *_: (_ for _ in ()).throw(Killed(2)))
        with pytest.raises(Killed):
            run(tiny())
    assert run(tiny()).status == FINISHED


def test_a_clock_that_is_set_back_while_a_run_is_down_spoils_nothing(tiny, prepared, tmp_path, monkeypatch):
    """Killed, resumed three hours earlier: the same numbers in the same order, in the folder and in MLflow."""
    uri = copied(prepared, tmp_path / "database").uri
    tracker = Tracker(uri, "thinline", tmp_path / "store")
    tracker.initialise()
    stop = [True]
    log = RunFolder.log

    def kill_once_in_second_half(self, step, metrics):
        if step > 3 and stop.pop():
            raise Killed(15)
        return log(self, step, metrics)

    monkeypatch.setattr(RunFolder, "log", kill_once_in_second_half)
    noon = datetime(2026, 3, 29, 12, tzinfo=UTC)
    with time_machine.travel(noon), pytest.raises(Killed):
        run(tiny(), sinks=Sinks(tracker))
    monkeypatch.setattr(RunFolder, "log", log)
    with time_machine.travel(noon - timedelta(hours=3)):
        ended = run(tiny(), sinks=Sinks(tracker))
    result = manifest(ended)
    assert (result.status, result.attempts) == (FINISHED, 2)
    assert result.finished >= result.started
    history = RunFolder.open(ended.folder).history()
    assert [line.step for line in history] == sorted({line.step for line in history})
    client = MlflowClient(uri)
    (actual,) = client.search_runs([client.get_experiment_by_name("thinline").experiment_id])
    assert actual.info.status == FINISHED
    assert actual.info.end_time >= actual.info.start_time
    for name in ("val/iou/curve_1", "train/loss"):
        mine = {line.step: line.metrics[name] for line in history if name in line.metrics}
        theirs = client.get_metric_history(actual.info.run_id, name)
        assert len(theirs) == len(mine) > 0
        assert {point.step: point.value for point in theirs} == pytest.approx(mine)
        assert actual.data.metrics[name] == pytest.approx(mine[max(mine)])
