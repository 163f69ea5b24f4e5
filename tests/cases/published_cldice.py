"""Soft-clDice as its paper has it, written down step by step: the reference of the test and of the bench."""

import torch
import torch.nn.functional as F
from torch import Tensor


def soft_erode(image: Tensor) -> Tensor:
    column = -F.max_pool2d(-image, (3, 1), (1, 1), (1, 0))
    row = -F.max_pool2d(-image, (1, 3), (1, 1), (0, 1))
    return torch.min(column, row)


def soft_open(image: Tensor) -> Tensor:
    return F.max_pool2d(soft_erode(image), (3, 3), (1, 1), (1, 1))


def soft_skeletonise(image: Tensor, iterations: int) -> Tensor:
    skeleton = F.relu(image - soft_open(image))
    for _ in range(iterations):
        image = soft_erode(image)
        delta = F.relu(image - soft_open(image))
        skeleton = skeleton + F.relu(delta - skeleton * delta)
    return skeleton


def soft_cldice(probabilities: Tensor, targets: Tensor, iterations: int, *, smooth: float = 1.0) -> Tensor:
    """Terms [c] of the curves; both skeletons are made anew."""
    pixels = (0, 2, 3)
    skeleton, true_skeleton = (soft_skeletonise(image, iterations) for image in (probabilities, targets))
    precision = ((skeleton * targets).sum(pixels) + smooth) / (skeleton.sum(pixels) + smooth)
    sensitivity = ((true_skeleton * probabilities).sum(pixels) + smooth) / (true_skeleton.sum(pixels) + smooth)
    return 1 - 2 * precision * sensitivity / (precision + sensitivity)
