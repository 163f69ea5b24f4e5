from __future__ import annotations

import pytest

from thinline.network import SlimUNet


@pytest.mark.parametrize("prior", [[0.5, 0.5], [1.0, 0.0, 0.0], [0.9, 0.2, float("nan")]])
def test_a_prior_that_is_none_is_refused(prior: list[float]) -> None:
    with pytest.raises(ValueError, match=r"network\.prior must hold a share .* 3 channels"):
        SlimUNet(3, prior=prior)
