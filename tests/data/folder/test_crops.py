import pickle
from pathlib import Path

import numpy as np
import pytest
from folder_cases import FOUR, draw_folder
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from thinline.data.batch import batch_of
from thinline.data.folder.class_greys import class_greys
from thinline.data.folder.crops import cut, open_pieces, render_piece
from thinline.data.folder.image_folder import Folder, Photo, read_folder
from thinline.data.tiles import EvaluationTiles, Plan, TrainingTiles

CONF = Path(__file__).parents[3] / "conf/data_mix/folder.yaml"
SIZES = [(40, 30), (70, 64), (40, 30), (50, 90)]


def photos_in(root: Path, table: dict[int, str] | None = None, **keys: object) -> list[Photo]:
    table = table or FOUR
    conf = OmegaConf.to_container(OmegaConf.load(CONF)) | {"root": str(root), "class_map": table} | keys
    parts = read_folder(Folder.from_conf(conf, list(table.values())), seed=0)
    return sorted((photo for part in parts.values() for photo in part), key=lambda photo: photo.name)


@pytest.fixture
def photos(tmp_path: Path) -> list[Photo]:
    return photos_in(draw_folder(tmp_path / "own", SIZES, list(FOUR)))


def blank(height: int, width: int) -> Photo:
    pixel = np.zeros((1, 1), np.uint8)
    return Photo("p", None, Path("i"), Path("m"), height, width, "d", "p", class_greys(pixel, pixel, 2))


@given(st.integers(1, 400), st.integers(1, 400), st.integers(8, 90))
def test_pieces_tile_a_photo_without_overlap(height: int, width: int, most: int) -> None:
    pieces = cut([blank(height, width)], most)
    assert len(pieces) == -(-height // most) * -(-width // most)
    assert sum(piece.height * piece.width for piece in pieces) == height * width
    assert len({(piece.row, piece.column) for piece in pieces}) == len(pieces)
    for sides in ({piece.height for piece in pieces}, {piece.width for piece in pieces}):
        assert max(sides) <= most
        assert max(sides) - min(sides) <= 1
    assert max(piece.row + piece.height for piece in pieces) == height


def test_pieces_hold_their_part_and_whole_photos_are_whole(photos) -> None:
    image, labels = photos[1].load()
    for piece in cut(photos[1:2], 30):
        sheet = render_piece(piece)
        part = (slice(piece.row, piece.row + piece.height), slice(piece.column, piece.column + piece.width))
        np.testing.assert_array_equal(sheet.image, image[part])
        np.testing.assert_array_equal(sheet.labels, labels[part])
        np.testing.assert_array_equal(sheet.strokes.sum(0), labels[part] > 0)
        for k, stroke in enumerate(sheet.strokes, start=1):
            np.testing.assert_array_equal(stroke, labels[part] == k)
    (whole,) = cut(photos[1:2], None)
    assert (whole.height, whole.width) == labels.shape


def test_sheets_of_several_sizes_come_back_in_their_order(photos, tmp_path) -> None:
    pieces = cut(photos, 40)
    seen: list[tuple[int, int]] = []
    sheets = open_pieces(pieces, folder=tmp_path / "cache", on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i + 1, len(pieces)) for i in range(len(pieces))]
    assert len({tuple(size) for size in sheets.sizes.tolist()}) > 1
    for again in (sheets, pickle.loads(pickle.dumps(sheets)), open_pieces(pieces, folder=tmp_path / "cache")):
        for number, piece in enumerate(pieces):
            sheet = render_piece(piece)
            np.testing.assert_array_equal(again.images[number], sheet.image)
            np.testing.assert_array_equal(again.labels[number], sheet.labels)
            batch = batch_of(again, [number])
            np.testing.assert_array_equal(batch.strokes[0].numpy(), sheet.strokes)
            assert again.pixels[number, :-1].tolist() == np.bincount(sheet.labels.ravel(), minlength=4).tolist()
    total = sum(np.bincount(photo.load()[1].ravel(), minlength=4) for photo in photos)
    assert sheets.class_counts(4).tolist() == total.tolist()


def test_pieces_are_cached_by_content(photos, tmp_path) -> None:
    cache = tmp_path / "cache"
    open_pieces(cut(photos, 40), folder=cache)
    files = sorted(path.name for path in cache.glob("*.sheets"))
    other = draw_folder(tmp_path / "moved", SIZES, list(FOUR))
    seen: list[int] = []
    open_pieces(cut(photos_in(other), 40), folder=cache, on_progress=lambda done, _: seen.append(done))
    assert seen == []  # nothing was read anew
    assert sorted(path.name for path in cache.glob("*.sheets")) == files


