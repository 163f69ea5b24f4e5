"""Families against the options of conf/: none is forgotten, and none moves that should not."""

from pathlib import Path

import pandas as pd
import pytest
from figure_cases import FAMILIES as STUDY
from figure_cases import PENS, small

from thinline.study.claims.remedies import FAMILIES, families_of, family_of, legend_of, moves

CONF = Path(__file__).parents[3] / "conf"
BASE = {
    "class_weight": {"none", "tuned_threshold", "logit_adjustment"},
    "loss": {"soft_ce", "ce", "focal", "cb_focal", "spatial_soft_ce"},
    "data_mix": {"scarce", "duplicated", "folder", "field"},
}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_every_option_of_conf_is_a_move_or_a_base(family):
    options = {path.stem for path in (CONF / family.factor).glob("*.yaml")}
    assert options == family.moved | BASE[family.factor]
    assert not family.moved & BASE[family.factor]


@pytest.mark.parametrize(
    ("condition", "families"),
    [
        ({"class_weight": "none", "loss": "soft_ce", "data_mix": "scarce"}, ""),
        ({"class_weight": "measured", "loss": "soft_ce", "data_mix": "scarce"}, "A"),
        ({"class_weight": "none", "loss": "tversky_ce", "data_mix": "scarce"}, "B"),
        ({"class_weight": "none", "loss": "focal", "data_mix": "enriched"}, "C"),
        ({"class_weight": "sqrt", "loss": "lovasz", "data_mix": "fresh"}, "ABC"),
        ({"class_weight": "tuned_threshold"}, ""),
        ({"class_weight": "fixed"}, "A"),
        ({"class_weight": "fixed", "class_weight.value": "42"}, "A"),
        ({"class_weight": "fixed", "class_weight.value": "1.0"}, ""),
        ({"class_weight": "measured", "class_weight.value": None}, "A"),
        ({"resolution": "pen3"}, ""),
    ],
)
def test_the_families_of_a_condition(condition, families):
    assert family_of(condition) == frozenset(families) == family_of(pd.Series(condition, dtype=object))


def test_families_of_all_conditions_of_a_study():
    families = families_of(small(STUDY).conditions)
    assert families["none/soft_ce/scarce"] == frozenset()
    assert families["measured/dice_ce/fresh"] == frozenset("ABC")
    assert sorted(map(moves, families.values())) == sorted(
        ["base", "A", "B", "B", "C", "A+B", "A+B", "A+B", "A+C", "B+C", "B+C", "A+B+C", "A+B+C", "A+B+C"]
    )
    assert set(map(moves, families_of(small(PENS).conditions).values())) == {"base", "B"}


def test_names():
    assert legend_of(frozenset()) == "base"
    assert legend_of(frozenset("CA")) == "A+C weighting, synthesis"
