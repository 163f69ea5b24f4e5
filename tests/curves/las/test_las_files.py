import logging
import warnings
from pathlib import Path

import lasio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.curves.las import BRIDGE, SHORTEST, LasCurve, LasError, read_las, read_las_dir

REAL = Path(__file__).parents[3] / "../shared/data/las"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real LAS files lie beside the repository, not in it")


def las_text(columns: dict[str, list[str]], *, unit: str = "M", null: str = "-999.25", wrap: str = "NO") -> str:
    """A LAS 2.0 file; the first column is depth."""
    names = [f" {name}.{unit if i == 0 else 'GAPI'} :" for i, name in enumerate(columns)]
    rows = [" ".join(row) for row in zip(*columns.values(), strict=True)]
    head = ["~Version", " VERS. 2.0 :", f" WRAP. {wrap} :", "~Well", f" NULL. {null} :", "~Curve"]
    return "\n".join([*head, *names, "~A", *rows, ""])


def numbers(values: np.ndarray) -> list[str]:
    return [repr(float(v)) for v in values]


def wave(count: int = 100) -> np.ndarray:
    return np.round(50 + 40 * np.sin(np.arange(count) / 7), 3)


def written(folder: Path, name: str, columns: dict[str, list[str]], **header: str) -> Path:
    path = folder / name
    path.write_text(las_text(columns, **header))
    return path


def test_a_curve_comes_back_with_names_units_and_nulls_as_nan(tmp_path: Path) -> None:
    values = wave()
    words = numbers(values)
    words[3], words[4] = "-999.25", "-9999"  # the declared null, and one left over from another program
    (curve,) = read_las(written(tmp_path, "a.las", {"DEPT": numbers(np.arange(100) / 4), "GR": words}, unit="FT"))
    assert (curve.name, curve.unit, curve.depth_unit, curve.source) == ("GR", "GAPI", "FT", "a.las")
    np.testing.assert_array_equal(curve.depth, np.arange(100) / 4)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(curve.values)), [3, 4])
    np.testing.assert_array_equal(np.delete(curve.values, [3, 4]), np.delete(values, [3, 4]))
    assert curve.depth.dtype == curve.values.dtype == np.float64


def test_rows_without_a_depth_are_dropped(tmp_path: Path) -> None:
    depth = numbers(np.arange(100.0))
    depth[50] = "-999.25"
    (curve,) = read_las(written(tmp_path, "a.las", {"DEPT": depth, "GR": numbers(wave())}))
    np.testing.assert_array_equal(curve.values, np.delete(wave(), 50))


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (["-999.25"] * 100, "all nulls"),
        (["7.5"] * 100, "constant"),
        (["-999.25"] * 99 + ["7.5"], "1 sample"),
        (numbers(wave(40)) + ["-999.25"] * 60, "40 samples"),
        (["clay"] * 100, "text"),
        ((numbers(wave(4)) + ["-999.25"] * (BRIDGE + 1)) * 20, "no varying run"),
    ],
)
def test_a_curve_that_cannot_be_used_is_named_with_its_reason(tmp_path: Path, column: list[str], reason: str) -> None:
    depth = numbers(np.arange(float(len(column))))
    bad = written(tmp_path, "bad.las", {"DEPT": depth, "SP": column})
    with pytest.raises(LasError, match=rf"bad\.las.*expected.*got SP \(.*{reason}"):
        read_las(bad)
    both = written(tmp_path, "both.las", {"DEPT": depth, "SP": column, "GR": numbers(wave(len(column)))})
    assert [curve.name for curve in read_las(both)] == ["GR"]


def test_a_single_row_and_a_lone_depth_column_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LasError, match="1 sample"):
        read_las(written(tmp_path, "one.las", {"DEPT": ["1.0"], "GR": ["2.0"]}))
    with pytest.raises(LasError, match="only the depth column"):
        read_las(written(tmp_path, "depth.las", {"DEPT": numbers(np.arange(100.0))}))


@pytest.mark.parametrize("text", ["", "not a log\n1 2 3\n", "~Version\n VERS. 2.0 :\n", "\x00\xff" * 50])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.las"
    path.write_text(text)
    with pytest.raises(LasError, match=r"odd\.las: expected"):
        read_las(path)


