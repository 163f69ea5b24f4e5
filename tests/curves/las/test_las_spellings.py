"""The same table in every spelling of LAS reads back as it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from las_writer import NAMES, Spelling, read, table_of

from thinline.curves.las import LasError

NULLS = (
    "-999.25",
    "-999.250061",
    "-999.3",
    "-9999",
    "-99999.00",
    "1.0E+30",
    "-3.4028235E+38",
    "****",
    "***.**",
    "NaN",
    "-999999.0",
)

spellings = st.builds(
    Spelling,
    version=st.sampled_from(["1.2", "2.0", "3.0"]),
    delimiter=st.sampled_from(["SPACE", "TAB", "COMMA", "SEMICOLON"]),
    declared=st.booleans(),
    wrap=st.sampled_from(["none", "yes", "no"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    null=st.sampled_from(NULLS),
    depth_column=st.integers(0, 3),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spelling=spellings, upwards=st.booleans(), seed=st.integers(0, 1000))
def test_a_table_reads_back_in_every_spelling(tmp_path: Path, spelling: Spelling, upwards: bool, seed: int) -> None:
    """Rows over several lines need a declared delimiter, or white space; else they are refused."""
    table = table_of(seed, nulls=5)
    data = spelling.data(NAMES, table[::-1] if upwards else table, interval=(1000, 1044.5, 0.5))
    marked = spelling.delimiter in ("COMMA", "SEMICOLON")
    if spelling.wrap != "none" and marked and not spelling.declared:
        with pytest.raises(LasError, match="expected"):
            read(tmp_path, data)
        return
    curves, report = read(tmp_path, data)
    assert [curve.name for curve in curves] == list(NAMES[1:])
    assert [curve.unit for curve in curves] == ["API"] * 3
    for curve, values in zip(curves, table[:, 1:].T, strict=True):
        np.testing.assert_array_equal(curve.depth, table[:, 0])
        np.testing.assert_array_equal(curve.values, values)
    nulls = [sum(curve.nulls.values()) for curve in report.curves]
    assert nulls == np.isnan(table[:, 1:]).sum(axis=0).tolist()
    assert report.encoding == {"utf-8-sig": "utf-8", "utf-16-be": "utf-16"}.get(spelling.encoding, spelling.encoding)
    assert report.version == float(spelling.version)
    assert bool(report.warnings) == (spelling.wrap == "no")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    curves, report = read(tmp_path, Spelling().text(NAMES, table_of(0, nulls=5)).encode(encoding))
    assert (len(curves), report.encoding) == (3, encoding)


def test_truncated_utf_16_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LasError, match=r"a\.las: expected UTF-16 text"):
        read(tmp_path, Spelling(encoding="utf-16").data(NAMES, table_of(0, nulls=5))[:-1])


def test_letters_beyond_ascii_in_units(tmp_path: Path) -> None:
    text = Spelling().text(NAMES, table_of(0, nulls=5)).replace("RT.API", "TEMP.°C").replace("RHOB.API", "DT.µs/ft")
    for encoding in ("cp1252", "utf-8"):
        curves, _ = read(tmp_path, text.encode(encoding))
        assert [curve.unit for curve in curves] == ["API", "°C", "µs/ft"]


def test_empty_fields_between_tabs_are_nulls(tmp_path: Path) -> None:
    for delimiter, declared in (("TAB", True), ("TAB", False), ("COMMA", True), ("COMMA", False)):
        spelling = Spelling(delimiter=delimiter, declared=declared, null="")
        curves, report = read(tmp_path, spelling.data(NAMES, table_of(3, nulls=5)))
        np.testing.assert_array_equal(np.stack([curve.values for curve in curves], axis=1), table_of(3, nulls=5)[:, 1:])
        assert all(set(curve.nulls) <= {"empty"} for curve in report.curves)


@pytest.mark.parametrize("delimiter", ["SPACE", "TAB", "SEMICOLON"])
def test_unambiguous_decimal_commas(tmp_path: Path, delimiter: str) -> None:
    spelling = Spelling(delimiter=delimiter, declared=delimiter != "SPACE", comma=True, null="-999,25")
    curves, report = read(tmp_path, spelling.data(NAMES, table_of(4, nulls=5)))
    np.testing.assert_array_equal(np.stack([curve.values for curve in curves], axis=1), table_of(4, nulls=5)[:, 1:])
    assert report.warnings == ("decimal commas are read as points",)


def test_ambiguous_decimal_commas_are_refused(tmp_path: Path) -> None:
    text = Spelling(comma=True).text(NAMES, table_of(4, nulls=5))
    with pytest.raises(LasError, match=r"line \d+: expected numbers with decimal points, got '\d+,\d+'.*comma"):
        read(tmp_path, text.replace("1000,0000", "1000.0000"))
    thousands = Spelling().text(NAMES, table_of(4, nulls=5)).replace(".0000 ", ",000 ").replace(".5000 ", ",500 ")
    with pytest.raises(LasError, match=r"line \d+: expected numbers with decimal points"):
        read(tmp_path, thousands)


def test_numbers_that_run_together_are_split_as_lasio_splits_them(tmp_path: Path) -> None:
    table = table_of(5, nulls=5)
    table[40, 2:] = np.nan
    text = Spelling().text(NAMES, table).replace(" -999.25 -999.25", "-999.25-999.25")
    curves, report = read(tmp_path, text)
    np.testing.assert_array_equal(curves[2].values, table[:, 3])
    assert "run together" in report.warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("VERS. 2.0", "VERS. 4.0", r"expected VERS 1\.2, 2\.0, 2\.1 or 3\.0, got 4\.0"),
        ("DLM. SPACE", "DLM. PIPE", "expected DLM SPACE, TAB or COMMA, got 'PIPE'"),
        ("~Curve", "~Kurve", "line .*expected a ~Curve section"),
        ("~A\n", "", "expected a data section"),
        ("~A\n", "~Log_Data[2] | Log_Definition[2]\n", "expected a ~Curve section .* number 2"),
        ("GR.API : d", "GR", r"line 9: expected NAME\.UNIT VALUE : DESCRIPTION, got 'GR'"),
        ("~A\n", "~Curve\nDEPT.M :\n~A\n", r"line 12: expected data after the curve section of line 7"),
    ],
)
def test_a_damaged_header_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = Spelling().text(NAMES, table_of(6, nulls=5))
    assert old in text
    with pytest.raises(LasError, match=message):
        read(tmp_path, text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "warning"), [("VERS. 2.0 : v\n", "no version"), ("NULL. -999.25 : µ °\n", "no null value")]
)
def test_a_missing_header_line_gives_a_warning(tmp_path: Path, old: str, warning: str) -> None:
    curves, report = read(tmp_path, Spelling().text(NAMES, table_of(6, nulls=5)).replace(old, ""))
    assert len(curves) == 3
    assert warning in report.warnings[0]


def test_definitions_of_las_3_have_their_own_data(tmp_path: Path) -> None:
    text = Spelling(version="3.0").text(NAMES, table_of(7, nulls=5))
    core = "~Core_Definition\nTOP.M :\n~Core_Data | Core_Definition\n1 \n~Log_Definition[2]\nDEPT.M :\nSP.MV :\n"
    rows = "\n".join(f"{2000 + i} {i % 7}.5" for i in range(80))
    curves, _ = read(tmp_path, (text + core + "~Log_Data[2] | Log_Definition[2]\n" + rows + "\n"))
    assert [(curve.name, curve.depth[0], len(curve.values)) for curve in curves] == [
        *((name, 1000.0, 90) for name in NAMES[1:]),
        ("SP", 2000.0, 80),
    ]
