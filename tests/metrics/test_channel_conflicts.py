import math

import pytest
import torch

from thinline.heads import SigmoidStack
from thinline.metrics.channel_conflicts import ConflictCounts, conflict_shares, conflict_signature


def test_shares_of_counts_added_over_batches():
    conflicts = ConflictCounts()
    conflicts.update((100, 2, 90))
    conflicts.update((300, 4, 290))
    assert conflicts.compute().tolist() == [400, 6, 380]
    assert conflict_shares(conflicts.compute()) == {"claimed_twice": 6 / 400, "claimed_none": 380 / 400}


def test_no_pixel_is_nan():
    assert all(math.isnan(share) for share in conflict_shares(torch.zeros(3, dtype=torch.int64)).values())


def test_counts_of_a_head_pixel_by_pixel():
    head = SigmoidStack(["background", "a", "b", "c"])
    p = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(0))
    conflicts = ConflictCounts()
    conflicts.update(head.conflicts(p))
    twice = none = 0
    for pixel in p.permute(0, 2, 3, 1).reshape(-1, 3).tolist():
        positive = sum(value > 0.5 for value in pixel)
        twice, none = twice + (positive > 1), none + (positive == 0)
    assert conflicts.compute().tolist() == [70, twice, none]


def test_signatures():
    assert conflict_signature("claimed_twice").startswith("claimed_twice|")
    with pytest.raises(ValueError, match="claimed_thrice"):
        conflict_signature("claimed_thrice")
