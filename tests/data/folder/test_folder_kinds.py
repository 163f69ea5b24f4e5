"""Folders of every kind of file, read as a run reads them: right, or refused by name.

The cases beside this checkout are small folders with what is right about each; the mixed ones are made of two of them,
so that one folder holds files of two kinds. What is right for all: a share of .03, and grey about 40 on the class and
235 off it (255 where the paper is transparent).
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import pytest

from thinline.config.schema import CONF, Conf, checked, compose_config
from thinline.data.folder.class_greys import ClassGreys
from thinline.data.folder.image_folder import FolderError
from thinline.data.folder.summary import oddities, summaries
from thinline.pipeline.user_images import folder_warnings, photos_of, split_folder

CASES = CONF.parent / "../shared/cases"
TWO = {0: "background", 255: "trace"}
IDS = {0: "background", 1: "trace"}
PAIRS = 6

pytestmark = pytest.mark.skipif(not (CASES / "folder_good").is_dir(), reason="the cases are not beside this checkout")


@lru_cache(maxsize=1)
def composed() -> Conf:
    """What all of these runs share; composing takes a third of a second."""
    return checked(compose_config(["budget=smoke", "data_mix=folder"]))


def split(root: Path, table: dict[int, str] | None = None, **keys: object):
    """The photos of each split, through the call that a run makes."""
    table = table or TWO
    mix = composed().data_mix | {"root": str(root), "class_map": table} | keys
    return photos_of(split_folder(replace(composed(), data_mix=mix, classes=list(dict.fromkeys(table.values())))))


def check_good(photos, *, pairs: int = PAIRS, on: float = 40, off: float = 235) -> None:
    rows = summaries(photos)
    assert sum(row.images for row in rows) == pairs
    for row in rows:
        greys: ClassGreys = row.greys
        assert greys.shares[1] == pytest.approx(0.03, abs=0.005)
        assert greys.on[1] == pytest.approx(on, abs=5)
        assert greys.off[1] == pytest.approx(off, abs=5)


GOOD = {
    "good": {},
    "alpha_mask": {},
    "exif_pair": {},
    "int32": {"table": IDS},
    "palette": {"table": IDS},
    "transparent_image": {"on": 0, "off": 255},
    "transparent_shaded": {"off": 255},
    "twelve": {},
}


@pytest.mark.parametrize("case", GOOD)
def test_a_case_is_as_the_good_one(case: str) -> None:
    expected = dict(GOOD[case])
    photos = split(CASES / f"folder_{case}/data", expected.pop("table", TWO))
    check_good(photos, **expected)
    assert folder_warnings(photos["train"][0].folder, photos) == []


@pytest.mark.parametrize("templates", ["*.png", "*.PNG", "*"])
def test_suffixes_in_any_case_are_read(templates: str) -> None:
    check_good(split(CASES / "folder_upper/data", images=f"images/{templates}", masks=f"masks/{templates}"))


def test_pages_are_refused_with_their_number() -> None:
    with pytest.raises(FolderError, match=r"6 problems.*\n.*images/0.tif: .*3 pages"):
        split(CASES / "folder_multipage/data")


def test_soft_masks_are_refused_with_their_values() -> None:
    with pytest.raises(FolderError, match=r"6 problems.*\n.*masks/0.jpg: values 1 \(57 px\), .*save masks as PNG"):
        split(CASES / "folder_soft/data")


def test_a_class_of_the_test_split_alone_is_named() -> None:
    table = TWO | {128: "rare"}
    photos = split(CASES / "folder_rare/data", table, split={"file": "splits.csv", "ratio": [1, 1, 1]})
    (sentence,) = oddities(photos["train"][0].folder, photos)
    assert sentence.startswith("class rare has no pixel in train and val: it cannot be learned")
    assert "class_weight" not in sentence


def test_tiny_images_are_read_at_their_size() -> None:
    photos = split(CASES / "folder_tiny/data")
    assert {(photo.height, photo.width) for part in photos.values() for photo in part} == {(20, 20)}
    assert oddities(photos["train"][0].folder, photos) == []


@pytest.fixture
def mixed(tmp_path: Path):
    """`mixed("twelve", images=True)`: folder_good, but every second image or mask is that of another case."""

    def make(case: str, *, images: bool = False, masks: bool = False) -> Path:
        root = tmp_path / "mixed"
        shutil.copytree(CASES / "folder_good/data", root, copy_function=shutil.copyfile)
        for name in [name for name, wanted in (("images", images), ("masks", masks)) if wanted]:
            for path in sorted((CASES / f"folder_{case}/data" / name).iterdir())[1::2]:
                (root / name / f"{path.stem}.png").unlink()
                shutil.copyfile(path, root / name / path.name)
        return root

    return make


@pytest.mark.parametrize(
    ("case", "which", "table"),
    [
        ("twelve", "images", TWO),
        ("exif_pair", "both", TWO),
        ("alpha_mask", "masks", TWO),
        ("palette", "masks", TWO | {1: "trace"}),
        ("int32", "masks", TWO | {1: "trace"}),
        ("upper", "both", TWO),
    ],
)
def test_files_of_two_kinds_are_read_each_as_its_own(mixed, case: str, which: str, table: dict[int, str]) -> None:
    photos = split(mixed(case, images=which != "masks", masks=which != "images"), table)
    check_good(photos)
    assert oddities(photos["train"][0].folder, photos) == []


def test_opaque_and_transparent_paper_are_both_light(mixed) -> None:
    photos = split(mixed("transparent_shaded", images=True))
    off = [photo.greys.off[1] for part in photos.values() for photo in part]
    assert [round(grey) for grey in sorted(off)] == pytest.approx([235] * 3 + [255] * 3, abs=2)
    assert oddities(photos["train"][0].folder, photos) == []


@pytest.mark.parametrize("case", ["palette", "int32"])
def test_masks_of_ids_among_masks_of_grey_are_refused_by_name(mixed, case: str) -> None:
    with pytest.raises(FolderError) as refused:
        split(mixed(case, masks=True))
    lines = str(refused.value).splitlines()
    assert "got 3 problems" in lines[0]
    for line, number in zip(lines[1:], (1, 3, 5), strict=True):
        assert f"masks/{number}." in line
        assert "values 1 (288 px) are outside data_mix.class_map" in line


def test_pages_among_single_images_are_refused_by_name(mixed) -> None:
    with pytest.raises(FolderError, match=r"got 3 problems.*\n.*images/1.tif.*\n.*images/3.tif.*\n.*images/5.tif"):
        split(mixed("multipage", images=True, masks=True))


@pytest.mark.parametrize("invert", [False, True])
def test_images_of_two_polarities_are_named(mixed, invert: bool) -> None:
    root = mixed("good")
    for number in (1, 4):
        path = str(root / f"images/{number}.png")
        cv2.imwrite(path, 255 - cv2.imread(path, cv2.IMREAD_GRAYSCALE))
    photos = split(root, invert=invert)
    sentences = oddities(photos["train"][0].folder, photos)
    word = "darker" if invert else "lighter"
    assert f"2 of 6 images have structures {word} than the background" in sentences[-1]
    assert "1.png" in sentences[-1]
    assert "4.png" in sentences[-1]
    assert [text for text in sentences if "set data_mix.invert" in text] == (sentences[:1] if invert else [])


def test_an_orientation_that_the_mask_lacks_is_named(mixed) -> None:
    """Turned by half, the sizes agree; the grey on the class does not."""
    photos = split(mixed("exif_pair", images=True))
    (sentence,) = oddities(photos["train"][0].folder, photos)
    assert sentence.startswith("3 of 6 masks do not lie on the structures of their images")
    names = sentence.split(": ")[1].split(";")[0].split(", ")
    assert sorted(names) == ["1.png", "3.png", "5.png"]
