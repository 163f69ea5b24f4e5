"""Batches cut on the device against those that OpenCV and numpy cut on the host."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from thinline.data.cached_maps import open_maps
from thinline.data.cached_sheets import joined
from thinline.data.device_tiles import ResidentTiles, bytes_on_device
from thinline.data.tiles import NO_CHANGE, Change, Plan, TrainingTiles

PLAN = Plan(seed=3, steps=12, batch_size=4, tile_px=(16, 16), change=Change())
HOST = torch.device("cpu")


def of_several_sizes(drawn):
    return joined((drawn(3, height=24, width=20), drawn(2, height=17, width=40)), ((0, 2, 4), (1, 3)))


def same_batches(tiles: TrainingTiles) -> bool:
    there = ResidentTiles(tiles, HOST)
    assert len(there) == len(tiles)
    for step in range(len(tiles)):
        here, result = tiles[step], there[step]
        for name, a, b in zip(here._fields, here[:4], result[:4], strict=False):
            assert a.dtype == b.dtype, name
            assert torch.equal(a, b), (step, name)
        assert (here.maps is None) == (result.maps is None)
        for name, plane in (here.maps or {}).items():
            assert result.maps[name].is_contiguous()
            assert torch.equal(plane, result.maps[name])
    return True


@pytest.mark.parametrize("change", [Change(), NO_CHANGE, Change(flip=True, contrast=0, brightness=0)])
@pytest.mark.parametrize("tile_px", [(16, 16), (16, 20), None])
def test_batches_are_those_of_the_host(drawn, change, tile_px) -> None:
    assert same_batches(TrainingTiles(drawn(7), np.arange(7), replace(PLAN, change=change, tile_px=tile_px)))


def test_sheets_of_several_sizes(drawn) -> None:
    assert same_batches(TrainingTiles(of_several_sizes(drawn), np.array([0, 1, 2, 3, 4, 3, 3]), PLAN))


@pytest.mark.parametrize("curves", [1, 8, 9])
def test_any_number_of_curves(drawn, curves) -> None:
    assert same_batches(TrainingTiles(drawn(5, curves=curves, apart=curves > 8), np.arange(5), PLAN))


@pytest.mark.parametrize("rank", [0, 1])
def test_each_process_holds_its_own_rows(drawn, rank) -> None:
    assert same_batches(TrainingTiles(drawn(7), np.arange(7), PLAN, rank=rank, world=2))


def test_maps_are_cut_with_their_sheets(drawn, tmp_path) -> None:
    sheets = of_several_sizes(drawn)

    def distance(sheet: int) -> np.ndarray:
        return np.random.default_rng(sheet).normal(0, 40, (2, *sheets.images[sheet].shape)).astype(np.float32)

    maps = {"distance": open_maps(sheets, name="d", make=distance, folder=tmp_path)}
    assert same_batches(TrainingTiles(sheets, np.arange(5), PLAN, maps=maps))


def test_the_bytes_on_the_device_are_those_of_the_tensors(drawn) -> None:
    for sheets in (drawn(5, curves=2), drawn(5, curves=9, apart=True), of_several_sizes(drawn)):
        tiles = TrainingTiles(sheets, np.arange(5), PLAN)
        there = ResidentTiles(tiles, HOST)
        held = [there.images, there.labels, there.strokes if there.strokes is not None else torch.empty(0)]
        assert bytes_on_device(tiles) == sum(row.nbytes for row in held)


def test_a_step_beyond_the_plan_is_an_index_error(drawn) -> None:
    with pytest.raises(IndexError, match="must lie in 0"):
        ResidentTiles(TrainingTiles(drawn(7), np.arange(7), PLAN), HOST)[12]
