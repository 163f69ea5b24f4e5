"""`thinline evaluate curves.csv well.las`: published measures of curves over depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from digitise_command import printed

from thinline.cli.main import main
from thinline.cli.pages.curve_agreement import CurveOverDepth, compared, curves_of

FEET = 0.5
DEPTH_FT = np.arange(1000, 1300, FEET)
TRUE = 60 + 30 * np.sin(DEPTH_FT / 7) + 10 * np.sin(DEPTH_FT / 1.9)


def las(path: Path, values: np.ndarray, *, unit: str = "FT", name: str = "GR") -> Path:
    depth = DEPTH_FT if unit == "FT" else DEPTH_FT * 0.3048
    rows = "\n".join(f"{d:.6f} {v:.6f}" for d, v in zip(depth, values, strict=True))
    head = f"~Version\nVERS. 2.0:\nWRAP. NO:\n~Well\nNULL. -999.25:\n~Curve\nDEPT.{unit}:\n{name}.API:\n~ASCII\n"
    path.write_text(head + rows + "\n")
    return path


def csv(path: Path, depth: np.ndarray, **curves: np.ndarray) -> Path:
    extra = {f"{name}.x_px": values for name, values in curves.items()}
    path.write_text("# warning: a line above\n" + pd.DataFrame({"depth": depth} | curves | extra).to_csv(index=False))
    return path


def evaluate(*words: object) -> int:
    return main(["evaluate", *map(str, words)])


def test_the_true_curve_agrees_with_itself_in_any_unit(tmp_path: Path) -> None:
    (own,) = curves_of(las(tmp_path / "m.las", TRUE, unit="M"), "ft")
    (other,) = curves_of(las(tmp_path / "ft.las", TRUE), "m")
    each = compared(own, other)
    assert each.pearson_r == pytest.approx(1, abs=1e-4)
    assert each.depth_error == 0
    assert each.coverage == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("rows", [-6, 4])
def test_a_shift_along_depth_is_measured_in_feet(rows: int) -> None:
    shifted = CurveOverDepth("GR", DEPTH_FT + rows * FEET, TRUE)
    assert compared(shifted, CurveOverDepth("GR", DEPTH_FT, TRUE)).depth_error == pytest.approx(abs(rows) * FEET)


def test_the_noise_of_values_is_the_snr() -> None:
    noise = np.random.default_rng(0).normal(0, 3, len(TRUE))
    each = compared(CurveOverDepth("GR", DEPTH_FT, TRUE + noise), CurveOverDepth("GR", DEPTH_FT, TRUE))
    assert each.snr_db == pytest.approx(10 * np.log10(TRUE.var() / np.mean(noise**2)), abs=0.1)
    assert each.pearson_r == pytest.approx(np.corrcoef(TRUE, TRUE + noise)[0, 1], abs=1e-3)


def test_a_finer_curve_with_a_gap_is_compared_at_its_own_depths() -> None:
    fine = np.arange(1000, 1300, 0.05)
    values = np.interp(fine, DEPTH_FT, TRUE)
    values[(fine > 1100) & (fine < 1160)] = np.nan
    each = compared(CurveOverDepth("GR", fine[::-1], values[::-1]), CurveOverDepth("GR", DEPTH_FT, TRUE))
    assert each.rows == pytest.approx(len(fine), abs=12)
    assert each.coverage == pytest.approx(0.8, abs=0.01)
    assert each.pearson_r == pytest.approx(1)


def test_a_csv_of_digitise_is_printed_beside_published_values(tmp_path: Path, capsys) -> None:
    found = csv(tmp_path / "curves.csv", DEPTH_FT, gr=TRUE, SP=TRUE)
    truth = las(tmp_path / "well.las", TRUE)
    assert evaluate(found, truth, "--depth-unit", "ft", "--out", tmp_path / "scores.csv") == 0
    text = printed(capsys)
    for words in ("gr 1.000 inf 0.00 1.000", "100 % of 1 curves", "LogLift (scanned logs) r .51, 25 % strong"):
        assert words in text
    assert pd.read_csv(tmp_path / "scores.csv")["curve"].tolist() == ["gr"]


def test_a_number_sign_in_a_name_leaves_the_columns_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("# damaged: rows 5 to 9\ndepth,GR#1,SP\n1000,7,70\n1001,8,80\n1002,9,90\n")
    one, two = curves_of(tmp_path / "a.csv", "ft")
    assert (one.name, one.depth.tolist(), one.values.tolist()) == ("GR#1", [1000, 1001, 1002], [7, 8, 9])
    assert (two.name, two.values.tolist()) == ("SP", [70, 80, 90])


def test_curves_of_other_names_are_compared_only_where_there_is_one_of_each(tmp_path: Path, capsys) -> None:
    truth = las(tmp_path / "well.las", TRUE)
    assert evaluate(csv(tmp_path / "one.csv", DEPTH_FT, curve_1=TRUE), truth, "--depth-unit", "ft") == 0
    assert evaluate(csv(tmp_path / "two.csv", DEPTH_FT, a=TRUE, b=TRUE), truth, "--depth-unit", "ft") == 1
    assert "expected curves of one name in" in printed(capsys)


def test_what_cannot_be_compared_is_said(tmp_path: Path, capsys) -> None:
    truth = las(tmp_path / "well.las", TRUE)
    assert evaluate(csv(tmp_path / "deep.csv", DEPTH_FT + 9000, GR=TRUE), truth) == 1
    assert "must have common depths" in printed(capsys)
    assert evaluate(tmp_path / "none.csv", truth) == 1
    assert "found no such file" in printed(capsys)
    assert evaluate(csv(tmp_path / "a.csv", DEPTH_FT, GR=TRUE), truth, "--depth-unit", "furlong") == 1
    assert "expected depths in m or ft, got 'furlong'" in printed(capsys)
    (tmp_path / "text.csv").write_text("depth,GR\n1,high\n")
    assert evaluate(tmp_path / "text.csv", truth) == 1
    assert "expected a CSV of depth and curves" in printed(capsys)
