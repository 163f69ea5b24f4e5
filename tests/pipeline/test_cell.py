"""One cell on the smoke budget: its numbers, skipping, repeating, failing."""

import copy
import gc
import math
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from cell_cases import manifest, only_folder, run, tables
from hydra.utils import instantiate

from thinline import runs
from thinline.config.schema import CONF
from thinline.losses.class_weight import Imbalance
from thinline.losses.dice import Dice
from thinline.metrics.perturbed_truth import PERTURBATIONS
from thinline.pipeline import cell, locate, train
from thinline.pipeline import sheets as rendering
from thinline.pipeline.locate import SKIPPED, FailedBeforeError, OtherMeasuresError
from thinline.pipeline.sheets import plan_sheets
from thinline.runs import FAILED, FINISHED, RunFolder
from thinline.training.callbacks import LAST
from thinline.training.memory import MemoryBudgetError
from thinline.training.precision import precision_of
from thinline.training.task import DIVERGED_BATCH, SegmentationTask, TrainingDivergedError


@pytest.fixture(scope="module")
def ended(shared):
    """A finished cell that tests only read."""
    return run(shared())


@pytest.fixture
def own(ended, tmp_path):
    """A copy of that cell in the store of `tiny`."""
    shutil.copytree(ended.folder, tmp_path / "store" / ended.folder.relative_to(ended.folder.parents[1]))


def weights(outcome):
    """The state of the last checkpoint."""
    return torch.load(outcome.folder / "checkpoints" / LAST, weights_only=False)["state_dict"]


