"""CSV and LAS read back as written, on scales of many decades and with names that LAS does not allow."""

from __future__ import annotations

import io
from pathlib import Path

import lasio
import numpy as np
import pandas as pd
import pytest

from thinline.curves.las import read_las
from thinline.digitise.accept import Digitised
from thinline.digitise.axes import CurveScale, DepthScale
from thinline.digitise.export import csv_of, las_of

ROWS = 400
DEPTH = 1000 + (np.arange(ROWS) + 0.5) / 5


def digitised(scale: CurveScale, values: np.ndarray, lap: np.ndarray | None = None) -> Digitised:
    nothing = np.zeros(len(values))
    lap = np.zeros(len(values), np.int64) if lap is None else lap
    return Digitised("curve_1", scale, nothing, values, lap, nothing + 1, "", 1.0, 0.0)


@pytest.mark.parametrize("ends", [(0.2, 2000.0), (1e-5, 1e-2), (2e3, 2e7)])
def test_every_decade_of_a_log_scale_reads_back(ends: tuple[float, float], tmp_path: Path) -> None:
    scale = CurveScale("RT", "ohmm", 0, 200, *ends, "log")
    lap = np.repeat(np.array([-1, 0, 1, 0]), ROWS // 4)
    x = 100 + 99 * np.sin(np.arange(ROWS) / 7)
    values = scale.values(x, lap)
    values[50:60] = np.nan
    curve = digitised(scale, values, lap)
    table = pd.read_csv(io.BytesIO(csv_of(DEPTH, [curve], [x])))
    (tmp_path / "curves.las").write_bytes(las_of(DEPTH, [curve], depth_unit="m", parameters={}))
    (back,) = read_las(tmp_path / "curves.las")
    assert values[np.isfinite(values)].max() / np.nanmin(values) > 1e8, "no laps, so nothing is tested"
    for read in (table.RT.to_numpy(), back.values):
        assert read == pytest.approx(values, rel=1e-6, abs=0, nan_ok=True)
    assert np.array_equal(table.RT.to_numpy(), back.values, equal_nan=True)
    assert scale.columns(back.values)[0] == pytest.approx(np.where(np.isnan(values), np.nan, x), abs=1e-3, nan_ok=True)
    assert back.depth == pytest.approx(DEPTH, abs=1e-9)


def test_values_are_written_to_seven_digits() -> None:
    scale = CurveScale("GR", "API", 0, 200, 0, 150)
    text = csv_of(DEPTH[:3], [digitised(scale, np.array([1 / 3, 200 / 3, -123456789.0]))], [np.zeros(3)]).decode()
    assert [line.split(",")[1] for line in text.splitlines()[1:]] == ["0.3333333", "66.66667", "-123456800.0"]


@pytest.mark.parametrize("unit", ["", "API", "ohm.m", "g/cm3", "us/ft", "%", "degC", "1/m", "v/v", "m^3", "K.m3/kg"])
def test_units_read_back(unit: str, tmp_path: Path) -> None:
    curve = digitised(CurveScale("GR", unit, 0, 200, 0, 150), np.linspace(0, 150, ROWS))
    (tmp_path / "curves.las").write_bytes(las_of(DEPTH, [curve], depth_unit=unit or "ft", parameters={}))
    (back,) = read_las(tmp_path / "curves.las")
    assert (back.name, back.unit, back.depth_unit) == ("GR", unit, unit or "ft")


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a:b.tif", "a_b.tif"), ("a:\nb: c.tif", "a__b_ c.tif"), ("m\udcff.tif", "m_.tif"), ("Öl 3.tif", "_l 3.tif")],
)
def test_the_name_of_a_scan_does_not_break_the_header(name: str, kept: str, tmp_path: Path) -> None:
    curve = digitised(CurveScale("GR", "API", 0, 200, 0, 150), np.linspace(0, 150, ROWS))
    text = las_of(DEPTH, [curve], depth_unit="m", parameters={"SCAN": name, "RUN": "test@0"})
    (tmp_path / "curves.las").write_bytes(text)
    file = lasio.read(tmp_path / "curves.las")
    assert {item.mnemonic: item.value for item in file.params} == {"SCAN": kept, "RUN": "test@0"}
    assert len(read_las(tmp_path / "curves.las")) == 1


@pytest.mark.parametrize("ends", [(-1000.0, -1200.0), (100.0, -50.0), (1200.0, 1000.0), (-50.0, 100.0), (2.0, 2.0001)])
def test_depths_of_either_direction_read_back_in_the_order_of_rows(ends: tuple[float, float], tmp_path: Path) -> None:
    depth = DepthScale(*ends, -0.5, ROWS - 0.5, "m").depths(np.arange(ROWS, dtype=np.float64))
    step = (ends[1] - ends[0]) / ROWS
    expected = [ends[0] + (row + 0.5) * step for row in range(ROWS)]
    values = np.linspace(0, 150, ROWS)
    curve = digitised(CurveScale("GR", "API", 0, 200, 0, 150), values)
    (tmp_path / "curves.las").write_bytes(las_of(depth, [curve], depth_unit="m", parameters={}))
    file = lasio.read(tmp_path / "curves.las")
    assert file["DEPT"] == pytest.approx(expected, abs=abs(step) / 100)
    assert (file.well.STRT.value, file.well.STOP.value) == pytest.approx(
        (expected[0], expected[-1]), abs=abs(step) / 100
    )
    assert file.well.STEP.value == pytest.approx(step, rel=1e-6)
    assert file.well.STEP.unit == "m"
    assert file["GR"] == pytest.approx(values, rel=1e-6)
    table = pd.read_csv(io.BytesIO(csv_of(depth, [curve], [values])))
    assert table.depth.to_numpy() == pytest.approx(expected, abs=abs(step) / 100)


def test_each_warning_is_one_line_above_the_table() -> None:
    curve = digitised(CurveScale("GR", "API", 0, 200, 0, 150), np.linspace(0, 150, ROWS))
    warnings = ['rows 3 to 4, 1,5 m: "bad" code\n~Ascii # word', "Öl: second"]
    text = csv_of(DEPTH, [curve], [curve.values], warnings=warnings)
    assert text.decode().splitlines()[:2] == [
        '# warning: rows 3 to 4, 1,5 m: "bad" code ~Ascii # word',
        "# warning: Öl: second",
    ]
    table = pd.read_csv(io.BytesIO(text), comment="#")
    assert table.GR.to_numpy() == pytest.approx(curve.values, rel=1e-6)
    las = lasio.read(io.StringIO(las_of(DEPTH, [curve], depth_unit="m", parameters={}, warnings=warnings).decode()))
    assert las.other.splitlines() == [
        'warning: rows 3 to 4, 1,5 m_ "bad" code ~Ascii # word',
        "warning: _l_ second",
    ]
    assert len(las["GR"]) == ROWS
