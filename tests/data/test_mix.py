from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from real_logs import REAL, needs_real_logs, real_curves

from thinline.curves.las import LasCurve
from thinline.data.mix import Counts, Mix, Split, Splits, compose, summary, with_fresh
from thinline.sheets import render

CONF = Path(__file__).parents[2] / "conf/data_mix"
OF_A_FAMILY = ["field"]
"""Mixes whose sheets are all of one family."""
NAMES = sorted(path.stem for path in CONF.glob("*.yaml") if path.stem not in ("folder", *OF_A_FAMILY))
COUNTS = Counts(archive=5, train=23, val=3, test=4)


def mix_named(name: str, *, las_dir: str | None = None) -> Mix:
    conf = OmegaConf.load(CONF / f"{name}.yaml")
    conf.archive.las_dir = las_dir
    return Mix.from_conf(conf)


def composed(name: str, counts: Counts = COUNTS, seed: int = 0) -> Splits:
    return compose(mix_named(name), counts, seed=seed, size_mm=(24.0, 32.0))


def of_family(family: str, counts: Counts = COUNTS, seed: int = 0) -> Splits:
    mix = mix_named("field").model_copy(update={"family": family})
    return compose(mix, counts, seed=seed, size_mm=(24.0, 32.0))


def digests(split: Split) -> list[str]:
    return [spec.digest for spec in split.specs]


def test_the_four_mixes_are_there() -> None:
    assert NAMES == ["duplicated", "enriched", "fresh", "scarce"]
    assert [mix_named(name).name for name in NAMES] == NAMES


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NAMES)
def test_no_sheet_is_in_two_splits(name: str, seed: int) -> None:
    splits = composed(name, seed=seed)
    parts = [digests(split) for split in (splits.train, splits.val, splits.test)]
    assert all(len(set(part)) == len(part) > 0 for part in parts)
    assert not any(set(a) & set(b) for a, b in combinations(parts, 2))


def test_validation_and_test_are_archive_and_the_same_for_every_mix_of_a_seed() -> None:
    all_of_them = [composed(name) for name in NAMES]
    assert len({tuple(digests(splits.val)) for splits in all_of_them}) == 1
    assert len({tuple(digests(splits.test)) for splits in all_of_them}) == 1
    assert {spec.family for splits in all_of_them for spec in splits.val.specs + splits.test.specs} == {"archive"}
    other = composed("fresh", seed=1)
    assert not set(digests(other.test)) & set(digests(all_of_them[0].test))


@pytest.mark.parametrize("seed", range(3))
def test_no_mix_of_a_seed_trains_on_what_another_is_tested_with(seed: int) -> None:
    scarce = composed("scarce", seed=seed)
    held = {digest for split in (scarce.val, scarce.test) for digest in digests(split)}
    assert len(held) == 7
    assert not any(held & set(digests(composed(name, seed=seed).train)) for name in NAMES)


def test_mixes_share_their_archive_sheets_and_differ_as_they_say() -> None:
    train = {name: composed(name).train for name in NAMES}
    assert train["scarce"].specs == train["duplicated"].specs == train["fresh"].specs[:5]
    assert train["enriched"].specs[:5] == train["scarce"].specs
    assert train["scarce"].order.tolist() == [0, 1, 2, 3, 4]
    assert len(train["duplicated"].order) == len(train["fresh"].order) == len(train["enriched"].order) == 23
    repeats = np.bincount(train["duplicated"].order)
    assert repeats.max() - repeats.min() <= 1
    np.testing.assert_array_equal(np.sort(train["fresh"].order), np.arange(23))


def test_the_row_of_a_mix_counts_sheets_showings_and_families() -> None:
    rows = {name: summary(composed(name).train) for name in NAMES}
    assert rows["scarce"] == {"unique": 5, "shown": 5, "most_showings": 1, "unique_archive": 5}
    assert rows["duplicated"] == {"unique": 5, "shown": 23, "most_showings": 5, "unique_archive": 5}
    full = {"unique": 23, "shown": 23, "most_showings": 1, "unique_archive": 5, "unique_procedural": 18}
    assert rows["fresh"] == rows["enriched"] == full


