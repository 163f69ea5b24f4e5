"""`thinline evaluate`: two files, or two folders matched by name, of any images."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from thinline.cli.main import main
from thinline.training.label_evaluation import evaluate_labels

MAP = "0:background,255:vessel"


def mask(seed, shape=(40, 50)):
    """One line, 3 px wide."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros(shape, np.uint8)
    cv2.line(drawn, (int(rng.integers(10, 40)), 0), (int(rng.integers(10, 40)), shape[0] - 1), 1, 3)
    return drawn


@pytest.fixture
def folders(tmp_path):
    """`pred` and `true` with ids in a.png and b.png, of two sizes."""
    for name, seeds in (("pred", (1, 2)), ("true", (1, 3))):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), mask(seeds[0]))
        cv2.imwrite(str(tmp_path / name / "b.png"), mask(seeds[1], (60, 50)))
    return tmp_path


def evaluate(*words):
    return main(["evaluate", *map(str, words)])


def refused(capsys, *words):
    assert evaluate(*words) == 1
    return " ".join(capsys.readouterr().out.split())


def test_two_files_have_the_numbers_of_the_arrays(folders, capsys):
    pair = [folders / name / "b.png" for name in ("pred", "true")]
    assert (
        evaluate(*pair, "--classes", "background,vessel", "--px-per-mm", "5", "--out", folders / "deep/rows.csv") == 0
    )
    rows = pd.read_csv(folders / "deep/rows.csv")
    expected = evaluate_labels(mask(2, (60, 50)), mask(3, (60, 50)), classes=["background", "vessel"], px_per_mm=5.0)
    assert set(rows.pop("image")) == {"b"}
    tables = (table.sort_values(["measure", "class"], ignore_index=True) for table in (rows, expected))
    pd.testing.assert_frame_equal(*tables, check_dtype=False, rtol=1e-9)
    iou = expected.set_index(["measure", "class"])["value"]["iou", "vessel"]
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == ["vessel"])
    assert line.split()[1] == f"{iou:.3f}"


def test_two_folders_are_matched_by_name_and_summed(folders, capsys):
    cv2.imwrite(str(folders / "true/b.tif"), cv2.imread(str(folders / "true/b.png"), cv2.IMREAD_GRAYSCALE))
    (folders / "true/b.png").unlink()
    (folders / "pred/a.npz").write_bytes(b"not an image")
    assert evaluate(folders / "pred", folders / "true", "--out", folders / "rows.csv") == 0
    text = capsys.readouterr().out
    assert "2 images" in text
    assert max(map(len, text.splitlines()[:-1])) <= 80
    rows = pd.read_csv(folders / "rows.csv")
    assert rows["image"].unique().tolist() == ["all", "a", "b"]
    iou = rows[(rows["measure"] == "iou") & (rows["class"] == "class_1")].set_index("image")["value"]
    hits = sum((mask(one, shape) & mask(two, shape)).sum() for one, two, shape in ((1, 1, (40, 50)), (2, 3, (60, 50))))
    either = sum(
        (mask(one, shape) | mask(two, shape)).sum() for one, two, shape in ((1, 1, (40, 50)), (2, 3, (60, 50)))
    )
    assert iou["all"] == pytest.approx(hits / either)
    assert iou["a"] == 1


def test_values_of_the_truth_are_named(folders, capsys):
    for name in ("a", "b"):
        path = str(folders / f"true/{name}.png")
        cv2.imwrite(path, 255 * cv2.imread(path, cv2.IMREAD_GRAYSCALE))
    assert evaluate(folders / "pred", folders / "true", "--classes", MAP) == 0
    first = capsys.readouterr().out
    for name in ("a", "b"):
        path = str(folders / f"pred/{name}.png")
        cv2.imwrite(path, 200 * cv2.imread(path, cv2.IMREAD_GRAYSCALE))
    options = ["--classes", MAP, "--prediction-classes", "0:background,128-255:vessel"]
    assert evaluate(folders / "pred", folders / "true", *options) == 0
    assert capsys.readouterr().out == first
    assert "255 means ignored" in refused(capsys, folders / "pred", folders / "true")
    text = refused(capsys, folders / "pred", folders / "true", "--classes", "0:background,254:vessel")
    assert "a.png: expected the values of {0: background, 254: vessel}, got also 255" in text


def test_names_without_values_do_not_hide_a_truth_of_black_and_white(folders, capsys):
    for name in ("a", "b"):
        path = str(folders / f"true/{name}.png")
        cv2.imwrite(path, 255 * cv2.imread(path, cv2.IMREAD_GRAYSCALE))
    text = refused(capsys, folders / "pred", folders / "true", "--classes", "background,vessel")
    assert "got only 0 and 255, and 255 means ignored" in text
    assert "--classes 0:background,255:NAME" in text


