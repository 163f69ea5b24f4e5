import numpy as np
import pytest

from thinline.losses import lovasz_kernel


def field(*values: float, dtype=np.float64) -> np.ndarray:
    return np.array(values, dtype).reshape(1, 1, -1)


def run(probabilities: np.ndarray, inside: np.ndarray) -> tuple[float, list[float]]:
    out = np.full_like(probabilities, 99)
    (term,) = lovasz_kernel.slopes(probabilities, inside.astype(np.float32), out)
    return float(term), out.ravel().tolist()


def test_three_pixels_by_hand() -> None:
    # errors .9 outside, .6 inside, .2 outside; one inside: J goes 1/2, then 1; the last adds nothing
    term, slopes = run(field(0.9, 0.4, 0.2), field(0, 1, 0))
    assert term == pytest.approx(0.9 / 2 + 0.6 / 2)
    assert slopes == pytest.approx([0.5, -0.5, 0])


def test_of_equal_errors_the_inside_come_first() -> None:
    _, slopes = run(field(0.5, 0.5), field(0, 1))
    assert slopes == [0, -1]


def test_errors_over_the_whole_range_of_floats_are_ranked() -> None:
    outside = 10.0 ** -np.arange(0.0, 330.0)
    order = np.random.default_rng(0).permutation(len(outside))
    # the only inside pixel has error 0, so every error above 0 has a slope
    term, slopes = run(field(*outside[order], 1), field(*np.zeros(len(outside)), 1))
    ranks = np.arange(len(outside))
    expected = np.where(outside > 1e-300, 1 / ((1.0 + ranks) * (2.0 + ranks)), 0)
    big = outside[order] > 1e-300
    assert np.array(slopes[:-1])[big] == pytest.approx(expected[order][big])
    assert term == pytest.approx(float((outside * expected).sum()))


def test_errors_a_billionth_apart_are_ranked() -> None:
    # largest first: outside .3 (1 + d), inside .3, outside .3 (1 - d)
    _, slopes = run(field(0.3 * (1 - 1e-9), 0.7, 0.3 * (1 + 1e-9)), field(0, 1, 0))
    assert slopes == pytest.approx([0, -1 / 2, 1 / 2])


def test_a_probability_a_breath_above_one_counts_as_one() -> None:
    high = np.nextafter(1.0, 2.0)
    term, slopes = run(field(high, 0.5), field(0, 1))
    assert term == pytest.approx(0.5 + 0.5 * 0.5)
    assert slopes == pytest.approx([0.5, -0.5])


@pytest.mark.parametrize("where", [0, 1])
def test_a_nan_is_passed_on(where: int) -> None:
    probabilities = field(0.5, 0.5)
    probabilities[0, 0, where] = np.nan
    term, slopes = run(probabilities, field(0, 1))
    assert np.isnan(term)
    assert np.isnan(slopes).all()


def test_compiled_and_plain_python_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.random((2, 2, 30))
    inside = (generator.random((2, 2, 30)) < 0.3).astype(np.float32)
    out, again = np.zeros_like(probabilities), np.zeros_like(probabilities)
    terms = lovasz_kernel.slopes(probabilities, inside, out)
    monkeypatch.setattr(lovasz_kernel, "call", lambda function, *arguments: function.py_func(*arguments))
    np.testing.assert_array_equal(terms, lovasz_kernel.slopes(probabilities, inside, again))
    np.testing.assert_array_equal(out, again)


@pytest.mark.parametrize("place_bits", [20, 25, 32, 40])
def test_more_position_bits_do_not_change_the_ranks_of_errors_a_ten_thousandth_apart(
    place_bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(1)
    probabilities = (generator.permutation(5000).reshape(1, 1, -1) + 0.5) / 5000
    inside = (generator.random((1, 1, 5000)) < 0.3).astype(np.float32)
    inside[probabilities > 0.4] = 0  # so that no inside error equals an outside one
    out, again = np.zeros_like(probabilities), np.zeros_like(probabilities)
    lovasz_kernel.slopes(probabilities, inside, out)
    monkeypatch.setattr(lovasz_kernel, "_LEAST_POSITION_BITS", place_bits)
    lovasz_kernel.slopes(probabilities, inside, again)
    np.testing.assert_array_equal(out, again)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_classes_in_threads_have_the_same_slopes(threads: int) -> None:
    generator = np.random.default_rng(2)
    probabilities = generator.random((2, 3, 400)) ** 8
    inside = (generator.random((2, 3, 400)) < 0.2).astype(np.float32)
    inside[:, 1] = 0  # a class without truth
    alone, together = np.full_like(probabilities, 99), np.full_like(probabilities, 99)
    terms = lovasz_kernel.slopes(probabilities, inside, alone)
    np.testing.assert_array_equal(terms, lovasz_kernel.slopes(probabilities, inside, together, threads=threads))
    np.testing.assert_array_equal(alone, together)


def test_keys_of_every_length_rank_errors_of_every_size() -> None:
    generator = np.random.default_rng(3)
    for decades in (0.001, 1, 20, 300):
        errors = 10.0 ** (-decades * generator.random(600))
        truth = generator.random(600) < 0.3
        truth[errors < 1e-12] = False  # one minus a smaller error has no digits for the error
        truth[0], errors[0] = True, 0  # so that no pixel is left out
        errors[1:][truth[1:]] = 1 - (1 - errors[1:][truth[1:]])
        term, slopes = run(field(*np.where(truth, 1 - errors, errors)), field(*truth))
        order = np.lexsort((~truth, -errors))
        hit, outside = np.cumsum(truth[order]), np.cumsum(~truth[order])
        steps = np.diff(1 - (truth.sum() - hit) / (truth.sum() + outside), prepend=0)
        expected = np.empty(600)
        expected[order] = np.where(truth[order], -steps, steps)
        np.testing.assert_allclose(slopes, expected, rtol=1e-9, atol=1e-12)
        assert term == pytest.approx(float((errors[order] * steps).sum()), rel=1e-7)