def test_a_part_of_a_run_counts_the_sheets_it_showed() -> None:
    showings = np.zeros(23, np.int64)
    showings[[0, 5, 6]] = 1, 4, 2
    row = summary(composed("fresh").train, showings)
    assert row == {"unique": 3, "shown": 7, "most_showings": 4, "unique_archive": 1, "unique_procedural": 2}


def test_more_sheets_are_the_same_ones_and_some() -> None:
    more = replace(COUNTS, archive=8, train=40, val=6, test=9)
    a, b = composed("fresh"), composed("fresh", more)
    assert b.test.specs[:4] == a.test.specs
    assert b.val.specs[:3] == a.val.specs
    assert b.train.specs[:5] == a.train.specs[:5]
    assert b.train.specs[8 : 8 + 18] == a.train.specs[5:]


def test_enriched_has_more_ink_by_choosing_among_more_candidates() -> None:
    def share(split: Split) -> np.ndarray:
        return np.array([(render(spec, px_per_mm=4.0).labels > 0).mean() for spec in split.specs[5:]])

    fresh, enriched = (share(composed(name).train) for name in ("fresh", "enriched"))
    assert enriched.mean() > 1.25 * fresh.mean()
    triple = replace(COUNTS, train=5 + 3 * 18)  # enrich is 3: all the candidates
    assert set(digests(composed("enriched").train)) <= set(digests(composed("fresh", triple).train))
    candidates = share(composed("fresh", triple).train)
    assert enriched.min() >= np.median(candidates)


def real_curve(number: int) -> LasCurve:
    values = np.random.default_rng(number).normal(size=400).cumsum()
    return LasCurve(f"C{number}", "", np.arange(400.0), values, "M", f"{number}.las")


def test_archive_sheets_are_drawn_from_real_curves_and_no_split_shares_them() -> None:
    mix = mix_named("fresh", las_dir="logs")
    samples = [real_curve(number) for number in range(6)]
    real = compose(mix, COUNTS, seed=0, size_mm=(24.0, 32.0), samples=samples)
    assert real.apart == "well"
    archive = [spec for split in (real.train, real.val, real.test) for spec in split.specs if spec.family == "archive"]
    assert len(archive) == 12
    assert {curve.shape.kind for spec in archive for curve in spec.curves} == {"samples"}
    plain = composed("fresh")
    assert plain.apart == ""
    assert real.train.specs[5:] == plain.train.specs[5:]  # the procedural sheets stay what they were


def test_a_mix_of_a_family_draws_every_split_from_it_and_no_sheet_twice() -> None:
    splits = of_family("procedural")
    parts = [splits.train, splits.val, splits.test]
    assert {spec.family for part in parts for spec in part.specs} == {"procedural"}
    assert [len(part.specs) for part in parts] == [len(part.order) for part in parts] == [23, 3, 4]
    assert len({digest for part in parts for digest in digests(part)}) == 30
    other = of_family("procedural", seed=1)
    assert not {*digests(splits.train), *digests(splits.test)} & {*digests(other.train), *digests(other.test)}
    assert of_family("procedural", replace(COUNTS, train=30)).train.specs[:23] == splits.train.specs


def test_the_shapes_of_a_family_come_from_real_curves_where_there_are_any() -> None:
    mix = mix_named("field", las_dir="logs").model_copy(update={"family": "procedural"})
    real = compose(mix, COUNTS, seed=0, size_mm=(24.0, 32.0), samples=[real_curve(number) for number in range(6)])
    specs = [spec for split in (real.train, real.val, real.test) for spec in split.specs]
    assert {curve.shape.kind for spec in specs for curve in spec.curves} == {"samples"}


