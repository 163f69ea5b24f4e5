"""`thinline las`: what it shows of a folder, and its exit code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thinline.cli.main import main

WIDTH = 80


def las(rows: list[str], *, names: str = "GR.API SP.MV") -> str:
    columns = "\n".join(f"{name} :" for name in ("DEPT.M", *names.split()))
    return f"~Version\nVERS. 2.0 :\nWRAP. NO :\n~Well\nNULL. -999.25 :\n~Curve\n{columns}\n~A\n" + "\n".join(
        [*rows, ""]
    )


def wave(count: int = 100) -> np.ndarray:
    return np.round(50 + 40 * np.sin(np.arange(count) / 7), 3)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A file with a gap, nulls of two spellings and a curve of nulls; a file with a damaged row."""
    values = [f"{value}" for value in wave()]
    values[10], values[50], values[51] = "-9999", "****", "-999.25"
    rows = [f"{1000 + i + 20 * (i > 70)} {value} -999.25" for i, value in enumerate(values)]
    (tmp_path / "a.las").write_text(las(rows))
    (tmp_path / "b.las").write_text(las(["1 2 3", "2 3"]))
    return tmp_path


def test_the_listing_has_curves_gaps_nulls_and_dropped_curves(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["las", str(logs)]) == 0
    text = capsys.readouterr().out
    (line,) = [line for line in text.split("\n") if line.lstrip().startswith("GR")]
    samples = [wave()[i] for i in range(100) if i not in (10, 50, 51)]
    assert line.split() == ["GR", "API", "97", *f"1000 to 1119 {min(samples):.5g} to {max(samples):.5g} 3 3".split()]
    assert "a.las: LAS 2.0, utf-8, 100 rows by DEPT (M)" in text
    assert "nulls: GR: 1 of -9999, 1 of -999.25, 1 of ****" in text
    assert "dropped: SP (all nulls)" in text
    assert "b.las: line 12: expected 3 values (DEPT, GR, SP), got 2, the last line" in text
    assert text.rstrip().split("\n")[-1] == (
        "2 LAS files: 1 curve used (97 samples), 1 dropped: SP of a.las (all nulls); 1 file without a curve: b.las"
    )


def test_one_file_is_shown_alone(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["las", str(logs / "a.las")]) == 0
    assert capsys.readouterr().out.rstrip().split("\n")[-1].startswith("1 LAS file: 1 curve used")


def test_nothing_usable_is_exit_one(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (logs / "a.las").unlink()
    assert main(["las", str(logs)]) == 1
    assert "1 LAS file: 0 curves used (0 samples), 0 dropped; 1 file without a curve: b.las" in capsys.readouterr().out
    assert main(["las", str(logs / "gone")]) == 1
    assert "error: " in capsys.readouterr().out


def test_the_table_folds_into_a_terminal_of_eighty_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "A_CURVE_WITH_A_NAME_OF_MORE_THAN_FORTY_LETTERS_IN_IT"
    rows = [f"{12345.678 + i} {123456.7 * value} {value}" for i, value in enumerate(wave())]
    (tmp_path / "a.las").write_text(las(rows, names=f"{name}.MICROSIEMENS/METRE SP.MV"))
    assert main(["las", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    table = text[text.index("\n") : text.index("1 LAS file")].split("\n")
    assert max(map(len, table)) <= WIDTH
    assert name in "".join(line.split()[0] if line.startswith(" ") and line.split() else "" for line in table)


def test_sheets_print_the_summary(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = logs / "p.png"
    words = ["sheets", "--preview", str(picture), "--las-dir", str(logs), "--count", "1", "--measured", "1"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "a.las: dropped SP (all nulls)" in text
    assert "2 LAS files: 1 curve used (97 samples), 1 dropped: SP of a.las (all nulls)" in text
