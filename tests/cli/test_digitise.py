"""`thinline digitise`: from the command line to files, with a trained run and with one that knows the truth."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from digitise_command import digitise, printed
from PIL import Image
from scan_cases import DPI, blank, own_las, save, sees, trace, wave

from thinline.cli.main import main, parser
from thinline.config import shipped
from thinline.curves.las import read_las, read_las_dir
from thinline.digitise import Limits
from thinline.digitise.job import EDGE_MM
from thinline.heads import Binary
from thinline.sheets import render, sample
from thinline.vocabulary import LOG_CLASSES

SHARED = Path(__file__).parents[3] / "shared/data/las"
ANY = ["--min-confidence", "0", "--min-coverage", "0"]
NO_DPI = ("0", "inf", "nan", "-200", "19", "9000")


@dataclasses.dataclass(frozen=True)
class Worn:
    """A worn sheet as a scan: first and last row below its header, and the track columns of each curve."""

    path: Path
    first: int
    last: int
    edges: list[tuple[float, float]]

    def options(self, kind: str, left: float, right: float) -> list[str]:
        options = ["--rows", str(self.first), str(self.last)]
        options += ["--left", str(left), "--right", str(right), "--scale", kind]
        for number, (start, stop) in enumerate(self.edges, start=1):
            options += ["--curve", f"curve_{number}:name=curve_{number},track={start}-{stop}"]
        return options


@pytest.fixture(scope="module", params=["shared", "own"])
def worn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Worn:
    """A worn archive sheet with curves of LAS files, from the shared folder or written here."""
    folder = tmp_path_factory.mktemp("worn")
    if request.param == "shared":
        if not SHARED.is_dir():
            pytest.skip(f"no {SHARED}")
        with pytest.warns(UserWarning, match="left out"):
            curves = read_las_dir(SHARED)
    else:
        curves = read_las(own_las(folder / "own.las"))
    runs = [run for curve in curves for run in curve.runs()]
    specs = (sample("archive", number, size_mm=(128.0, 64.0), samples=runs) for number in range(1, 99))
    # both in one track: after so few steps the network sees lines, but hardly tells which is which
    spec = next(spec for spec in specs if spec.curves[0].track == spec.curves[1].track)
    sheet = render(spec, px_per_mm=4.0)
    tracks = [spec.tracks[curve.track] for curve in spec.curves]
    edges = [(max(4 * t.left_mm - 0.5, -0.5), min(4 * t.right_mm - 0.5, 255.5)) for t in tracks]
    return Worn(save(sheet.image, folder / "worn.png"), math.ceil(4 * spec.header_mm), len(sheet.image) - 1, edges)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    paper = trace(blank(400, 300), wave(400, middle=150, swing=80), ink=0)
    return save(trace(paper, wave(400, middle=120, swing=60, period=310), ink=120), tmp_path / "scan.tif")


@pytest.mark.parametrize(("kind", "left", "right"), [("linear", 0.0, 150.0), ("log", 0.2, 2000.0)])
def test_a_worn_sheet_of_las_curves_is_digitised_by_a_trained_run(
    kind: str, left: float, right: float, seeing: Path, worn: Worn, tmp_path: Path, capsys
) -> None:
    options = [*worn.options(kind, left, right), *ANY, "--run", str(seeing), "--out", str(tmp_path / "out")]
    code, out = digitise(worn.path, *options)[0], tmp_path / "out"
    assert code == 0, printed(capsys)
    table = pd.read_csv(out / "curves.csv")
    count = worn.last - worn.first + 1
    assert table.depth.to_numpy() == pytest.approx(np.linspace(1000, 1100, count), abs=1e-9)
    read = {curve.name: curve for curve in read_las(out / "curves.las")}
    assert list(read) == ["CURVE_1", "CURVE_2"]
    grey = np.asarray(Image.open(worn.path)).astype(int)[worn.first : worn.last + 1]
    for name, (start, stop) in zip(("curve_1", "curve_2"), worn.edges, strict=True):
        values, lap, x = (table[name + part].to_numpy(np.float64) for part in ("", ".lap", ".x_px"))
        known = np.isfinite(values)
        assert known.mean() > 0.5
        assert known[table[f"{name}.confidence"] > 0].all()
        assert (np.isfinite(x) == known).all()
        assert (np.isfinite(lap) == known).all()
        if kind == "log":
            share = np.log(values / left) / math.log(right / left) - lap
        else:
            share = (values - left) / (right - left) - lap
        beyond = (4 * EDGE_MM + 1) / (stop - start)  # a heavy line on the edge has ink beside it
        assert -beyond <= np.nanmin(share) < np.nanmax(share) <= 1 + beyond
        curve = read[name.upper()]
        assert curve.depth == pytest.approx(table.depth.to_numpy(), abs=1e-6)
        assert np.array_equal(curve.values, values, equal_nan=True)
        dark = grey < np.median(grey) - 20
        under = dark[known, np.clip(np.rint(x[known]), 0, grey.shape[1] - 1).astype(int)].mean()
        among = dark[:, round(start + 1) : round(stop)].mean()
        assert under > 3 * among, "no better than columns by chance"


def test_strict_limits_refuse_the_same_run_on_the_same_sheet(seeing: Path, worn: Worn, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    strict = ["--min-confidence", "0.99", "--min-coverage", "0.99", "--run", str(seeing), "--out", str(out)]
    code, _ = digitise(worn.path, *worn.options("linear", 0, 150), *strict)
    text = printed(capsys)
    assert code == 1
    for name in ("curve_1", "curve_2"):
        assert re.search(rf"{name} is refused: its mean confidence is 0\.\d\d, expected 0\.99 or more", text)
    assert sorted(path.name for path in out.iterdir()) == ["class_map.png", "overlay.png"]


def test_a_network_that_is_hardly_sure_is_refused_by_default(scan: Path, use_network, capsys) -> None:
    use_network(lambda image: sees(image) / 40)
    code, out = digitise(scan)
    text = printed(capsys)
    assert code == 1
    assert sorted(path.name for path in out.iterdir()) == ["class_map.png", "overlay.png"]
    for name in ("curve_1", "curve_2"):
        assert re.search(rf"{name} is refused: its mean confidence is 0\.[0-4]\d, expected 0\.5 or more", text), text


def test_without_a_run_or_a_network_of_the_package_the_message_says_how_to_train_one(
    scan: Path, seeing: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "no networks")
    code, out = digitise(scan, "--store", str(scan.parent / "none"))
    text = printed(capsys)
    assert code == 1
    assert "`python train.py` trains one" in text
    assert "no finished run" in text
    assert not out.exists()
    code, _ = digitise(scan, "--store", str(seeing.parent.parent))
    assert seeing.name in printed(capsys)


@pytest.mark.usefixtures("perfect")
def test_the_table_lists_each_curve(scan: Path, capsys) -> None:
    code, out = digitise(
        scan, "--curve", "curve_1:name=GR,unit=API", "--curve", "curve_2:left=0.2,right=2000,scale=log"
    )
    text = printed(capsys)
    assert code == 0
    for words in ("400 rows x 300 columns", "skew: straight", "GR (curve_1)", "coverage", "longest gap", "written to "):
        assert words in text
    table = pd.read_csv(out / "curves.csv")
    assert np.nanmax(np.abs(table.GR - (wave(400, middle=150, swing=80) + 0.5) / 2)) < 0.7
    assert table.curve_2.min() > 0.2
    assert [curve.name for curve in read_las(out / "curves.las")] == ["GR", "CURVE_2"]


@pytest.mark.usefixtures("perfect")
def test_track_and_rows_of_the_scan(scan: Path) -> None:
    code, out = digitise(scan, "--track", "20", "279", "--rows", "100", "300")
    assert code == 0
    table = pd.read_csv(out / "curves.csv")
    assert len(table) == 201
    assert table.depth.iloc[[0, -1]].tolist() == [1000, 1100]
    x = wave(400, middle=150, swing=80)[100:301]
    assert np.nanmax(np.abs(table.curve_1 - (x - 20) / 259 * 150)) < 0.7
    assert np.nanmax(np.abs(table["curve_1.x_px"] - x)) <= 1


@pytest.mark.usefixtures("perfect")
@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--left", "5", "--right", "5"], "expected left below right"),
        (["--scale", "log"], "log scale must lie above zero"),
        (["--curve", "curve_1:left=0,left=0"], "expected `left` once, got it twice"),
        (["--curve", "curve_1:left=0", "--curve", "curve_1:left=5"], "one value of `left`, got '0' and '5'"),
        *((["--dpi", dpi], f"--dpi: expected 20 to 4800 dots per inch, got {dpi}; for example") for dpi in NO_DPI),
        (["--track", "200", "100"], "left edge of the track left of its right edge"),
        (["--track", "20", "400"], "must lie on the scan, 0 to 299"),
        (["--track", "nan", "20"], "columns of the scan at the edges of its track, got nan and 20; check --track"),
        (["--track", "0", "inf"], "columns of the scan at the edges of its track, got 0 and inf; check --track"),
        (["--curve", "curve_2:track=5-nan"], "scale of curve_2: expected finite columns"),
        (["--right", "nan"], "values at the edges of its track, got 0 and nan; check --left and --right"),
        (["--rows", "nan", "20"], "check --rows"),
        (["--rows", "0", "inf"], "must lie on the scan, 0 to 399"),
        (["--rows", "300", "100"], "check --rows"),
        (["--curve", "curve_9:left=0"], "expected a curve of the run, curve_1 or curve_2"),
        (["--curve", "curve_1:wide=0"], "keys left, right"),
        (["--curve", "curve_1"], "got 'no key'"),
        (["--curve", "curve_1:left=x"], "expected a number, got 'x'"),
        (["--curve", "curve_1:track=9"], "two columns as 120-860"),
        (["--curve", "curve_1:name=G R"], "letters, digits"),
        (["--curve", "curve_1:name=Curve_2"], "a name of its own"),
        (["--curve", "curve_1:name=Depth"], "a name of its own"),
        (["--curve", "curve_1:falling=maybe"], "yes or no"),
        (["--curve", "curve_1:unit=ohm m:x"], "unit of curve_1: expected ASCII without blanks and colons"),
        (["--unit", "m:x"], "--unit: expected ASCII without blanks and colons"),
        (["--min-confidence", "2"], "must lie in 0..1"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_written(more, words, scan: Path, capsys) -> None:
    code, out = digitise(scan, *more)
    assert code == 1
    assert words in printed(capsys)
    assert not out.exists()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["nan", "20"], "check --rows"),
        (["0", "inf"], "--rows must lie on the scan, 0 to 399"),
        (["300", "100"], "check --rows"),
    ],
)
def test_wrong_rows_are_refused_before_the_network_chooses_its_scale(rows, words, scan: Path, capsys) -> None:
    options = ["--left", "0", "--right", "1", "--top", "0", "--bottom", "10", "--rows", *rows]
    assert main(["digitise", str(scan), *options, "--out", str(scan.parent / "out")]) == 1
    assert words in printed(capsys)
    assert not (scan.parent / "out").exists()


@pytest.mark.usefixtures("perfect")
def test_a_scan_without_resolution_asks_for_it(scan: Path, capsys) -> None:
    Image.open(scan).save(scan.parent / "bare.png")
    code, _ = digitise(scan.parent / "bare.png")
    assert code == 1
    assert "give --dpi" in printed(capsys)
    code, _ = digitise(scan.parent / "bare.png", "--dpi", str(DPI))
    assert code == 0


@pytest.mark.usefixtures("perfect")
def test_a_missing_value_is_asked_for(scan: Path, capsys) -> None:
    options = ["digitise", str(scan), "--top", "0", "--bottom", "9", "--out", str(scan.parent / "out")]
    assert main(options) == 1
    assert "give --left" in printed(capsys)
    both = ["--curve", "curve_1:left=0,right=9", "--curve", "curve_2:left=0,right=9"]
    assert main([*options, *both]) == 0


@pytest.mark.usefixtures("perfect")
@pytest.mark.parametrize("more", [[], ["--force"]])
def test_an_output_folder_that_is_a_file_is_refused(more: list[str], scan: Path, capsys) -> None:
    (scan.parent / "out").write_text("mine")
    code, out = digitise(scan, *more)
    assert code == 1
    assert "out: expected a folder to write into, got a file; give another --out" in printed(capsys)
    assert out.read_text() == "mine"


@pytest.mark.usefixtures("perfect")
def test_paper_larger_than_any_scan_is_refused(scan: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinline.digitise.paper.MOST_ROWS", 520)
    assert digitise(scan, "--dpi", "80")[0] == 0
    code, _ = digitise(scan, "--dpi", "75", "--force")
    assert code == 1
    assert "at most 520 rows and 20,000 columns at the run's scale, got 542 x 406 px" in printed(capsys)
    monkeypatch.setattr("thinline.digitise.paper.MOST_COLUMNS", 380)
    code, _ = digitise(scan, "--dpi", "80", "--force")
    assert code == 1
    assert "check --dpi" in printed(capsys)


@pytest.mark.usefixtures("perfect")
def test_no_curve_is_exit_code_1_and_no_table(tmp_path: Path, capsys) -> None:
    code, out = digitise(save(blank(300, 200), tmp_path / "bare.tif"))
    text = printed(capsys)
    assert code == 1
    assert "curve_1 is refused: no row of it was found" in text
    assert "no curve was accepted" in text
    assert not (out / "curves.csv").exists()


@pytest.mark.usefixtures("perfect")
def test_an_upside_down_scan_is_read_in_reverse(scan: Path) -> None:
    assert digitise(scan)[0] == 0
    upright = pd.read_csv(scan.parent / "out/curves.csv").curve_1
    turned = np.ascontiguousarray(np.asarray(Image.open(scan))[::-1, ::-1])
    assert digitise(save(turned, scan.parent / "turned.tif"), "--force")[0] == 0
    traced = pd.read_csv(scan.parent / "out/curves.csv").curve_1[::-1].to_numpy()
    assert np.nanmax(np.abs(150 - traced - upright)) < 1.5


@pytest.mark.usefixtures("perfect")
def test_a_scan_cut_short_leaves_nothing(scan: Path, capsys) -> None:
    png = save(np.asarray(Image.open(scan)), scan.parent / "whole.png").read_bytes()
    (scan.parent / "cut.png").write_bytes(png[: len(png) // 2])
    code, out = digitise(scan.parent / "cut.png", "--dpi", "100")
    assert code == 1
    assert "cut short" in printed(capsys)
    assert not out.exists()


def test_an_interrupted_scan_resumes(scan: Path, use_network: Callable[..., None], capsys) -> None:
    calls = []

    def stops(image: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return sees(image)

    use_network(stops)
    assert digitise(scan)[0] == 130
    assert "the same command without --force resumes" in printed(capsys)
    use_network(sees)
    assert digitise(scan)[0] == 0
    assert "resumed after" in printed(capsys)


def test_a_binary_run_gives_one_curve(scan: Path, use_network: Callable[..., None]) -> None:
    def any_ink(image: torch.Tensor) -> torch.Tensor:
        return torch.where(image > 0.8, 9.0, -9.0)

    use_network(any_ink, Binary(LOG_CLASSES))
    code, out = digitise(scan)
    assert code == 0
    assert list(pd.read_csv(out / "curves.csv")) == ["depth", "curve", "curve.x_px", "curve.confidence", "curve.lap"]


def test_the_default_options_are_the_default_limits() -> None:
    options = parser().parse_args(["digitise", "s.tif", "--top", "0", "--bottom", "1", "--out", "o"])
    assert Limits(options.min_confidence, options.min_coverage) == Limits(0.5, 0.25) == Limits()
