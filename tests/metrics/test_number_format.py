import numpy as np
import pytest

from thinline.metrics.number_format import interval, number, probability


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [
        (0.8123, 3, False, ".812"),
        (-0.0504, 3, True, "-.050"),
        (0.05, 2, True, "+.05"),
        (12.34, 1, False, "12.3"),
        (10.0, 1, False, "10.0"),
        (-0.0001, 3, True, ".000"),
        (0.06249999999999999, 3, False, ".062"),
        (0.0625, 3, False, ".062"),
        (1.0, 3, False, "1.000"),
        (np.nan, 3, False, "-"),
        (None, 3, True, "-"),
        (7, 0, False, "7"),
        (0, 0, False, "0"),
    ],
)
def test_number(value, digits, signed, text):
    assert number(value, digits, signed=signed) == text


def test_interval():
    assert interval(0.1, 0.25, 2) == "[.10, .25]"
    assert interval(-0.1, 0.25, 2, signed=True) == "[-.10, +.25]"
    assert interval(np.nan, 0.2) == interval(None, None) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.0, "<.001"), (0.0009, "<.001"), (0.001, ".001"), (0.5, ".500"), (0.999, ".999")),
        *((0.9996, ">.999"), (1 - 1e-15, ">.999"), (1.0, "1.000"), (np.nan, "-")),
    ],
)
def test_only_a_probability_of_one_is_written_as_one(value, text):
    assert probability(value) == text
