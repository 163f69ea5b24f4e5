"""One cell on the smoke budget: its numbers, skipping, resuming, failing."""

import copy
import gc
import math
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from cell_cases import manifest, only_folder, run, tables

from thinline import runs
from thinline.config.schema import CONF, checked
from thinline.metrics.perturbed_truth import PERTURBATIONS
from thinline.pipeline import cell, locate, train
from thinline.pipeline import sheets as rendering
from thinline.pipeline.locate import SKIPPED, FailedBeforeError, OtherMeasuresError
from thinline.pipeline.sheets import plan_sheets
from thinline.runs import FAILED, FINISHED, RunFolder
from thinline.training.callbacks import LAST
from thinline.training.fit import Machine, precision_of
from thinline.training.memory import MemoryBudgetError
from thinline.training.task import DIVERGED_BATCH, SegmentationTask, TrainingDivergedError


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
    assert {"val", "test", "tuned", *PERTURBATIONS} == set(per_class["split"])
    assert set(per_class.loc[per_class["split"] == "test", "class"]) == {"background", "curve_1", "curve_2"}
    assert sorted(per_sheet.loc[per_sheet["split"] == "test", "sheet"].unique()) == [0, 1, 2]
    assert ended.name.startswith("dice-softmax-none-fresh-pen1-unet_slim-smoke-muon-s0-")


def test_the_numbers_are_those_of_the_saved_network(ended, tiny):
    """Independent recount: load the weights, predict sheet by sheet with numpy, divide once."""
    config, _ = tiny()
    conf = checked(config)
    sheets = train.render_sheets(plan_sheets(conf), conf, console=train.CONSOLE)
    task = train.build_task(config, conf, None, folder=ended.folder)
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
        train.train_cell(*given, **named)

    at_the_start = []
    monkeypatch.setattr(cell, "train_cell", noting)
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


def test_a_failing_cell_says_why(tiny, tmp_path):
    with pytest.raises(ValueError, match="binary"):
        run(tiny("head=binary", "class_weight=fixed"))
    told = only_folder(tmp_path / "store").manifest()
    assert told.status == FAILED
    assert "dice" in told.exception.message


