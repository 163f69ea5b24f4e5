"""Every loss on every head beside its peers, forward and backward, in one process; and how exact both are.

Both sides start from what a training step has: logits, labels (int64) and strokes (bool). A peer for sigmoid channels
turns the strokes into floats itself; `ours` is the whole objective with its checks. What is made of the truth once per
sheet (tubes, distances, its soft skeleton) is there beforehand on both sides, but for soft-clDice as published, which
makes both skeletons in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import monai.losses as monai
import segmentation_models_pytorch.losses as smp
import torch
import torch.nn.functional as F
from published_cldice import soft_cldice
from rows import Row, compared
from torch import Tensor, nn
from turns import Job, compare

from thinline.config.objective import build_objective
from thinline.heads import Binary, Head, SigmoidStack, Softmax
from thinline.losses.boundary import SignedDistance
from thinline.losses.dice import Dice
from thinline.losses.focal import Focal
from thinline.losses.lovasz import Lovasz
from thinline.losses.objective import Objective
from thinline.losses.protocols import map_of
from thinline.losses.skeleton_recall import Tube
from thinline.losses.soft_ce import SoftCE
from thinline.losses.tversky import Tversky

CLASSES = ("background", "curve_1", "curve_2")
B, H, W = 8, 256, 256
SHARE = 0.01  # of the pixels, for each curve
TRAINED = {"random": 0.0, "half-trained": 3.0, "trained": 12.0}  # how far the logit of the truth stands out of noise
WEIGHT = [1.0, 42.0, 42.0]
Loss = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """One of ours and one of theirs on the same logits."""

    name: str
    logits: Tensor
    ours: Loss
    peer: Loss
    weigh_peer: bool = False  # report its error too


def main() -> Iterator[Row]:
    """Rows: the peer's time over ours."""
    for case in cases():
        yield _row(case)


