"""Groups of images by name or by a CSV; images of a group are in one split, and test sets are groups."""

from pathlib import Path

import cv2
import pytest
from folder_cases import draw_folder, folder_of

from thinline.data.folder.groups import groups_of
from thinline.data.folder.image_folder import FolderError, read_folder
from thinline.data.folder.keys import GroupsBy

FILES = {"sel1-0": "sel1-0.png", "sel1-1": "sel1-1.png", "b/sel20-0": "sel20-0.png"}


def test_the_brackets_of_an_expression_or_its_match_are_the_group(tmp_path: Path) -> None:
    expected = {"sel1-0": "sel1", "sel1-1": "sel1", "b/sel20-0": "sel20"}
    assert groups_of("(sel[0-9]+)-.*", tmp_path, FILES) == (expected, [])
    assert groups_of("sel[0-9]+", tmp_path, FILES) == (expected, [])
    groups, (problem,) = groups_of("sel[0-9]-", tmp_path, FILES)
    assert groups == {"sel1-0": "sel1-", "sel1-1": "sel1-"}
    assert problem.startswith("sel20-0.png: expected a name with a group")


def test_a_column_gives_the_groups_and_other_lines_are_not_read(tmp_path: Path) -> None:
    by = GroupsBy(file="wells.csv", column="well")
    (tmp_path / "wells.csv").write_text("ID,depth,well\nsel1-0,3,A\nsel1-1.png,4,B\nsel20-0,5,A\ngone,6,C\n")
    assert groups_of(by, tmp_path, FILES) == ({"sel1-0": "A", "sel1-1": "B", "b/sel20-0": "A"}, [])
    (tmp_path / "wells.csv").write_text("ID,well\nsel1-0,A\n")
    assert [problem.split(":")[0] for problem in groups_of(by, tmp_path, FILES)[1]] == ["sel1-1.png", "sel20-0.png"]
    (tmp_path / "wells.csv").write_text("ID,name\nsel1-0,A\n")
    assert "expected a column 'well', got ID, name" in groups_of(by, tmp_path, FILES)[1][0]
    (tmp_path / "wells.csv").unlink()
    assert "expected a CSV file with the group of each image" in groups_of(by, tmp_path, FILES)[1][0]


def test_images_of_a_group_are_in_one_split(tmp_path: Path) -> None:
    root = draw_folder(tmp_path, [(40, 40)] * 9)
    (root / "wells.csv").write_text("file,well\n" + "".join(f"p{i},{'abc'[i // 3]}\n" for i in range(9)))
    folder = folder_of(root, groups={"file": "wells.csv", "column": "well"})
    splits = read_folder(folder, seed=0)
    assert sorted([photo.name for photo in split] for split in splits.values()) == [
        ["p0", "p1", "p2"],
        ["p3", "p4", "p5"],
        ["p6", "p7", "p8"],
    ]
    lines = "".join(f"p{i},{('train', 'val', 'test')[min(2, i // 2)]}\n" for i in range(9))
    (root / "splits.csv").write_text(f"file,split\n{lines}")
    named = folder_of(root, groups=folder.groups, split={"file": "splits.csv", "ratio": [1, 1, 1]})
    with pytest.raises(FolderError, match=r"group a: expected its images in one split, got train and val"):
        read_folder(named, seed=0)
    cv2.imwrite(str(root / "images/p8.png"), cv2.imread(str(root / "images/p0.png"), cv2.IMREAD_GRAYSCALE))
    with pytest.raises(FolderError, match=r"p8.png: the same image as p0.png, which is in another group"):
        read_folder(folder, seed=0)


def by_split(root: Path, count: int = 3) -> Path:
    """Folders train, val and test of `count` images with equal names; test has six."""
    for number, part in enumerate(("train", "val", "test")):
        draw_folder(root / part, [(40 + number, 40)] * (6 if part == "test" else count))
    return root


TEMPLATES = {kind: {part: f"{part}/{kind}/*" for part in ("train", "val", "test")} for kind in ("images", "masks")}


