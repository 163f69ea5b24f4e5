"""Truth maps are made once for a sheet, shared by all cells, and never in a training step."""

import numpy as np
import pytest
import torch
from option_cases import LEVELS
from option_cases import objective_of as of_levels

from thinline.config.objective import objective_of
from thinline.config.schema import Conf
from thinline.heads import Binary, Softmax
from thinline.losses import objective as objective_module
from thinline.losses.class_weight import Imbalance
from thinline.losses.objective import Objective
from thinline.pipeline import train
from thinline.pipeline.cell import run_cell
from thinline.pipeline.sheets import plan_sheets, render_sheets
from thinline.pipeline.train import CONSOLE
from thinline.pipeline.truth_maps import open_truth_maps
from thinline.runs import FINISHED
from thinline.training.task import SegmentationTask


def objective_in(conf: Conf) -> Objective:
    return objective_of(conf, Imbalance())


@pytest.fixture
def drawings(monkeypatch):
    """An item for each map that was made."""
    drawn = []
    draw = objective_module.map_of
    monkeypatch.setattr(objective_module, "map_of", lambda *args: drawn.append(1) or draw(*args))
    return drawn


def test_the_losses_with_maps_are_those_on_distances_and_skeletons() -> None:
    kinds = ("boundary", "clce", "cldice", "skeleton_recall")
    mapped = [name for name in LEVELS["loss"] if of_levels(loss=name).truth_maps]
    assert sorted([*kinds, *(f"dice_{kind}" for kind in kinds)]) == mapped


@pytest.mark.parametrize("loss", ["boundary", "dice_cldice", "skeleton_recall"])
def test_no_map_is_made_in_a_step_and_the_next_run_finds_them(tiny, tmp_path, drawings, monkeypatch, loss) -> None:
    own = f"paths.cache={tmp_path / 'cache'}"
    steps, step = [], SegmentationTask.training_step

    def watched(self, batch, index):
        before = len(drawings)
        value = step(self, batch, index)
        steps.append(len(drawings) - before)
        return value

    monkeypatch.setattr(SegmentationTask, "training_step", watched)
    first = run_cell(*tiny(f"loss={loss}", own))
    assert first.status == FINISHED
    assert steps == [0] * 6
    assert len(drawings) == 6  # sheets of the smoke budget
    (path,) = (tmp_path / "cache").glob("*.maps")
    written = path.stat()
    conf, _ = tiny(f"loss={loss}", own, "optimiser.clip_norm=0.5")
    open_truth_maps(
        objective_in(conf), render_sheets(plan_sheets(conf), conf, console=CONSOLE).train, conf, console=CONSOLE
    )
    assert len(drawings) == 6
    assert path.stat().st_ino == written.st_ino


def test_a_loss_without_maps_writes_none(tiny, tmp_path, drawings) -> None:
    run_cell(*tiny("loss=dice_ce", f"paths.cache={tmp_path / 'cache'}"))
    assert not list((tmp_path / "cache").glob("*.maps"))
    assert drawings == []


@pytest.mark.parametrize("head", [Softmax, Binary])
@pytest.mark.parametrize("loss", ["boundary", "skeleton_recall"])
def test_a_batch_brings_the_map_of_the_whole_sheet_for_the_head_in_use(tiny, tmp_path, loss, head) -> None:
    conf, _ = tiny(f"loss={loss}", f"head={head.name}", f"paths.cache={tmp_path / 'cache'}")
    planned = plan_sheets(conf)
    sheets = render_sheets(planned, conf, console=CONSOLE)
    objective = objective_in(conf)
    maps = open_truth_maps(objective, sheets.train, conf, console=CONSOLE)
    (truth_map,) = objective.truth_maps
    training = train.batches_of(conf, planned, sheets, maps).training
    batch = training[0]
    for row, index in enumerate(batch.index.tolist()):
        labels = torch.from_numpy(sheets.train.labels[index].copy())[None].long()
        strokes = torch.from_numpy(np.stack([sheets.train.strokes[index] >> k & 1 for k in range(2)]))[None] > 0
        whole = objective.draw(truth_map, labels, strokes)[0].to(batch.maps[truth_map.key].dtype)
        tile = batch.maps[truth_map.key][row]
        windows = whole.unfold(1, tile.shape[1], 1).unfold(2, tile.shape[2], 1)
        flipped = (tile, tile.flip(2))
        assert any((windows == part[:, None, None]).flatten(3).all(3).all(0).any() for part in flipped)
    logits = torch.zeros(len(batch.index), objective.head.channels, *batch.labels.shape[1:])
    assert torch.isfinite(objective(logits, batch.labels, batch.strokes, maps=batch.maps))
