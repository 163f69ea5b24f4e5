"""One cell on the smoke budget: its numbers, skipping, resuming, failing."""

import gc
import math
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from hairline import cell, ledger, rendering, work
from hairline.cell import SKIPPED, run_cell, steps_done
from hairline.config import CONF, checked
from hairline.ledger import FAILED, FINISHED, KILLED, RunFolder
from hairline.rendering import plan_sheets
from hairline.signals import Killed
from hairline.training.callbacks import LAST
from hairline.training.run import Machine, precision_of
from hairline.training.task import DIVERGED_BATCH, TrainingDivergedError


def run(made):
    config, choices = made
    return run_cell(config, choices)


def tables(ended):
    return [pd.read_parquet(ended.folder / name) for name in ("per_class.parquet", "per_sheet.parquet")]


def manifest(ended_or_path):
    return RunFolder.open(getattr(ended_or_path, "folder", ended_or_path)).manifest()


def only_folder(store):
    (folder,) = ledger.run_folders(store)
    return folder


@pytest.fixture
def ended(tiny):
    return run(tiny())


def test_a_finished_cell_leaves_everything(ended):
    assert ended.status == FINISHED
    per_class, per_sheet = tables(ended)
    told = manifest(ended)
    assert told.status == FINISHED
    assert told.cell.factors["loss"] == "dice"
    assert told.cell.seed == 0
    assert len(told.cell.dataset_digest) == 16
    assert (ended.folder / "checkpoints" / LAST).exists()
    assert {"val", "test", "tuned"} == set(per_class["split"])
    assert set(per_class.loc[per_class["split"] == "test", "class"]) == {"background", "curve_1", "curve_2"}
    assert sorted(per_sheet.loc[per_sheet["split"] == "test", "sheet"].unique()) == [0, 1, 2]
    assert ended.name.startswith("dice-softmax-none-fresh-pen1-unet_slim-smoke-s0-")


def test_the_numbers_are_those_of_the_saved_network(ended, tiny):
    """Independent recount: load the weights, predict sheet by sheet with numpy, divide once."""
    config, _ = tiny()
    conf = checked(config)
    sheets = work.render_sheets(plan_sheets(conf), conf, console=work.CONSOLE)
    task = work.build_task(config, conf, None, folder=ended.folder)
    saved = torch.load(ended.folder / "checkpoints" / LAST, weights_only=False)["state_dict"]
    task.load_state_dict(saved, strict=False)
    task.eval().network.to(memory_format=torch.channels_last)
    bf16 = precision_of(Machine("cpu", 1, "auto", True, False)) == "bf16-mixed"
    hits = np.zeros(3, np.int64)
    either = np.zeros(3, np.int64)
    for image, labels in zip(sheets.test.images, sheets.test.labels, strict=True):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = task.network(torch.from_numpy(1 - image / np.float32(255))[None, None].float())[0]
        found = logits.float().numpy().argmax(0)
        for k in range(3):
            hits[k] += ((found == k) & (labels == k)).sum()
            either[k] += ((found == k) | (labels == k)).sum()
    per_class, _ = tables(ended)
    told = per_class.query("split == 'test' and measure == 'iou'").set_index("class")["value"]
    assert told.loc[["background", "curve_1", "curve_2"]].tolist() == pytest.approx((hits / either).tolist(), abs=2e-3)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc to read what is mapped")
def test_a_cell_lets_go_of_the_sheets_of_the_one_before(ended, tiny, monkeypatch):
    """A Trainer and its task refer to each other: without a collection a sweep would hold the sheets of every cell."""

    def sheets_mapped():
        return Path("/proc/self/maps").read_text().count(".sheets")

    def noting(*given, **named):
        at_the_start.append(sheets_mapped())
        work.do_work(*given, **named)

    at_the_start = []
    monkeypatch.setattr(cell, "do_work", noting)
    gc.collect()
    gc.disable()
    try:
        run(tiny("seed=1"))
        held = sheets_mapped()
        run(tiny("seed=2"))
    finally:
        gc.enable()
    assert held > 0  # else there is nothing to let go of
    assert at_the_start == [0, 0]


