import numpy as np
import pytest
import torch
from drawn_sheets import CLASSES, draw, random_batch
from option_cases import objective_of

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.boundary import SignedDistance
from thinline.losses.cldice import SoftSkeletonOfTruth
from thinline.losses.objective import Objective
from thinline.losses.protocols import map_of
from thinline.losses.skeleton_recall import SkeletonRecall, Tube

MAPPED = ["boundary", "cldice", "skeleton_recall", "dice_boundary", "dice_cldice", "dice_skeleton_recall"]


def test_a_map_is_made_plane_by_plane() -> None:
    targets = random_batch(0, share=0.3).strokes.float()
    for truth_map in (Tube(1), SoftSkeletonOfTruth(2), SignedDistance()):
        drawn = map_of(truth_map, targets)
        for b, k in np.ndindex(2, 2):
            np.testing.assert_array_equal(drawn[b, k].numpy(), truth_map(targets[b, k].numpy() > 0))
        assert map_of(truth_map, targets[:0]).shape == (0, 2, 16, 24)


def test_another_parameter_is_another_key() -> None:
    maps = [Tube(1), Tube(2), SoftSkeletonOfTruth(1), SoftSkeletonOfTruth(2), SignedDistance()]
    assert len({one.key for one in maps}) == len(maps)


@pytest.mark.parametrize("head", [Softmax, SigmoidStack, Binary])
@pytest.mark.parametrize("level", MAPPED)
def test_maps_that_are_given_are_those_that_would_be_made(level, head, monkeypatch) -> None:
    batch = random_batch(0)
    objective = objective_of(loss=level, head=head.name)
    logits = batch.logits(objective.head.channels)
    made = objective(logits, *batch)
    maps = {one.key: objective.draw(one, *batch) for one in objective.truth_maps}
    monkeypatch.setattr("thinline.losses.objective.map_of", lambda *given: pytest.fail("made again"))
    assert len(maps) == 1
    torch.testing.assert_close(objective(logits, *batch, maps=maps), made)


def test_a_tile_has_distances_to_a_curve_beyond_its_edge() -> None:
    sheet = draw(".....1")
    objective = objective_of(loss="boundary", head="sigmoid_stack")
    (key,) = [one.key for one in objective.truth_maps]
    drawn = objective.draw(objective.truth_maps[0], *sheet)
    labels, strokes, tile = sheet.labels[..., :4], sheet.strokes[..., :4], drawn[..., :4]
    logits = torch.zeros(1, 2, 1, 4)
    assert objective(logits, labels, strokes) == 0
    # distances 4.5, 3.5, 2.5, 1.5 at one half; curve 2 is nowhere
    assert objective(logits, labels, strokes, maps={key: tile}).item() == pytest.approx(12 / 4 / 2)


def test_curves_only_leaves_out_the_background_where_the_head_has_one() -> None:
    batch = random_batch(0)
    for head, channels in ((Softmax, 2), (SigmoidStack, 2), (Binary, 1)):
        assert Objective(head(CLASSES), SkeletonRecall()).draw(Tube(2), *batch).shape[1] == channels
    assert Objective(Softmax(CLASSES), SkeletonRecall()).draw(SignedDistance(), *batch).shape[1] == 3


def test_a_loss_that_wants_no_map_has_none() -> None:
    assert objective_of(loss="dice_ce").truth_maps == []


def test_a_map_of_another_head_or_tile_is_shown() -> None:
    batch, objective = random_batch(0), Objective(Softmax(CLASSES), SkeletonRecall())
    with pytest.raises(ValueError, match=r"'tube-2px-v1' must be \[2, 2, 16, 24\] for head 'softmax', got \[2, 1, 16"):
        objective(batch.logits(3), *batch, maps={"tube-2px-v1": torch.zeros(2, 1, 16, 24)})