def test_a_failed_cell_is_tried_again_only_when_that_is_wanted(tiny, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_results", lambda *_: (_ for _ in ()).throw(OSError("no room")))
        with pytest.raises(OSError, match="no room"):
            run(tiny())
    with pytest.raises(FailedBeforeError, match=r"retry_failed=true.*OSError: no room"):
        run(tiny(), retry=False)
    assert run(tiny(), retry=True).status == FINISHED
    assert run(tiny(), retry=False).status == SKIPPED


def test_a_cell_measured_by_another_version_is_refused_by_signature(tiny, monkeypatch):
    done = run(tiny())
    monkeypatch.setattr(locate, "signatures", lambda: ("iou|v:2",))
    with pytest.raises(OtherMeasuresError, match=r"iou\|absent:nan\|ignore:255\|v:1.*force=true"):
        run(tiny())
    assert manifest(done).cell.signatures[0].endswith("v:1")  # and nothing of it was touched
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
    config, choices = tiny("budget.tile_px=[128,128]", "budget.steps=9", "budget.batch_size=1")
    first = RunFolder.open(run((config, choices)).folder).history()[0].metrics
    conf = checked(config)
    planned = plan_sheets(conf)
    sheets = train.render_sheets(planned, conf, console=train.CONSOLE)
    tiles = train._batches(conf, planned, sheets).training
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


def test_cells_that_differ_inside_a_group_differ_in_rows_and_names(tiny, tmp_path):
    """A sweep over one weight: every row says which, and so do the folders; saying the default is the default."""
    names = [run(tiny("loss=soft_ce", "class_weight=fixed", *more)).name for more in ([], ["class_weight.value=5"])]
    again = run(tiny("loss=soft_ce", "class_weight=fixed", "class_weight.value=42"))
    assert again.status == SKIPPED
    assert again.name == names[0]
    rows = runs.read(tmp_path / "store")
    assert set(rows["class_weight"]) == {"fixed", "fixed(value=5)"}
    assert set(rows["network"]) == {"unet_slim(widths=[4,8])"}
    assert "-value_5-" in names[1]
    assert runs.status(tmp_path / "store")["class_weight"].tolist() == [
        "fixed(value=5)" if name == names[1] else "fixed" for name in runs.status(tmp_path / "store")["run"]
    ]


GRADIENTS = [f"train/grad_norm/{name}" for name in ("background", "curve_1", "curve_2")]


@pytest.mark.parametrize(
    ("head", "precision"), [("softmax", "fp32"), ("softmax", "bf16"), ("sigmoid_stack", "bf16"), ("binary", "fp32")]
)
def test_gradient_norms_are_those_of_autograd(tiny, head, precision, monkeypatch):
    """The last step before each validation once more: network, loss and gradient from scratch, class by class."""
    expected = []
    step = SegmentationTask.training_step

    def again(self, batch, batch_idx):
        if batch_idx == 2:  # of the three steps of a stretch
            # of its own: batch norm must not see this batch twice
            network = copy.deepcopy(self.network)
            logits = network(batch.image)
            loss = self.objective(logits, batch.labels, batch.strokes)
            (slope,) = torch.autograd.grad(loss, logits)
            ids = (batch.labels > 0).long() if head == "binary" else batch.labels
            expected.append([float(slope.movedim(1, -1)[ids == k].double().norm()) for k in range(len(self.classes))])
        return step(self, batch, batch_idx)

    monkeypatch.setattr(SegmentationTask, "training_step", again)
    ended = run(tiny(f"head={head}", "loss=soft_ce", f"trainer.precision={precision}"))
    names = ["train/grad_norm/background", "train/grad_norm/curve"] if head == "binary" else GRADIENTS
    lines = [line.metrics for line in RunFolder.open(ended.folder).history() if names[0] in line.metrics]
    assert len(lines) == len(expected) == 2
    for line, norms in zip(lines, expected, strict=True):
        assert [line[name] for name in names] == pytest.approx(norms, rel=1e-6)


def test_watching_gradients_changes_no_number(ended, tiny, monkeypatch):
    """The same cell without the norms: bit-equal weights and tables."""
    weights = torch.load(ended.folder / "checkpoints" / LAST, weights_only=False)["state_dict"]
    before = tables(ended)
    monkeypatch.setattr(torch.Tensor, "retain_grad", lambda self: None)
    monkeypatch.setattr(SegmentationTask, "on_after_backward", lambda self: None)
    blind = run(tiny("force=true"))
    assert not any(name in line.metrics for line in RunFolder.open(blind.folder).history() for name in GRADIENTS)
    unseen = torch.load(blind.folder / "checkpoints" / LAST, weights_only=False)["state_dict"]
    assert all(torch.equal(weights[name], unseen[name]) for name in weights)
    for old, new in zip(before, tables(blind), strict=True):
        pd.testing.assert_frame_equal(old, new, check_exact=True)


def test_the_tuned_control_trains_as_without_weight_and_decides_at_the_thresholds(tiny):
    """One curve: the decision at test is that of `tuned/`, integer for integer; training and validation stay."""
    plain = run(tiny("head=binary", "loss=soft_ce"))
    tuned = run(tiny("head=binary", "loss=soft_ce", "class_weight=tuned_threshold"))
    weights = [torch.load(it.folder / "checkpoints" / LAST, weights_only=False)["state_dict"] for it in (plain, tuned)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    before, after = (tables(it)[0].set_index(["split", "measure", "class"])["value"] for it in (plain, tuned))
    pd.testing.assert_series_equal(before[["val", "tuned"]], after[["val", "tuned"]])
    for measure in ("iou", "precision", "recall", "f1", "area_ratio"):
        assert after["test", measure, "curve"] == after["tuned", measure, "curve"]
    assert after["test", "f1", "curve"] != before["test", "f1", "curve"]


@pytest.mark.parametrize("head", ["softmax", "sigmoid_stack"])
def test_the_tuned_control_gives_a_pixel_to_one_curve(tiny, head):
    """Independent recount: the saved network, the thresholds of the results, numpy's largest ratio of the claimants."""
    made = tiny(f"head={head}", "loss=soft_ce", "class_weight=tuned_threshold", "trainer.precision=fp32")
    ended = run(made)
    per_class, per_sheet = tables(ended)
    rows = per_class.set_index(["split", "measure", "class"])["value"]
    config, conf = made[0], checked(made[0])
    task = train.build_task(config, conf, None, folder=ended.folder)
    task.load_state_dict(
        torch.load(ended.folder / "checkpoints" / LAST, weights_only=False)["state_dict"], strict=False
    )
    task.eval().network.to(memory_format=torch.channels_last)
    sheets = train.render_sheets(plan_sheets(conf), conf, console=train.CONSOLE)
    edges = [rows["tuned", "threshold", name] for name in ("curve_1", "curve_2")]
    matrix = np.zeros((3, 3), np.int64)
    with torch.no_grad():
        p = task.head.probabilities(task.network(torch.from_numpy(1 - sheets.test.images / np.float32(255))[:, None]))
    ratios = [np.where(p[:, k - 2] >= edge, p[:, k - 2] / max(edge, 1e-38), 0.0) for k, edge in enumerate(edges)]
    found = np.where(np.maximum(*ratios) > 0, 1 + (ratios[1] > ratios[0]), 0)
    np.add.at(matrix, (sheets.test.labels, found), 1)
    for k, name in enumerate(("background", "curve_1", "curve_2")):
        iou = matrix[k, k] / (matrix[k].sum() + matrix[:, k].sum() - matrix[k, k])
        assert rows["test", "iou", name] == pytest.approx(iou, abs=1e-3)
        support = per_sheet.query(f"split == 'test' and measure == 'support' and `class` == '{name}'")["value"].sum()
        assert support == matrix[k].sum()


def test_logit_adjustment_learns_with_the_prior_of_the_training_mix(tiny, monkeypatch):
    seen = []
    build = train.build_task

    def noting(*given, **named):
        seen.append((named["prior"], build(*given, **named)))
        return seen[-1][1]

    monkeypatch.setattr(train, "build_task", noting)
    made = tiny("loss=soft_ce", "class_weight=logit_adjustment", "class_weight.tau=0.5")
    ended = run(made)
    planned = plan_sheets(checked(made[0]))
    sheets = train.render_sheets(planned, checked(made[0]), console=train.CONSOLE)
    shown = np.concatenate([sheets.train.labels[index].ravel() for index in planned.splits.train.order])
    ((prior, task),) = seen
    shares = np.bincount(shown[shown != 255], minlength=3) / (shown != 255).sum()
    assert prior == pytest.approx(shares.tolist())
    assert task.objective.shift.flatten().tolist() == pytest.approx((0.5 * np.log(shares)).tolist())
    assert manifest(ended).cell.factors["class_weight"] == "logit_adjustment(tau=0.5)"
