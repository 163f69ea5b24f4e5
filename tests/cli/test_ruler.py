"""`thinline ruler`: files, output and refusals."""

import re

import cv2
import numpy as np
import pandas as pd
import pytest

from thinline.cli.main import main
from thinline.ruler.figures import response_figure
from thinline.ruler.perturb import respond
from thinline.ruler.truth import of_sheets


def test_files_and_table_are_written_and_not_overwritten_without_force(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    pages = []
    monkeypatch.setattr("thinline.cli.ruler.response_figure", lambda *args, **options: paged(pages, args, options))
    out = tmp_path / "deep" / "ruler"
    assert main(["ruler", "--out", str(out), "--count", "1"]) == 0
    text = capsys.readouterr().out
    pictures = {"shift_experiment", "shift", "jitter", "thickness", "gaps", "swaps", "shift_normal", "jitter_normal"}
    assert {path.stem for path in out.glob("*.png")} == pictures
    assert all(cv2.imread(str(path)).std() > 5 for path in out.glob("*.png"))
    table = pd.read_csv(out / "responses.csv")
    pd.testing.assert_frame_equal(table, respond(of_sheets(1, px_per_mm=4)))
    shifted = table[(table["width_px"] == 1) & (table["perturbation"] == "shift") & (table["amount"] == 1)]
    iou = shifted.set_index("measure")["value"]["iou"]
    assert re.search(rf"1 px +shift 1 +{iou:.3f} +{iou:.3f}\*", text)  # boundary IoU is IoU, and marked
    assert re.search(r"shift ⟂ 1 +\d\.\d", text)
    assert "boundary IoU" in text
    assert "is IoU" in text
    assert "…" not in text.split("degenerate on this truth")[0]
    listed = pd.read_csv(out / "degenerate.csv")
    assert {"copy", "blind", "saturated"} <= set(listed["kind"])

    kept = (out / "responses.csv").stat().st_mtime_ns
    assert main(["ruler", "--out", str(out), "--count", "1"]) == 1
    assert "--force" in capsys.readouterr().out
    assert (out / "responses.csv").stat().st_mtime_ns == kept
    save_mask(tmp_path / "mask.png")
    assert main(["ruler", "--out", str(out), "--force", "--masks", str(tmp_path / "*.png")]) == 0
    assert "swaps are left out" in capsys.readouterr().out
    assert (out / "responses.csv").stat().st_mtime_ns != kept


def paged(pages, arguments, options):
    """Draw the first page and return copies of it for the others, because drawing is slow."""
    pages.append(pages[0] if pages else response_figure(*arguments, **options))
    return pages[-1]


def save_mask(path):
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 30:33] = 255
    cv2.imwrite(str(path), mask)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--count", "0"], "--count must be 1 or more"),
        (["--masks", "nowhere/*.png"], "got none at nowhere"),
        (["--las-dir", "nowhere"], "expected a folder of LAS files"),
        (["--px-per-mm", "0.01"], "at least 8x8 px"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_written(arguments, words, tmp_path, capsys):
    assert main(["ruler", "--out", str(tmp_path / "out"), *arguments]) == 1
    assert words in capsys.readouterr().out.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert main(["ruler", "--out", str(tmp_path / "file")]) == 1
    assert "must be a folder" in capsys.readouterr().out
    assert (tmp_path / "file").read_text() == "mine"


def test_masks_and_las_files_exclude_each_other(tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["ruler", "--out", str(tmp_path), "--masks", "a", "--las-dir", "b"])
    assert stop.value.code == 2
