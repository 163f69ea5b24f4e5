"""Which test sheets get a picture, against their F1 counted by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.training.shown_sheets import StoredMap, f1_of_sheets, spread


def rows(values):
    """Rows of per_sheet from {sheet: (F1 of background, curve_1, curve_2)}."""
    names = ("background", "curve_1", "curve_2")
    table = [
        ("test", "f1", name, f1, sheet) for sheet, of in values.items() for name, f1 in zip(names, of, strict=True)
    ]
    table += [("val", "f1", "curve_1", 0.0, sheet) for sheet in values]
    table += [("test", "iou", "curve_1", 0.0, sheet) for sheet in values]
    return pd.DataFrame(table, columns=["split", "measure", "class", "value", "sheet"])


def test_sheets_are_ranked_by_the_mean_over_their_curves():
    """Without the background; an absent curve does not count, and a sheet without curves has no rank."""
    values = {
        0: (0.1, 0.9, 0.7),
        1: (0.99, 0.2, 0.4),
        2: (0.9, np.nan, 0.5),
        3: (0.9, np.nan, np.nan),
        4: (0.9, 0.5, 0.5),
    }
    ranked = f1_of_sheets(rows(values))
    assert ranked.index.tolist() == [1, 2, 4, 0]
    assert ranked.mean(axis=1).tolist() == pytest.approx([0.3, 0.5, 0.5, 0.8])
    assert list(ranked.columns) == ["curve_1", "curve_2"]


@pytest.mark.parametrize(
    ("count", "expected"), [(0, []), (1, [10]), (2, [10, 18]), (3, [10, 14, 18]), (4, [10, 14, 15, 18])]
)
def test_the_worst_the_median_and_the_best_are_shown(count, expected):
    assert spread(range(10, 19), count) == expected


@given(st.integers(1, 70), st.integers(0, 12))
def test_shown_sheets_are_different_and_in_order(sheets, count):
    shown = spread(range(sheets), count)
    assert shown == sorted(set(shown))
    assert len(shown) == min(count, sheets)
    if count >= 3:
        assert {0, (sheets - 1) // 2, sheets - 1} <= set(shown)


def test_a_stored_map_gives_the_same_map_and_is_small():
    labels = np.zeros((300, 200), np.uint8)
    labels[np.arange(300), 50 + np.arange(300) // 4] = 1
    stored = StoredMap.of(labels[:, ::-1])
    assert np.array_equal(stored.labels(), labels[:, ::-1])
    assert len(stored.content) < labels.size / 20
