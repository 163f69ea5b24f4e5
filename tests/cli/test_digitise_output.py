"""`thinline digitise`: the content of the output folder, and options of scales and depths."""

from __future__ import annotations

from pathlib import Path

import cv2
import lasio
import numpy as np
import pandas as pd
import pytest
from digitise_command import SCALE, digitise, printed
from scan_cases import Torn, blank, save, trace, wave

from thinline.cli import digitise as digitise_module
from thinline.cli.main import main
from thinline.digitise import open_scan
from thinline.images import Damage

CASES = Path(__file__).parents[3] / "shared/cases"
RESULTS = ["class_map.png", "curves.csv", "curves.las", "overlay.png"]
pytestmark = pytest.mark.usefixtures("perfect")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    paper = trace(blank(200, 150), wave(200, middle=75, swing=40), ink=0)
    return save(trace(paper, wave(200, middle=60, swing=30, period=310), ink=120), tmp_path / "scan.tif")


def names(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir())


@pytest.mark.parametrize("case", ["no scan", "not a scan", "wrong option", "a folder", "no curve"])
def test_a_forced_command_without_curves_removes_those_of_an_earlier_scan(case: str, scan: Path) -> None:
    assert digitise(scan)[0] == 0
    out = scan.parent / "out"
    (out / "notes.txt").write_text("mine")
    other = {
        "no scan": scan.parent / "gone.tif",
        "not a scan": scan.parent / "text.tif",
        "a folder": scan.parent,
        "no curve": save(blank(200, 150), scan.parent / "bare.tif"),
        "wrong option": scan,
    }[case]
    (scan.parent / "text.tif").write_text("not an image")
    more = ("--dpi", "nan") if case == "wrong option" else ()
    assert digitise(other, "--out", str(out), "--force", *more)[0] == 1
    assert names(out) == (["class_map.png", "notes.txt", "overlay.png"] if case == "no curve" else ["notes.txt"])
    assert (out / "notes.txt").read_text() == "mine"


def test_without_force_nothing_of_an_earlier_scan_is_changed(scan: Path, capsys) -> None:
    assert digitise(scan)[0] == 0
    out = scan.parent / "out"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for more in ((), ("--dpi", "nan")):
        assert digitise(scan, *more)[0] == 1
    assert "nothing is overwritten without --force" in printed(capsys)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert before


def test_keys_of_one_curve_given_twice_are_merged(scan: Path) -> None:
    first, second = "curve_1:name=GR,left=-1e1,right=200", "curve_1:unit=API,name=GR"
    code, out = digitise(scan, "--curve", first, "--curve", second, "--curve", "curve_2:falling=yes")
    assert code == 0
    las = lasio.read(out / "curves.las")
    assert (las.curves["GR"].unit, "linear -10 to 200" in las.curves["GR"].descr) == ("API", True)
    table = pd.read_csv(out / "curves.csv")
    assert table.GR.to_numpy() == pytest.approx(-10 + 210 * (table["GR.x_px"] + 0.5) / 150, abs=0.01, nan_ok=True)
    assert "curve_2" in table


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases lie beside the repository, not in it")
def test_the_shared_case_of_a_repeated_curve_option(tmp_path: Path) -> None:
    case = CASES / "digitise_curve_twice/good.tif"
    size = open_scan(case)
    out = tmp_path / "out"
    words = ["--curve", "curve_1:name=GR,left=0,right=150", "--curve", "curve_1:unit=API"]
    words += ["--curve", "curve_2:left=0,right=1", "--min-coverage", "0", "--min-confidence", "0"]
    depths = ["--top", "1000", "--bottom", "1010", "--no-deskew", "--out", str(out)]
    assert main(["digitise", str(case), *depths, *words]) == 0
    las, table = lasio.read(out / "curves.las"), pd.read_csv(out / "curves.csv")
    assert las.curves["GR"].unit == "API"
    assert table.GR.to_numpy() == pytest.approx((table["GR.x_px"] + 0.5) / size.width * 150, abs=0.02, nan_ok=True)
    assert table.GR.notna().any()


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases lie beside the repository, not in it")
def test_the_shared_case_of_a_damaged_fax_has_gaps_and_else_the_values_of_the_whole_one(tmp_path: Path, capsys) -> None:
    tables = {}
    for name in ("whole", "hurt"):
        words = ["--left", "0", "--right", "100", "--top", "1000", "--bottom", "1010", "--no-deskew"]
        words += ["--min-coverage", "0", "--min-confidence", "0", "--out", str(tmp_path / name)]
        assert main(["digitise", str(CASES / f"digitise_g4_hurt/{name}.tif"), *words]) == 0
        tables[name] = pd.read_csv(tmp_path / name / "curves.csv", comment="#")
    text = printed(capsys)
    for report in (text, (tmp_path / "hurt/curves.csv").read_text(), (tmp_path / "hurt/curves.las").read_text()):
        assert "damaged on page 1 in rows 320 to 383, 1003.125 to 1003.750 m" in report
    row = np.arange(512)
    damaged = (row >= 320 / 2) & (row < 384 / 2)
    hurt, whole = (tables[name].curve_1.to_numpy() for name in ("hurt", "whole"))
    assert np.isnan(hurt[damaged]).all()
    assert np.isfinite(whole[damaged]).any()
    both = np.isfinite(hurt) & np.isfinite(whole)
    assert both.sum() > 0.8 * np.isfinite(whole[~damaged]).sum()
    assert (np.abs(hurt - whole)[both] <= 1).mean() > 0.99


