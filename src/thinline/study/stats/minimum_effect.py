"""The smallest effect that a design would have found: minimum detectable effect of a paired t test.

A contrast of standard error `error` with `freedom` degrees of freedom is called different from 0 at level `alpha`, two
sided, with the wanted `power` when its true value is `error` times the noncentrality at which Student's noncentral t
exceeds its critical value with that probability. Of `n` seeds whose contrasts have the standard deviation `sd` that is
`error = sd / sqrt(n)` and `freedom = n - 1`. The far tail (a significant effect of the wrong sign) is not counted: at a
power of .8 it is below 10^-4. The formula treats the standard deviation estimated from few seeds as if it were known.

References
----------
Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, section 2.
Bloom, "Minimum detectable effects", Evaluation Review 19 (1995).
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from thinline.vocabulary import Float64


def detectable(error: Float64, freedom: Float64, *, power: float = 0.8, alpha: float = 0.05) -> Float64:
    """The effect found with probability `power`; NaN where `error` is 0 or NaN, since then nothing was seen to vary."""
    out = np.full(np.shape(error), np.nan)
    there = np.isfinite(error) & (error > 0) & np.isfinite(freedom)
    critical = stats.t.ppf(1 - alpha / 2, freedom[there])
    out[there] = error[there] * special.nctdtrinc(freedom[there], 1 - power, critical)
    return out