def assert_equal(first, second):
    """Bit-equal weights and tables of two pairs (weights, tables)."""
    assert first[0].keys() == second[0].keys()
    assert all(torch.equal(first[0][name], second[0][name]) for name in first[0])
    for left, right in zip(first[1], second[1], strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def trained_task(conf, outcome):
    """The task of a finished cell with its weights, to predict again."""
    task = train.build_task(conf, instantiate(conf.head), Imbalance(), folder=outcome.folder)
    task.load_state_dict(weights(outcome), strict=False)
    task.eval().network.to(memory_format=torch.channels_last)
    return task


def test_a_finished_cell_has_tables_checkpoint_and_overlay(ended):
    assert ended.status in (FINISHED, SKIPPED)
    per_class, per_sheet = tables(ended)
    cell = manifest(ended)
    assert cell.status == FINISHED
    assert cell.cell.factors["loss"] == "dice"
    assert cell.cell.seed == 0
    assert len(cell.cell.dataset_digest) == 16
    assert (ended.folder / "checkpoints" / LAST).exists()
    assert {"val", "test", "tuned", *PERTURBATIONS} == set(per_class["split"])
    assert set(per_class.loc[per_class["split"] == "test", "class"]) == {"background", "curve_1", "curve_2"}
    assert sorted(per_sheet.loc[per_sheet["split"] == "test", "sheet"].unique()) == [0, 1, 2]
    assert ended.name.startswith("dice-softmax-none-fresh-pen1-unet_slim-smoke-muon-s0-")
    (path,) = (ended.folder / "overlays").glob("*.png")
    picture = cv2.imread(str(path))
    assert picture.ndim == 3
    assert picture.shape[1] > 3 * 128  # three panels of a 128-px sheet
    f1 = per_sheet.query("split == 'test' and measure == 'f1' and `class` != 'background'")
    worst = f1.groupby("sheet")["value"].mean().idxmin()
    assert path.name == f"test_{worst:03d}.png", "one picture is that of the worst sheet"
    assert f"Worst: sheet {worst}, F1" in (ended.folder / "overlays.html").read_text()


def test_the_numbers_are_those_of_the_saved_network(ended, shared):
    """Independent recount: load the weights, predict sheet by sheet with numpy, divide once."""
    conf, _ = shared()
    sheets = train.render_sheets(plan_sheets(conf), conf, console=train.CONSOLE)
    task = trained_task(conf, ended)
    bf16 = precision_of(conf.trainer) == "bf16-mixed"
    hits = np.zeros(3, np.int64)
    either = np.zeros(3, np.int64)
    for image, labels in zip(sheets.test.images, sheets.test.labels, strict=True):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = task.network(torch.from_numpy(1 - image / np.float32(255))[None, None].float())[0]
        predicted = logits.float().numpy().argmax(0)
        for k in range(3):
            hits[k] += ((predicted == k) & (labels == k)).sum()
            either[k] += ((predicted == k) | (labels == k)).sum()
    per_class, _ = tables(ended)
    iou = per_class.query("split == 'test' and measure == 'iou'").set_index("class")["value"]
    assert iou.loc[["background", "curve_1", "curve_2"]].tolist() == pytest.approx((hits / either).tolist(), abs=2e-3)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc to read what is mapped")
def test_a_cell_frees_the_sheets_of_the_one_before(tiny, monkeypatch):
    """A Trainer and its task refer to each other: without a collection a sweep would hold the sheets of every cell."""

    def sheets_mapped():
        return Path("/proc/self/maps").read_text().count(".sheets")

    def noting(*args, **options):
        at_the_start.append(sheets_mapped())
        train.train_cell(*args, **options)

    at_the_start = []
    monkeypatch.setattr(cell, "train_cell", noting)
    gc.unfreeze()
    gc.collect()
    gc.disable()
    try:
        run(tiny("seed=1"))
        held = sheets_mapped()
        run(tiny("seed=2"))
    finally:
        gc.enable()
    assert held > 0  # else there is nothing to free
    assert at_the_start == [0, 0]


def test_support_of_the_sheets_sums_to_that_of_the_split(ended):
    per_class, per_sheet = tables(ended)
    for split in ("val", "test"):
        whole = per_class.query(f"split == '{split}' and measure == 'support'").set_index("class")["value"]
        parts = per_sheet.query(f"split == '{split}' and measure == 'support'").groupby("class")["value"].sum()
        pd.testing.assert_series_equal(whole.sort_index(), parts.sort_index(), check_names=False)


def test_a_finished_cell_is_skipped_and_force_repeats_it_bit_for_bit(ended, own, tiny):
    again = run(tiny())
    assert again.status == SKIPPED
    assert again.name == ended.name
    forced = run(tiny("force=true"))
    assert forced.status == FINISHED
    assert_equal((weights(ended), tables(ended)), (weights(forced), tables(forced)))


def test_another_seed_is_another_cell(ended, shared):
    other = run(shared("seed=1"))
    assert other.folder != ended.folder
    assert not tables(other)[0]["value"].equals(tables(ended)[0]["value"])


def test_a_failed_cell_records_its_error(tiny, tmp_path):
    with pytest.raises(ValueError, match="binary"):
        run(tiny("head=binary", "class_weight=fixed"))
    failed = only_folder(tmp_path / "store").manifest()
    assert failed.status == FAILED
    assert "dice" in failed.exception.message


def test_a_failed_cell_is_tried_again_only_on_request(tiny, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_results", lambda *_: (_ for _ in ()).throw(OSError("no room")))
        with pytest.raises(OSError, match="no room"):
            run(tiny())
    with pytest.raises(FailedBeforeError, match=r"retry_failed=true.*OSError: no room"):
        run(tiny(), retry=False)
    assert run(tiny(), retry=True).status == FINISHED
    assert run(tiny(), retry=False).status == SKIPPED


def test_a_cell_of_other_metric_versions_is_refused(ended, own, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(locate, "signatures", lambda: ("iou|v:2",))
    with pytest.raises(OtherMeasuresError, match=r"iou\|absent:nan\|ignore:255\|v:1.*force=true"):
        run(tiny())
    assert only_folder(tmp_path / "store").manifest() == manifest(ended)  # unchanged
    assert run(tiny("force=true")).status == FINISHED


def test_a_budget_that_does_not_fit_is_refused_before_the_first_step(tiny, tmp_path):
    with pytest.raises(MemoryBudgetError, match=r"budget\.batch_size=\d+ would fit"):
        run(tiny("budget.batch_size=10000000"))
    folder = only_folder(tmp_path / "store")
    assert folder.manifest().status == FAILED
    assert not (folder.checkpoints / LAST).exists()


def test_a_loss_that_becomes_nan_stops_the_run_and_keeps_the_batch(tiny, tmp_path):
    with pytest.raises(TrainingDivergedError, match=r"lower optimiser\.learning_rate$"):  # fp32 is set already
        run(tiny("optimiser.learning_rate=1e25", "optimiser.clip_norm=1e30", "trainer.precision=fp32"))
    folder = only_folder(tmp_path / "store")
    assert folder.manifest().status == FAILED
    saved = torch.load(folder.path / DIVERGED_BATCH, weights_only=True)
    assert saved["batch"]["image"].shape[1:] == (1, 64, 64)
    assert not math.isfinite(float(saved["logits"].sum()))


def test_a_loss_that_is_nan_for_ordinary_logits_is_named(tiny, monkeypatch):
    monkeypatch.setattr(Dice, "forward", lambda self, probabilities, targets: probabilities.sum((0, 2, 3)) * math.nan)
    with pytest.raises(TrainingDivergedError, match=r"got nan at step 0 from logits up to \S+, so the loss dice"):
        run(tiny())


@pytest.mark.parametrize("head", sorted(path.stem for path in (CONF / "head").glob("*.yaml")))
def test_every_head_is_scored_in_its_own_classes(shared, head):
    classes = ["classes=[background,ink,centre]"] if head == "curves" else []
    per_class, _ = tables(run(shared(f"head={head}", "loss=soft_ce", *classes)))
    curves = {"binary": ["curve"], "curves": ["ink"]}.get(head, ["curve_1", "curve_2"])
    assert per_class.query("split == 'test' and measure == 'iou'")["class"].tolist() == ["background", *curves]
    tuned = per_class.query("split == 'tuned' and measure == 'f1'")["class"].tolist()
    assert tuned == (["background", *curves] if head == "softmax" else curves)
    conflicts = per_class.query("split == 'test' and `class` == 'all'").set_index("measure")["value"]
    assert (len(conflicts) == 2) == (head == "sigmoid_stack")
    assert conflicts.between(0, 1).all()


@pytest.mark.parametrize(
    "mix", sorted(path.stem for path in (CONF / "data_mix").glob("*.yaml") if path.stem not in ("folder", "field"))
)
def test_every_mix_trains_and_is_tested_on_the_same_sheets(shared, ended, mix):
    mixed = run(shared(f"data_mix={mix}", "class_weight=measured"))
    first = RunFolder.open(mixed.folder).history()[0].metrics
    assert first["data/shown"] == 6 * 2  # steps times batch, whatever the mix
    assert first["data/unique_archive"] == 2
    assert first["data/unique"] == {"scarce": 2, "duplicated": 2}.get(mix, 6)
    assert 0 < first["data/curve_coverage"] < 1
    support, reference = (
        tables(outcome)[1].query("split == 'test' and measure == 'support'")["value"].tolist()
        for outcome in (mixed, ended)
    )
    assert support == reference


def test_the_share_of_each_class_counts_a_sheet_as_often_as_it_is_used(tiny, capsys):
    """Recounted from the batches themselves, which show whole sheets where tiles are as large."""
    conf, choices = tiny("budget.tile_px=[128,128]", "budget.steps=9", "budget.batch_size=1")
    first = RunFolder.open(run((conf, choices)).folder).history()[0].metrics
    planned = plan_sheets(conf)
    sheets = train.render_sheets(planned, conf, console=train.CONSOLE)
    tiles = train.batches_of(conf, planned, sheets).training
    counts = sum(np.bincount(tiles[step].labels.numpy().ravel(), minlength=3) for step in range(9))
    shares = [first[f"data/share/{name}"] for name in conf.classes]
    assert shares == pytest.approx((counts / counts.sum()).tolist(), abs=1e-12)
    assert first["data/most_showings"] == 2  # nine showings of six sheets
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("training mix"))
    assert "6 unique sheets (2 archive, 4 procedural), 9 images seen" in line
    assert "curve_1" in line


def test_a_finer_resolution_sees_more_pixels_of_the_same_sheets(shared, ended):
    coarse, fine = tables(ended)[0], tables(run(shared("resolution=pen2")))[0]
    query = "split == 'test' and measure == 'support'"
    assert fine.query(query)["value"].sum() == 4 * coarse.query(query)["value"].sum()


def test_another_drawing_is_another_cell(ended, own, tiny, monkeypatch):
    """A run that saw sheets drawn differently must not pass for this one."""
    monkeypatch.setattr(rendering, "DRAWING_VERSION", rendering.DRAWING_VERSION + 1)
    again = run(tiny())
    assert again.status == FINISHED
    assert again.name != ended.name


def test_cells_that_differ_inside_a_group_differ_in_rows_and_names(tiny, tmp_path, capsys):
    """Of a sweep over one weight every row and folder names the weight; an override of the default changes nothing."""
    fixed, light = (run(tiny("loss=soft_ce", "class_weight=fixed", *more)) for more in ([], ["class_weight.value=5"]))
    again = run(tiny("loss=soft_ce", "class_weight=fixed", "class_weight.value=42"))
    assert (again.status, again.name) == (SKIPPED, fixed.name)
    rows = runs.read(tmp_path / "store")
    assert set(rows["class_weight"]) == {"fixed", "fixed(value=5)"}
    assert set(rows["network"]) == {"unet_slim(widths=[4,4,8])"}
    assert "-value_5-" in light.name
    status = runs.status(tmp_path / "store").set_index("run")["class_weight"].to_dict()
    assert status == {fixed.name: "fixed", light.name: "fixed(value=5)"}
    first = RunFolder.open(light.folder).history()[0]
    assert first.step == 0
    assert first.metrics["train/class_weight/curve_1"] == 5
    assert first.metrics["train/measured_ratio/curve_1"] > 10
    text = capsys.readouterr().out
    assert "background:curve ratio" in text
    assert "warning" in text  # 5 is far from the measured ratio


def test_batch_norms_that_see_a_part_of_the_batch_are_named(tiny, monkeypatch, capsys):
    monkeypatch.setattr(train, "halves_batch_norm", lambda *_: True)
    run(tiny())
    assert "its own part of the batch in a batch norm" in capsys.readouterr().out


GRADIENTS = [f"train/grad_norm/{name}" for name in ("background", "curve_1", "curve_2")]


@pytest.mark.parametrize(
    ("head", "precision"), [("softmax", "fp32"), ("softmax", "bf16"), ("sigmoid_stack", "bf16"), ("binary", "fp32")]
)
def test_gradient_norms_are_those_of_autograd(tiny, head, precision, monkeypatch):
    """The last step before each validation once more: network, loss and gradient from scratch, class by class."""
    expected = []
    step = SegmentationTask.training_step

    def again(self, batch, batch_idx):
        if batch_idx == 2:  # the last of three steps between validations
            network = copy.deepcopy(self.network)  # batch norm must not see this batch twice
            logits = network(batch.image)
            loss = self.objective(logits, batch.labels, batch.strokes)
            (slope,) = torch.autograd.grad(loss, logits)
            ids = (batch.labels > 0).long() if head == "binary" else batch.labels
            expected.append([float(slope.movedim(1, -1)[ids == k].double().norm()) for k in range(len(self.classes))])
        return step(self, batch, batch_idx)

    monkeypatch.setattr(SegmentationTask, "training_step", again)
    outcome = run(tiny(f"head={head}", "loss=soft_ce", f"trainer.precision={precision}"))
    names = ["train/grad_norm/background", "train/grad_norm/curve"] if head == "binary" else GRADIENTS
    lines = [line.metrics for line in RunFolder.open(outcome.folder).history() if names[0] in line.metrics]
    assert len(lines) == len(expected) == 2
    for line, norms in zip(lines, expected, strict=True):
        assert [line[name] for name in names] == pytest.approx(norms, rel=1e-6)


def test_gradient_norms_change_no_other_number(ended, tiny, monkeypatch):
    """The same cell without the norms: bit-equal weights and tables."""
    monkeypatch.setattr(torch.Tensor, "retain_grad", lambda self: None)
    monkeypatch.setattr(SegmentationTask, "on_after_backward", lambda self: None)
    blind = run(tiny())
    assert not any(name in line.metrics for line in RunFolder.open(blind.folder).history() for name in GRADIENTS)
    assert_equal((weights(ended), tables(ended)), (weights(blind), tables(blind)))


def test_the_tuned_control_trains_as_without_weight_and_decides_at_the_thresholds(shared):
    """One curve: the decision at test is that of `tuned/`, integer for integer; training and validation stay."""
    plain = run(shared("head=binary", "loss=soft_ce"))
    tuned = run(shared("head=binary", "loss=soft_ce", "class_weight=tuned_threshold"))
    assert all(torch.equal(value, weights(tuned)[name]) for name, value in weights(plain).items())
    before, after = (tables(ended)[0].set_index(["split", "measure", "class"])["value"] for ended in (plain, tuned))
    pd.testing.assert_series_equal(before[["val", "tuned"]], after[["val", "tuned"]])
    for measure in ("iou", "precision", "recall", "f1", "area_ratio"):
        assert after["test", measure, "curve"] == after["tuned", measure, "curve"]
    assert after["test", "f1", "curve"] != before["test", "f1", "curve"]


@pytest.mark.parametrize("head", ["softmax", "sigmoid_stack"])
def test_the_tuned_control_gives_a_pixel_to_one_curve(tiny, head):
    """Independent recount: the saved network, the thresholds of the results, numpy's largest ratio of the claimants."""
    conf, choices = tiny(f"head={head}", "loss=soft_ce", "class_weight=tuned_threshold", "trainer.precision=fp32")
    outcome = run((conf, choices))
    per_class, per_sheet = tables(outcome)
    rows = per_class.set_index(["split", "measure", "class"])["value"]
    task = trained_task(conf, outcome)
    sheets = train.render_sheets(plan_sheets(conf), conf, console=train.CONSOLE)
    edges = [rows["tuned", "threshold", name] for name in ("curve_1", "curve_2")]
    matrix = np.zeros((3, 3), np.int64)
    with torch.no_grad():
        p = task.head.probabilities(task.network(torch.from_numpy(1 - sheets.test.images / np.float32(255))[:, None]))
    ratios = [np.where(p[:, k - 2] >= edge, p[:, k - 2] / max(edge, 1e-38), 0.0) for k, edge in enumerate(edges)]
    predicted = np.where(np.maximum(*ratios) > 0, 1 + (ratios[1] > ratios[0]), 0)
    np.add.at(matrix, (sheets.test.labels, predicted), 1)
    for k, name in enumerate(("background", "curve_1", "curve_2")):
        iou = matrix[k, k] / (matrix[k].sum() + matrix[:, k].sum() - matrix[k, k])
        assert rows["test", "iou", name] == pytest.approx(iou, abs=1e-3)
        support = per_sheet.query(f"split == 'test' and measure == 'support' and `class` == '{name}'")["value"].sum()
        assert support == matrix[k].sum()


def test_logit_adjustment_learns_with_the_prior_of_the_training_mix(tiny, monkeypatch):
    tasks = []
    build = train.build_task
    monkeypatch.setattr(train, "build_task", lambda *args, **options: tasks.append(build(*args, **options)) or tasks[0])
    conf, choices = tiny("loss=soft_ce", "class_weight=logit_adjustment", "class_weight.tau=0.5")
    outcome = run((conf, choices))
    planned = plan_sheets(conf)
    sheets = train.render_sheets(planned, conf, console=train.CONSOLE)
    used = np.concatenate([sheets.train.labels[index].ravel() for index in planned.splits.train.order])
    shares = np.bincount(used[used != 255], minlength=3) / (used != 255).sum()
    assert tasks[0].objective.shift.flatten().tolist() == pytest.approx((0.5 * np.log(shares)).tolist())
    assert manifest(outcome).cell.factors["class_weight"] == "logit_adjustment(tau=0.5)"
