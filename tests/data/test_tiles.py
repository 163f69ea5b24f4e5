from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from thinline.data.tiles import Batch, Change, EvaluationTiles, Plan, TrainingTiles, _stream, batch_of

PLAN = Plan(seed=3, steps=40, batch_size=4, tile_px=(16, 16), change=Change())
STILL = Plan(seed=3, steps=40, batch_size=4, tile_px=None)


def equal(a: Batch, b: Batch) -> bool:
    assert a.maps is b.maps is None
    return all(torch.equal(x, y) for x, y in zip(a[:4], b[:4], strict=True))


def seen_sheets(tiles: TrainingTiles) -> list[int]:
    return [number for step in range(len(tiles)) for number in tiles[step].index.tolist()]


def test_the_batch_of_a_step_does_not_depend_on_what_came_before(drawn) -> None:
    sheets = drawn(7)
    straight = TrainingTiles(sheets, np.arange(7), PLAN)
    seen = [straight[step] for step in range(len(straight))]
    for step in (39, 17, 0, 18):
        assert equal(TrainingTiles(sheets, np.arange(7), PLAN)[step], seen[step])
        assert equal(straight[step], seen[step])
    assert not equal(seen[0], seen[1])


def test_another_seed_is_another_run(drawn) -> None:
    sheets = drawn(7)
    a, b = (TrainingTiles(sheets, np.arange(7), replace(STILL, seed=seed)) for seed in (3, 4))
    assert seen_sheets(a) != seen_sheets(b)


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 5], [2]])
def test_every_entry_is_shown_once_before_any_is_shown_twice(drawn, order: list[int]) -> None:
    numbers = seen_sheets(TrainingTiles(drawn(7), np.array(order), STILL))
    rounds = [numbers[i : i + len(order)] for i in range(0, len(numbers) - len(order) + 1, len(order))]
    assert all(sorted(one) == sorted(order) for one in rounds)
    assert len(order) == 1 or len({tuple(one) for one in rounds}) > 1


@pytest.mark.parametrize("world", [1, 2, 4])
def test_the_parts_of_all_processes_are_the_batch_of_one(drawn, world: int) -> None:
    sheets, order = drawn(7), np.arange(7)
    alone = TrainingTiles(sheets, order, PLAN)
    parts = [TrainingTiles(sheets, order, PLAN, rank=rank, world=world) for rank in range(world)]
    for step in (0, 1, 25):
        joined = Batch(*(torch.cat(tensors) for tensors in zip(*(part[step][:4] for part in parts), strict=True)))
        assert equal(joined, alone[step])


def test_truth_moves_with_the_image(drawn) -> None:
    """Without a change of tone every tile is found again in its sheet, as it is or turned, image and truth alike."""
    sheets = drawn(5)
    tiles = TrainingTiles(sheets, np.arange(5), replace(PLAN, change=Change(flip=True, contrast=0, brightness=0)))
    turned = 0
    for step in range(8):
        batch = tiles[step]
        for row, number in enumerate(batch.index.tolist()):
            full = batch_of(sheets, [number])
            result = []
            for flip in (False, True):
                tile = [tensor[row].flip(-1) if flip else tensor[row] for tensor in batch[:3]]
                for top in range(24 - 16 + 1):
                    for left in range(20 - 16 + 1):
                        parts = [tensor[0, ..., top : top + 16, left : left + 16] for tensor in full[:3]]
                        if torch.equal(tile[0], parts[0]):
                            result.append((flip, all(map(torch.equal, tile, parts))))
            assert [same for _, same in result] == [True]
            turned += result[0][0]
    assert 0 < turned < 32


def test_tones_change_linearly_within_their_bounds_and_leave_the_truth(drawn) -> None:
    sheets = drawn(7)
    plain = TrainingTiles(sheets, np.arange(7), STILL)
    toned = TrainingTiles(sheets, np.arange(7), replace(STILL, change=Change(flip=False, contrast=0.2, brightness=0.1)))
    slopes = []
    for step in range(10):
        a, b = plain[step], toned[step]
        assert torch.equal(a.labels, b.labels)
        assert torch.equal(a.strokes, b.strokes)
        assert b.image.min() >= 0
        assert b.image.max() <= 1
        for x, y in zip(a.image, b.image, strict=True):
            inside = (y > 0) & (y < 1)
            slope, start = np.polyfit(x[inside].double().numpy(), y[inside].double().numpy(), 1)
            np.testing.assert_allclose(slope * x[inside] + start, y[inside], atol=1e-5)
            assert abs(slope - 1) <= 0.2 + 1e-4
            assert abs(start + slope / 2 - 0.5) <= 0.1 + 1e-4
            slopes.append(slope)
    assert np.ptp(slopes) > 0.1


