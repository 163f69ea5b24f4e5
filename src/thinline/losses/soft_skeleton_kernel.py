"""Kernel of soft_skeleton.py: soft skeleton and its gradient, compiled for the CPU, plane by plane to fit the cache.

Names as in `soft_skeleton`: E_j the image after j erosions, d_j what an opening removes from it. The backward pass
computes all E_j of a plane again, which costs less than keeping those of a batch. It starts from the last iteration:

    dS / d d_j = product of (1 - d_i) over all i but j
    d_j   passes its gradient to E_j, and its negative to the largest pixel of E_{j+1} in the 3x3 around
    E_j+1 passes its gradient to the smallest pixel of E_j in the cross around

Most d_j are zero, so few pixels search their maximum and minimum.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from thinline.system.numba_kernels import call_in_parts, kernel

Planes: TypeAlias = NDArray[np.floating[Any]]  # [N,H,W], C-contiguous, all of one dtype


def skeleton(images: Planes, out: Planes, *, iterations: int, threads: int = 1) -> None:
    """Write S of every plane of `images [N,H,W]` to `out`; the same for every number of threads."""
    call_in_parts(_skeletons, (images, out), iterations, threads=threads)


def slopes(images: Planes, grads: Planes, out: Planes, *, iterations: int, threads: int = 1) -> None:
    """Write to `out` the gradient by every pixel of `images`, from the gradients `grads` of their skeletons."""
    call_in_parts(_slopes, (images, grads, out), iterations, threads=threads)


@njit
def _least(a, b):  # type: ignore[no-untyped-def]
    return a if a < b else b


@njit
def _most(a, b):  # type: ignore[no-untyped-def]
    return a if a > b else b


@njit
def _fill(plane, value):  # type: ignore[no-untyped-def]
    """As `plane[:] = value`, which takes numba seconds to compile."""
    for r in range(plane.shape[0]):
        for c in range(plane.shape[1]):
            plane[r, c] = value


@njit
def _erode(image, out):  # type: ignore[no-untyped-def]
    """Erosion, row by row in three loops that the compiler vectorises."""
    rows, columns = image.shape
    for r in range(rows):
        above, here, below, low = image[max(r - 1, 0)], image[r], image[min(r + 1, rows - 1)], out[r]
        for c in range(columns):
            low[c] = _least(_least(above[c], below[c]), here[c])
        for c in range(1, columns):
            low[c] = _least(low[c], here[c - 1])
        for c in range(columns - 1):
            low[c] = _least(low[c], here[c + 1])


@njit
def _dilate_row(image, r, tall, out):  # type: ignore[no-untyped-def]
    """Row r of the dilation of `image`; `tall` is scratch."""
    rows, columns = image.shape
    above, here, below = image[max(r - 1, 0)], image[r], image[min(r + 1, rows - 1)]
    for c in range(columns):
        tall[c] = _most(_most(above[c], below[c]), here[c])
        out[c] = tall[c]
    for c in range(1, columns):
        out[c] = _most(out[c], tall[c - 1])
    for c in range(columns - 1):
        out[c] = _most(out[c], tall[c + 1])


@kernel
def _skeletons(images, out, iterations):  # type: ignore[no-untyped-def]
    count, rows, columns = images.shape
    eroded = np.empty((2, rows, columns), images.dtype)
    one = images.dtype.type(1)  # a Python 1 would convert everything to float64
    tall, opened = np.empty(columns, images.dtype), np.empty(columns, images.dtype)
    for n in range(count):
        _fill(out[n], 0)
        image = images[n]
        for j in range(iterations + 1):
            smaller = eroded[j % 2]
            _erode(image, smaller)
            for r in range(rows):
                _dilate_row(smaller, r, tall, opened)
                image_row, skeleton_row = image[r], out[n, r]
                for c in range(columns):
                    extra = image_row[c] - opened[c]
                    extra = _most(extra, one - one)
                    skeleton_row[c] += extra * (one - skeleton_row[c])
            image = smaller


@njit
def _iterations(image, iterations, eroded, extras, before):  # type: ignore[no-untyped-def]
    """E_0 .. E_{n+1}, d_0 .. d_n, and `before[j]`, the product of (1 - d_i) over i < j."""
    rows, columns = image.shape
    one = image.dtype.type(1)
    tall, opened = np.empty(columns, image.dtype), np.empty(columns, image.dtype)
    _fill(before[0], 1)
    for r in range(rows):
        for c in range(columns):
            eroded[0, r, c] = image[r, c]
    for j in range(iterations + 1):
        _erode(eroded[j], eroded[j + 1])
        for r in range(rows):
            _dilate_row(eroded[j + 1], r, tall, opened)
            image_row, extra = eroded[j, r], extras[j, r]
            for c in range(columns):
                extra[c] = _most(image_row[c] - opened[c], one - one)
            if j < iterations:
                for c in range(columns):
                    before[j + 1, r, c] = before[j, r, c] * (one - extra[c])


@njit
def _to_largest(image, r, c, slope, out):  # type: ignore[no-untyped-def]
    """Add `slope` at the maximum of the 3x3 around (r, c), the first in reading order."""
    rows, columns = image.shape
    left, right = max(c - 1, 0), min(c + 1, columns - 1)
    at_r, at_c = max(r - 1, 0), left
    most = image[at_r, at_c]
    for i in (max(r - 1, 0), r, min(r + 1, rows - 1)):
        for k in (left, c, right):
            if image[i, k] > most:
                most, at_r, at_c = image[i, k], i, k
    out[at_r, at_c] += slope


@njit
def _to_least(image, r, c, slope, out):  # type: ignore[no-untyped-def]
    """Add `slope` at the minimum of the cross around (r, c): of its column, its row, or half each."""
    rows, columns = image.shape
    up, down, left, right = max(r - 1, 0), min(r + 1, rows - 1), max(c - 1, 0), min(c + 1, columns - 1)
    here, above, below, before, behind = image[r, c], image[up, c], image[down, c], image[r, left], image[r, right]
    if here < above and here <= below and here < before and here <= behind:
        out[r, c] += slope
        return
    at_r = (up if above <= below else down) if _least(above, below) < here or above == here else r
    at_c = (left if before <= behind else right) if _least(before, behind) < here or before == here else c
    if image[at_r, c] < image[r, at_c]:
        out[at_r, c] += slope
    elif image[at_r, c] > image[r, at_c]:
        out[r, at_c] += slope
    else:
        out[at_r, c] += slope / 2
        out[r, at_c] += slope / 2


@kernel
def _slopes(images, grads, out, iterations):  # type: ignore[no-untyped-def]
    count, rows, columns = images.shape
    eroded = np.empty((iterations + 2, rows, columns), images.dtype)
    extras = np.empty((iterations + 1, rows, columns), images.dtype)
    before = np.empty((iterations + 1, rows, columns), images.dtype)
    one = images.dtype.type(1)
    after = np.empty((rows, columns), images.dtype)
    by_eroded = np.empty((2, rows, columns), images.dtype)
    for n in range(count):
        _iterations(images[n], iterations, eroded, extras, before)
        _fill(after, 1)
        by_smaller = by_eroded[0]
        _fill(by_smaller, 0)
        for j in range(iterations, -1, -1):
            by_image = by_eroded[(iterations - j + 1) % 2] if j else out[n]
            _fill(by_image, 0)
            for r in range(rows):
                for c in range(columns):
                    extra = extras[j, r, c]
                    if extra > 0 and before[j, r, c] > 0:
                        slope = grads[n, r, c] * before[j, r, c] * after[r, c]
                        after[r, c] *= one - extra
                        by_image[r, c] += slope
                        _to_largest(eroded[j + 1], r, c, -slope, by_smaller)
            for r in range(rows):
                for c in range(columns):
                    if by_smaller[r, c] != 0:
                        _to_least(eroded[j], r, c, by_smaller[r, c], by_image)
            by_smaller = by_image
