from pathlib import Path

import pytest

from hairline.data.pairing import matching

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
    found = matching(tmp_path, template, SUFFIXES, problems, but=but)
    assert {name: path.name for name, path in found.items()} == expected
    assert problems == []


def test_two_files_of_one_name_are_a_problem(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif"):
        (tmp_path / name).touch()
    problems: list[str] = []
    assert matching(tmp_path, "*", SUFFIXES, problems)["a"].name == "a.png"
    assert len(problems) == 1
    assert "a second file for 'a' beside a.png" in problems[0]
