"""A sweep stops after its first failure when every cell would fail for the same reason."""

import pytest
from composed import composed
from hydra.errors import InstantiationException

from thinline import runs
from thinline.config.schema import checked
from thinline.pipeline.locate import FailedBeforeError
from thinline.sweep import job
from thinline.sweep.callback import lines
from thinline.sweep.shared_failure import is_shared, stop, stopped_by
from thinline.system.launch import ProcessesError

MISSING = ModuleNotFoundError("No module named 'segmentation_models_pytorch'")


def caused(error, cause):
    error.__cause__ = cause
    return error


BUILT = caused(InstantiationException("Error in call to target 'thinline.network.smp.unet'"), MISSING)
"""What Hydra raises for `network=unet` without the library."""


@pytest.mark.parametrize(
    ("error", "overrides", "varied", "shared"),
    [
        (MISSING, [], ["loss"], True),
        (BUILT, ["network=unet"], ["loss"], True),
        (BUILT, ["network=unet"], ["network"], False),  # the network of another cell may need no such library
        (BUILT, ["network=unet"], ["network.encoder"], False),
        (FileNotFoundError(2, "No such file", "/data/prior.npy"), [], ["loss", "seed"], True),
        (FileNotFoundError(2, "No such file", "/runs/dice-softmax-s0/x"), [], ["loss"], False),
        (NotADirectoryError(20, "Not a directory", "/data/0"), [], ["seed"], True),  # a digit may be in any path
        (ProcessesError("ModuleNotFoundError: No module named 'x'"), [], ["loss"], True),  # read from the run folder
        (FailedBeforeError("failed before: ModuleNotFoundError: x"), [], ["loss"], False),
        (ValueError("weight cannot act on loss=dice"), [], ["head"], False),
        (FloatingPointError("loss is NaN at step 3"), [], ["loss"], False),
    ],
)
def test_only_what_all_cells_need_is_shared(error, overrides, varied, shared):
    conf = checked(composed("loss=dice", *overrides))
    values = {"loss": "dice", "seed": "0", "network": "unet", "network.encoder": "resnet18", "head": "softmax"}
    assert is_shared(error, conf, {key: values[key] for key in varied}) == shared


@pytest.mark.parametrize(
    ("varied", "shared"), [("loss", True), ("data_mix.root", False), ("data_mix", False), ("data_set", False)]
)
def test_a_missing_folder_of_images_is_shared_unless_it_varies(tmp_path, varied, shared):
    conf = checked(composed("data_mix=folder", f"data_mix.root={tmp_path}/none"))
    error = ValueError(f"{tmp_path}/none: expected a folder with images, got no such folder")
    assert is_shared(error, conf, {varied: "dice"}) == shared
    conf = checked(composed("data_mix=folder", f"data_mix.root={tmp_path}"))
    assert not is_shared(error, conf, {varied: "dice"})


def test_jobs_in_other_processes_see_that_the_sweep_stopped(tmp_path):
    assert stopped_by(tmp_path) is None
    stop(tmp_path, "loss=dice seed=0")
    assert stopped_by(tmp_path) == "loss=dice seed=0"


@pytest.fixture
def without_a_library(monkeypatch):
    """Every cell fails before it trains, because a module is missing."""

    def fails(*_):
        raise MISSING

    monkeypatch.setattr(job, "locate", fails)


def ended(store):
    (folder,) = [path.parent for path in store.glob("hydra/*/*/cells.jsonl")]
    return [line.job.split()[0] for line in lines(folder)]


def test_a_sweep_stops_after_a_failure_that_all_cells_share(main, store, without_a_library, capsys):
    assert main("-m", "loss=dice,focal,tversky", "tracking.uri=") == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "the others would fail for the same reason: the sweep stops" in text
    assert "FAILED loss=dice" in text
    assert "2 of 3 cells were not started, because they would fail as 'loss=dice " in text
    assert "fail_fast=false" in text
    assert ended(store) == ["loss=dice"]
    assert runs.status(store).empty


def test_without_fail_fast_every_cell_is_tried(main, store, without_a_library, capsys):
    assert main("-m", "loss=dice,focal,tversky", "fail_fast=false", "tracking.uri=") == 1
    assert ended(store) == ["loss=dice", "loss=focal", "loss=tversky"]
    assert "the sweep goes on" in capsys.readouterr().out


def test_a_study_stops_within_its_first_seed(main, store, without_a_library):
    """Its seeds are batches of their own, which a launcher would start one after the other."""
    assert main("-m", "+experiment=target_shape", "loss=dice,soft_ce", "head=softmax", "tracking.uri=") == 1
    assert len(ended(store)) == 1