def test_sheets_sum_to_the_split(ended):
    per_class, per_sheet = tables(ended)
    for split in ("val", "test"):
        whole = per_class.query(f"split == '{split}' and measure == 'support'").set_index("class")["value"]
        parts = per_sheet.query(f"split == '{split}' and measure == 'support'").groupby("class")["value"].sum()
        pd.testing.assert_series_equal(whole.sort_index(), parts.sort_index(), check_names=False)


def test_overlays_are_pictures(ended):
    (path,) = (ended.folder / "overlays").glob("*.png")
    picture = cv2.imread(str(path))
    assert picture.ndim == 3
    assert picture.shape[1] > 3 * 128  # three panels of a 128-px sheet


def test_a_finished_cell_is_skipped_and_force_repeats_it_bit_for_bit(ended, tiny):
    again = run(tiny())
    assert again.status == SKIPPED
    assert again.folder == ended.folder
    before = tables(ended)
    weights = torch.load(ended.folder / "checkpoints" / LAST, weights_only=False)["state_dict"]
    forced = run(tiny("force=true"))
    assert forced.status == FINISHED
    for old, new in zip(before, tables(forced), strict=True):
        pd.testing.assert_frame_equal(old, new, check_exact=True)
    repeated = torch.load(forced.folder / "checkpoints" / LAST, weights_only=False)["state_dict"]
    assert all(torch.equal(weights[name], repeated[name]) for name in weights)


def test_another_seed_is_another_cell(ended, tiny):
    other = run(tiny("seed=1"))
    assert other.folder != ended.folder
    assert not tables(other)[0]["value"].equals(tables(ended)[0]["value"])


def test_a_killed_run_goes_on_where_it_was(tiny, tmp_path, monkeypatch):
    """Killed after the first checkpoint, resumed: same numbers, same curve as a run nobody disturbed."""
    undisturbed = run(tiny())
    kept = tables(undisturbed)
    history = RunFolder.open(undisturbed.folder).history()
    shutil.rmtree(undisturbed.folder)

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
    timing = {"steps_per_second"}
    for before, after in zip(history, folder.history(), strict=True):
        assert before.step == after.step
        for name in set(before.metrics) - timing:
            assert after.metrics[name] == pytest.approx(before.metrics[name], nan_ok=True, abs=0)


