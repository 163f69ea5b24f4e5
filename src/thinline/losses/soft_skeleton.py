"""Soft skeleton: differentiable skeleton of a probability map by repeated erosion. Used by cldice.py.

    E_0 = p,  E_{j+1} = erosion of E_j: minimum of a pixel and its four neighbours
    d_j = max(0, E_j - dilation of E_{j+1}): what an opening removes; a dilation is the maximum of the 3x3 around
    S   = 1 - (1 - d_0)(1 - d_1) ... (1 - d_n),  n = iterations

which is the published recursion S <- S + max(0, d - S d) in closed form. The erosion of one iteration is the first half
of the next opening, so it is computed once. Minima and maxima at the edge ignore what is beyond it.

Among equal minima or maxima the gradient goes where torch's poolings on a CPU send it: to the first in reading order,
and half each to the column and the row of an erosion if both have the value.

Two implementations: on the CPU the compiled `soft_skeleton_kernel`, elsewhere (and in the tests) poolings in torch.

References
----------
Shit et al., "clDice", CVPR 2021, algorithm 1.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from thinline.losses import soft_skeleton_kernel


def soft_skeleton(probabilities: Tensor, *, iterations: int) -> Tensor:
    """S in 0..1, `[B,c,H,W]`, of `probabilities [B,c,H,W]`, float32 or float64."""
    if probabilities.numel() == 0:
        return probabilities * 0
    if probabilities.device.type != "cpu":
        return by_pooling(probabilities, iterations)
    skeleton: Tensor = _SoftSkeleton.apply(probabilities, iterations)
    return skeleton


def by_pooling(image: Tensor, iterations: int) -> Tensor:
    """S by max-poolings, on any device; autograd keeps every iteration in memory."""
    skeleton = torch.zeros_like(image)
    for _ in range(iterations + 1):
        column = -F.max_pool2d(-image, (3, 1), 1, (1, 0))
        row = -F.max_pool2d(-image, (1, 3), 1, (0, 1))
        smaller = torch.minimum(column, row)
        opened = F.max_pool2d(smaller, 3, 1, 1)
        extra = F.relu(image - opened)
        skeleton = skeleton + F.relu(extra - skeleton * extra)
        image = smaller
    return skeleton


class _SoftSkeleton(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, probabilities: Tensor, iterations: int) -> Tensor:
        image = probabilities.contiguous()
        ctx.iterations = iterations
        ctx.save_for_backward(image)
        skeleton = torch.empty_like(image, memory_format=torch.contiguous_format)
        planes = image.detach().flatten(0, 1).numpy()
        threads = torch.get_num_threads()
        soft_skeleton_kernel.skeleton(planes, skeleton.flatten(0, 1).numpy(), iterations=iterations, threads=threads)
        return skeleton

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (image,) = ctx.saved_tensors
        slope = torch.empty_like(image, memory_format=torch.contiguous_format)
        images, grads, out = (x.flatten(0, 1).numpy() for x in (image.detach(), grad.contiguous(), slope))
        threads = torch.get_num_threads()
        soft_skeleton_kernel.slopes(images, grads, out, iterations=ctx.iterations, threads=threads)
        return slope, None
