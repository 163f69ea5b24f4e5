from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.data.folder.splits import PARTS, Folds, by_file, by_folds, by_ratio

NAMES = {"1": "G_1.png", "2": "G_2.png", "3": "G_3.png"}


@given(st.integers(3, 60), st.integers(0, 5))
def test_every_split_has_images_and_copies_stay_together(count: int, seed: int) -> None:
    digests = [f"d{number}" for number in range(count)]
    parts = by_ratio(digests + digests, [0.6, 0.2, 0.2], seed=seed)
    assert parts[:count] == parts[count:]
    assert set(parts) == set(PARTS)
    assert parts[:count].count("test") == max(1, round(0.2 * count))
    assert by_ratio(digests[::-1], [0.6, 0.2, 0.2], seed=seed) == parts[:count][::-1]  # the order of files is nothing


def test_another_seed_gives_another_split() -> None:
    digests = [f"d{number}" for number in range(30)]
    assert by_ratio(digests, [0.6, 0.2, 0.2], seed=0) != by_ratio(digests, [0.6, 0.2, 0.2], seed=1)


def test_too_few_images_and_shares_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"3 or more .* got 2 \(copies of one image count once\); add images$"):
        by_ratio(["a", "b", "a"], [0.6, 0.2, 0.2], seed=0)
    for ratio in ([0.8, 0.2], [0.8, 0.2, 0]):
        with pytest.raises(ValueError, match="three shares above 0"):
            by_ratio(["a", "b", "c"], ratio, seed=0)
    with pytest.raises(ValueError, match="or take a larger share for train"):
        by_ratio(["a", "b", "c", "d"], [0.1, 0.8, 0.8], seed=0)


@pytest.mark.parametrize("names", [("G_1.png", "2", "images/G_3.png"), ("G_1", "G_2", "3")])
def test_a_table_names_images_as_people_do(tmp_path: Path, names: tuple[str, ...]) -> None:
    lines = [f"{name},{part}\n" for name, part in zip(names, PARTS, strict=True)]
    (tmp_path / "splits.csv").write_text("file,split\n" + "".join(lines))
    assert by_file("splits.csv", tmp_path, NAMES) == ({"1": "train", "2": "val", "3": "test"}, [])


def test_a_list_for_each_split(tmp_path: Path) -> None:
    for number, part in enumerate(PARTS, start=1):
        (tmp_path / f"{part}.txt").write_text(f"G_{number}.png\n\n")
    assert by_file("*.txt", tmp_path, NAMES) == ({"1": "train", "2": "val", "3": "test"}, [])


def test_all_errors_of_a_split_table_are_reported(tmp_path: Path) -> None:
    (tmp_path / "splits.csv").write_text("file,split\n1,train\n1,test\n2,dev\n7,val\n")
    _, problems = by_file("splits.csv", tmp_path, NAMES)
    text = "\n".join(problems)
    assert "expected one split for 1, got train and test" in text
    assert "expected a split of train, val, test for 2, got 'dev'" in text
    assert "expected an image of the folder, got 7" in text
    assert "G_3.png: expected a split in splits.csv, got none" in text
    assert "got none" in "".join(by_file("gone.csv", tmp_path, NAMES)[1])
    (tmp_path / "bad.csv").write_text("a;b\n")
    assert "expected two columns" in by_file("bad.csv", tmp_path, NAMES)[1][0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"file,split\n1,train\n2,val\n3,test\n1,train\n", "expected one split for 1, got train twice; keep one line"),
        (b"file,split\n1,train\n2,val\ng_3.png,test\n", "got g_3.png; is it G_3.png? Names are case-sensitive"),
        (b"file,split\n1,Train\n2,val\n3,test\n", "for 1, got 'Train'"),
        (b"file,split\n1,train\n2,val\n3.v2,test\n", "got 3.v2; is it there"),  # no suffix of an image
        ("file,split\n1,train\n2,val\nü,test\n".encode("latin-1"), "expected text in UTF-8"),
        ("file,split\n1,train\n2,val\n3,test\n".encode("utf-16"), "expected text in UTF-8"),
        (b"file,split\n1,train\n2,val,x\n3,test\n", "under the header file,split, got '2,val,x'"),
        (b"file,split\n1,train\n2,val\n" + b"3" * 200_000 + b",test\n", "field larger than field limit"),
        (b"", "got ''"),
    ],
)
def test_what_is_wrong_with_a_split_file_is_named(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "splits.csv").write_bytes(text)
    problems = by_file("splits.csv", tmp_path, NAMES)[1]
    assert any(message in problem for problem in problems)
    assert all("splits.csv" in problem for problem in problems)


def test_a_suffix_in_other_case_is_the_same_image(tmp_path: Path) -> None:
    (tmp_path / "splits.csv").write_bytes(b"\xef\xbb\xbffile,split\r\nG_1.PNG,train\r\nG_2.Tif,val\r\nG_3,test\r\n")
    assert by_file("splits.csv", tmp_path, NAMES) == ({"1": "train", "2": "val", "3": "test"}, [])


@given(st.lists(st.integers(0, 12), min_size=12, max_size=60), st.integers(3, 5), st.integers(0, 3))
def test_every_image_is_tested_in_one_fold_and_groups_stay_together(groups: list[int], count: int, seed: int) -> None:
    units = [f"g{number}" for number in (*groups, *range(6))]
    runs = [by_folds(units, [0.6, 0.2, 0.2], Folds(count, fold), seed=seed) for fold in range(count)]
    for image, unit in enumerate(units):
        assert [run[image] for run in runs].count("test") == 1
        assert all(run[image] == run[units.index(unit)] for run in runs)
    assert all(set(run) == set(PARTS) for run in runs)
    sizes = [run.count("test") for run in runs]
    assert max(sizes) - min(sizes) <= max(units.count(unit) for unit in units)


def test_folds_of_single_images_are_equal_and_validation_is_the_next_fold() -> None:
    units = [f"d{number}" for number in range(20)]
    runs = [by_folds(units, [0.6, 0.2, 0.2], Folds(5, fold), seed=1) for fold in range(5)]
    assert {run.count(part) for run in runs for part in ("val", "test")} == {4}
    for fold, run in enumerate(runs):
        tested_next = {unit for unit, part in zip(units, runs[(fold + 1) % 5], strict=True) if part == "test"}
        assert {unit for unit, part in zip(units, run, strict=True) if part == "val"} == tested_next


def test_more_folds_than_images_or_groups_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at most one fold for each, got 5 folds of 4 images; take fewer folds"):
        by_folds(["a", "b", "c", "d", "a"], [0.6, 0.2, 0.2], Folds(5, 0), seed=0)
    with pytest.raises(ValueError, match=r"expected 3 or more different groups .*, got 2 folds of 2 groups"):
        by_folds(["a", "b"] * 9, [0.6, 0.2, 0.2], Folds(2, 0, "group"), seed=0)
    units = [*["a"] * 9, "b", "c"]  # two folds of three groups: one fold holds two of them
    with pytest.raises(ValueError, match=r"2 or more groups outside the tested fold, .* got 1 with 2 folds; take more"):
        [by_folds(units, [0.6, 0.2, 0.2], Folds(2, fold, "group"), seed=3) for fold in range(2)]
