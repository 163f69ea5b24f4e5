import math

import numpy as np
import pytest

from thinline.losses import lovasz_errors
from thinline.losses.lovasz_errors import gradients, slopes


def test_the_exponential_has_nearly_all_digits() -> None:
    for x in [0.0, -1e-20, *(-np.geomspace(1e-6, 707, 500)).tolist()]:
        assert lovasz_errors._exp(x) == pytest.approx(math.exp(x), rel=1e-14, abs=0)
    assert lovasz_errors._exp(-np.inf) < 1e-300
    assert math.isnan(lovasz_errors._exp(np.nan))


@pytest.mark.parametrize("softmax", [True, False])
def test_an_error_near_zero_has_all_digits_and_the_sign_of_its_side(softmax: bool) -> None:
    z = np.array([40.0, -45.0] if softmax else [40.0, -40.0], np.float32).reshape(1, 2, 1)
    truth = np.array([1.0, 0.0], np.float32).reshape(1, 2, 1)
    exact = math.exp(-85) if softmax else math.exp(-40)
    errors = slopes(z, truth, None, softmax=softmax).errors
    assert errors.ravel().tolist() == pytest.approx([-exact, exact], rel=1e-12, abs=0)


@pytest.mark.parametrize("softmax", [True, False])
def test_an_ignored_pixel_has_no_error_and_no_gradient_and_changes_none(softmax: bool) -> None:
    generator = np.random.default_rng(0)
    z = generator.standard_normal((2, 2, 1500)).astype(np.float32)
    truth = np.stack([1 - (side := (generator.random((2, 1500)) < 0.2).astype(np.float32)), side], 1)
    valid = (generator.random((2, 1500)) < 0.7).astype(np.uint8)
    whole = slopes(z, truth * valid[:, None], valid, softmax=softmax)
    out = np.full(z.shape, 99, np.float32)
    gradients(whole, np.array([1.0, 2.0]), out, softmax=softmax)
    kept = [np.ascontiguousarray(field.swapaxes(0, 1)[:, valid > 0][None]) for field in (z, truth)]
    alone, own = slopes(*kept, None, softmax=softmax), np.empty(kept[0].shape, np.float32)
    gradients(alone, np.array([1.0, 2.0]), own, softmax=softmax)
    assert whole.terms == pytest.approx(alone.terms, rel=1e-7)
    np.testing.assert_allclose(out.swapaxes(0, 1)[:, valid > 0], own[0], rtol=1e-5, atol=1e-9)
    assert not out.swapaxes(0, 1)[:, valid == 0].any()
