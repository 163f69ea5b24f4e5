"""What a loss must have and return, checked with a sentence; support, no loss.

A loss of the user may raise, return one number where terms are expected, which would be spread over all of them without
a word, or cut its gradient. What a loss of this package raises is passed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from thinline.losses.protocols import Loss, SingleLoss
from thinline.system.user_code import described, raised

NEEDED: Final = {
    "pixel": ("name", "smoothing"),
    "region": ("name", "precise"),
    "mapped": ("name", "truth_map", "sees_targets"),
    "sum": ("name", "parts"),
}
"""Attributes of each kind of loss."""
_TERMS: Final = {
    "pixel": "one a decision, of the shape of its argument",
    "region": "one a channel",
    "mapped": "one a channel that has a map",
}


class LossError(ValueError):
    """A loss that lacks an attribute, raises, or returns something that is no terms."""


def check_loss(loss: Loss) -> None:
    """Raise `LossError` for a loss, or a term of a sum, of an unknown kind or without the attributes of its kind."""
    kind = getattr(loss, "kind", None)
    if kind not in NEEDED:
        raise LossError(f"loss {_path(loss)} must have `kind`, one of {', '.join(NEEDED)}, got {kind!r}")
    lacking = [name for name in NEEDED[kind] if not hasattr(loss, name)]
    if lacking:
        raise LossError(f"loss {_path(loss)} of kind {kind} must have {' and '.join(NEEDED[kind])}, lacks {lacking[0]}")
    for _, _, part in loss.parts if loss.kind == "sum" else ():
        check_loss(part)


def terms_of(loss: SingleLoss, *arguments: Tensor, shape: Sequence[int]) -> Tensor:
    """The terms of `loss`, which must have `shape`. Raises `LossError`."""
    own = not type(loss).__module__.startswith("thinline.")
    try:
        terms = loss(*arguments)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        if not own:
            raise
        raise LossError(
            f"loss {_path(loss)} raised {raised(error)}; mend it and start the same command again"
        ) from error
    if not isinstance(terms, Tensor) or tuple(terms.shape) != tuple(shape):
        got = list(terms.shape) if isinstance(terms, Tensor) and terms.ndim else described(terms)
        raise LossError(
            f"loss {_path(loss)} of kind {loss.kind} must return terms {list(shape)}, {_TERMS[loss.kind]}, got {got}; "
            "do not average them: the objective weights and divides them"
        )
    if own and arguments[0].requires_grad and not terms.requires_grad:
        raise LossError(
            f"loss {_path(loss)} must return terms with a gradient, got none; compute them from the argument by torch, "
            "without detach, argmax or numpy"
        )
    return terms


def _path(loss: object) -> str:
    """As `my_losses.SquaredDice`."""
    return f"{type(loss).__module__}.{type(loss).__qualname__}"