def test_a_run_killed_between_training_and_results_only_scores(tiny, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_results", lambda *_: (_ for _ in ()).throw(Killed(2)))
        with pytest.raises(Killed):
            run(tiny())
    assert run(tiny()).status == FINISHED


def test_a_failing_cell_says_why(tiny, tmp_path):
    with pytest.raises(ValueError, match="binary"):
        run(tiny("head=binary", "class_weight=fixed"))
    told = only_folder(tmp_path / "store").manifest()
    assert told.status == FAILED
    assert "dice" in told.exception.message


def test_a_loss_that_becomes_nan_stops_the_run_and_keeps_the_batch(tiny, tmp_path):
    with pytest.raises(TrainingDivergedError, match="finite"):
        run(tiny("optimiser.learning_rate=1e25", "optimiser.clip_norm=1e30", "trainer.precision=fp32"))
    folder = only_folder(tmp_path / "store")
    assert folder.manifest().status == FAILED
    saved = torch.load(folder.path / DIVERGED_BATCH, weights_only=True)
    assert saved["batch"]["image"].shape[1:] == (1, 64, 64)
    assert not math.isfinite(float(saved["logits"].sum()))


@pytest.mark.parametrize("head", sorted(path.stem for path in (CONF / "head").glob("*.yaml")))
def test_every_head_is_scored_in_its_own_classes(tiny, head):
    per_class, _ = tables(run(tiny(f"head={head}", "loss=soft_ce")))
    curves = {"binary": ["curve"]}.get(head, ["curve_1", "curve_2"])
    told = per_class.query("split == 'test' and measure == 'iou'")["class"].tolist()
    assert told == ["background", *curves]
    tuned = per_class.query("split == 'tuned' and measure == 'f1'")["class"].tolist()
    assert tuned == (["background", *curves] if head == "softmax" else curves)
    claims = per_class.query("split == 'test' and `class` == 'all'").set_index("measure")["value"]
    assert (len(claims) == 2) == (head == "sigmoid_stack")
    assert claims.between(0, 1).all()


@pytest.mark.parametrize(
    "mix", sorted(path.stem for path in (CONF / "data_mix").glob("*.yaml") if path.stem != "folder")
)
def test_every_mix_trains_and_is_judged_on_the_same_sheets(tiny, mix):
    ended = run(tiny(f"data_mix={mix}", "class_weight=measured"))
    _, per_sheet = tables(ended)
    first = RunFolder.open(ended.folder).history()[0].metrics
    assert first["data/shown"] == 6 * 2  # steps times batch, whatever the mix
    assert first["data/unique_archive"] == 2
    assert first["data/unique"] == {"scarce": 2, "duplicated": 2}.get(mix, 6)
    assert 0 < first["data/curve_coverage"] < 1
    support = per_sheet.query("split == 'test' and measure == 'support'")["value"].tolist()
    _, reference = tables(run(tiny()))
    assert support == reference.query("split == 'test' and measure == 'support'")["value"].tolist()


def test_the_ledger_tells_the_share_of_each_class_as_often_as_it_is_shown(tiny, capsys):
    """Recounted from the batches themselves, which show whole sheets where tiles are as large."""
    config, choices = tiny("budget.tile_px=128", "budget.steps=9", "budget.batch_size=1")
    first = RunFolder.open(run((config, choices)).folder).history()[0].metrics
    conf = checked(config)
    planned = plan_sheets(conf)
    sheets = work.render_sheets(planned, conf, console=work.CONSOLE)
    tiles = work._batches(conf, planned, sheets).training
    counts = sum(np.bincount(tiles[step].labels.numpy().ravel(), minlength=3) for step in range(9))
    told = [first[f"data/share/{name}"] for name in conf.classes]
    assert told == pytest.approx((counts / counts.sum()).tolist(), abs=1e-12)
    assert first["data/most_showings"] == 2  # nine showings of six sheets
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("training mix"))
    assert "6 unique sheets (2 archive, 4 procedural), 9 images seen" in line
    assert "curve_1" in line


def test_a_finer_resolution_sees_more_pixels_of_the_same_sheets(tiny):
    coarse, fine = tables(run(tiny()))[0], tables(run(tiny("resolution=pen2")))[0]
    query = "split == 'test' and measure == 'support'"
    assert fine.query(query)["value"].sum() == 4 * coarse.query(query)["value"].sum()


def test_weights_are_logged_beside_the_measured_ratio(tiny, capsys):
    ended = run(tiny("loss=soft_ce", "class_weight=fixed", "class_weight.value=3"))
    first = RunFolder.open(ended.folder).history()[0]
    assert first.step == 0
    assert first.metrics["train/class_weight/curve_1"] == 3
    assert first.metrics["train/measured_ratio/curve_1"] > 10
    told = capsys.readouterr().out
    assert "background:curve ratio" in told
    assert "warning" in told  # 3 is far from what was measured


def test_another_drawing_is_another_cell(ended, tiny, monkeypatch):
    """Sheets that are drawn differently must not pass for the run that saw the old ones."""
    monkeypatch.setattr(rendering, "DRAWING_VERSION", rendering.DRAWING_VERSION + 1)
    again = run(tiny())
    assert again.status == FINISHED
    assert again.folder != ended.folder
