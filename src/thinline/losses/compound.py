"""Weighted sum of losses (dice_ce, dice_focal, ...), each term with its own configuration.

    L = sum_i share_i L_i

Conventions: every term is the complete objective of its loss (weights, absent classes, ignored pixels), so that
`shares={dice: 1, ce: 1}` is the sum of the values of `loss=dice` and `loss=soft_ce`. Shares are not normalised. A term
with share zero is not evaluated.

With `shares_of="gradient"` (the key `shares_of` of a configuration) a share is not a factor of the value of a term but
of its gradient, after all gradients have been brought to one norm: gradient_shares.py.

A class weight must act on *every* term; otherwise the objective raises an error with the name of the term, because half
an effect would look like an interaction of loss and weight.

conf/loss/ composes the terms from the single losses: `loss=dice_ce loss.terms.dice.eps=1e-6 loss.shares.ce=0.5`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal, cast

from torch import nn

from thinline.losses.gradient_shares import SHARES_OF
from thinline.losses.protocols import Loss


class Compound(nn.Module):
    """The sum of `terms`, each times its share of `shares`; both have the same keys.

    Raises:
        ValueError: keys that differ, a share that is negative or not finite, no share above zero, or another word for
            `shares_of`.
    """

    kind: ClassVar[Literal["sum"]] = "sum"

    def __init__(
        self, *, name: str, terms: Mapping[str, nn.Module], shares: Mapping[str, float], shares_of: str = "value"
    ) -> None:
        super().__init__()
        if shares_of not in SHARES_OF:
            raise ValueError(f"`shares_of` must be one of {', '.join(SHARES_OF)}, got {shares_of!r}")
        if set(terms) != set(shares):
            raise ValueError(
                f"`loss.shares` must name the terms of {name}, {sorted(terms)}, got {sorted(shares)}; "
                "a share of 0 leaves a term out"
            )
        if not all(math.isfinite(share) and share >= 0 for share in shares.values()) or not any(shares.values()):
            raise ValueError(
                f"`loss.shares` must be finite, not negative and not all 0, got {dict(shares)}; 1 each is a plain sum"
            )
        self.name = name
        self.shares_of = shares_of
        self.terms = nn.ModuleDict(dict(terms))
        self.shares = {term: float(shares[term]) for term in terms}

    @property
    def parts(self) -> list[tuple[str, float, Loss]]:
        """(name, share, loss) of every term with a share above zero."""
        return [(name, share, cast(Loss, self.terms[name])) for name, share in self.shares.items() if share]
