"""A folder is paired and checked as a whole: all problems are reported at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from folder_cases import FOUR, draw_folder, folder_of

from thinline.data.folder.image_folder import Folder, FolderError, files_left_out, read_folder, state

SHARED = Path(__file__).parents[3] / "../shared/data"


def photos_of(folder: Folder, seed: int = 0):
    return {photo.name: photo for part in read_folder(folder, seed=seed).values() for photo in part}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return draw_folder(tmp_path / "own", [(40, 30), (33, 64), (40, 30), (50, 50), (35, 35)])


def test_photos_are_what_lies_in_the_files(root: Path) -> None:
    photos = photos_of(folder_of(root))
    assert sorted(photos) == ["p0", "p1", "p2", "p3", "p4"]
    for name, photo in photos.items():
        image, labels = photo.load()
        np.testing.assert_array_equal(image, cv2.imread(str(root / f"images/{name}.png"), cv2.IMREAD_GRAYSCALE))
        np.testing.assert_array_equal(labels, cv2.imread(str(root / f"masks/{name}.png"), cv2.IMREAD_GRAYSCALE) // 255)
        assert (photo.height, photo.width) == image.shape


def test_invert_turns_bright_structures_into_ink(root: Path) -> None:
    plain, turned = photos_of(folder_of(root))["p1"], photos_of(folder_of(root, invert=True))["p1"]
    np.testing.assert_array_equal(turned.load()[0], 255 - plain.load()[0])
    assert turned.digest != plain.digest
    assert turned.pixels == plain.pixels


def test_content_names_a_photo_and_not_its_path(root: Path, tmp_path: Path) -> None:
    """Moved, renamed and saved in another format, a photo is the same; a pixel of its mask makes another of it."""
    other = tmp_path / "elsewhere"
    (other / "a").mkdir(parents=True)
    for path in sorted((root / "images").iterdir()):
        cv2.imwrite(str(other / f"a/G_{path.stem}.tif"), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
        shutil.copy(root / f"masks/{path.name}", other / f"a/{path.stem}.png")
    here, there = photos_of(folder_of(root)), photos_of(folder_of(other, images="a/G_*.tif", masks="a/*.png"))
    assert {name: photo.digest for name, photo in here.items()} == {name: p.digest for name, p in there.items()}
    mask = cv2.imread(str(root / "masks/p0.png"), cv2.IMREAD_GRAYSCALE)
    mask[0, 0] = 255 - mask[0, 0]
    cv2.imwrite(str(root / "masks/p0.png"), mask)
    assert photos_of(folder_of(root))["p0"].digest != here["p0"].digest


def test_splits_are_disjoint_by_content_and_follow_the_seed(root: Path) -> None:
    shutil.copy(root / "images/p0.png", root / "images/copy.png")
    shutil.copy(root / "masks/p0.png", root / "masks/copy.png")
    dealt = []
    for seed in range(8):
        parts = read_folder(folder_of(root), seed=seed)
        sets = [{photo.pixels for photo in part} for part in parts.values()]
        assert all(sets)
        assert sum(map(len, sets)) == len(set.union(*sets)) == 5
        dealt.append(tuple(sorted(photo.name for photo in parts["test"])))
    assert len(set(dealt)) > 1


def test_a_split_file_decides_and_a_copy_in_two_splits_is_refused(root: Path) -> None:
    lines = {"p0": "train", "p1": "train", "p2": "val", "p3": "test", "p4": "train"}
    (root / "splits.csv").write_text("file,split\n" + "".join(f"{name}.png,{part}\n" for name, part in lines.items()))
    by = {"file": "splits.csv", "ratio": [0.6, 0.2, 0.2]}
    parts = read_folder(folder_of(root, split=by), seed=0)
    assert {photo.name: part for part, photos in parts.items() for photo in photos} == lines
    shutil.copy(root / "images/p0.png", root / "images/p3.png")
    shutil.copy(root / "masks/p0.png", root / "masks/p3.png")
    with pytest.raises(FolderError, match=r"p3.png: the same image as p0.png, which is in another split"):
        read_folder(folder_of(root, split=by), seed=0)


def test_a_split_without_an_image_is_refused(root: Path) -> None:
    (root / "splits.csv").write_text("file,split\n" + "".join(f"p{n},{'val' if n else 'train'}\n" for n in range(5)))
    with pytest.raises(FolderError, match=r"splits.csv: no image for test"):
        read_folder(folder_of(root, split={"file": "splits.csv", "ratio": [1, 1, 1]}), seed=0)


def test_curve_truth_is_read_and_checked(root: Path) -> None:
    (root / "curves").mkdir()
    (root / "curves/p0.csv").write_text("row,curve,x\n2,vessel,7.5\n")
    photos = photos_of(folder_of(root, curves="curves/*.csv"))
    assert np.flatnonzero(np.isfinite(photos["p0"].courses["vessel"])).tolist() == [2]
    assert photos["p1"].courses == {}
    (root / "curves/p1.csv").write_text("row,curve,x\n2,vessel,99\n")
    (root / "curves/p9.csv").write_text("row,curve,x\n")
    with pytest.raises(FolderError, match="2 problems") as error:
        photos_of(folder_of(root, curves="curves/*.csv"))
    assert "p9.csv: curve truth without an image" in str(error.value)
    assert "p1.csv: line 2: expected a point on the image of 33 x 64 px" in str(error.value)


def spoil(root: Path) -> None:
    """Seven things wrong with seven files."""
    (root / "masks/p0.png").unlink()  # an image without mask
    shutil.copy(root / "masks/p1.png", root / "masks/lonely.png")  # a mask without image
    (root / "images/p1.png").write_bytes((root / "images/p1.png").read_bytes()[:200])
    cv2.imwrite(str(root / "masks/p2.png"), np.full((20, 30), 255, np.uint8))  # another size
    cv2.imwrite(str(root / "masks/p3.png"), np.zeros((50, 50), np.uint8))  # empty
    mask = cv2.imread(str(root / "masks/p4.png"), cv2.IMREAD_GRAYSCALE)
    mask[3, 3:5] = 7, 9  # outside the map
    cv2.imwrite(str(root / "masks/p4.png"), mask)
    shutil.copy(root / "images/p4.png", root / "images/p4.tif")  # a second file of that name


def test_all_problems_of_a_folder_are_reported_at_once(root: Path) -> None:
    spoil(root)
    with pytest.raises(FolderError) as error:
        read_folder(folder_of(root), seed=0)
    text = str(error.value)
    assert "got 7 problems" in text
    for message in (
        "p0.png: image without a mask masks/*",
        "lonely.png: mask without an image images/*",
        "images/p1.png: cannot be read",
        "p2.png: 40 x 30 px, but its mask 20 x 30",
        "masks/p3.png: the mask is empty",
        "masks/p4.png: values 7 (1 px), 9 (1 px) are outside data_mix.class_map; add them",
        "(the map is {0: background, 255: vessel})",
        "p4.tif: a second file for 'p4' beside p4.png",
    ):
        assert message in text
    assert "more" not in text.splitlines()[-1]


def test_ten_problems_are_listed_with_the_number_of_the_others(tmp_path: Path) -> None:
    root = draw_folder(tmp_path, [(20, 20)] * 14)
    for number in range(13):
        (root / f"masks/p{number}.png").unlink()
    with pytest.raises(FolderError, match="got 13 problems") as error:
        read_folder(folder_of(root), seed=0)
    lines = str(error.value).splitlines()
    assert len(lines) == 1 + 10 + 1
    assert lines[-1].strip() == "and 3 more"


def test_an_empty_mask_passes_with_allow_empty(root: Path) -> None:
    cv2.imwrite(str(root / "masks/p3.png"), np.zeros((50, 50), np.uint8))
    assert len(photos_of(folder_of(root, allow_empty=True))) == 5


def test_images_are_resized_to_their_masks_only_on_request_and_in_proportion(root: Path) -> None:
    for number in range(5):
        path = root / f"images/p{number}.png"
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(path), cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    with pytest.raises(FolderError, match="resize_images=true"):
        photos_of(folder_of(root))
    (root / "images/p1.png").unlink()  # 33 rows have no half
    (root / "masks/p1.png").unlink()
    (root / "images/p4.png").unlink()
    (root / "masks/p4.png").unlink()
    photo = photos_of(folder_of(root, resize_images=True))["p3"]
    assert photo.load()[0].shape == photo.load()[1].shape == (50, 50)
    cv2.imwrite(str(root / "images/p3.png"), np.zeros((25, 30), np.uint8))
    with pytest.raises(FolderError, match="of other proportions"):
        photos_of(folder_of(root, resize_images=True))


def test_a_margin_is_ignored_and_the_rest_kept(root: Path) -> None:
    plain, trimmed = (photos_of(folder_of(root, margin_px=margin))["p1"].load()[1] for margin in (0, 2))
    np.testing.assert_array_equal(trimmed[2:-2, 2:-2], plain[2:-2, 2:-2])
    assert (trimmed == 255).sum() == plain.size - trimmed[2:-2, 2:-2].size


def test_a_photo_that_changes_between_reading_and_caching_is_refused(root: Path) -> None:
    photos = photos_of(folder_of(root))
    photos["p0"].load()  # what was read last is kept, but not beyond its files
    shutil.copy(root / "images/p2.png", root / "images/p0.png")
    with pytest.raises(FolderError, match="changed while it was read; run again"):
        photos["p0"].load()
    (root / "images/p1.png").unlink()
    with pytest.raises(FolderError, match="was read before, now"):
        photos["p1"].load()


def test_the_state_of_a_folder_changes_with_its_files(root: Path) -> None:
    folder = folder_of(root)
    before = state(folder)
    assert state(folder) == before
    (root / "masks/p1.png").touch()
    assert state(folder) != before
    with pytest.raises(FolderError, match=r"expected a folder .* data_mix.root"):
        state(folder_of(root / "gone"))


def test_a_folder_of_nothing_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"images as images/\* and masks as masks/\*, found none"):
        read_folder(folder_of(tmp_path), seed=0)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"root": None}, "data_mix.root: expected the folder of your images, got null"),
        ({"images": "images/a.png"}, r"data_mix.images: expected one \*"),
        ({"masks": "*/*"}, None),
        ({"masks": "*_*"}, r"data_mix.masks: expected one \*"),
        ({"images": "*", "masks": "./*"}, "expected two templates"),
        ({"piece_px": 0}, "data_mix.piece_px: expected greater than or equal to 8, got 0"),
        ({"piece_px": True}, "data_mix.piece_px: expected a whole number, got True"),
        ({"px_per_mm": -1}, "data_mix.px_per_mm"),
        ({"margin_px": -1}, "data_mix.margin_px: expected greater than or equal to 0, got -1"),
        ({"invert": "yes"}, "data_mix.invert: expected true or false, got 'yes'"),
        ({"split": {"file": None}}, r"data_mix.split: expected the keys file, ratio, folds, tests, got no 'ratio'"),
        ({"roots": "x"}, r"got the unknown 'roots'; did you mean 'root'"),
    ],
)
def test_invalid_keys_are_refused(tmp_path: Path, keys: dict[str, object], message: str | None) -> None:
    if message is None:
        assert folder_of(tmp_path, **keys).masks == "*/*"
        return
    with pytest.raises(ValueError, match=message):
        folder_of(keys.pop("root", tmp_path), **keys)


def test_four_classes_with_one_ignored(tmp_path: Path) -> None:
    root = draw_folder(tmp_path, [(30, 60)] * 3, list(FOUR))
    photos = photos_of(folder_of(root, FOUR))
    assert set(np.unique(photos["p0"].load()[1])) == {0, 1, 2, 3}
    table = {0: "background", 50: "vessel", 100: "ignore", 200: "road"}
    assert set(np.unique(photos_of(folder_of(root, table))["p0"].load()[1])) == {0, 1, 2, 255}


@pytest.mark.skipif(not (SHARED / "octa").is_dir(), reason="the OCTA images are not beside this checkout")
def test_octa_pairs_by_its_templates_and_its_masks_are_finer_than_its_images() -> None:
    keys = {"images": "images/G_*", "masks": "labels/*", "invert": True}
    with pytest.raises(FolderError, match=r"13 problems.*\n.* 304 x 304 px, but its mask 1216 x 1216"):
        photos_of(folder_of(SHARED / "octa", **keys))
    photos = photos_of(folder_of(SHARED / "octa", resize_images=True, **keys))
    assert len(photos) == 13
    for photo in list(photos.values())[:2]:
        image, labels = photo.load()
        assert image.shape == labels.shape == (1216, 1216)
        assert image[labels == 1].mean() < image[labels == 0].mean() - 20  # vessels are ink now


@pytest.mark.skipif(not (SHARED / "ecg").is_dir(), reason="the ECG strips are not beside this checkout")
def test_ecg_masks_are_grey_and_hold_the_frame_of_the_page() -> None:
    """Dark is trace. A frame of one pixel is drawn into every mask, 7,796 of some 25,000 dark pixels."""
    keys = {"images": "*", "masks": "*-gt"}
    table = {"128-255": "background", "0-127": "trace"}
    framed, trimmed = (photos_of(folder_of(SHARED / "ecg", table, margin_px=margin, **keys)) for margin in (0, 1))
    assert sorted(framed) == ["sel100-0", "sel100-1", "sel100-10"]
    for name, photo in framed.items():
        labels = photo.load()[1]
        assert labels.shape == (1700, 2200)
        assert (labels == 1).sum() - (trimmed[name].load()[1] == 1).sum() == 2 * (1700 + 2200) - 4


def test_a_jpeg_mask_is_refused_with_what_helps(root: Path) -> None:
    for number in range(5):
        mask = cv2.imread(str(root / f"masks/p{number}.png"), cv2.IMREAD_GRAYSCALE)
        (root / f"masks/p{number}.png").unlink()
        cv2.imwrite(str(root / f"masks/p{number}.jpg"), mask, [cv2.IMWRITE_JPEG_QUALITY, 80])
    with pytest.raises(
        FolderError, match=r"5 problems.*\n.*p0.jpg: values 1 \(\d+ px\).* other values .*save masks as PNG"
    ):
        photos_of(folder_of(root))
    table = {"0-127": "background", "128-255": "vessel"}
    assert len(photos_of(folder_of(root, table))) == 5


@pytest.mark.parametrize("keys", [{"margin_px": 40}, {"margin_px": 40, "allow_empty": True}])
def test_a_mask_without_a_counted_pixel_is_refused(root: Path, keys: dict[str, object]) -> None:
    with pytest.raises(
        FolderError, match=r"5 problems.*\n.*p0.png: no pixel is counted.*or lies in the margin of 40 px"
    ):
        photos_of(folder_of(root, **keys))


def hurt(root: Path, what: str) -> None:
    """One image of five that cannot be read."""
    path = root / "images/p2.png"
    path.unlink()
    if what == "a loop of links":
        path.symlink_to(path)
    elif what == "a link to nothing":
        path.symlink_to(root / "gone.png")
    elif what == "a folder":
        path.mkdir()
    else:
        path.write_bytes({"nothing": b"", "text": b"no image", "zeros": bytes(500)}[what])


@pytest.mark.parametrize("what", ["a loop of links", "a link to nothing", "a folder", "nothing", "text", "zeros"])
def test_a_file_that_is_no_image_is_named(root: Path, what: str) -> None:
    hurt(root, what)
    state(folder_of(root))
    with pytest.raises(FolderError, match=r"images/p2\.png: "):
        photos_of(folder_of(root))


def test_a_file_that_may_not_be_read_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if (root / "images/p2.png").owner() == "root":
        opened = Path.open

        def refused(path: Path, *mode: str, **options: object) -> object:
            if path.name == "p2.png":
                raise PermissionError(13, "Permission denied", str(path))
            return opened(path, *mode, **options)

        monkeypatch.setattr(Path, "open", refused)
    (root / "images/p2.png").chmod(0)
    with pytest.raises(FolderError, match=r"images/p2\.png: .*Permission denied"):
        photos_of(folder_of(root))


def test_files_that_are_not_read_are_known(root: Path) -> None:
    folder = folder_of(root, split={"file": "images/splits.csv", "ratio": [1, 1, 1]})
    assert files_left_out(folder) == []
    for name in ("images/splits.csv", "images/p9.bmp", "masks/notes.txt", "masks/.hidden", "readme.txt"):
        (root / name).touch()
    assert [path.name for path in files_left_out(folder)] == ["p9.bmp", "notes.txt"]


def test_a_folder_of_other_suffixes_names_them(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.bmp").touch()
    with pytest.raises(FolderError, match=r"found none with a suffix of .png.*\n.*a.bmp: fits neither"):
        read_folder(folder_of(tmp_path), seed=0)
