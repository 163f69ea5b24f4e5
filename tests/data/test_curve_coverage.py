import math
from pathlib import Path

import numpy as np
import pytest
from folder_cases import draw_folder
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from thinline.data.curve_coverage import DEPTHS, LEVELS, coverage, words
from thinline.data.folder.crops import cut
from thinline.data.folder.image_folder import Folder, read_folder
from thinline.data.mix import Counts, Mix, compose, reference
from thinline.sheets import sample

CONF = Path(__file__).parents[2] / "conf/data_mix"
SIZE = (32.0, 32.0)


def spelled(word: int) -> list[int]:
    """The parts of the track of a word, from the first depth."""
    return [word // LEVELS**depth % LEVELS for depth in range(DEPTHS)]


def test_words_spell_where_the_curve_is() -> None:
    rising = np.array([0.0, 0.2, 0.45, 0.7, 0.99, 1.0])
    assert [spelled(word) for word in words(rising, 1)] == [[0, 1, 3, 5, 7], [1, 3, 5, 7, 0]]
    assert spelled(words(np.array([0.1, 1.1, -0.9, 2.1, 0.1]), 1)[0]) == [0] * 5  # a wrap comes back where it left
    assert len(words(np.full(17, 0.5), 4)) == 1
    assert len(words(np.full(16, 0.5), 4)) == 0
    assert len(words(np.array([0.1, 0.1, np.nan, 0.1, 0.1]), 1)) == 0


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=60), st.integers(1, 4))
def test_words_are_those_of_a_slow_loop(values: list[float], step: int) -> None:
    expected = []
    for start in range(len(values) - (DEPTHS - 1) * step):
        parts = [min(int((v - math.floor(v)) * LEVELS), LEVELS - 1) for v in values[start::step][:DEPTHS]]
        expected.append(parts)
    assert [spelled(word) for word in words(np.array(values), step)] == expected


def test_a_sample_covers_itself_and_nothing_covers_nothing() -> None:
    sheets = [sample("archive", number, size_mm=SIZE) for number in range(6)]
    assert coverage(sheets, sheets) == 1
    assert coverage([], sheets) == 0
    assert math.isnan(coverage(sheets, []))


def test_more_sheets_cover_more_and_repeats_nothing() -> None:
    held = reference(SIZE, ())
    archive = [sample("archive", number, size_mm=SIZE) for number in range(40)]
    shares = [coverage(archive[:count], held) for count in (2, 10, 40)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.2 < shares[2] < 1
    assert coverage(archive[:10] * 4, held) == shares[1]


def test_synthesis_covers_more_than_duplication() -> None:
    counts = Counts(archive=4, train=40, val=2, test=2)
    held = reference(SIZE, ())
    result = {}
    for name in ("scarce", "duplicated", "fresh"):
        splits = compose(Mix.from_conf(OmegaConf.load(CONF / f"{name}.yaml")), counts, seed=0, size_mm=SIZE)
        result[name] = coverage(splits.train.specs, held)
        assert not {spec.digest for spec in held} & {s.digest for p in (splits.train, splits.val) for s in p.specs}
    assert result["scarce"] == result["duplicated"] < result["fresh"]


def test_a_folder_is_measured_by_its_curve_truth(tmp_path: Path) -> None:
    root = draw_folder(tmp_path, [(80, 64)] * 3)
    given = {"root": str(root), "class_map": {0: "background", 255: "vessel"}, "curves": "*.csv"}
    folder = Folder.from_conf(
        OmegaConf.to_container(OmegaConf.load(CONF / "folder.yaml")) | given, ["background", "vessel"]
    )
    (bare, *_) = (cut(part, None) for part in read_folder(folder, seed=0).values())
    assert math.isnan(coverage(bare, bare))
    for name, x in (("p0", 10), ("p1", 10), ("p2", 50)):
        (root / f"{name}.csv").write_text("row,curve,x\n" + "".join(f"{row},vessel,{x}\n" for row in range(80)))
    photos = sorted((p for part in read_folder(folder, seed=0).values() for p in part), key=lambda photo: photo.name)
    left, same, right = (cut([photo], None) for photo in photos)
    assert coverage(left, same) == 1
    assert coverage(left, right) == 0
    assert coverage(left, [*same, *right]) == pytest.approx(0.5)
