"""Numbers are decimal, NO and dates are texts, a key twice is an error; the rest is as PyYAML reads it."""

import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from thinline.system.yaml_text import read_yaml, yaml_line

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0150", 150),
        ("-08", -8),
        ("1e3", 1000.0),
        ("-1.5E+2", -150.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("NO", "NO"),
        ("on", "on"),
        ("2020-01-01", "2020-01-01"),
        ("0x1F", "0x1F"),
        ("true", True),
        ("", None),
        ("a:", {"a": None}),
        ("{x: ~, y: null}", {"x": None, "y": None}),
    ],
)
def test_scalars(text, value):
    result = read_yaml(text)
    assert (type(result), result) == (type(value), value)


@given(PLAIN)
@example(["08", "0150", "1e3", "1:30", "1_000", "NO", "2020-01-01", "~", "", "<<", "null", "0x1F", ".5", "-"])
@example({"1e3": 1e300, "NO": 10**12, "left": -0.0, "a: b": "# c"})
def test_what_is_written_is_read_by_both_versions(value):
    line = yaml_line(value)
    assert read_yaml(line) == yaml.safe_load(line) == value


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3", "{left: 0, left: 20}", "x:\n- {k: {m: 1, m: 1}}"])
def test_a_key_twice_is_refused(text):
    with pytest.raises(yaml.YAMLError, match=r"the key '.*' a second time; keep one"):
        read_yaml(text)


def test_a_merged_key_may_be_replaced():
    assert read_yaml("base: &b {a: 1, c: 2}\nown: {<<: *b, a: 3}")["own"] == {"a": 3, "c": 2}