def truth() -> tuple[Tensor, Tensor]:
    """Labels and strokes of curves that wander down the sheet, one pixel or a few wide at about `SHARE` each."""
    generator = torch.Generator().manual_seed(0)
    strokes = torch.zeros(B, 2, H, W, dtype=torch.bool)
    steps = torch.randint(-2, 3, (B, 2, H), generator=generator)
    centre = (torch.tensor([[W // 3], [2 * W // 3]]) + steps.cumsum(2)).clamp(1, W - 3)
    for offset in range(max(1, round(SHARE * W))):
        strokes.scatter_(3, (centre + offset)[..., None], True)
    labels = torch.zeros(B, H, W, dtype=torch.long)
    for curve in range(2):
        labels[strokes[:, curve]] = curve + 1
    return labels, strokes


def cases() -> list[Case]:
    """All pairs."""
    labels, strokes = truth()
    one_of = Softmax(CLASSES).targets(labels, strokes)

    def each() -> Tensor:
        return strokes.float()

    def union() -> Tensor:
        return (strokes[:, :1] | strokes[:, 1:]).float()

    def ours(head: type[Head], loss: nn.Module, weight: list[float] | None = None) -> Loss:
        objective = Objective(head(CLASSES), loss, weight=weight)
        return lambda z: objective(z, labels, strokes)

    def field(targets: Tensor, trained: float = 0.0) -> Tensor:
        noise = torch.randn(targets.shape, generator=torch.Generator().manual_seed(1))
        return trained * (targets if targets.shape[1] == 3 else 2 * targets - 1) + noise

    z3, z2, z1 = field(one_of), field(each()), field(union())
    weight = torch.tensor(WEIGHT)
    return [
        *thin_cases(labels, strokes, z3),
        *(
            Case(f"lovasz softmax, smp, {stage}", field(one_of, trained), ours(Softmax, Lovasz()), peer)
            for stage, trained in TRAINED.items()
            for peer in [_on(smp.LovaszLoss("multiclass"), labels)]
        ),
        *(
            Case(f"lovasz {head.name}, smp's hinge", z, ours(head, Lovasz()), _on(smp.LovaszLoss(mode), t))
            for head, z, t, mode in ((SigmoidStack, z2, each, "multilabel"), (Binary, z1, union, "binary"))
        ),
        Case("dice softmax, smp", z3, ours(Softmax, Dice()), _on(smp.DiceLoss("multiclass"), labels), weigh_peer=True),
        Case("dice softmax, monai", z3, ours(Softmax, Dice()), _on(_monai(monai.DiceLoss), labels[:, None])),
        Case("dice stack, smp", z2, ours(SigmoidStack, Dice()), _on(smp.DiceLoss("multilabel"), each)),
        Case("dice stack, monai", z2, ours(SigmoidStack, Dice()), _on(monai.DiceLoss(sigmoid=True, batch=True), each)),
        Case("dice binary, smp", z1, ours(Binary, Dice()), _on(smp.DiceLoss("binary"), union)),
        Case("dice binary, monai", z1, ours(Binary, Dice()), _on(monai.DiceLoss(sigmoid=True, batch=True), union)),
        Case(
            "tversky softmax, smp",
            z3,
            ours(Softmax, Tversky()),
            _on(smp.TverskyLoss("multiclass"), labels),
            weigh_peer=True,
        ),
        Case("tversky softmax, monai", z3, ours(Softmax, Tversky()), _on(_monai(monai.TverskyLoss), labels[:, None])),
        Case("tversky stack, smp", z2, ours(SigmoidStack, Tversky()), _on(smp.TverskyLoss("multilabel"), each)),
        Case("tversky binary, smp", z1, ours(Binary, Tversky()), _on(smp.TverskyLoss("binary"), union)),
        Case("soft_ce softmax, torch", z3, ours(Softmax, SoftCE()), _smoothed(labels, 0.1)),
        Case("soft_ce softmax, smp", z3, ours(Softmax, SoftCE()), _on(smp.SoftCrossEntropyLoss("mean", 0.1), labels)),
        Case("ce softmax, torch", z3, ours(Softmax, SoftCE(smoothing=0)), _smoothed(labels, 0.0)),
        Case("ce weighted, torch", z3, ours(Softmax, SoftCE(smoothing=0), WEIGHT), _smoothed(labels, 0.0, weight)),
        Case(
            "soft_ce stack, smp",
            z2,
            ours(SigmoidStack, SoftCE()),
            _on(smp.SoftBCEWithLogitsLoss(None, None, "mean", 0.1), each),
        ),
        Case("ce stack, torch", z2, ours(SigmoidStack, SoftCE(smoothing=0)), _on(nn.BCEWithLogitsLoss(), each)),
        Case("ce binary, torch", z1, ours(Binary, SoftCE(smoothing=0)), _on(nn.BCEWithLogitsLoss(), union)),
        Case("focal softmax, smp", z3, ours(Softmax, Focal()), _on(smp.FocalLoss("multiclass"), labels)),
        Case("focal softmax, monai", z3, ours(Softmax, Focal()), _on(_monai(monai.FocalLoss), labels[:, None])),
        Case("focal stack, smp", z2, ours(SigmoidStack, Focal()), _on(smp.FocalLoss("multilabel"), each)),
        Case("focal stack, monai", z2, ours(SigmoidStack, Focal()), _on(monai.FocalLoss(), each)),
        Case("focal binary, smp", z1, ours(Binary, Focal()), _on(smp.FocalLoss("binary"), union)),
    ]


def thin_cases(labels: Tensor, strokes: Tensor, z: Tensor) -> list[Case]:
    """The losses for thin structures and the sums, with softmax, beside MONAI or their papers written down plainly."""
    head = Softmax(CLASSES)
    one_of = head.targets(labels, strokes)
    curves = one_of[:, 1:]

    def ours(level: str, *overrides: str) -> Loss:
        objective = build_objective([f"loss={level}", *overrides], weight=None)
        maps = {one.key: objective.draw(one, labels, strokes) for one in objective.truth_maps}
        return lambda z: objective(z, labels, strokes, maps=maps)

    def recall(z: Tensor) -> Tensor:
        return 1 - ((z.softmax(1)[:, 1:] * tube).sum((0, 2, 3)) / tube.sum((0, 2, 3))).mean()

    tube = map_of(Tube(2), curves).float()
    distance = map_of(SignedDistance(), one_of).float()
    sums = {"softmax": True, "to_onehot_y": True, "batch": True}
    monai_cldice = monai.SoftclDiceLoss(iter_=10, softmax=True, to_onehot_y=True, include_background=False)
    return [
        Case("dice_ce softmax, monai", z, ours("dice_ce"), _on(monai.DiceCELoss(**sums), labels[:, None])),
        Case("dice_focal softmax, monai", z, ours("dice_focal"), _on(monai.DiceFocalLoss(**sums), labels[:, None])),
        Case("tversky_ce softmax, our two", z, ours("tversky_ce"), _both(ours("tversky"), ours("soft_ce"))),
        Case("skeleton_recall, our plain dice", z, ours("skeleton_recall"), ours("dice")),
        Case("skeleton_recall, paper", z, ours("skeleton_recall"), recall),
        Case(
            "cldice 10 iterations, paper",
            z,
            ours("cldice", "loss.iterations=10"),
            lambda z: soft_cldice(z.softmax(1)[:, 1:], curves, 10).mean(),
        ),
        Case(
            "cldice 10 iterations, monai",
            z,
            ours("cldice", "loss.iterations=10"),
            _on(monai_cldice, labels[:, None]),
        ),
        Case(
            "cldice 3 iterations, paper",
            z,
            ours("cldice"),
            lambda z: soft_cldice(z.softmax(1)[:, 1:], curves, 3).mean(),
        ),
        Case("boundary, paper", z, ours("boundary"), lambda z: (z.softmax(1) * distance).mean()),
        Case("spatial_soft_ce, torch", z, ours("spatial_soft_ce"), lambda z: F.cross_entropy(z, _blurred(one_of, 0.6))),
        Case("cb_focal, paper", z, ours("cb_focal"), lambda z: _balanced_focal(z, labels)),
    ]


def _both(one: Loss, other: Loss) -> Loss:
    return lambda z: one(z) + other(z)


def _blurred(one_of: Tensor, sigma: float) -> Tensor:
    """A convolution with the normalised Gaussian, divided by its share that lies inside the sheet."""
    side = torch.arange(-2, 3).div(sigma).square().div(-2).exp()
    kernel = (side[:, None] * side).div(side.sum() ** 2)[None, None]
    share = F.conv2d(torch.ones_like(one_of[:1, :1]), kernel, padding=2)
    return F.conv2d(one_of, kernel.expand(3, 1, 5, 5), padding=2, groups=3) / share


def _balanced_focal(z: Tensor, labels: Tensor, beta: float = 0.9999, gamma: float = 2.0) -> Tensor:
    """Cui et al.: focal terms times their class's share of the inverse effective numbers."""
    weight = (1 - beta) / (1 - beta ** torch.bincount(labels.flatten(), minlength=3).double())
    nll = F.cross_entropy(z, labels, reduction="none")
    own = weight.to(z.dtype)[labels]
    return (own * (1 - (-nll).exp()) ** gamma * nll).sum() / own.sum()


def _on(loss: nn.Module, target: Tensor | Callable[[], Tensor]) -> Loss:
    return lambda z: loss(z, target() if callable(target) else target)


def _smoothed(labels: Tensor, smoothing: float, weight: Tensor | None = None) -> Loss:
    return lambda z: F.cross_entropy(z, labels, weight=weight, label_smoothing=smoothing)


def _monai(loss: Callable[..., nn.Module]) -> nn.Module:
    if loss is monai.FocalLoss:
        return loss(use_softmax=True, to_onehot_y=True)
    return loss(softmax=True, to_onehot_y=True, batch=True)


def _row(case: Case) -> Row:
    comparison = compare(_step(case.logits, case.ours), _step(case.logits, case.peer))
    ours, peer = comparison.seconds
    comment = f"{ours * 1e3:.1f} ms for {peer * 1e3:.1f}"
    if torch.get_num_threads() == 1:
        comment += f"; off float64 by {_error(case.logits, case.ours)}"
        comment += f" for {_error(case.logits, case.peer)}" if case.weigh_peer else ""
    return compared(case.name, comparison, comment)


def _step(logits: Tensor, loss: Loss) -> Job:
    """The loss forward and backward."""

    def step() -> None:
        loss(logits.detach().requires_grad_()).backward()

    return step


def _error(logits: Tensor, loss: Loss) -> str:
    """How far float32 is from float64: the value, and the gradient relative to its norm."""
    answers = []
    for z in (logits.clone().requires_grad_(), logits.double().requires_grad_()):
        value = loss(z)
        answers.append((value.double(), torch.autograd.grad(value, z)[0].double()))
    (value, slope), (exact, exact_slope) = answers
    return f"{(value - exact).abs():.0e} / {(slope - exact_slope).norm() / exact_slope.norm():.0e}"
