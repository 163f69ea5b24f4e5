"""Swaps by hand, against a walk down the rows, and by identities."""

import numpy as np
import pytest
from error_cases import sheet_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from thinline.metrics.structure.identity_swaps import swap_rates, swaps

NAN = float("nan")
H = 40
LEFT, RIGHT = np.full(H, 10.0), np.full(H, 30.0)
TRUE = np.stack([LEFT, RIGHT])


def counted(predicted, true=TRUE, **given) -> tuple[list[int], list[int], list[int]]:
    counts = swaps(np.array(predicted, float), np.array(true, float), px_per_mm=1.0, **given)
    return counts.swaps.tolist(), counts.swapped.tolist(), counts.comparable.tolist()


def exchanged(*rows: slice) -> np.ndarray:
    predicted = TRUE.copy()
    for part in rows:
        predicted[:, part] = predicted[::-1, part]
    return predicted


def by_row(predicted, true, *, margin_px: float, apart_px: float, bridge: int) -> list[tuple[int, int, int]]:
    """Walk down each curve and keep in mind whether it is swapped and for how long it has been right."""
    predictions = []
    for k in range(len(true)):
        stretches = rows = scored = right = 0
        inside = False
        for y in range(true.shape[1]):
            wrong = known = False
            for j in range(len(true)):
                if abs(true[k, y] - true[j, y]) > apart_px:
                    known = True
                    to_other, to_own = abs(predicted[k, y] - true[j, y]), abs(predicted[k, y] - true[k, y])
                    wrong |= to_other <= apart_px and to_other + margin_px < to_own
            if not known:
                continue
            scored += 1
            rows += wrong
            right = 0 if wrong else right + 1
            if wrong and not inside:
                stretches, inside = stretches + 1, True
            elif right > bridge:
                inside = False
        predictions.append((stretches, rows, scored))
    return predictions


