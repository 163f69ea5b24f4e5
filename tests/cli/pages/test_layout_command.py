"""`thinline digitise scan.tif` alone: what it prints and writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from digitise_command import printed
from log_pages import NO_LOGS, LogPage, save

from thinline.cli.main import main
from thinline.digitise.page.proposal import read_proposal


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return LogPage().save(tmp_path / "log.png")


def test_the_layout_is_printed_and_written_beside_the_output_folder(scan: Path, tmp_path: Path, capsys) -> None:
    assert main(["digitise", str(scan), "--out", str(tmp_path / "results/run")]) == 0
    text = printed(capsys)
    for words in ("1 page, 1,400 rows x 760 columns", "depth column: columns 29", "about 2", "a usual one", "next:"):
        assert words in text
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["run.yaml", "run_layout.png"]
    proposal = read_proposal(tmp_path / "results/run.yaml")
    assert proposal.scan == "../log.png"
    assert proposal.dpi == pytest.approx(101.6, rel=1e-3)
    assert [track.scale for track in proposal.tracks] == ["linear", "linear"]


@pytest.mark.usefixtures("without_ocr")
def test_without_out_the_files_are_named_after_the_scan(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scan.parent)
    assert main(["digitise", "log.png"]) == 0
    assert {path.name for path in scan.parent.iterdir()} == {"log.png", "log.yaml", "log_layout.png"}


@pytest.mark.usefixtures("without_ocr")
def test_an_edited_proposal_is_not_overwritten_without_force(scan: Path, capsys) -> None:
    out = scan.parent / "mine"
    (scan.parent / "mine.yaml").write_text("edited")
    assert main(["digitise", str(scan), "--out", str(out)]) == 1
    assert "mine.yaml: expected no such file yet, got one" in printed(capsys)
    assert (scan.parent / "mine.yaml").read_text() == "edited"
    assert not (scan.parent / "mine_layout.png").exists()
    assert main(["digitise", str(scan), "--out", str(out), "--force"]) == 0
    assert read_proposal(scan.parent / "mine.yaml").tracks


@pytest.mark.parametrize("name", [*NO_LOGS, "1 x 1"])
def test_what_is_no_log_gets_a_sentence_and_nothing_is_written(name: str, tmp_path: Path, capsys) -> None:
    page = np.zeros((1, 1), np.uint8) if name == "1 x 1" else NO_LOGS[name]()
    path = save(page, tmp_path / "page.png")
    assert main(["digitise", str(path), "--out", str(tmp_path / "out")]) == 1
    assert "error:" in printed(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["page.png"]


@pytest.mark.parametrize(
    "words",
    [
        ["--left", "0"],
        ["--track", "10", "20"],
        ["--at", "curve_1:300:200"],
        ["--min-confidence", "0.9"],
        ["--min-coverage", "0"],
    ],
)
def test_what_only_a_digitised_scan_has_is_no_request_for_the_layout(
    words: list[str], scan: Path, tmp_path: Path, capsys
) -> None:
    assert main(["digitise", str(scan), "--out", str(tmp_path / "out"), *words]) == 1
    assert "expected --top, --bottom and --out with the other options" in " ".join(capsys.readouterr().out.split())
    assert list(tmp_path.iterdir()) == [scan]


@pytest.mark.usefixtures("without_ocr")
def test_a_scan_without_resolution_says_so(tmp_path: Path, capsys) -> None:
    path = LogPage().save(tmp_path / "bare.png", dpi=None)
    assert main(["digitise", str(path), "--out", str(tmp_path / "out")]) == 0
    assert "no resolution in the file: taken as 216 mm wide" in printed(capsys)
    assert read_proposal(tmp_path / "out.yaml").dpi is None


def test_a_false_dpi_is_refused(scan: Path, capsys) -> None:
    assert main(["digitise", str(scan), "--dpi", "3", "--out", str(scan.parent / "out")]) == 1
    assert "--dpi: expected 20 to 4800" in printed(capsys)