def test_a_folder_without_its_curves_is_refused() -> None:
    mix = mix_named("scarce", las_dir="logs")
    with pytest.raises(ValueError, match="the curves of logs, got none"):
        compose(mix, COUNTS, seed=0, size_mm=(24.0, 32.0))


@needs_real_logs
def test_the_real_folder_composes() -> None:
    mix = mix_named("scarce", las_dir=str(REAL))
    splits = compose(mix, COUNTS, seed=2, size_mm=(24.0, 32.0), samples=real_curves())
    parts = [set(digests(split)) for split in (splits.train, splits.val, splits.test)]
    assert not any(a & b for a, b in combinations(parts, 2))
    ink = [(render(spec, px_per_mm=4.0).labels > 0).mean() for spec in splits.train.specs]
    assert min(ink) > 0


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1 or more, got \{'val': 0\}"):
        Counts(archive=1, train=1, val=0, test=1)
    with pytest.raises(ValueError, match="at most `train`, got 5 > 4"):
        Counts(archive=5, train=4, val=1, test=1)


def test_a_full_archive_leaves_no_procedural_sheets() -> None:
    splits = composed("fresh", replace(COUNTS, train=5))
    assert summary(splits.train) == {"unique": 5, "shown": 5, "most_showings": 1, "unique_archive": 5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"enrich": "lots"}, "data_mix.enrich: expected a number, got 'lots'"),
        ({"enrich": True}, "data_mix.enrich: expected a number, got True"),
        ({"enrich": float("nan")}, "data_mix.enrich: expected a finite number, got nan"),
        ({"enrich": 0.5}, "data_mix.enrich: expected greater than or equal to 1, got 0.5"),
        ({"procedural": 1}, "data_mix.procedural: expected true or false, got 1"),
        ({"procedural": False, "enrich": 2}, "no procedural sheets to choose from"),
        ({"archive": {"las_dir": None, "repeat": True}}, "both true; set one of them to false"),
        ({"family": "field"}, "mix 'fresh' draws sheets of the family field only, expected archive.repeat=false"),
        ({"archive": {"las_dir": 3, "repeat": False}}, "data_mix.archive.las_dir: expected a text, got 3"),
        ({"archive": {"las_dir": None}}, "data_mix.archive: expected the keys las_dir, repeat, got no 'repeat'"),
        ({"root": "x"}, "data_mix: expected the keys .* got the unknown 'root'"),
    ],
)
def test_a_mix_that_makes_no_sense_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Mix.from_conf(OmegaConf.to_container(OmegaConf.load(CONF / "fresh.yaml")) | change)


@given(st.integers(1, 9), st.integers(1, 60), st.floats(0.1, 0.9))
@settings(max_examples=40, deadline=None)
def test_drawn_sheets_beside_others_have_their_share_and_no_sheet_is_left_out(
    own: int, count: int, share: float
) -> None:
    specs = composed("scarce").train.specs * 2
    train = Split(specs[:own], np.arange(own))
    mixed = with_fresh(train, "archive", count, share=share, seed=0, size_mm=(24.0, 32.0))
    drawn = mixed.order >= own
    assert set(mixed.order.tolist()) == set(range(own + count))
    assert abs(drawn.sum() - share * len(drawn)) <= 1
    times = np.bincount(mixed.order)
    for part in (times[:own], times[own:]):
        assert part.max() - part.min() <= 1
    assert mixed.everything == (*specs[:own], *mixed.drawn)
    assert summary(mixed)["unique"] == own + count


def test_drawn_sheets_are_those_of_the_family_alone() -> None:
    train = composed("scarce").train
    mixed = with_fresh(train, "field", 6, share=0.5, seed=0, size_mm=(24.0, 32.0))
    assert mixed.drawn == of_family("field").train.specs[:6]
    assert with_fresh(train, "field", 6, share=0.5, seed=1, size_mm=(24.0, 32.0)).drawn != mixed.drawn