@pytest.mark.parametrize(
    ("text", "ends"), [("-0.5-149.5", (-0.5, 149.5)), ("5e0-1.2e2", (5, 120)), ("1e1-120", (10, 120))]
)
def test_the_columns_of_a_curve_may_have_signs_and_exponents(text: str, ends, scan: Path) -> None:
    code, out = digitise(scan, "--curve", f"curve_1:track={text}")
    assert code == 0
    table = pd.read_csv(out / "curves.csv")
    values = 150 * (table["curve_1.x_px"] - ends[0]) / (ends[1] - ends[0])
    assert (table.curve_1 - 150 * table["curve_1.lap"]).to_numpy() == pytest.approx(
        values.to_numpy(), abs=0.02, nan_ok=True
    )


def test_values_may_have_exponents(scan: Path) -> None:
    code, out = digitise(scan, "--left", "-1e3", "--right", "-1.5E+2", "--track", "-.5e0", "1.2e2")
    assert code == 0
    table = pd.read_csv(out / "curves.csv")
    share = (table["curve_1.x_px"] + 0.5) / 120.5 + table["curve_1.lap"]
    assert table.curve_1.to_numpy() == pytest.approx(-1000 + 850 * share.to_numpy(float), abs=0.1, nan_ok=True)


@pytest.mark.parametrize(("top", "bottom"), [("-1000", "-1.2e3"), ("100", "-50")])
def test_depths_may_be_elevations(top: str, bottom: str, scan: Path, capsys) -> None:
    code, out = digitise(scan, "--top", top, "--bottom", bottom)
    text = printed(capsys)
    assert code == 0
    assert "depth decreases down the scan" in text
    step = (float(bottom) - float(top)) / 200
    expected = float(top) + step / 2 + step * np.arange(200)
    las, table = lasio.read(out / "curves.las"), pd.read_csv(out / "curves.csv")
    assert las["DEPT"] == pytest.approx(expected, abs=1e-9 * 1200)
    assert las.well.STEP.value == pytest.approx(step)
    assert las.well.STRT.value > las.well.STOP.value
    assert table.depth.to_numpy() == pytest.approx(expected)
    assert las["CURVE_1"] == pytest.approx(table.curve_1.to_numpy(), nan_ok=True)


@pytest.mark.parametrize("name", ["Öl 日本.tif", "m\udcff.tif"])
def test_a_scan_may_have_any_name(name: str, scan: Path) -> None:
    code, out = digitise(scan.rename(scan.parent / name))
    assert code == 0
    assert names(out) == RESULTS


def test_an_empty_output_folder_is_refused(scan: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(scan.parent)
    (scan.parent / "curves.csv").write_text("mine")
    with pytest.raises(SystemExit):
        main(["digitise", str(scan), *sum(SCALE.items(), ()), "--force", "--out", ""])
    assert "expected a path, got ''; is a variable of the shell unset?" in capsys.readouterr().err
    assert (scan.parent / "curves.csv").read_text() == "mine"


def test_damage_is_printed_within_80_columns(scan: Path, monkeypatch, capsys) -> None:
    torn = Torn(scan, [Damage(n, n + 2, 1, f"bad code word in strip {n}") for n in range(20, 180, 6)])
    monkeypatch.setattr(digitise_module, "open_scan", lambda path: torn)
    code, out = digitise(scan, "--min-coverage", "0", "--min-confidence", "0")
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert sum(line.startswith("warning: the scan is damaged on page 1 in rows") for line in lines) == 20
    assert max(len(line) for line in lines[2:-1]) <= 80
    assert "warning: 7 more; curves.csv and curves.las list all" in lines
    assert (out / "curves.las").read_text().count("warning: the scan is damaged on page 1") == 27
    torn = Torn(scan, [Damage(50, 60, 1, "bad code word")])
    code, out = digitise(scan, "--force")
    assert code == 0
    text = printed(capsys)
    assert "warning: the scan is damaged on page 1 in rows 50 to 59, 1025.00 to 1030.00 m (bad code word)" in text
    assert (out / "curves.csv").read_text().startswith("# warning: the scan is damaged on page 1 in rows 50 to 59")
    assert cv2.imread(str(out / "overlay.png")) is not None
