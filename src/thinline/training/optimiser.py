"""The optimisers AdamW and Muon.

References
----------
adamw   Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
muon    Jordan, Jin, Boza, You, Cesista, Newhouse and Bernstein, "Muon: an optimizer for hidden layers in neural
        networks", 2024, as timm implements it (timm.optim.muon, nadamw; tests compare with them). A convolution is
        treated as the matrix [out, in * height * width]. Its step is the orthogonal matrix nearest to the momentum,
        times 0.2 sqrt(max(rows, columns)), so that AdamW and Muon can use one learning rate (Liu et al., "Muon is
        scalable for LLM training", 2025, section 2.2). Biases and norms are updated by NAdamW: AdamW with Nesterov
        momentum (Dozat, ICLR workshop 2016).

Muon approximates the orthogonal matrix by five Newton-Schulz iterations, in fp32 on a CPU and in bf16 elsewhere.

Method
------
A step of timm's Muon makes about 40 small calls for each kernel. On a GPU each call is a launch from the host, which
takes longer than the computation. Here equal matrices are stacked, and lists of tensors take one call, so a group of
kernels makes as many calls as one kernel. The names of the state are those of timm: a run resumes from a checkpoint
that timm's Muon wrote. Newton-Schulz iterations commute with permuting columns, so columns are in the order of memory,
which copies nothing. Zero rows and columns stay zero, so the matrices of a group are padded to one shape. On a GPU,
matrices of several shapes share a group if the multiplications with zeros cost less than the launches saved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn
from typing_extensions import override

from thinline.training.settings import Schedule

QUINTIC: Final = (
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
)
"""Coefficients of x, x^3 and x^5 in each Newton-Schulz iteration."""

SMALLEST: Final = 1e-7
"""Smallest norm of a kernel's momentum, and what NAdamW adds to its denominator, as in timm."""

SMALLEST_SIDE: Final = 4
LARGEST_ASPECT: Final = 128

FLOP_OF_LAUNCHES: Final = {"cuda": 4e9}
"""Multiplications with zeros that take as long as the 20 launches of a group, by type of device; 0 for other types.
About 80 us at 50 TFLOP/s; an estimate that was not measured."""

LARGEST_STACKED_ON_CPU: Final = 2**16
"""Elements of the largest kernels that are stacked without a GPU."""


def optimiser_of(parameters: Iterable[nn.Parameter], schedule: Schedule) -> torch.optim.Optimizer:
    """The optimiser of `schedule` at its full learning rate; `schedule.factor` scales that rate step by step."""
    if schedule.name == "adamw":
        return torch.optim.AdamW(
            parameters, lr=schedule.learning_rate, betas=schedule.betas, weight_decay=schedule.weight_decay
        )
    assert schedule.momentum is not None
    return Muon(
        parameters,
        lr=schedule.learning_rate,
        betas=schedule.betas,
        momentum=schedule.momentum,
        weight_decay=schedule.weight_decay,
    )


class Muon(torch.optim.Optimizer):
    """Muon for kernels, NAdamW for other parameters, at one learning rate."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        betas: tuple[float, float],
        momentum: float,
        weight_decay: float,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "betas": betas, "momentum": momentum, "weight_decay": weight_decay})
        self._groups: dict[tuple[int, ...], list[Stack]] = {}

    @override
    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            trained: list[Tensor] = [parameter for parameter in group["params"] if parameter.grad is not None]
            kernels = [parameter for parameter in trained if suits_muon(parameter)]
            others = [parameter for parameter in trained if not suits_muon(parameter)]
            if kernels:
                self._update_kernels(kernels, group)
            if others:
                self._update_others(others, group)
        return loss

    def _update_kernels(self, kernels: list[Tensor], group: dict[str, Any]) -> None:
        momentum, rate = group["momentum"], group["lr"]
        gradients, averages = _gradients(kernels), self._buffers(kernels, "momentum_buffer")
        torch._foreach_mul_(kernels, 1 - rate * group["weight_decay"])
        torch._foreach_lerp_(averages, gradients, 1 - momentum)
        ahead = torch._foreach_lerp(gradients, averages, momentum)
        for stack in self._stacks(kernels):
            updates = stack.orthogonal([ahead[i] for i in stack.members])
            torch._foreach_add_([_matrix(kernels[i], kernels[i]) for i in stack.members], updates, alpha=-rate)

    def _stacks(self, kernels: list[Tensor]) -> list[Stack]:
        """The groups of `kernels`, made at the first step with these kernels."""
        key = tuple(map(id, kernels))
        if key not in self._groups:
            self._groups[key] = stacks_of(kernels)
        return self._groups[key]

    def _update_others(self, others: list[Tensor], group: dict[str, Any]) -> None:
        """NAdamW, as timm's."""
        first, second = group["betas"]
        gradients = _gradients(others)
        averages, squares = self._buffers(others, "exp_avg"), self._buffers(others, "exp_avg_sq")
        for parameter in others:
            self.state[parameter]["step"] = int(self.state[parameter].get("step", 0)) + 1
        steps = [self.state[parameter]["step"] for parameter in others]
        torch._foreach_mul_(others, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_lerp_(averages, gradients, 1 - first)
        torch._foreach_mul_(squares, second)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - second)
        ahead = torch._foreach_lerp(averages, gradients, 1 - first)
        below = torch._foreach_sqrt(squares)
        torch._foreach_div_(below, [math.sqrt(1 - second**step) for step in steps])
        torch._foreach_add_(below, SMALLEST)
        torch._foreach_addcdiv_(others, ahead, below, [-group["lr"] / (1 - first**step) for step in steps])

    def _buffers(self, parameters: list[Tensor], name: str) -> list[Tensor]:
        """The tensor `name` of the state of each parameter, zeros at first."""
        for parameter in parameters:
            if name not in self.state[parameter]:
                self.state[parameter][name] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        return [self.state[parameter][name] for parameter in parameters]


