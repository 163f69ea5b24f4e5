"""How `make bench` measures a ratio: with a clock of which the true ratio and the noise are known."""

import numpy as np
import pytest
from rows import Row, compared, limited, rows_of, without
from scipy.stats import binom
from turns import FEWEST_PAIRS, SPREAD, Turn, compare, compare_pairs, comparison_of, median_interval


class Clock:
    """Time that passes when a job of `job` runs."""

    def __init__(self, seed: int = 0) -> None:
        self.now = 0.0
        self.order: list[str] = []
        self._rng = np.random.default_rng(seed)

    def __call__(self) -> float:
        return self.now

    def job(self, name: str, seconds: float, noise: float = 0.0):
        def run() -> None:
            self.order.append(name)
            self.now += seconds * float(np.exp(noise * self._rng.standard_normal()))

        return run


def timed(clock: Clock, ours: float, peer: float, noise: float, **options):
    jobs = clock.job("ours", ours, noise), clock.job("peer", peer, noise)
    return compare(*jobs, clock=clock, cpu_clock=lambda: 2 * clock(), **options)


def test_without_noise_the_ratio_is_exact_after_the_fewest_pairs_of_half_a_second():
    clock = Clock()
    comparison = timed(clock, 0.2, 0.5, 0.0)
    assert comparison.ratio == pytest.approx(2.5)
    assert comparison.seconds == pytest.approx((0.2, 0.5))
    assert comparison.cores == pytest.approx((2, 2))
    assert (comparison.pairs, comparison.spread, comparison.held_still) == (6, pytest.approx(0), True)


def test_the_order_of_the_two_changes_from_pair_to_pair():
    clock = Clock()
    timed(clock, 0.2, 0.5, 0.0)
    order = clock.order[4:]  # one call that does not count and one to see how long a call takes, of each
    assert order[:4] == ["ours", "peer", "peer", "ours"]
    assert all(set(pair) == {"ours", "peer"} for pair in zip(order[::2], order[1::2], strict=True))


def test_short_jobs_are_called_often_in_a_turn_and_units_divide_the_seconds():
    clock = Clock()
    comparison = timed(clock, 0.001, 0.004, 0.0, units=(1, 8))
    assert clock.order[4 : 4 + 10] == ["ours"] * 10
    assert comparison.ratio == pytest.approx(0.5)
    assert comparison.seconds == pytest.approx((0.001, 0.0005))


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_pairs_are_added_until_the_interval_is_narrow_and_it_contains_the_true_ratio(noise):
    comparisons = [timed(Clock(seed), 0.01, 0.03, noise, budget_s=1e4) for seed in range(200)]
    assert all(comparison.held_still and comparison.spread <= SPREAD for comparison in comparisons)
    inside = np.mean([comparison.low <= 3 <= comparison.high for comparison in comparisons])
    assert inside >= 0.9  # 95 % but for looking more than once
    assert np.mean([comparison.pairs for comparison in comparisons]) > (10 if noise < 0.1 else 60)


def test_a_ratio_that_does_not_hold_still_is_not_printed():
    comparison = timed(Clock(), 0.5, 1.5, 1.0, budget_s=60)
    row = compared("dice, smp", comparison, "1 ms for 3")
    assert row.ratio is None
    assert row.spread == comparison.spread > SPREAD
    assert f"not held still: spread {row.spread:.0%} after {comparison.took_s:.0f} s" in row.line()
    assert f"{comparison.ratio:.2f}" not in row.line()
    assert comparison.took_s >= 60
    assert limited("pause", comparison, "0.5 s of 1.5").comment == f"0.5 s of 1.5; {row.comment}"


def test_the_fewest_pairs_are_run_when_one_takes_longer_than_the_budget():
    assert timed(Clock(), 40, 80, 0.0, budget_s=20).pairs == FEWEST_PAIRS


def test_a_drift_of_the_machine_cancels():
    """Each turn is 2 % slower than the one before: a fixed order would be off by 2 %."""
    slow = [1.0]

    def turn(seconds: float) -> Turn:
        slow[0] *= 1.02
        return Turn(seconds * slow[0])

    def pair(ours_first: bool) -> tuple[Turn, Turn]:
        if ours_first:
            return turn(1), turn(2)
        peer = turn(2)
        return turn(1), peer

    assert compare_pairs(pair, budget_s=0).ratio == pytest.approx(2, rel=1e-3)


@pytest.mark.parametrize("number", [1, 5, 6, 7, 8, 9, 20, 41])
def test_the_interval_of_a_median_covers_95_percent_and_the_next_narrower_one_does_not(number):
    low, high = median_interval(list(range(number))[::-1])
    left = int(low)
    assert high == number - 1 - left
    if number >= 6:
        assert 1 - 2 * binom.cdf(left, number, 0.5) >= 0.95
        assert 1 - 2 * binom.cdf(left + 1, number, 0.5) < 0.95


def test_a_comparison_has_medians():
    pairs = [(Turn(1, 1), Turn(4, 2)), (Turn(2, 1), Turn(4, 2)), (Turn(4, 1), Turn(4, 2))]
    comparison = comparison_of(pairs, 9)
    assert (comparison.ratio, comparison.low, comparison.high) == (2, 1, 4)
    assert (comparison.seconds, comparison.cores) == ((2, 4), (1, 2))
    assert not comparison.held_still  # three pairs


def test_rows_of_the_old_form_are_rows_that_were_measured_once():
    rows = list(
        rows_of([("60 s / report", 2.0, "30 s"), ("pass", float("nan"), "not measured: no GPU"), Row("a", 1.5)])
    )
    assert [row.ratio for row in rows] == [2.0, None, 1.5]
    assert "measured once" in rows[0].line()
    assert "not measured: no GPU" in rows[1].line()
    assert [row.measured for row in rows] == [True, False, True]


def test_a_row_that_others_disturbed_and_one_without_its_package_say_so():
    disturbed = Row("dice", 2.5, spread=0.01, pairs=20, others=0.7)
    assert "2.5" not in disturbed.line()
    assert "other processes used 0.70 cores" in disturbed.line()
    assert "the package exacta is not installed" in without("exacta", "NSD").line()
    assert not disturbed.measured
    assert not without("exacta", "NSD").measured
