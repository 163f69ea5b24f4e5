from pathlib import Path

import pytest

from thinline.data.folder.image_pairs import left_out, matching, printable, without_partner

FILES = ["a.png", "a-gt.png", "b.TIF", "b-gt.tif", "c.csv", "G_d.jpeg", "notes.txt"]
SUFFIXES = (".png", ".tif", ".jpeg")


@pytest.mark.parametrize(
    ("template", "but", "expected"),
    [
        ("*", "*-gt", {"a": "a.png", "b": "b.TIF", "G_d": "G_d.jpeg"}),
        ("*-gt", None, {"a": "a-gt.png", "b": "b-gt.tif"}),
        ("*-gt.png", None, {"a": "a-gt.png"}),
        ("G_*", None, {"d": "G_d.jpeg"}),
        ("elsewhere/*", None, {}),
        ("*", "elsewhere/*", {"a": "a.png", "a-gt": "a-gt.png", "b": "b.TIF", "b-gt": "b-gt.tif", "G_d": "G_d.jpeg"}),
    ],
)
def test_the_star_is_what_an_image_and_its_mask_share(
    tmp_path: Path, template: str, but: str | None, expected: dict[str, str]
) -> None:
    for name in FILES:
        (tmp_path / name).touch()
    problems: list[str] = []
    result = matching(tmp_path, template, SUFFIXES, problems, but=but)
    assert {name: path.name for name, path in result.items()} == expected
    assert problems == []


def test_two_files_of_one_name_are_a_problem(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif"):
        (tmp_path / name).touch()
    problems: list[str] = []
    assert matching(tmp_path, "*", SUFFIXES, problems)["a"].name == "a.png"
    assert len(problems) == 1
    assert "a second file for 'a' beside a.png" in problems[0]


def test_suffixes_fit_in_any_case_and_names_do_not(tmp_path: Path) -> None:
    for name in ("1.png", "2.PNG", "3.Png", "G_4.png", "g_5.png", "6-GT.png", "7.tif"):
        (tmp_path / name).touch()
    problems: list[str] = []
    assert sorted(matching(tmp_path, "*.png", SUFFIXES, problems)) == ["1", "2", "3", "6-GT", "G_4", "g_5"]
    assert sorted(matching(tmp_path, "*.PNG", SUFFIXES, problems)) == ["1", "2", "3", "6-GT", "G_4", "g_5"]
    assert sorted(matching(tmp_path, "G_*.png", SUFFIXES, problems)) == ["4"]
    assert sorted(matching(tmp_path, "*-gt.png", SUFFIXES, problems)) == []
    assert problems == []


@pytest.mark.parametrize("names", [("1.png", "1.PNG"), ("a.png", "a.tif"), ("a.jpeg", "a.JPEG")])
def test_names_that_differ_in_their_suffix_alone_are_a_problem(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    problems: list[str] = []
    assert len(matching(tmp_path, "*", (".png", ".tif", ".jpeg"), problems)) == 1
    assert len(problems) == 1
    assert all(name in problems[0] for name in names)


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "x.png").mkdir()
    problems: list[str] = []
    assert matching(tmp_path, "*", SUFFIXES, problems) == {}
    assert problems == [f"{tmp_path / 'x.png'}: expected a file, got a folder; rename or move it"]


def test_a_folder_that_cannot_be_listed_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    problems: list[str] = []
    assert matching(tmp_path, "*", SUFFIXES, problems) == {}
    assert "expected a folder that can be listed, got 'Permission denied'" in problems[0]


def test_a_partner_in_other_case_is_suggested() -> None:
    files = {"A": Path("images/A.png"), "b": Path("images/b.png"), "c": Path("images/c.png")}
    problems = without_partner(files, ["a", "b"], "image without a mask masks/*")
    assert problems == [
        "images/A.png: image without a mask masks/*; the names must be equal, is it that of 'a'?",
        "images/c.png: image without a mask masks/*",
    ]


def test_files_that_nothing_fits_are_left_out_by_name(tmp_path: Path) -> None:
    """Not those of file browsers, nor hidden ones, nor folders without images, nor those of the templates."""
    for name in ("a.png", "b.bmp", "notes.txt", ".DS_Store", "Thumbs.db", ".b.png", "masks/a.png", "masks/old/b.PNG"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    used = [tmp_path / "a.png", tmp_path / "masks/a.png"]
    left = left_out(tmp_path, ["*", "masks/*"], SUFFIXES, used)
    assert [str(path.relative_to(tmp_path)) for path in left] == ["b.bmp", "notes.txt", "masks/old"]


def test_a_name_that_is_no_text_can_be_printed() -> None:
    assert printable(Path("äö.png")) == "äö.png"
    assert printable(Path("a\udcff.png")) == r"a\udcff.png"
