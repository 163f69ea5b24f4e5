import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.data.folder.class_map import ClassMap

CLASSES = ["background", "vessel"]


def test_ids_are_positions_in_classes_whatever_the_order_of_the_map() -> None:
    mask = np.array([[0, 127, 128, 255]], np.uint8)
    for table in ({"0-127": "vessel", "128-255": "background"}, {"128-255": "background", "0-127": "vessel"}):
        labels, strange = ClassMap.from_conf(table, CLASSES).labels(mask)
        assert labels.tolist() == [[1, 1, 0, 0]]
        assert labels.dtype == np.uint8
        assert strange == {}


def test_ignore_is_255_and_values_outside_the_map_are_counted() -> None:
    result = ClassMap.from_conf({0: "background", 7: "ignore", 300: "vessel"}, CLASSES)
    labels, strange = result.labels(np.array([[0, 7, 300, 9, 9, 65535]], np.uint16))
    assert labels[0, :3].tolist() == [0, 255, 1]
    assert strange == {9: 2, 65535: 1}
    assert str(result) == "{0: background, 7: ignore, 300: vessel}"


@given(st.lists(st.integers(0, 255), min_size=1, max_size=40), st.integers(1, 254))
def test_a_range_is_a_threshold(values: list[int], first: int) -> None:
    result = ClassMap.from_conf({f"0-{first - 1}": "background", f"{first}-255": "vessel"}, CLASSES)
    labels, strange = result.labels(np.array([values], np.uint8))
    assert labels[0].tolist() == [int(value >= first) for value in values]
    assert strange == {}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "expected the class of every value"),
        ({}, "expected the class of every value"),
        ({0: "background", 255: "curve"}, r"got \['background', 'vessel'\] and \['background', 'curve'\]"),
        ({0: "background"}, "must name the same classes"),
        ({0: "background", "0-9": "vessel"}, "value 0 must have one class"),
        ({0: "background", "9-3": "vessel"}, "got '9-3'"),
        ({0: "background", 65536: "vessel"}, "got 65536"),
        ({0: "background", -1: "vessel"}, "got -1"),
        ({0: "background", True: "vessel"}, "got True"),
        ({0: "background", 1.5: "vessel"}, r"got 1\.5"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused(table: dict[object, str] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassMap.from_conf(table, CLASSES)


def test_more_classes_than_ids_are_refused() -> None:
    names = [f"c{number}" for number in range(255)]
    with pytest.raises(ValueError, match="at most 254, got 255"):
        ClassMap.from_conf(dict(enumerate(names)), names)
