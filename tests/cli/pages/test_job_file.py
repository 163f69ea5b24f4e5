"""`thinline digitise scan.yaml`: the file describes the job, options replace it, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from digitise_command import digitise, printed
from scan_cases import ONE, TWO, blank, save, trace

from thinline.cli.main import main

JOB = {
    "scan": "scan.tif",
    "rows": [0, 499],
    "tracks": [{"track": 1, "left_px": 20.0, "right_px": 179.0}],
    "curves": [
        {"track": 1, "name": "GR", "unit": "API", "left": 0, "right": 150},
        {"track": 1, "name": "SP", "unit": "mV", "left": 80, "right": -20},
    ],
    "depth": {"unit": "ft", "first": {"row": 100, "depth": 1000}, "second": {"row": 300, "depth": 1100}},
}


@pytest.fixture
def job(tmp_path: Path) -> Path:
    save(trace(trace(blank(500, 200), TWO, ink=120), ONE), tmp_path / "scan.tif")
    return written(tmp_path)


def written(folder: Path, **changes) -> Path:
    (folder / "scan.yaml").write_text(yaml.safe_dump(JOB | changes))
    return folder / "scan.yaml"


@pytest.mark.usefixtures("perfect")
def test_the_file_gives_the_same_curves_as_the_options(job: Path) -> None:
    assert main(["digitise", str(job), "--no-deskew"]) == 0
    by_file = pd.read_csv(job.parent / "scan/curves.csv", comment="#")
    options = ["--track", "20", "179", "--rows", "0", "499", "--top", "950", "--bottom", "1199.5", "--unit", "ft"]
    options += ["--curve", "curve_1:name=GR,unit=API,left=0,right=150", "--no-deskew"]
    options += ["--curve", "curve_2:name=SP,unit=mV,left=-20,right=80,falling=yes"]
    code, out = digitise(job.parent / "scan.tif", *options)
    assert code == 0
    pd.testing.assert_frame_equal(by_file, pd.read_csv(out / "curves.csv", comment="#"))
    assert by_file["GR"].notna().mean() > 0.9
    at = np.abs(by_file["depth"] - 1000).idxmin()
    assert at == pytest.approx(100, abs=1)


@pytest.mark.usefixtures("perfect")
def test_options_replace_the_file(job: Path) -> None:
    options = ["--no-deskew", "--top", "0", "--bottom", "499", "--unit", "m", "--curve", "curve_1:name=CALI,right=300"]
    assert main(["digitise", str(job), *options, "--out", str(job.parent / "other")]) == 0
    table = pd.read_csv(job.parent / "other/curves.csv", comment="#")
    assert {"CALI", "SP"} <= set(table.columns)
    assert main(["digitise", str(job), "--no-deskew"]) == 0
    before = pd.read_csv(job.parent / "scan/curves.csv", comment="#")
    assert table["CALI"].to_numpy() == pytest.approx(2 * before["GR"].to_numpy(), nan_ok=True)
    assert table["depth"].iloc[0] == pytest.approx(0, abs=1)


@pytest.mark.usefixtures("perfect")
def test_what_is_not_filled_in_is_said_and_read_in_fractions_and_rows(job: Path, capsys) -> None:
    curves = [{"track": 1, "name": "GR"}, {"track": 1, "name": "SP", "left": 1}]
    marks = {"unit": None, "first": {"row": 0, "depth": None}, "second": {"row": 499, "depth": None}}
    path = written(job.parent, curves=curves, depth=marks)
    assert main(["digitise", str(path), "--no-deskew"]) == 0
    text = printed(capsys)
    for words in ("curves[0] (GR): left and right", "curves[1] (SP): right", "depth: first.depth, second.depth, unit"):
        assert words in text
    table = pd.read_csv(path.parent / "scan/curves.csv", comment="#")
    assert table["GR"].between(-0.05, 1.05)[table["GR"].notna()].all()
    assert table["depth"].iloc[[0, -1]].to_numpy() == pytest.approx([0, 499], abs=1)


@pytest.mark.usefixtures("perfect")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trakcs": []}, "got the unknown 'trakcs'; did you mean 'tracks'?"),
        ({"scan": "none.tif"}, "found no such file"),
        ({"pages": 7}, "expected a scan of 7 pages, got one of 1"),
        ({"curves": JOB["curves"][:1]}, "expected 2 curves, one for each of this run"),
        ({"rows": [0, 4000]}, "--rows must lie on the scan"),
        ({"curves": [JOB["curves"][0], JOB["curves"][1] | {"unit": "m V"}]}, "expected ASCII without blanks"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_is_written(changes, words, job: Path, capsys) -> None:
    path = written(job.parent, **changes)
    assert main(["digitise", str(path)]) == 1
    assert words in printed(capsys)
    assert {each.name for each in job.parent.iterdir()} == {"scan.tif", "scan.yaml"}


@pytest.mark.usefixtures("perfect")
def test_one_depth_needs_the_other(job: Path, capsys) -> None:
    marks = {"unit": None, "first": {"row": 0, "depth": None}, "second": {"row": 499, "depth": None}}
    path = written(job.parent, depth=marks)
    assert main(["digitise", str(path), "--top", "5"]) == 1
    assert "expected both --top and --bottom" in printed(capsys)


@pytest.mark.usefixtures("perfect")
@pytest.mark.parametrize(
    ("options", "ends"),
    [
        ([], (80, -20)),
        (["--curve", "curve_2:left=100"], (100, -20)),
        (["--curve", "curve_2:right=50"], (80, 50)),
        (["--curve", "curve_2:left=200,right=0"], (200, 0)),
        (["--curve", "curve_2:left=-50"], (-50, -20)),
        (["--curve", "curve_2:falling=yes"], (80, -20)),
        (["--curve", "curve_2:falling=no"], (-20, 80)),
        (["--left", "100"], (100, -20)),
        (["--right", "50"], (80, 50)),
        (["--left", "0", "--right", "7"], (0, 7)),
    ],
)
def test_an_option_replaces_the_value_at_its_edge_also_where_the_curve_falls(options, ends, job: Path) -> None:
    share = (curves_of(job)["SP"] - 80) / (-20 - 80)
    expected = ends[0] + (ends[1] - ends[0]) * share
    assert curves_of(job, *options)["SP"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-4, nan_ok=True)


@pytest.mark.usefixtures("perfect")
@pytest.mark.parametrize("options", [["--left", "0"], ["--curve", "curve_2:left=0"]])
def test_a_value_given_completes_the_file_or_the_other_is_asked_for(options, job: Path, capsys) -> None:
    share = (curves_of(job)["SP"] - 80) / (-20 - 80)
    half = [JOB["curves"][0], {"track": 1, "name": "SP", "right": 150}]
    table = curves_of(written(job.parent, curves=half), *options)
    assert table["SP"].to_numpy() == pytest.approx(150 * share.to_numpy(), abs=1e-4, nan_ok=True)
    capsys.readouterr()
    path = written(job.parent, curves=[JOB["curves"][0], {"track": 1, "name": "SP"}])
    assert main(["digitise", str(path), "--no-deskew", "--out", str(job.parent / "none"), *options]) == 1
    assert "curve_2: expected the value at the right edge of its track, got none; give --right" in printed(capsys)


@pytest.mark.usefixtures("perfect")
def test_a_unit_completes_the_depths_of_the_file(job: Path, capsys) -> None:
    """A file written after depths were read lacks the unit alone."""
    expected = curves_of(job)["depth"]
    path = written(job.parent, depth=JOB["depth"] | {"unit": None})
    capsys.readouterr()
    assert curves_of(path, "--unit", "ft")["depth"].to_numpy() == pytest.approx(expected.to_numpy())
    assert "not filled in" not in printed(capsys)
    top = curves_of(path, "--unit", "ft", "--top", "960")["depth"]
    assert top.iloc[[0, -1]].to_numpy() == pytest.approx([960, expected.iloc[-1]], abs=0.6)
    marks = {"unit": None, "first": {"row": 0, "depth": None}, "second": {"row": 499, "depth": None}}
    assert main(["digitise", str(written(job.parent, depth=marks)), "--unit", "m"]) == 1
    assert "expected depths in m, got none; fill them in, or give --top and --bottom" in printed(capsys)


def curves_of(path: Path, *options: str) -> pd.DataFrame:
    """The table of a job without deskewing, written beside its file."""
    out = path.parent / f"out{len(list(path.parent.glob('out*')))}"
    assert main(["digitise", str(path), "--no-deskew", "--out", str(out), *options]) == 0
    return pd.read_csv(out / "curves.csv", comment="#")


@pytest.mark.usefixtures("perfect")
def test_a_piece_of_a_scale_holds_from_its_depth_on(job: Path) -> None:
    plain = curves_of(job)
    pieces = [{"from_depth": 1040, "left": 100, "right": 400}, {"from_depth": 1100, "left": 150, "right": 0}]
    changed = curves_of(written(job.parent, curves=[JOB["curves"][0] | {"pieces": pieces}, JOB["curves"][1]]))
    track, depth = plain["GR"] / 150, plain["depth"]
    expected = plain["GR"].where(depth < 1040, 100 + 300 * track).where(depth < 1100, 150 - 150 * track)
    assert changed["GR"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-6, nan_ok=True)
    assert (changed["GR"] != plain["GR"])[depth >= 1040].mean() > 0.9
    pd.testing.assert_series_equal(changed["SP"], plain["SP"])
    las = (job.parent / "out1/curves.las").read_text()
    assert "linear 0 to 150, from depth 1040 linear 100 to 400, from depth 1100 linear 150 to 0" in las
    options = ["--scale-change", "curve_1:1040:100:400", "--scale-change", "curve_1:1100:150:0"]
    pd.testing.assert_frame_equal(curves_of(written(job.parent), *options), changed)


@pytest.mark.usefixtures("perfect")
def test_a_scale_of_the_command_line_holds_for_pieces_that_name_none(job: Path) -> None:
    pieces = [{"from_depth": 1040, "left": 2, "right": 20000}]
    curve = {"track": 1, "name": "RT", "unit": "ohmm", "left": 0.2, "right": 2000, "pieces": pieces}
    curves_of(written(job.parent, curves=[curve, JOB["curves"][1]]), "--curve", "curve_1:scale=log")
    assert "log 0.2 to 2000, from depth 1040 log 2 to 20000" in (job.parent / "out0/curves.las").read_text()


@pytest.mark.usefixtures("perfect")
@pytest.mark.parametrize(
    ("pieces", "options", "words"),
    [
        ([(1500, 0, 1)], [], "expected it to change between the depths of the scan, 950 to 1199.5 ft, got 1500"),
        ([(1100, 0, 1), (1000, 0, 2)], [], "expected its changes in the order of the scan"),
        ([(1000, 0, 1, 1100)], [], "got an end at 1100, which leaves a gap"),
        ([], ["curve_1:1000:0"], "--scale-change curve_1:1000:0: expected CURVE:DEPTH:LEFT:RIGHT"),
        ([], ["curve_9:1000:0:5"], "with a curve of curve_1, curve_2; as curve_1:1500:0:300"),
        ([], ["curve_1:1000:0:5:root"], "expected CURVE:DEPTH:LEFT:RIGHT"),
        ([], ["curve_1:1000:0:5:log"], "from depth 1000 on: scale of GR: a log scale must lie above zero"),
        ([], ["curve_1:1000:0:5", "curve_1:990:0:9"], "got 1000 before 990; sort them"),
    ],
)
def test_pieces_that_do_not_fit_the_scan_are_refused(pieces, options, words: str, job: Path, capsys) -> None:
    keys = ("from_depth", "left", "right", "to_depth")
    own = [dict(zip(keys, piece, strict=False)) for piece in pieces]
    path = written(job.parent, curves=[JOB["curves"][0] | {"pieces": own}, JOB["curves"][1]])
    extra = [word for text in options for word in ("--scale-change", text)]
    assert main(["digitise", str(path), *extra]) == 1
    assert words in printed(capsys)
    assert not (job.parent / "scan").exists()


@pytest.mark.usefixtures("perfect")
def test_pieces_need_depths(job: Path, capsys) -> None:
    marks = {"unit": None, "first": {"row": 0, "depth": 1000}, "second": {"row": 499, "depth": 1100}}
    curves = [JOB["curves"][0] | {"pieces": [{"from_depth": 1050, "left": 0, "right": 9}]}, JOB["curves"][1]]
    assert main(["digitise", str(written(job.parent, curves=curves, depth=marks))]) == 1
    assert "expected the depths of two rows and their unit for the pieces of a scale, got none" in printed(capsys)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--dpi", "0"], "--dpi: expected 20 to 4800 dots per inch, got 0"),
        (["--unit", "m"], "expected the depths of the file in ft, got --unit m"),
        (["--unit", "m", "--top", "300"], "expected the depths of the file in ft, got --unit m"),
        (["--curve", "curve_1:falling=yes"], "expected no `falling` of curve_1, whose scale changes in the file"),
    ],
)
@pytest.mark.usefixtures("perfect")
def test_an_option_that_contradicts_the_file_is_refused(job: Path, options: list[str], words: str, capsys) -> None:
    pieces = [{"from_depth": 1040, "left": 100, "right": 400}]
    path = written(job.parent, curves=[JOB["curves"][0] | {"pieces": pieces}, JOB["curves"][1]])
    assert main(["digitise", str(path), "--no-deskew", "--out", str(job.parent / "out"), *options]) == 1
    assert words in printed(capsys)