@pytest.mark.parametrize("size", [(24, 20), (16, 20), (16, 16)])
def test_windows_on_sheets_of_one_size_are_one_draw_for_each_side(drawn, size: tuple[int, int]) -> None:
    """So that runs on drawn sheets see what they saw before sheets could differ in size."""
    height, width = size
    tiles = TrainingTiles(drawn(7, height=height, width=width), np.arange(7), PLAN)
    for step in range(5):
        chance, same = (_stream(PLAN.seed, "tiles", step) for _ in range(2))
        windows = tiles._windows(np.arange(4), chance)
        assert [window.row for window in windows] == same.integers(height - 16 + 1, size=4).tolist()
        assert [window.column for window in windows] == same.integers(width - 16 + 1, size=4).tolist()
        assert [window.flip for window in windows] == (same.random(4) < 0.5).tolist()


def test_tiles_reach_every_corner(drawn) -> None:
    sheets = drawn(1, height=18, width=18)
    plan = Plan(seed=0, steps=60, batch_size=4, tile_px=(17, 17))
    full = batch_of(sheets, [0]).image
    corners = {(top, left): full[0, :, top : top + 17, left : left + 17] for top in (0, 1) for left in (0, 1)}
    tiles = TrainingTiles(sheets, np.array([0]), plan)
    images = [image for step in range(60) for image in tiles[step].image]
    counts = [sum(torch.equal(image, corner) for image in images) for corner in corners.values()]
    assert sum(counts) == 240
    assert min(counts) > 30  # 60 expected of each


def test_a_loader_resumes_where_the_run_was(drawn) -> None:
    tiles = TrainingTiles(drawn(7), np.arange(7), PLAN)
    whole_run = list(DataLoader(tiles, batch_size=None, shuffle=False))
    rest = list(DataLoader(tiles, batch_size=None, sampler=range(30, 40)))
    assert len(whole_run) == 40
    assert all(equal(a, b) for a, b in zip(whole_run[30:], rest, strict=True))
    assert isinstance(rest[0], Batch)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 50])
@pytest.mark.parametrize("world", [1, 2])
def test_evaluation_shows_every_sheet_once_unchanged(drawn, batch_size: int, world: int) -> None:
    sheets = drawn(7)
    seen = []
    for rank in range(world):
        tiles = EvaluationTiles(sheets, batch_size=batch_size, rank=rank, world=world)
        batches = list(DataLoader(tiles, batch_size=None, shuffle=False))
        assert all(len(batch.image) == batch_size for batch in batches[:-1])
        for batch in batches:
            assert equal(batch, batch_of(sheets, batch.index.tolist()))
            seen += batch.index.tolist()
    assert sorted(seen) == list(range(7))
    assert world > 1 or seen == list(range(7))


def test_indices_outside_are_an_index_error(drawn) -> None:
    tiles, evaluation = TrainingTiles(drawn(7), np.arange(7), PLAN), EvaluationTiles(drawn(7), batch_size=4)
    for dataset, number in [(tiles, 40), (tiles, -1), (evaluation, 2), (evaluation, -1)]:
        with pytest.raises(IndexError, match="must lie in 0"):
            dataset[number]


def test_plans_that_cannot_be_followed_are_refused(drawn) -> None:
    sheets, order = drawn(7), np.arange(7)
    with pytest.raises(ValueError, match=r"`tile_px` must be 1..24 rows and 1..20 columns, .* got \(21, 21\)"):
        TrainingTiles(sheets, order, replace(PLAN, tile_px=(21, 21)))
    with pytest.raises(ValueError, match="multiple of 3 processes, got 4"):
        TrainingTiles(sheets, order, PLAN, rank=0, world=3)
    with pytest.raises(ValueError, match="got rank 2 of world 2"):
        TrainingTiles(sheets, order, PLAN, rank=2, world=2)
    with pytest.raises(ValueError, match=r"numbers of sheets, 0..6"):
        TrainingTiles(sheets, np.arange(8), PLAN)
    with pytest.raises(ValueError, match="at least one"):
        TrainingTiles(sheets, order[:0], PLAN)
    with pytest.raises(ValueError, match="`batch_size` must be 1 or more, got 0"):
        EvaluationTiles(sheets, batch_size=0)
    with pytest.raises(ValueError, match=r"at least one sheet for each of 8 processes, got 7"):
        EvaluationTiles(sheets, batch_size=4, rank=0, world=8)
    with pytest.raises(ValueError, match=r"`contrast` must lie in .* got 1.5"):
        Change(contrast=1.5)