def test_the_background_is_the_first_class_in_any_order_of_the_values(folders, capsys):
    for name in ("a", "b"):
        path = str(folders / f"true/{name}.png")
        cv2.imwrite(path, 255 * cv2.imread(path, cv2.IMREAD_GRAYSCALE))
    assert evaluate(folders / "pred", folders / "true", "--classes", "0:background,255:vessel") == 0
    first = capsys.readouterr().out
    assert evaluate(folders / "pred", folders / "true", "--classes", "255:vessel,0:background") == 0
    assert capsys.readouterr().out == first
    text = refused(capsys, folders / "pred", folders / "pred", "--classes", "vessel,background")
    assert "background first" in text


def test_folders_that_do_not_pair_are_refused(folders, capsys):
    (folders / "true/b.png").rename(folders / "true/c.png")
    text = refused(capsys, folders / "pred", folders / "true")
    assert "b.png: prediction without a truth" in text
    assert "c.png: truth without a prediction" in text
    assert "a file and a folder" in refused(capsys, folders / "pred/a.png", folders / "true")
    assert "got no such file" in refused(capsys, folders / "none", folders / "true")
    (folders / "empty").mkdir()
    (folders / "bare").mkdir()
    assert "got 0 and 0 images" in refused(capsys, folders / "empty", folders / "bare")


def test_what_cannot_be_scored_names_the_image(folders, capsys):
    cv2.imwrite(str(folders / "true/b.png"), mask(3, (60, 51)))
    text = refused(capsys, folders / "pred", folders / "true", "--out", folders / "rows.csv")
    assert "b: `prediction` and `truth` must have one size, got 60 x 50 and 60 x 51 px" in text
    assert not (folders / "rows.csv").exists()
    cv2.imwrite(str(folders / "true/b.png"), np.dstack([mask(3, (60, 50)), *[mask(1, (60, 50)) * 9] * 2]))
    assert "b.png: " in refused(capsys, folders / "pred", folders / "true")


def test_grey_levels_are_no_ids(folders, capsys):
    """More than 20 classes need names; values of which few are used count up to the largest."""
    predicted, true = folders / "pred/a.png", folders / "true/a.png"
    grey = (np.arange(40 * 50).reshape(40, 50) % 230).astype(np.uint8)
    cv2.imwrite(str(true), grey)
    text = refused(capsys, predicted, true, "--out", folders / "rows.csv")
    assert f"{true}: expected class ids 0 to 19, or --classes, got 230 values up to 229; for a mask" in text
    assert not (folders / "rows.csv").exists()
    names = ",".join(f"c{number}" for number in range(230))
    assert evaluate(predicted, true, "--classes", names) == 0
    cv2.imwrite(str(true), mask(1))
    cv2.imwrite(str(predicted), 20 * mask(1))
    assert f"{predicted}: expected class ids 0 to 19, or --classes, got 2 values up to 20;" in refused(
        capsys, predicted, true
    )
    cv2.imwrite(str(predicted), 19 * mask(1))
    assert evaluate(predicted, true) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--classes", "vessel"], "two or more different names"),
        (["--classes", "background,"], "expected a name after every comma"),
        (["--classes", "0:background,vessel"], "expected VALUE:NAME,..., got 'vessel'"),
        (["--classes", "0:background,0:vessel"], "expected every value once"),
        (["--classes", "0:background,x:vessel"], "a key must be a value 0..65535 or a range"),
        (["--prediction-classes", MAP], "expected --classes beside it"),
        (
            ["--classes", MAP, "--prediction-classes", "0:paper,255:vessel"],
            "with the names of --classes, background, v",
        ),
        (["--px-per-mm", "-1"], "`px_per_mm` must be above 0"),
        (["--out", "rows.txt"], "expected a file that ends in .csv"),
    ],
)
def test_options_that_do_not_fit_are_refused(folders, capsys, options, words):
    assert words in refused(capsys, folders / "pred/a.png", folders / "pred/a.png", *options)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_shows_how_many_images_are_scored_and_a_file_does_not(folders, monkeypatch, terminal):
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=terminal, color_system=None, markup=False, highlight=False)
    monkeypatch.setattr("thinline.cli.main.CONSOLE", console)
    assert evaluate(folders / "pred", folders / "true") == 0
    assert ("scoring images" in out.getvalue()) == terminal
    assert "2 images" in out.getvalue()
