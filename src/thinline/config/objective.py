"""The objective of a configuration: its head, its loss, and how it treats the imbalance of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hydra.utils import instantiate

from thinline.config.schema import Conf, checked, compose_config
from thinline.losses.class_weight import Imbalance, Weighting
from thinline.losses.objective import Objective

_SUM: Final = "thinline.losses.compound.Compound"


def build_objective(
    overrides: Sequence[str], *, weight: Sequence[float] | None, prior: Sequence[float] | None = None
) -> Objective:
    """The objective of a configuration as a module: `(logits [B,c,H,W], labels [B,H,W], strokes [B,K,H,W]) -> scalar`.

    `overrides` are written as on the command line: `["loss=tversky", "head=softmax", "pooling=scnp"]`.
    `weight [C]` has one number for each class, background first, or is None; `class_weight.scale` says what the
    weighted loss is divided by. `prior [C]` is the share of each class in the training pixels;
    `class_weight=logit_adjustment` needs a prior, and no other option allows one. The scalar has the dtype of the
    logits, but at least float32. Raises Hydra's errors for unknown options, and ValueError for a weight of the wrong
    length, below zero or NaN, for a weight without effect on this loss and head, and for a prior that is missing or
    unused.
    """
    conf = checked(compose_config(overrides))
    level, head, loss = conf.class_weight, instantiate(conf.head), loss_of(conf)
    tau = level.get("tau")
    if (tau is None) != (prior is None):
        raise ValueError(
            f"`prior` must be given with class_weight=logit_adjustment and with no other level, got {prior} for "
            f"{level['_target_']} with loss={loss.name} and head={head.name}; it is the "
            "share of each class in the training pixels, background first, as [0.97, 0.02, 0.01]"
        )
    scale = level.get("scale", "kept")
    return Objective(
        head,
        loss,
        weight=weight,
        scale=scale,
        prior=prior,
        tau=1.0 if tau is None else tau,
        pooling=conf.pooling,
    )


def loss_of(conf: Conf) -> Any:
    """The loss of `conf`. Raises ValueError if `shares_of` is set for a loss that is no sum."""
    if conf.shares_of == "value":
        return instantiate(conf.loss)
    if conf.loss.get("_target_") != _SUM:
        raise ValueError(
            f"shares_of={conf.shares_of} acts on a sum of losses, got {conf.loss.get('_target_')}; choose one, as "
            "loss=dice_ce, or shares_of=value"
        )
    return instantiate(conf.loss, shares_of=conf.shares_of)


def weighting_of(conf: Conf) -> Weighting:
    """The class weighting of `conf`."""
    weighting = instantiate(conf.class_weight)
    assert isinstance(weighting, Weighting)
    return weighting


def objective_of(conf: Conf, imbalance: Imbalance, *, head: Any = None) -> Objective:
    """The objective of `conf` over its own head, or over `head`. Raises ValueError for a weight without effect."""
    return Objective(
        head or instantiate(conf.head),
        loss_of(conf),
        weight=imbalance.weight,
        scale=imbalance.scale,
        prior=imbalance.prior,
        tau=imbalance.tau,
        pooling=conf.pooling,
    )
