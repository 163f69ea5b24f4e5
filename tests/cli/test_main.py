import re

import cv2
import numpy as np
import pytest
from run_cases import copied, finished

from thinline.cli.main import main
from thinline.sheets import render, sample
from thinline.sheets.drawing.draw import draw


def test_sheets_draws_the_picture_and_prints_the_composition(tmp_path, capsys):
    out = tmp_path / "out.png"
    assert main(["sheets", "--preview", str(out), "--count", "2", "--measured", "3"]) == 0
    picture = cv2.imread(str(out))
    assert picture.shape[1] > 2 * 256
    assert np.ptp(picture) > 200
    text = capsys.readouterr().out
    assert all(word in text for word in ("archive", "procedural", "curve_1", "background: grid", "background: text"))
    sheets = [render(sample("archive", number), px_per_mm=4) for number in range(3)]
    share = 100 * np.mean([sheet.labels == 1 for sheet in sheets])
    assert re.search(rf"curve_1 +{share:.2f} ", text)  # counted here another way


def test_sheets_refuses_a_picture_of_nothing(tmp_path, capsys):
    assert main(["sheets", "--preview", str(tmp_path / "out.png"), "--count", "0"]) == 1
    assert "--count" in capsys.readouterr().out


def test_resolution_measures_what_resizing_loses(tmp_path, capsys):
    out = tmp_path / "res.png"
    assert main(["sheets", "--resolution", str(out), "--count", "2"]) == 0
    text = capsys.readouterr().out
    specs = [sample(family, number) for family in ("archive", "procedural") for number in range(2)]
    fine, coarse = ([draw(spec, px_per_mm=scale).labels == 2 for spec in specs] for scale in (12, 4))
    kept = sum((mask[1::3, 1::3] & true).sum() for mask, true in zip(fine, coarse, strict=True))
    lost = 100 * (1 - kept / sum(map(np.sum, coarse)))  # the centres of blocks of 3 x 3, counted here another way
    assert re.search(rf"pen3 -> pen1 +nearest +curve_2 +{lost:.1f} ", text)
    for way in ("pen1 -> half of pen1", "pen2 -> pen1", "pen1 -> pen2", "pen1 -> pen3"):
        assert way in text
    panels = np.split(cv2.imread(str(out)), 3, axis=1)
    assert len({tuple(color) for color in panels[0][20:380].reshape(-1, 3).tolist()}) >= 3  # both curves are to be seen
    assert all((panel != panels[0]).any() for panel in panels[1:])


def test_sheets_needs_an_option(capsys):
    assert main(["sheets"]) == 1
    assert "--preview PNG, --resolution or --compare DIR" in capsys.readouterr().out


def test_a_missing_folder_of_las_files_is_an_error(tmp_path, capsys):
    assert main(["sheets", "--preview", str(tmp_path / "o.png"), "--las-dir", str(tmp_path / "none")]) == 1
    assert "expected a folder of LAS files" in capsys.readouterr().out.replace("\n", " ")


def test_status_of_an_empty_store(tmp_path, capsys):
    assert main(["status", "--store", str(tmp_path)]) == 0
    assert "no run" in capsys.readouterr().out


def test_status_and_replay_of_runs(prepared, tmp_path, capsys):
    """A run made without a tracker is sent later, with its numbers."""
    store = copied(prepared, tmp_path / "store").root
    folder = finished(store)
    assert main(["status", "--store", str(store)]) == 0
    assert "FINISHED" in capsys.readouterr().out
    assert main(["replay", "--store", str(store)]) == 0
    assert "sent" in capsys.readouterr().out
    assert not folder.manifest().mlflow.pending
    assert main(["replay", "--store", str(store)]) == 0
    assert "complete" in capsys.readouterr().out


def test_replay_to_a_server_that_is_away_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert main(["replay", "--store", str(tmp_path), "--uri", "http://127.0.0.1:9"]) == 1
    assert "error" in capsys.readouterr().out


def test_an_unknown_command_is_refused():
    with pytest.raises(SystemExit) as stop:
        main(["nope"])
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("trian", "did you mean train?"),
        ("predikt", "did you mean predict?"),
        ("at_recall", "did you mean at-recall?"),
        ("xyzzy", "expected one of train, predict, evaluate,"),
    ],
)
def test_a_mistyped_command_is_answered_with_the_nearest(word, advice, capsys):
    with pytest.raises(SystemExit) as stop:
        main([word, "loss=dice"])
    assert stop.value.code == 2
    assert f"no command is called '{word}'; {advice}" in capsys.readouterr().err
