"""The hierarchical bootstrap against an explicit loop, what its intervals are worth, and how long it takes."""

import time

import numpy as np
import pytest
from effect_cases import SEEDS_RULE, SHEETS_RULE, drawn, full_grid, samples_of

from hairline.study.bootstrap import draws, percentiles, resampling, share, slots
from hairline.study.contrasts import contrasts_of
from hairline.study.design import StudyError
from hairline.study.samples import AXES

APART = np.array([[-1.0, 1.0, 0.0], [0.0, -0.5, 0.5]])


def rng(seed=0):
    return np.random.default_rng(seed)


def some_samples(crossed=False):
    noise = rng(3)
    data = drawn(noise, [0.4, 0.5, 0.6], seeds=4, sheets=6, **SEEDS_RULE, crossed=crossed)
    return samples_of(data.parts, noise.integers(1, 99, data.parts.shape).astype(float), crossed=crossed)


def by_loop(data, drawn_seeds, weights, contrasts):
    """Every bootstrap, slot, condition and sheet in turn."""
    out = []
    for of_bootstrap, of_sheets in zip(drawn_seeds, weights, strict=True):
        of_slots = []
        for seed, sheets in zip(of_bootstrap, of_sheets, strict=True):
            values = []
            for condition in range(len(data.conditions)):
                taken = [number for number, times in enumerate(sheets) for _ in range(int(times))]
                parts = sum(data.parts[condition, seed, number] for number in taken)
                values.append(parts / sum(data.whole[condition, seed, number] for number in taken))
            of_slots.append(contrasts @ np.array(values))
        out.append(np.mean(of_slots, axis=0))
    return np.array(out)


@pytest.mark.parametrize("crossed", [False, True])
def test_the_same_as_a_loop_over_everything(crossed):
    data = some_samples(crossed)
    made = resampling([6] * 4, bootstraps=20, rng=rng(), crossed=crossed)
    found = draws(slots(data, made), APART)
    np.testing.assert_allclose(found, by_loop(data, made.seeds, made.weights, APART), atol=1e-11)


def test_every_slot_draws_as_many_sheets_as_its_seed_has():
    made = resampling([3, 5, 8], bootstraps=300, rng=rng())
    counts = np.array([3, 5, 8])[made.seeds]
    np.testing.assert_array_equal(made.weights.sum(-1), counts)
    assert (made.weights[made.seeds == 0][:, 3:] == 0).all()
    assert np.bincount(made.seeds.ravel()) == pytest.approx([300] * 3, rel=0.15)
    same = (made.weights[:, 0] == made.weights[:, 1]).all(-1) & (made.seeds[:, 0] == 2) & (made.seeds[:, 1] == 2)
    assert same.mean() < 0.01  # a seed that is drawn twice has other sheets each time
    common = resampling([8] * 3, bootstraps=5, rng=rng(), crossed=True)
    assert (common.weights == common.weights[:, :1]).all()


def test_seeds_are_the_same_whatever_the_sheets():
    assert (
        resampling([64] * 5, bootstraps=50, rng=rng()).seeds == resampling([1] * 5, bootstraps=50, rng=rng()).seeds
    ).all()
    assert (resampling([1] * 5, bootstraps=50, rng=rng()).weights == 1).all()


def test_one_seed_and_no_bootstrap_are_refused():
    with pytest.raises(StudyError, match="2 seeds or more, got 10 of 1"):
        resampling([64], bootstraps=10, rng=rng())
    with pytest.raises(StudyError, match="got 0 of 2"):
        resampling([64, 64], bootstraps=0, rng=rng())


def test_a_cell_without_value_takes_its_slots_out_of_the_contrasts_that_use_it():
    data = some_samples()
    lost = samples_of(
        data.parts / data.whole, np.where(np.arange(4)[:, None] == 1, 0, data.whole[0]) * np.ones((3, 1, 1))
    )
    lost.whole[1:] = data.whole[1:]
    lost.parts[1:] = data.parts[1:]
    made = resampling([6] * 4, bootstraps=200, rng=rng())
    values = slots(lost, made)
    found = draws(values, APART)
    np.testing.assert_allclose(found[:, 1], draws(slots(data, made), APART)[:, 1])
    for bootstrap in range(200):
        kept = made.seeds[bootstrap] != 1
        own = [APART[0] @ np.where(np.isnan(row), 0, row) for row in values[bootstrap, kept]]
        assert found[bootstrap, 0] == pytest.approx(np.mean(own) if own else np.nan, nan_ok=True)


def test_percentiles_and_shares_leave_out_what_is_nan():
    values = rng(1).normal(size=(101, 2))
    low, high = percentiles(values)
    np.testing.assert_allclose([low, high], np.percentile(values, [2.5, 97.5], axis=0))
    holes = np.vstack([values, [np.nan, 5.0]])
    np.testing.assert_allclose(percentiles(holes)[0][0], low[0])
    assert np.isnan(percentiles(np.full((3, 1), np.nan))).all()
    np.testing.assert_allclose(share((holes > 0).astype(float), holes)[0], (values[:, 0] > 0).mean())


def covered(noise, studies=300, bootstraps=200):
    generator = rng(5)
    hits = 0
    for _ in range(studies):
        data = drawn(generator, [0.5, 0.5], **noise)
        made = resampling([64] * 5, bootstraps=bootstraps, rng=generator)
        low, high = percentiles(draws(slots(data, made), np.array([[-1.0, 1.0]])))
        hits += low[0] <= 0 <= high[0]
    return hits / studies


def test_its_intervals_cover_too_little_where_seeds_rule_and_too_much_where_sheets_do():
    assert 0.78 < covered(SEEDS_RULE) < 0.90
    assert covered(SHEETS_RULE) > 0.955


def test_a_thousand_bootstraps_of_60_cells_take_less_than_five_seconds():
    grid = full_grid(weight="01", loss="012", mix="01")
    weights = contrasts_of(grid, most=2).weights
    data = [drawn(rng(number), np.full(12, 0.5), **SEEDS_RULE) for number in range(2 * len(AXES))]
    began = time.process_time()
    made = resampling([64] * 5, bootstraps=1000, rng=rng())
    for it in data:
        low, high = percentiles(draws(slots(it, made), weights))
        assert (low < high).all()
    assert time.process_time() - began < 5
