"""Which intervals support or refute an expectation, and how a finding is written."""

import numpy as np
import pytest

from thinline.study.claims.expectations import EXPECTED, Expectation, plain
from thinline.study.claims.findings import Finding, decimals_of

INTERVALS = {
    # (low, high) -> what up, down, none, not_up, not_down say with a margin of 2
    (3.0, 4.0): (True, False, False, False, True),
    (1.0, 3.0): (True, False, None, None, True),
    (-1.0, 3.0): (None, False, None, None, True),
    (-3.0, 3.0): (None, None, None, None, None),
    (0.5, 1.0): (False, False, True, True, True),
    (-1.0, 1.0): (False, False, True, True, True),
    (-3.0, 1.0): (False, None, None, True, None),
    (-3.0, -1.0): (False, True, None, True, None),
    (-4.0, -3.0): (False, True, False, True, False),
}


@pytest.mark.parametrize("ends", INTERVALS)
def test_an_interval_decides(ends):
    decisions = tuple(Expectation(kind, 2.0).holds(*ends) for kind in ("up", "down", "none", "not_up", "not_down"))
    assert decisions == INTERVALS[ends]
    negated = tuple(-end for end in reversed(ends))
    for kind, opposite in (("up", "down"), ("not_up", "not_down"), ("none", "none"), ("at_least", "at_most")):
        bound = -2.0 if opposite == "at_most" else 2.0
        assert Expectation(opposite, bound).holds(*negated) is Expectation(kind, 2.0).holds(*ends)


def test_a_bound_decides_on_a_value():
    decisions = [Expectation("at_least", 0.5).holds(*ends) for ends in ((0.5, 0.6), (0.4, 0.5), (0.4, 0.49))]
    assert decisions == [True, None, False]


@pytest.mark.parametrize("kind", EXPECTED)
def test_nothing_is_decided_without_an_interval_and_clearance_agrees_with_the_decision(kind):
    assert Expectation(kind, 2.0).holds(np.nan, np.nan) is None
    rng = np.random.default_rng(0)
    seen = set()
    for low, width in zip(rng.uniform(-6, 6, 300), rng.uniform(0, 3, 300), strict=True):
        expected = Expectation(kind, 2.0)
        holds = expected.holds(low, low + width)
        seen.add(holds)
        if holds:
            assert expected.clearance(low, low + width) >= 0
        if holds is None:
            assert expected.holds(low, low + 1e-9) is not expected.holds(low + width - 1e-9, low + width)
    assert seen == {True, False, None}


def test_expectations_in_words():
    """An interval from .001 to .03 holds a rise, and does not show one of .02 or more."""
    assert Expectation("up", 0.02).holds(0.001, 0.03)
    assert Expectation("up", 0.02).text == "a rise with an upper end of .02 or more"
    assert Expectation("down", 0.02).text == "a fall with a lower end of -.02 or less"
    assert Expectation("not_down", 0.02).text == "no fall of .02 or more"
    assert [Expectation(kind, 0.0).text for kind in ("up", "down")] == ["a rise", "a fall"]
    assert Expectation("up", 0.02).owner == "margin .02, ours"
    assert Expectation("up", 0.01, source=True).owner == "margin .01, of the source"
    assert Expectation("at_most", 0.5).owner == Expectation("up", 0.0).owner == ""


def test_the_power_assumes_a_rise_of_the_margin_or_of_the_smallest_effect_and_no_change_of_0():
    kinds = ("up", "down", "none", "not_up", "not_down", "at_least", "at_most")
    assert [Expectation(kind, 0.1, smallest=0.03).assumed for kind in kinds] == pytest.approx(
        [0.1, -0.1, 0, 0, 0, 0.13, 0.07]
    )
    assert Expectation("up", 0.0, smallest=0.03).assumed == 0.03


def test_decimals_follow_the_width_of_the_interval():
    assert Finding("test/iou", "a", "x", "", 0.0312, 0.0204, 0.0421, 0.0, 5, None).value == "+.031 [.020, .042]"
    assert Finding("m", "a", "x", "", -0.00312, -0.0042, -0.002, 0.0, 5, None).value == "-.0031 [-.0042, -.0020]"
    assert Finding("m", "a", "x", "", 97.31, 90.0, 104.0, 0.0, 5, None, signed=False).value == "97 [90, 104]"
    assert Finding("m", "a", "x", "", 0.5, np.nan, np.nan, np.nan, 1, None).value == "+.500 without interval"
    assert (decimals_of(0.0, 0.0), plain(0.0277), plain(42)) == (3, ".0277", "42")
