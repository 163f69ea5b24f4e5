"""Impossible options of every loss raise an error that names their key."""

from functools import partial

import pytest

from thinline.losses.cb_focal import ClassBalancedFocal
from thinline.losses.clce import ClCE
from thinline.losses.cldice import ClDice
from thinline.losses.compound import Compound
from thinline.losses.dice import Dice
from thinline.losses.focal import Focal
from thinline.losses.skeleton_recall import SkeletonRecall
from thinline.losses.soft_ce import SoftCE
from thinline.losses.spatial_soft_ce import SpatialSoftCE
from thinline.losses.tversky import Tversky

NAN, INF = float("nan"), float("inf")
TVERSKY = r"`loss\.fp_weight` and `loss\.fn_weight` must be finite, not negative and not both 0"
SHARES = r"`loss\.shares` must be finite, not negative and not all 0"
both = partial(Compound, name="both", terms={"dice": Dice(), "ce": SoftCE()})


@pytest.mark.parametrize(
    ("loss", "options", "message"),
    [
        *[(ClassBalancedFocal, {"beta": b}, r"`loss\.beta` must be at least 0 and below 1") for b in (-0.1, 1.0, NAN)],
        *[
            (loss, {"gamma": gamma}, rf"`loss\.gamma` must be finite and at least 0, got {gamma}")
            for loss in (Focal, ClassBalancedFocal)
            for gamma in (-0.5, NAN, INF)
        ],
        *[(loss, {"iterations": -1}, r"`loss\.iterations` must be 0 or more, got -1") for loss in (ClDice, ClCE)],
        (SkeletonRecall, {"radius_px": -1}, r"`loss\.radius_px` must be 0 or more, got -1"),
        *[(SoftCE, {"smoothing": s}, r"`loss\.smoothing` must be at least 0 and below 1") for s in (-0.1, 1.0, NAN)],
        *[
            (SpatialSoftCE, {"sigma_px": sigma}, r"`loss\.sigma_px` must be finite and at least 0")
            for sigma in (-0.1, NAN, INF)
        ],
        *[
            (Tversky, {"fp_weight": fp, "fn_weight": fn}, TVERSKY)
            for fp, fn in ((-0.1, 0.5), (0.5, NAN), (INF, 1), (0, 0))
        ],
        *[(both, {"shares": {"dice": dice, "ce": ce}}, SHARES) for dice, ce in ((-1.0, 1.0), (0.0, 0.0), (NAN, 1.0))],
        (both, {"shares": {"dice": 1.0}}, r"must name the terms of both, \['ce', 'dice'\], got \['dice'\]"),
    ],
)
def test_an_impossible_option_names_its_key(loss, options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loss(**options)
