"""Which cell of a sweep is the best: the rule of the star in the tables.

Conventions

- Cells of one seed share sheets and initialisation, so the *difference* of two cells over seeds says what one seed
  gives; the scores themselves scatter about twice as much.
- A cell is the best if its lead over every other cell would keep its sign in one further seed: the 95 % prediction
  interval of the difference in one seed, mean +- t(n - 1) s sqrt(1 + 1/n), lies above zero. n is the number of shared
  seeds, s the standard deviation of the difference over them.
- Without two shared seeds there is no best cell. The published studies cannot replace them: over their five seeds s is
  0.014 IoU in the median pair of conditions and 0.027 in one pair of ten (1,230 pairs, each for one curve), so that a
  difference of 0.03 in one seed may be chance; but s depends on budget and data, and is not known for others.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtrit


def best_cell(scores: pd.DataFrame) -> str | None:
    """The best cell of `scores` (a row for each seed, a column for each cell), or None where no cell leads clearly.

    NaN is a seed that a cell lacks. A cell with a score that is undefined (infinite here) is not compared.
    """
    means = scores.mean().replace([np.inf, -np.inf], np.nan).dropna()
    if len(means) < 2:
        return None
    best = means.idxmax()
    leads = all(_leads(scores[best] - scores[other]) for other in means.index if other != best)
    return str(best) if leads else None


def _leads(differences: pd.Series) -> bool:
    """Whether a difference of two cells (a value for each seed) would be above zero in a further seed, with 97.5 %."""
    shared = differences.dropna()
    count = len(shared)
    if count < 2:
        return False
    reach = stdtrit(count - 1, 0.975) * shared.std() * np.sqrt(1 + 1 / count)
    return bool(shared.mean() > reach)