def test_a_template_for_each_split_is_the_split(tmp_path: Path) -> None:
    splits = read_folder(folder_of(by_split(tmp_path), **TEMPLATES), seed=0)
    assert {part: [photo.name for photo in photos] for part, photos in splits.items()} == {
        "train": ["train/p0", "train/p1", "train/p2"],
        "val": ["val/p0", "val/p1", "val/p2"],
        "test": [f"test/p{number}" for number in range(6)],
    }
    image = cv2.imread(str(tmp_path / "train/images/p1.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(tmp_path / "test/images/p1.png"), image)
    cv2.imwrite(str(tmp_path / "test/masks/p1.png"), cv2.imread(str(tmp_path / "train/masks/p1.png"), -1))
    with pytest.raises(FolderError, match=r"test/images/p1.png: the same image as p1.png, which is in another split"):
        read_folder(folder_of(tmp_path, **TEMPLATES), seed=0)
    (tmp_path / "val").rename(tmp_path / "moved")
    with pytest.raises(FolderError, match=r"expected images as val/images/\* and masks as val/masks/\*, found none"):
        read_folder(folder_of(tmp_path, **TEMPLATES), seed=0)


def test_groups_of_test_images_are_test_sets(tmp_path: Path) -> None:
    root = by_split(tmp_path)
    lines = "".join(f"test/p{i},{'in' if i < 2 else 'dark' if i < 5 else 'wet'}\n" for i in range(6))
    rest = "".join(f"{part}/p{i},in\n" for part in ("train", "val") for i in range(3))
    (root / "kinds.csv").write_text("image,kind\n" + lines + rest)
    groups = {"file": "kinds.csv", "column": "kind"}

    def sets(**tests: object) -> dict[str, list[str]]:
        split = {"file": None, "ratio": [1, 1, 1], "tests": tests}
        photos = read_folder(folder_of(root, **TEMPLATES, groups=groups, split=split), seed=0)
        return {part: [photo.name[-2:] for photo in mine] for part, mine in photos.items() if part.startswith("test")}

    assert sets(test="in", test_dark="dark", test_out=["wet", "dark"]) == {
        "test": ["p0", "p1"],
        "test_dark": ["p2", "p3", "p4"],
        "test_out": ["p2", "p3", "p4", "p5"],
    }
    with pytest.raises(FolderError, match=r"expected a set for every group of test images, got none for \['wet'\]"):
        sets(test="in", test_dark="dark")
    with pytest.raises(FolderError, match=r"split.tests.test_no: expected a test image of it, got none"):
        sets(test=["in", "dark", "wet"], test_no="snow")
    with pytest.raises(ValueError, match=r"expected a set `test` and others as `test_NAME`, got dark"):
        sets(test="in", dark="dark")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"images": {"train": "a/*"}}, "data_mix.images: expected a template for each of train, val, test, got train"),
        ({"images": TEMPLATES["images"]}, "expected images and masks both as one template or both for"),
        (TEMPLATES | {"curves": "curves/*.csv"}, "curves: expected null where images have a template for each split"),
        (TEMPLATES | {"split": {"file": None, "ratio": [1, 1, 1], "folds": 3}}, "split.folds: expected null where"),
        ({"split": {"file": "a.csv", "ratio": [1, 1, 1], "folds": 3}}, "split.folds: expected null beside split.file"),
        ({"split": {"file": None, "ratio": [1, 1, 1], "tests": {"test": "a"}}}, "expected data_mix.groups with it"),
        ({"groups": "(a"}, r"data_mix.groups: expected a regular expression, got '\(a'"),
        ({"groups": {"file": "a.csv"}}, r"data_mix.groups: expected a text or \{file:wells.csv,column:well\}"),
        ({"scale": 0.5, "curves": "c/*.csv"}, "scale: expected 1 with curve truth"),
        ({"scale": 2.0}, "data_mix.scale: expected less than or equal to 1, got 2.0"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(tmp_path: Path, keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        folder_of(tmp_path, **keys)