def suits_muon(parameter: Tensor) -> bool:
    """Whether a parameter is a kernel: no bias, norm, depthwise kernel, and no matrix with fewer than 4 rows or columns
    or with a side 128 times as long as the other."""
    if parameter.ndim < 2 or 1 in parameter.shape[:2]:
        return False
    sides = _shape(parameter)
    return min(sides) >= SMALLEST_SIDE and max(sides) <= LARGEST_ASPECT * min(sides)


def _gradients(parameters: list[Tensor]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _shape(kernel: Tensor) -> tuple[int, int]:
    """Rows and columns of the matrix of a kernel."""
    return len(kernel), math.prod(kernel.shape[1:])


def _matrix(tensor: Tensor, kernel: Tensor) -> Tensor:
    """A tensor of the shape of `kernel` as matrix [out, in * ...], its columns in the memory order of `kernel`."""
    if kernel.ndim == 4 and not kernel.is_contiguous() and kernel.is_contiguous(memory_format=torch.channels_last):
        tensor = tensor.permute(0, 2, 3, 1)
    return tensor.reshape(len(tensor), -1)


class Stack:
    """Kernels whose orthogonal matrices are computed together.

    `members` are indices into a list of all kernels; `matrices [B,rows,columns]` after padding, rows <= columns.
    """

    def __init__(self, members: list[int], kernels: list[Tensor]) -> None:
        self.members, self.kernels = members, [kernels[i] for i in members]
        self.shapes = [_shape(kernel) for kernel in self.kernels]
        device = kernels[0].device
        self.scales = torch.tensor([0.2 * math.sqrt(max(shape)) for shape in self.shapes], device=device)[:, None, None]
        self.alike = len(set(self.shapes)) == 1
        if not self.alike:
            self.source, self.target = (index.to(device) for index in _padding(self.shapes))
            self.zero = torch.zeros(1, device=device, dtype=kernels[0].dtype)

    def orthogonal(self, updates: list[Tensor]) -> list[Tensor]:
        """The nearest orthogonal matrix of each update times its scale, in the form of `_matrix`."""
        matrices = [_matrix(update, kernel) for update, kernel in zip(updates, self.kernels, strict=True)]
        kind = self.kernels[0].dtype
        if self.alike:
            return list((newton_schulz(torch.stack(matrices)) * self.scales).to(kind).unbind())
        flat = torch.cat([*(matrix.reshape(-1) for matrix in matrices), self.zero])
        padded = newton_schulz(flat[self.source]) * self.scales
        flat = padded.to(kind).reshape(-1)[self.target]
        parts = torch.split_with_sizes(flat, [matrix.numel() for matrix in matrices])
        return [part.view(shape) for part, shape in zip(parts, self.shapes, strict=True)]


def _padding(shapes: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
    """Where elements of padded matrices [B,rows,columns] are among the elements of all matrices, and the reverse.

    The first is int64 [B,rows,columns], for padding the number of all elements; the second is int64 [elements].
    """
    rows, columns = (max(side(shape) for shape in shapes) for side in (min, max))
    total = sum(math.prod(shape) for shape in shapes)
    source = torch.full((len(shapes), rows, columns), total)
    begin = 0
    for padded, (height, width) in zip(source, shapes, strict=True):
        own = torch.arange(begin, begin + height * width).view(height, width)
        own = own if height <= width else own.mT
        padded[: len(own), : own.shape[1]] = own
        begin += height * width
    filled = (source.flatten() < total).nonzero()[:, 0]
    target = torch.empty(total, dtype=torch.int64)
    target[source.flatten()[filled]] = filled
    return source, target


def stacks_of(kernels: list[Tensor]) -> list[Stack]:
    """Groups of kernels, the largest first: equal shapes, and on a GPU also shapes for which padding pays."""
    spare = FLOP_OF_LAUNCHES.get(kernels[0].device.type, 0.0)
    shapes = [_shape(kernel) for kernel in kernels]
    by_shape: dict[tuple[int, int], list[int]] = {}
    for i, shape in enumerate(shapes):
        by_shape.setdefault(shape, []).append(i)
    if not spare:
        return [Stack(part, kernels) for group in by_shape.values() for part in _small_parts(group, kernels)]
    groups: list[list[int]] = []
    for shape in sorted(by_shape, key=lambda shape: (min(shape), max(shape)), reverse=True):
        wider = [*groups[-1], *by_shape[shape]] if groups else []
        separate = _flop([shapes[i] for i in wider[: -len(by_shape[shape])]]) + _flop([shape] * len(by_shape[shape]))
        if wider and _flop([shapes[i] for i in wider]) - separate < spare:
            groups[-1] = wider
        else:
            groups.append(by_shape[shape])
    return [Stack(group, kernels) for group in groups]


def _small_parts(group: list[int], kernels: list[Tensor]) -> list[list[int]]:
    """The kernels of a group one by one if they are large: their stack would not fit in the cache of a CPU."""
    return [group] if kernels[group[0]].numel() <= LARGEST_STACKED_ON_CPU else [[i] for i in group]


def _flop(shapes: list[tuple[int, int]]) -> float:
    """Floating point operations of the iterations on matrices that are padded to one shape."""
    if not shapes:
        return 0.0
    rows, columns = (max(side(shape) for shape in shapes) for side in (min, max))
    return len(shapes) * len(QUINTIC) * (4.0 * rows * rows * columns + 2.0 * rows**3)


def newton_schulz(matrices: Tensor) -> Tensor:
    """Nearly the nearest orthogonal matrix of each of `matrices [B,m,n]`: in fp32 on a CPU, in bf16 elsewhere."""
    on_cpu = matrices.device.type == "cpu"
    x = matrices.to(torch.float32 if on_cpu else torch.bfloat16)
    wide = x.shape[1] <= x.shape[2]
    x = x if wide else x.mT.contiguous()
    x = x / torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True).clamp_(min=SMALLEST)
    x = _by_gram_matrix(x) if on_cpu else _by_matrix(x)
    return x if wide else x.mT.contiguous()


def _by_matrix(x: Tensor) -> Tensor:
    """Iterations on `x [B,m,n]`: x becomes (a + b g + c g^2) x, with g = x x^T."""
    gram = x.new_empty(len(x), x.shape[1], x.shape[1])
    factor, following = torch.empty_like(gram), torch.empty_like(x)
    for a, b, c in QUINTIC:
        torch.bmm(x, x.mT, out=gram)
        torch.baddbmm(gram, gram, gram, beta=b, alpha=c, out=factor)
        torch.baddbmm(x, factor, x, beta=a, out=following)
        x, following = following, x
    return x


def _by_gram_matrix(x: Tensor) -> Tensor:
    """The same iterations on g `[B,m,m]` alone: with f = a + b g + c g^2 the next g is g f^2, since g and f commute.

    The product of all f is applied to `x [B,m,n]` at the end. Kernels have several times as many columns as rows, so
    this takes half of the multiplications. In bf16 it would lose the small singular values, whose squares g has.
    """
    gram = torch.bmm(x, x.mT)
    product = _factor(gram, *QUINTIC[0])
    factor = product
    for coefficients in QUINTIC[1:]:
        gram = torch.bmm(torch.bmm(gram, factor), factor)
        factor = _factor(gram, *coefficients)
        product = torch.bmm(factor, product)
    return torch.bmm(product, x)


def _factor(gram: Tensor, a: float, b: float, c: float) -> Tensor:
    factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
    factor.diagonal(dim1=1, dim2=2).add_(a)
    return factor
