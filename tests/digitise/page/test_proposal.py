"""Job files: what is written is read, what is wrong is said, what is missing is listed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_pages import LogPage

from thinline.digitise.page.layout import find_layout
from thinline.digitise.page.proposal import (
    DepthMark,
    DepthMarks,
    Proposal,
    ProposalError,
    ProposedCurve,
    TrackEdges,
    proposal_of,
    read_proposal,
)
from thinline.digitise.page.proposal_yaml import proposal_yaml
from thinline.digitise.scan import open_scan

numbers = st.floats(-1e6, 1e6, allow_nan=False)
values = st.none() | st.floats(0.1, 1e4)
letters = st.text("abcXYZ019_-", min_size=1, max_size=8).filter(lambda name: name.strip("_-"))


@st.composite
def proposals(draw: st.DrawFn) -> Proposal:
    tracks = draw(st.integers(1, 3))
    names = draw(st.lists(letters, min_size=1, max_size=5, unique_by=str.upper))
    first, depth = draw(st.integers(0, 1000)), draw(st.none() | numbers)
    return Proposal(
        scan=draw(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)),
        rows=(float(first), float(first + draw(st.integers(1, 10**6)))),
        tracks=tuple(TrackEdges(track=n, left_px=100.0 * n, right_px=100.0 * n + 50) for n in range(1, tracks + 1)),
        curves=tuple(
            ProposedCurve(
                track=draw(st.integers(1, tracks)),
                name=name,
                unit=draw(st.sampled_from(["", "API", "ohm.m", "%"])),
                left=draw(values),
                right=None,
                scale=draw(st.sampled_from([None, "linear", "log"])),
                at=draw(st.lists(st.tuples(numbers, numbers), max_size=2).map(tuple)),
            )
            for name in names
        ),
        depth=DepthMarks(
            first=DepthMark(row=1.0, depth=depth),
            second=DepthMark(row=9.5),
            unit=draw(st.sampled_from([None, "ft"])),
            source=draw(st.sampled_from(["typed", "ocr"])),
        ),
        pages=draw(st.none() | st.integers(1, 9)),
        dpi=draw(st.none() | st.floats(100, 400)),
    )


@given(proposals())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path: Path, proposal: Proposal) -> None:
    path = tmp_path / "scan.yaml"
    path.write_text(proposal_yaml(proposal), encoding="utf-8")
    assert read_proposal(path) == proposal


PLAIN = {
    "scan": "log.tif",
    "rows": [100, 900],
    "tracks": [{"track": 1, "left_px": 40, "right_px": 294.5}],
    "curves": [{"track": 1, "name": "GR", "unit": "API", "left": 0, "right": 150}],
    "depth": {"unit": "ft", "first": {"row": 200, "depth": 1000}, "second": {"row": 600, "depth": 1200}},
}


def written(tmp_path: Path, **changes) -> Path:
    path = tmp_path / "scan.yaml"
    path.write_text(yaml.safe_dump(PLAIN | changes))
    return path


def test_pieces_are_written_and_read(tmp_path: Path) -> None:
    pieces = [PIECE | {"to_depth": 1150}, PIECE | {"from_depth": 1150, "left": 0.2, "scale": "log"}]
    proposal = read_proposal(written(tmp_path, curves=[CURVE | {"pieces": pieces}]))
    (tmp_path / "again.yaml").write_text(proposal_yaml(proposal))
    assert read_proposal(tmp_path / "again.yaml") == proposal
    assert [piece.scale for piece in proposal.curves[0].pieces] == [None, "log"]


def test_a_file_written_by_hand_may_have_whole_numbers(tmp_path: Path) -> None:
    proposal = read_proposal(written(tmp_path))
    assert proposal.missing() == ()
    assert proposal.depth.depth_at(400) == 1100
    assert proposal.depth.depth_at(100) == 950
    assert proposal.scale_of(proposal.curves[0]) == "linear"


@pytest.mark.parametrize(
    ("depth", "missing"), [("ocr", ("depth: unit",)), ({"source": "ocr", "unit": "ft"}, ()), (None, None)]
)
def test_depths_that_are_read_need_no_rows(tmp_path: Path, depth, missing) -> None:
    """The third case: depths that are typed stay in the file, and are not used."""
    proposal = read_proposal(written(tmp_path, depth=depth or DEPTH | {"source": "ocr"}))
    assert (proposal.depth.source, proposal.depth.complete) == ("ocr", False)
    assert proposal.missing() == (missing or ())


def test_the_file_says_how_to_have_the_depths_read(tmp_path: Path) -> None:
    text = proposal_yaml(read_proposal(written(tmp_path)))
    (comment,) = (line for line in text.splitlines() if "source: ocr" in line)
    assert comment.startswith("# or write `depth: {source: ocr, unit: ft}`:")
    depth = yaml.safe_load(comment.split("`")[1])["depth"]
    assert read_proposal(written(tmp_path, depth=depth)).missing() == ()


CURVE = PLAIN["curves"][0]
DEPTH = PLAIN["depth"]
PIECE = {"from_depth": 1100, "left": 0, "right": 300}
WRONG = {
    "misspelt key": ({"trakcs": []}, "the unknown 'trakcs'; did you mean 'tracks'?"),
    "misspelt key of a curve": (
        {"curves": [CURVE | {"rihgt": 3}]},
        "curves[0]: expected the keys track, name, unit, left, right, scale, at, pieces, got the unknown 'rihgt'; did "
        "you mean 'right'?",
    ),
    "text for a number": ({"rows": ["a", 3]}, "rows[0]: expected a number, got 'a'"),
    "rows upside down": ({"rows": [9, 3]}, "expected rows as [first, last]"),
    "no curve": ({"curves": []}, "expected at least one track and one curve"),
    "unknown track": ({"curves": [CURVE | {"track": 2}]}, "expected a track of [1] for GR, got 2"),
    "track backwards": ({"tracks": [{"track": 1, "left_px": 9, "right_px": 3}]}, "expected left_px below right_px"),
    "two of one number": ({"tracks": PLAIN["tracks"] * 2}, "a number of its own for every track"),
    "two of one name": ({"curves": [CURVE, CURVE | {"name": "gr"}]}, "a name of its own for every curve"),
    "reserved name": ({"curves": [CURVE | {"name": "dept"}]}, "other than DEPT and DEPTH"),
    "bad name": ({"curves": [CURVE | {"name": "G R"}]}, "expected a name of letters, digits, _ and -, got 'G R'"),
    "equal values": ({"curves": [CURVE | {"right": 0}]}, "expected two different values"),
    "log of zero": ({"curves": [CURVE | {"scale": "log"}]}, "expected values above zero for GR on a log scale"),
    "unknown scale": ({"curves": [CURVE | {"scale": "lin"}]}, "did you mean 'linear'?"),
    "hint of one number": ({"curves": [CURVE | {"at": [[3]]}]}, "expected hints of a row and a column"),
    "marks upside down": ({"depth": DEPTH | {"second": {"row": 1, "depth": 3}}}, "the first row above the second"),
    "unknown source": ({"depth": DEPTH | {"source": "orc"}}, "did you mean 'ocr'?"),
    "equal depths": ({"depth": DEPTH | {"second": {"row": 900, "depth": 1000}}}, "expected two different depths"),
    "pieces that overlap": (
        {"curves": [CURVE | {"pieces": [PIECE | {"to_depth": 1150}, PIECE | {"from_depth": 1120}]}]},
        "expected the piece from 1100 to end where the next begins, at 1120, got 1150: they overlap",
    ),
    "pieces with a gap": (
        {"curves": [CURVE | {"pieces": [PIECE | {"to_depth": 1110}, PIECE | {"from_depth": 1120}]}]},
        "expected the piece from 1100 to end where the next begins, at 1120, got 1110: they leave a gap",
    ),
    "elevations that overlap": (
        {"curves": [CURVE | {"pieces": [PIECE | {"to_depth": 1050}, PIECE | {"from_depth": 1070}]}]},
        "at 1070, got 1050: they overlap",
    ),
    "pieces of one depth": (
        {"curves": [CURVE | {"pieces": [PIECE, PIECE]}]},
        "each with its own depth, got 1100, 1100",
    ),
    "pieces to and fro": (
        {"curves": [CURVE | {"pieces": [PIECE, PIECE | {"from_depth": 1150}, PIECE | {"from_depth": 1120}]}]},
        "expected pieces in the order of the scan, each with its own depth, got 1100, 1150, 1120",
    ),
    "a last piece backwards": (
        {"curves": [CURVE | {"pieces": [PIECE, PIECE | {"from_depth": 1150, "to_depth": 1120}]}]},
        "expected the last piece to end after 1150, got 1120",
    ),
    "a piece of equal values": ({"curves": [CURVE | {"pieces": [PIECE | {"left": 300}]}]}, "two different values"),
    "a log piece of zero": ({"curves": [CURVE | {"pieces": [PIECE | {"scale": "log"}]}]}, "above zero for GR on a log"),
    "pieces without a scale above": (
        {"curves": [CURVE | {"left": None, "pieces": [PIECE]}]},
        "expected left and right, the scale above the first of `pieces`",
    ),
    "dpi": ({"dpi": 3}, "expected a dpi of 20 to 4800 or null, got 3"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    changes, words = WRONG[name]
    path = written(tmp_path, **changes)
    with pytest.raises(ProposalError) as error:
        read_proposal(path)
    assert words in str(error.value)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("text", ["", "a: [", "- 1\n- 2", "\x00"])
def test_what_is_no_yaml_mapping_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "scan.yaml").write_text(text)
    with pytest.raises(ProposalError, match=r"scan\.yaml: expected"):
        read_proposal(tmp_path / "scan.yaml")


def test_numbers_are_decimal_and_names_are_texts(tmp_path: Path) -> None:
    """YAML 1.1 reads 0150 as 104, 1e3 as a text, and NO as false."""
    path = written(tmp_path)
    text = path.read_text()
    assert text.count("right: 150") == text.count("depth: 1000") == text.count("name: GR") == 1
    path.write_text(text.replace("right: 150", "right: 0150").replace("depth: 1000", "depth: 1e3").replace("GR", "NO"))
    result = read_proposal(path)
    assert (result.curves[0].name, result.curves[0].right) == ("NO", 150.0)
    assert result.depth.first is not None
    assert result.depth.first.depth == 1000.0


@pytest.mark.parametrize(("old", "new"), [("right: 150", "right: 150\n  right: 200"), ("depth: 1000", "depth: 1:30")])
def test_a_key_twice_and_a_time_are_refused(old: str, new: str, tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ProposalError, match=r"the key 'right' a second time|expected a number, got '1:30'"):
        read_proposal(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProposalError, match="found no such file"):
        read_proposal(tmp_path / "none.yaml")


def test_the_proposal_of_a_layout_has_a_curve_for_each_counted_and_lists_what_is_missing(tmp_path: Path) -> None:
    layout = find_layout(open_scan(LogPage().save(tmp_path / "log.png")))
    proposal = proposal_of(layout, scan="log.png")
    assert [curve.track for curve in proposal.curves] == [1, 2, 2]
    assert proposal.rows == (layout.first_row, layout.last_row)
    assert proposal.missing() == (
        "curves[0] (curve_1): left and right",
        "curves[1] (curve_2): left and right",
        "curves[2] (curve_3): left and right",
        "depth: first.depth, second.depth, unit",
    )