@st.composite
def courses(draw):
    """Predicted and true courses of 1 to 3 curves that jump between few columns, with gaps."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(0, 25)))
    some = arrays(float, shape, elements=st.sampled_from([0.0, 0.5, 1.0, 2.5, 4.0, 8.0, NAN]))
    return draw(some), draw(some)


@given(courses(), st.sampled_from([0.0, 1.0, 2.0]), st.sampled_from([0.0, 1.0, 3.0]), st.integers(0, 4))
def test_swaps_are_those_of_a_walk_down_the_rows(pair, margin: float, apart: float, bridge: int) -> None:
    predicted, true = pair
    counts = swaps(predicted, true, px_per_mm=2.0, margin_mm=margin / 2, apart_mm=apart / 2, bridge_mm=bridge / 2)
    slow = by_row(predicted, true, margin_px=margin, apart_px=apart, bridge=bridge)
    assert (
        list(zip(*(part.tolist() for part in (counts.swaps, counts.swapped, counts.comparable)), strict=True)) == slow
    )


@given(courses())
@settings(max_examples=50)
def test_the_truth_is_never_swapped_and_names_do_not_matter(pair) -> None:
    predicted, true = pair
    assert not swaps(true, true, px_per_mm=1.0).swapped.any()
    one, other = swaps(predicted, true, px_per_mm=1.0), swaps(predicted[::-1], true[::-1], px_per_mm=1.0)
    for name in ("swaps", "swapped", "comparable"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[::-1])


def test_by_hand() -> None:
    assert counted(TRUE) == ([0, 0], [0, 0], [H, H])
    assert counted(TRUE[::-1]) == ([1, 1], [H, H], [H, H])
    assert counted(exchanged(slice(5, 12))) == ([1, 1], [7, 7], [H, H])
    assert counted(exchanged(slice(5, 12), slice(20, 30))) == ([2, 2], [17, 17], [H, H])
    only = TRUE.copy()
    only[0, :8] = 30.0  # both predicted curves on the right one
    assert counted(only) == ([1, 0], [8, 0], [H, H])


def test_short_interruptions_do_not_end_a_stretch() -> None:
    bridged = exchanged(slice(5, 12), slice(14, 20))
    assert counted(bridged, bridge_mm=2.0) == ([1, 1], [13, 13], [H, H])
    assert counted(bridged, bridge_mm=1.0) == ([2, 2], [13, 13], [H, H])
    assert counted(bridged, bridge_mm=0.0) == ([2, 2], [13, 13], [H, H])


def test_rows_that_cannot_be_compared_neither_end_nor_lengthen_a_stretch() -> None:
    crossing = np.stack([np.arange(H, dtype=float), np.arange(H, dtype=float)[::-1]])
    wrong = crossing[::-1]  # on the other curve before and after they cross
    close = int((np.abs(crossing[0] - crossing[1]) <= 4).sum())
    assert counted(wrong, crossing, apart_mm=4.0) == ([1, 1], [H - close] * 2, [H - close] * 2)
    taken = crossing.copy()  # right before, and on the other one after they met
    taken[:, H // 2 :] = taken[::-1, H // 2 :]
    assert counted(taken, crossing, apart_mm=4.0) == ([1, 1], [(H - close) // 2] * 2, [H - close] * 2)


def test_a_gap_of_the_trace_interrupts_a_run_and_a_gap_of_the_truth_does_not() -> None:
    predicted, true = TRUE[::-1].copy(), TRUE.copy()
    predicted[:, 10:20] = NAN
    assert counted(predicted) == ([2, 2], [30, 30], [H, H])
    true[1, 10:20] = NAN
    assert counted(predicted, true) == ([1, 1], [30, 30], [30, 30])


def test_a_trace_on_neither_curve_is_not_swapped() -> None:
    assert counted(np.stack([LEFT + 80, RIGHT])) == ([0, 0], [0, 0], [H, H])
    assert counted(np.stack([RIGHT - 1, RIGHT])) == ([1, 0], [H, 0], [H, H])
    assert counted(np.stack([RIGHT - 1.5, RIGHT])) == ([0, 0], [0, 0], [H, H])
    nearly = np.stack([LEFT, LEFT + 1.2])
    assert counted(np.stack([LEFT + 0.8, LEFT + 1.2]), nearly, margin_mm=0.25) == ([1, 0], [H, 0], [H, H])
    assert counted(np.stack([LEFT + 0.8, LEFT + 1.2]), nearly, margin_mm=0.5) == ([0, 0], [0, 0], [H, H])


def test_where_there_is_nothing_to_swap_the_rates_are_nan_and_silence_is_no_swap() -> None:
    assert counted(LEFT[None], LEFT[None]) == ([0], [0], [0])
    alone = swap_rates(swaps(LEFT[None], LEFT[None], px_per_mm=1.0), px_per_mm=1.0)
    assert all(np.isnan(value).all() for value in alone.values())
    silent = swap_rates(swaps(TRUE * NAN, TRUE, px_per_mm=1.0), px_per_mm=1.0)
    assert {name: value.tolist() for name, value in silent.items()} == {name: [0.0, 0.0] for name in silent}


def test_lengths_are_in_mm_and_counts_add_up() -> None:
    one, none = swaps(exchanged(slice(5, 15)), TRUE, px_per_mm=4.0), swaps(TRUE, TRUE, px_per_mm=4.0)
    rates = swap_rates(one + none, px_per_mm=4.0)
    assert {name: value.tolist() for name, value in rates.items()} == {
        "swaps": [1.0, 1.0],
        "swapped_mm": [2.5, 2.5],
        "swapped": [1 / 8, 1 / 8],
    }


@pytest.mark.parametrize("seed", range(3))
def test_curves_of_a_drawn_sheet_that_change_places_in_its_lower_half(seed: int) -> None:
    true = np.stack([curve.x_px for curve in sheet_of(seed).curves]).astype(float)
    half = true.copy()
    half[:, 128:] = half[::-1, 128:]
    counts = swaps(half, true, px_per_mm=4.0)
    apart = np.abs(true[0] - true[1])[128:] > 4.0
    assert counts.swapped.tolist() == [apart.sum()] * 2
    assert counts.swaps.tolist() == [1, 1]


def test_courses_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one shape \[K,H\]"):
        swaps(TRUE, TRUE[:1], px_per_mm=4.0)
    with pytest.raises(ValueError, match=r"one shape \[K,H\]"):
        swaps(LEFT, LEFT, px_per_mm=4.0)
