"""The depth of LAS files: its column, gaps, repeat passes, sections, and outlying rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from las_writer import Spelling, read

from thinline.curves.las import BRIDGE, LasCurve, LasError, LasReport
from thinline.curves.las.curve import missing_samples

NAMES = ("DEPT", "GR")


def read_tables(
    folder: Path,
    *tables: np.ndarray,
    names: tuple[str, ...] = NAMES,
    units: str = "M",
    wrap: str = "none",
    interval: tuple[float, ...] = (),
) -> tuple[tuple[LasCurve, ...], LasReport]:
    """A file with a data section for each table."""
    spelling = Spelling(wrap=wrap)
    text = spelling.text(names, tables[0], interval=interval).replace(f"{names[0]}.M", f"{names[0]}.{units}")
    for table in tables[1:]:
        text += "~A\n" + spelling.text(names, table).split("~A\n")[1]
    return read(folder, text)


def log(first: float, last: float, *, step: float = 0.5, seed: int = 0) -> np.ndarray:
    depth = np.arange(first, last + step / 2, step)
    return np.column_stack([depth, np.round(np.random.default_rng(seed).uniform(20, 90, len(depth)), 4)])


@pytest.mark.parametrize("first", ["DEPT", "DEPTH", "MD", "TVD", "Depth"])
def test_the_depth_is_the_first_column_by_its_name(tmp_path: Path, first: str) -> None:
    ((curve,), report) = read_tables(tmp_path, log(0, 50), names=(first, "GR"), units="F")
    assert (curve.name, curve.depth_unit, curve.depth[1]) == ("GR", "F", 0.5)
    assert (report.index, report.index_unit) == (first.upper(), "F")


def test_a_time_before_the_depth_is_no_curve_and_no_depth(tmp_path: Path) -> None:
    table = np.column_stack([1e9 - 5 * np.arange(101), log(0, 50)])
    text = Spelling().text(("TIME", "DEPT", "GR"), table).replace("TIME.M", "TIME.S").replace("DEPT.API", "DEPT.M")
    (curve,), report = read(tmp_path, text)
    np.testing.assert_array_equal(curve.depth, table[:, 1])
    assert report.dropped == (("TIME", "a scale, not a curve"),)
    with pytest.raises(LasError, match=r"expected a depth column .*got TIME \(S\), SP \(MV\).*indexed by time"):
        read(tmp_path, text.replace("DEPT.M", "SP.MV"))


def test_a_second_depth_is_no_curve(tmp_path: Path) -> None:
    table = np.column_stack([log(0, 50), log(0, 50)[:, 0] * 0.9])
    text = Spelling().text(("DEPT", "GR", "TVD"), table).replace("TVD.API", "TVD.M")
    assert [curve.name for curve in read(tmp_path, text)[0]] == ["GR"]


def test_a_depth_found_by_its_unit_is_in_the_warnings(tmp_path: Path) -> None:
    (curve,), report = read_tables(tmp_path, log(0, 50), names=("ALONG", "GR"))
    assert len(curve.values) == 101
    assert report.warnings == ("took ALONG for the depth by its unit, M",)


def test_missing_depths_end_runs(tmp_path: Path) -> None:
    (curve,), report = read_tables(tmp_path, np.concatenate([log(0, 50), log(1e6, 1e6 + 40)]))
    assert [len(run) for run in curve.runs()] == [101, 81]
    assert report.curves[0].gaps == 1
    (short,), _ = read_tables(tmp_path, np.delete(log(0, 100), np.arange(50, 50 + BRIDGE), axis=0))
    (run,) = short.runs()
    assert len(run) == 201
    np.testing.assert_allclose(np.diff(run[49 : 51 + BRIDGE], n=2), 0, atol=1e-9)
    (long,), _ = read_tables(tmp_path, np.delete(log(0, 100), np.arange(70, 71 + BRIDGE), axis=0))
    assert [len(run) for run in long.runs()] == [70, 201 - 71 - BRIDGE]


@settings(max_examples=25)
@example(79, 0.484375, 0.1)  # the first interval is a fifth of the second, and counted six times in its own median
@given(st.integers(0, 1000), st.floats(0.01, 0.49), st.sampled_from([0.1, 0.1524, 1.0]))
def test_jittered_and_rounded_steps_have_no_gaps(seed: int, jitter: float, step: float) -> None:
    rng = np.random.default_rng(seed)
    depth = step * (np.arange(200) + jitter * rng.uniform(-1, 1, 200))
    assert not missing_samples(depth).any()
    assert not missing_samples(np.unique(np.round(step * np.arange(200), 1))).any()


def test_a_change_of_the_sampling_rate_is_no_gap() -> None:
    depth = np.concatenate([np.arange(0, 100, 1.0), 99 + 0.05 * np.arange(1, 400)])
    assert not missing_samples(depth).any()


@settings(max_examples=25)
@given(st.integers(0, 1000), st.integers(1, 60))
def test_rows_taken_out_of_a_regular_file_are_counted(seed: int, count: int) -> None:
    start = int(np.random.default_rng(seed).integers(10, 100))
    depth = np.delete(0.1524 * np.arange(200), np.arange(start, start + count))
    missing = missing_samples(depth)
    assert missing[start - 1] == missing.sum() == count


@pytest.mark.parametrize("sections", [1, 2])
@pytest.mark.parametrize("upwards", [False, True])
@pytest.mark.parametrize("wrap", ["none", "yes"])
def test_a_repeat_pass_is_kept_apart(tmp_path: Path, sections: int, upwards: bool, wrap: str) -> None:
    main, repeat = log(0, 200), log(100, 150, seed=1)
    tables = [table[::-1] if upwards else table for table in (main, repeat)]
    curves, report = read_tables(tmp_path, *(tables if sections == 2 else [np.concatenate(tables)]), wrap=wrap)
    assert [curve.name for curve in curves] == ["GR", "GR, pass 2"]
    for curve, table in zip(curves, (main, repeat), strict=True):
        np.testing.assert_array_equal(np.column_stack([curve.depth, curve.values]), table)
    assert "log the depths 100 to 150 again" in report.warnings[0]


def test_curves_of_sections_with_other_columns_have_names_of_their_own(tmp_path: Path) -> None:
    text = Spelling().text(("DEPT", "GR"), log(0, 50))
    for number in (1, 2):
        names = ("DEPT", "GR", *"AB"[:number])
        table = np.column_stack([log(0, 50, seed=number)] + [log(0, 50, seed=9)[:, 1]] * number)
        section = Spelling().text(names, table)
        text += section[section.index("~C") :]
    curves, _ = read(tmp_path, text)
    names = [curve.name for curve in curves if curve.name.startswith("GR")]
    assert names == ["GR", "GR, pass 2", "GR, pass 3"]
    means = [curve.values.mean() for curve in curves if curve.name.startswith("GR")]
    assert means == pytest.approx([log(0, 50, seed=seed)[:, 1].mean() for seed in range(3)])


def test_a_log_down_and_up_again_is_two_passes(tmp_path: Path) -> None:
    down, up = log(0, 100), log(0, 99.5, seed=1)[::-1]
    curves, _ = read_tables(tmp_path, np.concatenate([down, up]))
    assert [curve.name for curve in curves] == ["GR", "GR, pass 2"]
    np.testing.assert_array_equal(curves[0].values, down[:, 1])
    np.testing.assert_array_equal(curves[1].values, up[::-1, 1])


def test_sections_that_continue_each_other_are_one_curve_in_any_order(tmp_path: Path) -> None:
    whole = log(0, 200)
    for tables in ([whole[:150], whole[150:]], [whole[150:], whole[:150]], [whole[:151], whole[150:]]):
        (curve,), _ = read_tables(tmp_path, *tables)
        np.testing.assert_array_equal(np.column_stack([curve.depth, curve.values]), whole)


def test_an_outlying_depth_loses_its_row_with_a_warning(tmp_path: Path) -> None:
    for row, depth in ((30, 5025.0), (30, 0.5), (99, -7.0)):
        table = log(0, 100)
        table[row, 0] = depth
        (curve,), report = read_tables(tmp_path, table)
        np.testing.assert_array_equal(curve.values, np.delete(table[:, 1], row))
        assert "lies outside those of the rows around it" in report.warnings[0]


def test_equal_depths_keep_the_first_row(tmp_path: Path) -> None:
    one, other = log(0, 50), log(0, 50, seed=1)
    (curve,), report = read_tables(tmp_path, np.stack([one, other], axis=1).reshape(-1, 2))
    np.testing.assert_array_equal(curve.values, one[:, 1])
    assert "left out 101 rows whose depth is in an earlier row" in report.warnings[0]


def test_a_depth_without_order_is_refused(tmp_path: Path) -> None:
    table = log(0, 100)
    with pytest.raises(LasError, match=r"turns round \d+ times, first in line \d+"):
        read_tables(tmp_path, table[np.random.default_rng(0).permutation(len(table))])


def test_an_elevation_may_pass_a_common_null(tmp_path: Path) -> None:
    table = log(-1200, -900, step=1.0)
    (curve,), _ = read_tables(tmp_path, table)
    np.testing.assert_array_equal(curve.depth, table[:, 0])


def test_other_depths_than_in_the_header_give_a_warning(tmp_path: Path) -> None:
    _, report = read_tables(tmp_path, log(0, 50), interval=(0, 100, 0.5))
    assert "header announces depths 0 to 100, the rows hold 0 to 50" in report.warnings[0]
    _, report = read_tables(tmp_path, log(0, 50), interval=(50, 0, -0.5))
    assert report.warnings == ()
