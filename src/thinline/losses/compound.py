"""A weighted sum of losses, each a level of its own with its own keys.

    L = sum_i share_i L_i

Conventions: every term is the whole objective of its loss (weights, absent classes, ignored pixels), so that
`shares={dice: 1, ce: 1}` is the sum of what `loss=dice` and `loss=soft_ce` would give. Shares are not normalised: to
double all of them doubles the gradient. A share of zero leaves its term out, unevaluated.

A class weight must be able to act on *every* term, or the whole sum raises and names the term. It would be easy to let
it act where it can; but then a table of losses by weights would show half an effect and call it an interaction.

conf/loss/ composes the terms from the levels themselves: `loss=dice_ce loss.terms.dice.eps=1e-6 loss.shares.ce=0.5`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal, cast

from torch import nn

from thinline.losses.protocols import Loss


class Compound(nn.Module):
    """The sum of `terms`, each with its share of `shares`; both are keyed alike.

    Raises:
        ValueError: keys that differ, a share that is negative or not finite, or no share above zero.
    """

    kind: ClassVar[Literal["sum"]] = "sum"

    def __init__(self, *, name: str, terms: Mapping[str, nn.Module], shares: Mapping[str, float]) -> None:
        super().__init__()
        if set(terms) != set(shares):
            raise ValueError(
                f"`loss.shares` must name the terms of {name}, {sorted(terms)}, got {sorted(shares)}; "
                "a share of 0 leaves a term out"
            )
        if not all(math.isfinite(share) and share >= 0 for share in shares.values()) or not any(shares.values()):
            raise ValueError(
                f"`loss.shares` must be finite, not negative and not all 0, got {dict(shares)}; 1 each is the plain sum"
            )
        self.name = name
        self.terms = nn.ModuleDict(dict(terms))
        self.shares = {term: float(shares[term]) for term in terms}

    @property
    def parts(self) -> list[tuple[str, float, Loss]]:
        """(name, share, loss) of every term with a share above zero."""
        return [(name, share, cast(Loss, self.terms[name])) for name, share in self.shares.items() if share]
