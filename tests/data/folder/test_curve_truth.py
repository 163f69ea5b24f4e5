from pathlib import Path

import numpy as np
import pytest

from thinline.data.folder.curve_truth import CourseError, read_courses


def read(tmp_path: Path, text: str) -> dict[str, np.ndarray]:
    path = tmp_path / "c.csv"
    path.write_text(text)
    return dict(read_courses(path, curves=["gamma", "sonic"], shape=(5, 9)))


def test_rows_without_a_line_are_gaps(tmp_path: Path) -> None:
    result = read(tmp_path, "row,curve,x\n0,gamma,-0.5\n3,gamma,8.25\n\n4,sonic,2\n")
    np.testing.assert_array_equal(result["gamma"], [-0.5, np.nan, np.nan, 8.25, np.nan])
    np.testing.assert_array_equal(result["sonic"], [np.nan, np.nan, np.nan, np.nan, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the header row,curve,x"),
        ("x,row,curve\n", "expected the header"),
        ("row,curve,x\n", "got none"),
        ("row,curve,x\n0,gamma\n", "line 2: expected row,curve,x, got 0,gamma"),
        ("row,curve,x\n0.5,gamma,1\n", "line 2: expected row"),
        ("row,curve,x\n0,caliper,1\n", r"expected a curve of \['gamma', 'sonic'\], got 'caliper'"),
        ("row,curve,x\n5,gamma,1\n", "on the image of 5 x 9 px, got row 5"),
        ("row,curve,x\n0,gamma,8.6\n", r"got row 0, x 8\.6"),
        ("row,curve,x\n0,gamma,nan\n", "x nan"),
        ("row,curve,x\n0,gamma,1\n0,gamma,2\n", "line 3: expected one x for gamma in row 0"),
    ],
)
def test_what_cannot_be_the_truth_of_the_image_is_refused_by_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        read(tmp_path, text)


def test_a_csv_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CourseError, match="expected CSV"):
        read_courses(tmp_path / "c.csv", curves=["gamma"], shape=(5, 9))
