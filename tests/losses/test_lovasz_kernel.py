import numpy as np
import pytest

from thinline.losses import lovasz_kernel


def run(errors: np.ndarray, inside: np.ndarray) -> tuple[float, np.ndarray]:
    """Term and what each pixel adds to the Jaccard loss, of errors that are given and not computed from logits."""
    out = np.full(errors.size, 99, np.float32)
    bits = np.abs(errors).astype(float).view(np.int64)
    ends = (bits.max(), *(bits[side].min(initial=np.iinfo(np.int64).max) for side in (inside, ~inside)))
    signed = np.where(inside, -errors, errors)
    term = lovasz_kernel.class_slopes(signed, out, tuple(int(end) for end in ends), int(inside.sum()))
    assert (out[inside] < 0).all()
    return term, np.abs(out)


def by_lexsort(errors: np.ndarray, inside: np.ndarray) -> tuple[float, np.ndarray]:
    order = np.lexsort((~inside, -errors))
    hit, outside = np.cumsum(inside[order]), np.cumsum(~inside[order])
    steps = np.empty(errors.size)
    steps[order] = np.diff(1 - (inside.sum() - hit) / (inside.sum() + outside), prepend=0)
    return float((errors * steps).sum()), steps


def check(errors: np.ndarray, inside: np.ndarray, *, share: float = 2e-7) -> None:
    """Within `share` of the largest step 1 / G, and float32."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lovasz_kernel, "TOLERANCE", share)
        (term, steps), (expected_term, expected) = run(errors, inside), by_lexsort(errors, inside)
    assert term == pytest.approx(expected_term, rel=1e-7)
    assert np.abs(steps - expected).max() <= (share + 1e-7) / inside.sum()


def test_three_pixels_by_hand() -> None:
    # errors .9 outside, .6 inside, .2 outside; one inside: J goes 1/2, then 1; the last adds nothing
    term, steps = run(np.array([0.9, 0.6, 0.2]), np.array([False, True, False]))
    assert term == pytest.approx(0.9 / 2 + 0.6 / 2)
    assert steps.tolist() == [0.5, 0.5, 0]


@pytest.mark.parametrize("decades", [0, 1e-9, 0.001, 1, 20, 300])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.99])
def test_errors_over_any_range_are_ranked(decades: float, share: float) -> None:
    generator = np.random.default_rng(3)
    check(10.0 ** (-decades * generator.random(5000)), generator.random(5000) < share, share=0)


def test_many_errors_that_differ_little_among_few_that_differ_much() -> None:
    """A bin of nearly all pixels, and keys that are equal for errors that are not."""
    generator = np.random.default_rng(4)
    errors = 0.3 * (1 + 1e-7 * generator.random(20_000))
    errors[:100] = 10.0 ** (-12 * generator.random(100))
    check(errors, generator.random(20_000) < 0.1, share=0)


def test_errors_a_billionth_apart_are_ranked() -> None:
    # largest first: outside .3 (1 + d), inside .3, outside .3 (1 - d); errors of 1e-9 make the keys short
    errors = 0.3 * np.array([1 - 1e-10, 1, 1 + 1e-10, 1e-9, 1e-9])
    _, steps = run(errors, np.array([False, True, False, True, False]))
    assert steps.tolist() == pytest.approx([1 / 12, 1 / 3, 1 / 3, 1 / 4, 0])


@pytest.mark.parametrize("share", [0.003, 0.3])
def test_pixels_that_are_not_sorted_have_the_mean_of_their_bin(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(5)
    errors, inside = generator.random(100_000) ** 3, generator.random(100_000) < share
    check(errors, inside)
    exact = run(errors, inside)[1]
    monkeypatch.setattr(lovasz_kernel, "TOLERANCE", 1e9)
    coarse = run(errors, inside)[1]
    assert not np.array_equal(coarse, exact)
    assert coarse.astype(float).sum() == pytest.approx(1, rel=1e-6)  # J of all pixels


def test_positions_of_many_bits_leave_a_key_that_ranks() -> None:
    layout = lovasz_kernel._layout(2**62, 2**61, 1 << 31)
    assert layout.key + 1 + layout.position <= 64
    assert layout.key >= 28
