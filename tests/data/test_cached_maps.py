"""Maps as a careless editor and a failing maker meet them; what they share with sheets is tested in test_cache.py."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from noise_sheets import Drawing, noise

from thinline.data.batch import batch_of
from thinline.data.cache import open_sheets
from thinline.data.cached_maps import open_maps
from thinline.data.cached_sheets import joined
from thinline.data.tiles import Change, Plan, TrainingTiles
from thinline.system.shared_file import CacheError


def distance_like(sheet: int) -> np.ndarray:
    return np.random.default_rng(sheet).normal(0, 40, (3, 24, 20)).astype(np.float32)


def skeleton_like(sheet: int) -> np.ndarray:
    return (np.random.default_rng(sheet).random((2, 24, 20)) < 0.2).astype(np.uint8)


def never(sheet: int) -> np.ndarray:
    raise AssertionError("made again")


@pytest.mark.parametrize(("make", "kept"), [(skeleton_like, np.uint8), (distance_like, np.float16)])
def test_maps_come_back_as_made(drawn, tmp_path, make, kept) -> None:
    seen = []
    maps = open_maps(
        drawn(5), name="m", make=make, folder=tmp_path, on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(i + 1, 5) for i in range(5)]
    assert len(maps) == 5
    assert maps.planes.dtype == kept
    assert not maps.planes.flags.writeable
    for i in range(5):
        np.testing.assert_array_equal(maps.planes[i], make(i).astype(kept))
    assert sorted(path.suffix for path in tmp_path.glob("*.*")) == [".lock", ".maps"]


def test_stored_maps_are_not_made_again(drawn, tmp_path) -> None:
    first = open_maps(drawn(3), name="m", make=skeleton_like, folder=tmp_path)
    second = open_maps(drawn(3), name="m", make=never, folder=tmp_path)
    assert second.path == first.path


def test_other_sheets_or_another_name_are_another_file(drawn, tmp_path) -> None:
    asked = [(drawn(3), "m"), (drawn(4), "m"), (drawn(3), "n")]
    assert len({open_maps(sheets, name=name, make=skeleton_like, folder=tmp_path).path for sheets, name in asked}) == 3


def test_whatever_the_maker_raises_passes_and_leaves_no_partial(drawn, tmp_path) -> None:
    def failing(sheet: int) -> np.ndarray:
        if sheet == 2:
            raise KeyboardInterrupt
        return skeleton_like(sheet)

    with pytest.raises(KeyboardInterrupt):
        open_maps(drawn(4), name="m", make=failing, folder=tmp_path / "maps")
    assert [path.suffix for path in (tmp_path / "maps").iterdir()] == [".lock"]


@pytest.mark.parametrize("wrong", [np.zeros((2, 24, 21), "u1"), np.zeros((24, 20), "u1"), np.zeros((1, 24, 20))])
def test_a_map_of_another_size_or_kind_is_shown(drawn, tmp_path, wrong) -> None:
    with pytest.raises(ValueError, match=r"a map must be \[c,24,20\] as its sheet, uint8 or float32, got"):
        open_maps(drawn(2), name="m", make=lambda sheet: wrong, folder=tmp_path)


def test_a_folder_that_cannot_be_made_is_reported_with_its_purpose(drawn, tmp_path) -> None:
    (tmp_path / "plain").write_text("a file, not a folder")
    with pytest.raises(CacheError, match=r"a folder for maps of the truth that can be written.*`paths.cache`"):
        open_maps(drawn(2), name="m", make=skeleton_like, folder=tmp_path / "plain")


@pytest.mark.parametrize("make", [skeleton_like, distance_like])
def test_maps_are_cut_and_turned_with_the_tile(drawn, tmp_path, make) -> None:
    """Row and column of every pixel, as maps: what a batch shows of them says where its pixels come from."""
    sheets = drawn(6)
    rows, columns = np.indices((24, 20)).astype(make(0).dtype)
    where = open_maps(sheets, name="where", make=lambda sheet: np.stack([rows, columns]), folder=tmp_path)
    maps = {"where": where, "m": open_maps(sheets, name="m", make=make, folder=tmp_path)}
    plan = Plan(seed=3, steps=10, batch_size=4, tile_px=(16, 16), change=Change())
    plain, tiles = TrainingTiles(sheets, np.arange(6), plan), TrainingTiles(sheets, np.arange(6), plan, maps=maps)
    flips = set()
    for step in range(10):
        batch = tiles[step]
        assert batch.maps is not None
        for one, other in zip(batch[:4], plain[step][:4], strict=True):
            assert torch.equal(one, other)
        for number, index in enumerate(batch.index.tolist()):
            row, column = batch.maps["where"][number].long().numpy()
            flips.add(bool(column[0, 0] > column[0, 1]))
            np.testing.assert_array_equal(batch.labels[number], sheets.labels[index][row, column])
            expected = make(index).astype(maps["m"].planes.dtype)[:, row, column]
            np.testing.assert_array_equal(batch.maps["m"][number], expected)
    assert flips == {True, False}


def test_maps_of_other_sheets_are_refused(drawn, tmp_path) -> None:
    maps = {"m": open_maps(drawn(3), name="m", make=skeleton_like, folder=tmp_path)}
    plan = Plan(seed=0, steps=1, batch_size=1, tile_px=None)
    with pytest.raises(ValueError, match="map 'm' must be one of these 4 sheets"):
        TrainingTiles(drawn(4), np.arange(4), plan, maps=maps)
    assert TrainingTiles(drawn(3), np.arange(3), replace(plan), maps=maps)[0].maps is not None
    assert batch_of(drawn(3), [0], maps={}).maps is None


def test_sheets_of_several_sizes_have_their_maps_in_several_files(tmp_path) -> None:
    """Sheets 0 and 2 are of one size, sheet 1 of another; every map stays with its own sheet."""
    sizes = [(24, 20), (30, 26), (24, 20)]
    small, large = (
        open_sheets([Drawing(n, *sizes[n]) for n in rows], px_per_mm=1.0, folder=tmp_path, render=noise, version=1)
        for rows in ((0, 2), (1,))
    )
    sheets = joined([small, large], [(0, 2), (1,)])

    def make(sheet: int) -> np.ndarray:
        return (np.random.default_rng(sheet).random((2, *sizes[sheet])) < 0.2).astype(np.uint8)

    maps = open_maps(sheets, name="m", make=make, folder=tmp_path)
    for copy in (maps, pickle.loads(pickle.dumps(maps))):
        assert [plane.tolist() for plane in copy.planes] == [make(sheet).tolist() for sheet in range(3)]
    plan = Plan(seed=0, steps=2, batch_size=3, tile_px=(18, 18), change=Change())
    batch = TrainingTiles(sheets, np.arange(3), plan, maps={"m": maps})[1]
    assert batch.maps["m"].shape == (3, 2, 18, 18)
    with pytest.raises(ValueError, match="must be one of these 2 sheets"):
        TrainingTiles(small, np.arange(2), plan, maps={"m": maps})