def test_evaluation_shows_every_piece_once_in_batches_of_one_size(photos, tmp_path) -> None:
    sheets = open_pieces(cut(photos, 40), folder=tmp_path / "cache")
    for world in (1, 2):
        numbers = []
        for rank in range(world):
            tiles = EvaluationTiles(sheets, batch_size=3, rank=rank, world=world)
            for batch in (tiles[number] for number in range(len(tiles))):
                numbers += batch.index.tolist()
                assert {tuple(sheets.sizes[i]) for i in batch.index.tolist()} == {tuple(batch.labels.shape[1:])}
        assert sorted(numbers) == list(range(len(sheets)))


def test_training_cuts_tiles_of_one_size_from_all_sizes(photos, tmp_path) -> None:
    sheets = open_pieces(cut(photos, None), folder=tmp_path / "cache")
    plan = Plan(seed=1, steps=60, batch_size=4, tile_px=(30, 30))
    tiles = TrainingTiles(sheets, np.arange(4), plan)
    reached = dict.fromkeys(range(4), 0)
    for batch in (tiles[step] for step in range(60)):
        assert batch.image.shape == (4, 1, 30, 30)
        for row, number in enumerate(batch.index.tolist()):
            source = 1 - sheets.images[number] / np.float32(255)
            windows = np.lib.stride_tricks.sliding_window_view(source, (30, 30))
            match = np.abs(windows - batch.image[row, 0].numpy()).max(axis=(2, 3)) < 1e-6
            assert match.sum() == 1
            reached[number] = max(reached[number], int(np.argwhere(match)[0].max()))
    assert reached[0] > 5  # a sheet of 40 x 30 px leaves tiles 10 rows to move, the larger ones more
    assert reached[3] > 45
    with pytest.raises(ValueError, match="`tile_px` must be set for sheets of several sizes"):
        TrainingTiles(sheets, np.arange(4), Plan(seed=1, steps=6, batch_size=4, tile_px=None))
    with pytest.raises(ValueError, match=r"`tile_px` must be 1\.\.40 rows and 1\.\.30 columns"):
        TrainingTiles(sheets, np.arange(4), Plan(seed=1, steps=6, batch_size=4, tile_px=(31, 31)))
    with pytest.raises(ValueError, match="`windows` of one batch must have one size"):
        batch_of(sheets, [0, 1])


def test_showings_are_those_of_the_batches(photos, tmp_path) -> None:
    sheets = open_pieces(cut(photos, None), folder=tmp_path / "cache")
    for steps, order in ((7, [0, 1, 2, 3]), (3, [0, 0, 1]), (1, [3, 2, 1, 0, 1])):
        tiles = TrainingTiles(sheets, np.array(order), Plan(seed=1, steps=steps, batch_size=3, tile_px=(20, 20)))
        seen_sheets = np.concatenate([tiles[step].index.numpy() for step in range(steps)])
        np.testing.assert_array_equal(tiles.showings(), np.bincount(seen_sheets, minlength=4))


def test_more_classes_than_bits_are_kept_by_their_labels(tmp_path) -> None:
    table = {20 * number: f"c{number}" if number else "background" for number in range(13)}
    photos = photos_in(draw_folder(tmp_path / "own", [(60, 80)] * 3, list(table)), table)
    sheets = open_pieces(cut(photos, None), folder=tmp_path / "cache")
    batch = batch_of(sheets, [0, 1, 2])
    assert batch.strokes.shape[1] == 12
    for k in range(12):
        np.testing.assert_array_equal(batch.strokes[:, k], batch.labels == k + 1)
    assert batch.strokes.any((0, 2, 3)).sum() > 8


def test_curve_truth_is_cut_with_its_photo(tmp_path) -> None:
    root = draw_folder(tmp_path, [(40, 60)] * 3, list(FOUR))
    (root / "p0.csv").write_text("row,curve,x\n" + "".join(f"{row},crack,{row + 10.25}\n" for row in range(40)))
    photo = photos_in(root, curves="*.csv")[0]
    result = {(piece.row, piece.column): piece.courses for piece in cut([photo], 30)}
    assert set(result) == {(0, 0), (0, 30), (20, 0), (20, 30)}
    np.testing.assert_array_equal(result[0, 0]["crack"], [row + 10.25 if row < 20 else np.nan for row in range(20)])
    assert result[0, 30] == {}  # x stays below 29.5
    np.testing.assert_array_equal(result[20, 30]["crack"], np.arange(20) + 0.25)
    assert result[20, 0] == {}