def test_missing_file_missing_folder_and_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(LasError, match=r"gone\.las: expected a LAS file"):
        read_las(tmp_path / "gone.las")
    with pytest.raises(LasError, match="gone: expected a folder"):
        read_las_dir(tmp_path / "gone")
    with pytest.raises(LasError, match=r"expected \*\.las files, found none"):
        read_las_dir(tmp_path)


def test_a_folder_skips_unusable_files_with_a_warning(tmp_path: Path) -> None:
    depth = numbers(np.arange(100.0))
    written(tmp_path, "b.LAS", {"DEPT": depth, "GR": numbers(wave())})
    written(tmp_path, "a.las", {"DEPT": depth, "SP": ["-999.25"] * 100})
    with pytest.warns(UserWarning, match=r"left out 1 of 2 LAS files(.|\n)*a\.las.*all nulls"):
        curves = read_las_dir(tmp_path)
    assert [(curve.source, curve.name) for curve in curves] == [("b.LAS", "GR")]
    (tmp_path / "b.LAS").unlink()
    with pytest.raises(LasError, match=r"got 1 without one(.|\n)*a\.las"):
        read_las_dir(tmp_path)


def test_lasio_prints_nothing_and_its_logger_is_restored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "a.las", {"DEPT": numbers(np.arange(100.0)), "GR": numbers(wave())}, wrap="YES")
    lasio.read(str(path))
    assert caplog.records  # lasio itself logs something about this file
    caplog.clear()
    before = logging.getLogger("lasio").level
    read_las(path)
    assert not caplog.records
    assert capfd.readouterr().err == ""
    assert logging.getLogger("lasio").level == before


def curve_of(values: np.ndarray) -> LasCurve:
    return LasCurve("GR", "GAPI", np.arange(float(len(values))), values, "M", "a.las")


def test_short_gaps_are_bridged_and_long_ones_end_runs() -> None:
    values = np.arange(300.0) ** 1.1
    values[100 : 100 + BRIDGE] = np.nan
    values[200 : 200 + BRIDGE + 1] = np.nan
    first, second = curve_of(values).runs()
    assert (len(first), len(second)) == (200, 300 - 200 - BRIDGE - 1)
    np.testing.assert_allclose(np.diff(first[99 : 101 + BRIDGE]), (values[108] - values[99]) / (BRIDGE + 1))
    np.testing.assert_array_equal(second, values[200 + BRIDGE + 1 :])


@given(st.lists(st.booleans(), max_size=500), st.integers(0, 2**32 - 1))
def test_runs_are_finite_long_enough_and_bridge_short_gaps_only(known: list[bool], seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=len(known))
    values[~np.array(known, dtype=bool)] = np.nan
    measured = set(values[np.isfinite(values)].tolist())
    for run in curve_of(values).runs():
        assert len(run) >= SHORTEST
        assert np.isfinite(run).all()
        assert run[0] in measured
        assert run[-1] in measured
        filled = "".join(" " if value in measured else "x" for value in run.tolist())
        assert max(map(len, filled.split()), default=0) <= BRIDGE


@needs_real
def test_real_files_read_as_lasio_reads_them() -> None:
    """The numbers are those of lasio's own data frame, apart from nulls that lasio does not know."""
    frame = lasio.read(str(REAL / "F03-02.las")).df().sort_index()
    curves = {curve.name: curve for curve in read_las(REAL / "F03-02.las")}
    assert set(curves) == set(frame.columns)
    for name, curve in curves.items():
        theirs = frame[name].to_numpy()
        np.testing.assert_array_equal(curve.depth, frame.index.to_numpy())
        np.testing.assert_array_equal(curve.values, np.where(theirs == -9999, np.nan, theirs))
        assert np.nanmin(curve.values) > -9999


@needs_real
def test_the_real_folder_gives_its_logs_and_names_the_barebones() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        curves = read_las_dir(REAL)
    (message,) = [str(warning.message) for warning in caught]
    assert "barebones.las" in message
    assert "sample_2.1.las" in message
    assert {"F03-02.las", "P-135_out.LAS", "24034.LAS", "out.las"} <= {curve.source for curve in curves}
    assert all(len(curve.runs()) > 0 and np.all(np.diff(curve.depth) >= 0) for curve in curves)
