import itertools

import numpy as np
import pytest
from curve_cases import ink
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from thinline.curves.row_runs import Strands, strands_of

some_ink = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 12)),
    elements=st.sampled_from([np.float32(v) for v in (0, 0.001, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1)]),
)


def slow(ink_map, least_ink, most):
    """Reference with itertools: (x, width, evidence) of each row in the order of columns, the strongest kept."""
    rows = []
    for row in range(ink_map.shape[1]):
        paper = np.median(ink_map[:, row], axis=1, keepdims=True)  # all of up to 64 columns are sampled
        faint = (ink_map[:, row] < np.float32(least_ink)).mean(axis=1, keepdims=True) > 0.5
        paper = np.where(faint, 0, paper)
        cells = np.where(paper < 1, (ink_map[:, row] - paper) / np.where(paper < 1, 1 - paper, 1), 0).clip(min=0)
        cells = cells.astype(np.float32)
        total = np.zeros(cells.shape[1], np.float32)
        for channel in cells:
            total += channel
        owner = [int(cells[:, c].argmax()) if total[c] >= np.float32(least_ink) else -1 for c in range(cells.shape[1])]
        runs, start = [], 0
        for name, group in itertools.groupby(owner):
            stop = start + len(list(group))
            if name >= 0:
                part = cells[:, start:stop].astype(float)
                weight = part.sum(0)
                runs.append(((weight * np.arange(start, stop)).sum() / weight.sum(), stop - start, part.max(1)))
            start = stop
        while len(runs) > most:  # of equally weak ones the last is dropped
            weakest = min(range(len(runs)), key=lambda i: (runs[i][2].max(), -i))
            runs.pop(weakest)
        rows.append(runs)
    return rows


def by_row(strands):
    ends = strands.first
    return [
        [(strands.x_px[s], strands.width_px[s], strands.evidence[s]) for s in range(ends[r], ends[r + 1])]
        for r in range(strands.rows)
    ]


def test_two_curves_side_by_side_are_two_strands():
    strands = strands_of(
        ink("""
        .11.2222.
        .........
        1.......2
        """)
    )
    assert strands.first.tolist() == [0, 2, 2, 4]
    assert strands.x_px.tolist() == [1.5, 5.5, 0.0, 8.0]
    assert strands.width_px.tolist() == [2, 4, 1, 1]
    assert strands.evidence.tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]


@given(some_ink, st.sampled_from([0.003, 0.25]))
def test_strands_against_a_loop(ink_map, least_ink):
    fast, reference = by_row(strands_of(ink_map, least_ink=least_ink, most=20)), slow(ink_map, least_ink, 20)
    assert [len(row) for row in fast] == [len(row) for row in reference]
    for mine, theirs in zip(itertools.chain(*fast), itertools.chain(*reference), strict=True):
        assert mine[0] == pytest.approx(theirs[0], abs=1e-4)
        assert mine[1] == theirs[1]
        np.testing.assert_allclose(mine[2], theirs[2], rtol=1e-5)


@given(some_ink, st.integers(1, 3))
def test_of_a_full_row_the_strongest_are_kept(ink_map, most):
    kept, reference = by_row(strands_of(ink_map, most=most)), slow(ink_map, 0.001, 99)
    for mine, every in zip(kept, reference, strict=True):
        assert len(mine) == min(most, len(every))
        strongest = sorted((run[2].max() for run in every), reverse=True)[:most]
        assert sorted((run[2].max() for run in mine), reverse=True) == pytest.approx(strongest, rel=1e-5)
        assert [run[0] for run in mine] == sorted(run[0] for run in mine)


@given(some_ink, st.data())
def test_bands_joined_are_the_whole(ink_map, data):
    at = data.draw(st.integers(0, ink_map.shape[1]))
    whole = strands_of(ink_map)
    joined = Strands.joined([strands_of(ink_map[:, :at]), strands_of(ink_map[:, at:])])
    again = whole.only(np.arange(len(whole.x_px)))
    for other in (joined, again):
        for name in ("first", "x_px", "width_px", "evidence", "full"):
            np.testing.assert_array_equal(getattr(other, name), getattr(whole, name))


def test_invalid_ink_is_refused():
    with pytest.raises(TypeError, match=r"float32 \[K,H,W\], got float64"):
        strands_of(np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match="probabilities"):
        strands_of(np.full((1, 2, 2), 3, np.float32))
    with pytest.raises(ValueError, match="probabilities"):
        strands_of(np.full((1, 2, 2), np.nan, np.float32))
    with pytest.raises(ValueError, match="bands of one scan"):
        Strands.joined([])
