"""The best cell of a sweep, which has a star in the tables.

Here a *cell* is a condition: one configuration with all its seeds.

Conventions

- Two cells with the same seed share sheets and initialisation. So the *difference* of their scores varies little from
  seed to seed; the scores themselves vary about twice as much.
- A cell is the best if its lead over every other cell would probably keep its sign with one more seed: the 95 %
  prediction interval of the difference in one seed, mean +- t(n - 1) s sqrt(1 + 1/n), lies above zero. n is the number
  of shared seeds, s the standard deviation of the difference over these seeds.
- Without two shared seeds there is no best cell. The s of the published studies (five seeds) is not used instead,
  because s depends on budget and data. There s is 0.014 IoU for the median pair of conditions and 0.027 for one pair of
  ten (1,230 pairs, each for one curve), so a difference of 0.03 in one seed may be chance.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtrit


def best_cell(scores: pd.DataFrame) -> str | None:
    """The best cell of `scores` (a row for each seed, a column for each cell), or None if there is no best cell.

    NaN means that the cell has no run with this seed. A cell with an undefined score (infinite here) is not compared.
    """
    means = scores.mean().replace([np.inf, -np.inf], np.nan).dropna()
    if len(means) < 2:
        return None
    best = means.idxmax()
    leads = all(_leads(scores[best] - scores[other]) for other in means.index if other != best)
    return str(best) if leads else None


def _leads(differences: pd.Series) -> bool:
    """Whether the prediction interval of the `differences` of two cells (a value for each seed) lies above zero."""
    shared = differences.dropna()
    count = len(shared)
    if count < 2:
        return False
    reach = stdtrit(count - 1, 0.975) * shared.std() * np.sqrt(1 + 1 / count)
    return bool(shared.mean() > reach)
