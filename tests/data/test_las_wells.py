from itertools import combinations

import numpy as np
import pytest
from real_logs import needs_real_logs, real_curves

from thinline.curves.las import LasCurve
from thinline.data.las_wells import PARTS, SAME, Shares, share_out


def log(name: str, source: str, values: np.ndarray) -> LasCurve:
    return LasCurve(name, "", np.arange(float(len(values))), values, "M", source)


def random_log(number: int, name: str = "GR", count: int = 400) -> LasCurve:
    return log(name, f"{number}.las", np.random.default_rng(number).normal(size=count).cumsum())


def stretches(runs: tuple[np.ndarray, ...]) -> set[bytes]:
    """Every stretch of SAME samples that is not flat, as bytes: the slow way to see what two splits share."""
    cut = (run[i : i + SAME] for run in runs for i in range(len(run) - SAME + 1))
    return {piece.tobytes() for piece in cut if np.count_nonzero(np.diff(piece)) >= SAME // 2}


def disjoint(shares: Shares) -> bool:
    parts = [stretches(getattr(shares, part)) for part in PARTS]
    return all(parts) and not any(a & b for a, b in combinations(parts, 2))


@pytest.mark.parametrize("seed", range(5))
def test_three_wells_or_more_are_parted_by_well(seed: int) -> None:
    curves = [
        log(name, f"{well}.las", random_log(10 * well + k).values) for well in range(7) for k, name in enumerate("ab")
    ]
    shares = share_out(curves, np.random.default_rng(seed))
    assert shares.apart == "well"
    assert (len(shares.train), len(shares.val), len(shares.test)) == (10, 2, 2)
    assert disjoint(shares)
    for part in (shares.val, shares.test):
        (owners,) = {frozenset(c.source for c in curves if any(np.array_equal(c.values, run) for run in part))}
        assert len(owners) == 1


def test_another_seed_gives_other_wells_and_the_same_seed_the_same() -> None:
    curves = [random_log(i) for i in range(9)]
    tests = [share_out(curves, np.random.default_rng(seed)).test[0][0] for seed in (0, 0, 1, 2, 3)]
    assert tests[0] == tests[1]
    assert len(set(tests)) > 1


def test_a_cut_and_renamed_copy_of_a_log_is_the_same_well() -> None:
    original = random_log(0)
    copy = log("GRC", "well_b.las", original.values[120:300])
    others = [random_log(1), random_log(2)]
    for seed in range(6):
        shares = share_out([original, copy, *others], np.random.default_rng(seed))
        assert shares.apart == "well"
        assert disjoint(shares)


def test_flat_stretches_make_no_copies() -> None:
    """Three logs that all sit on their limit for a while are three wells still."""
    flat = np.full(100, 2000.0)
    curves = [log("LLD", f"{i}.las", np.concatenate([random_log(i).values, flat])) for i in range(3)]
    assert share_out(curves, np.random.default_rng(0)).apart == "well"


def test_a_well_of_one_curve_trains_where_two_others_can_be_held_back() -> None:
    curves = [
        random_log(0, "GR"),
        *(log(n, f"{w}.las", random_log(9 * w + ord(n)).values) for w in (1, 2) for n in "ab"),
    ]
    for seed in range(6):
        shares = share_out(curves, np.random.default_rng(seed))
        assert (len(shares.train), len(shares.val), len(shares.test)) == (1, 2, 2)


def test_fewer_wells_are_parted_by_curve_copies_together() -> None:
    same = random_log(5).values
    curves = [log(name, "one.las", random_log(i).values) for i, name in enumerate("abc")]
    curves += [log("RT", "one.las", same), log("RLA5", "one.las", same[:200])]
    for seed in range(6):
        shares = share_out(curves, np.random.default_rng(seed))
        assert shares.apart == "curve"
        assert disjoint(shares)


def test_one_curve_is_cut_by_depth() -> None:
    (curve,) = curves = [random_log(0, count=1000)]
    shares = share_out(curves, np.random.default_rng(0))
    assert shares.apart == "section"
    np.testing.assert_array_equal(np.concatenate([*shares.train, *shares.val, *shares.test]), curve.values)
    assert [len(run) for run in (*shares.train, *shares.val, *shares.test)] == [600, 200, 200]


def test_too_few_wells_for_three_splits_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"3 wells, 3 curves or a run of 320 .* GR of 0.las.* val, test empty; add LAS"
    ):
        share_out([random_log(0, count=100)], np.random.default_rng(0))
    with pytest.raises(ValueError, match="empty; add LAS"):
        share_out([], np.random.default_rng(0))


@needs_real_logs
def test_real_logs_are_parted_although_three_files_hold_one_well() -> None:
    curves = real_curves()
    one_well = {"F03-02.las", "example_1.las", "example_2.las"}
    runs = {name: tuple(run for c in curves if c.source == name for run in c.runs()) for name in one_well}
    assert stretches(runs["F03-02.las"]) & stretches(runs["example_1.las"])  # a split by file would leak
    source = {run.tobytes(): curve.source for curve in curves for run in curve.runs()}
    for seed in range(3):
        shares = share_out(curves, np.random.default_rng(seed))
        assert shares.apart == "well"
        sources = [{source[run.tobytes()] for run in getattr(shares, part)} for part in PARTS]
        assert sum(len(one) for one in sources) == len(set(source.values()))
        assert any(one_well <= one for one in sources)
