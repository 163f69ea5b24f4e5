"""Compiled for the CPU: Lovasz terms and their gradients, from logits. Used by lovasz.py.

The errors of all classes are computed in one pass over the logits, and then one class at a time by lovasz_kernel.py.
The error of a pixel is the probability of what is not true, so an error near 0 has all its digits: for a softmax the
sum over the other classes, for a sigmoid sigmoid(-z) where the truth is 1. An error is stored as float64, negative
inside the truth (-0.0 for the error 0). The gradient by the logits is

    dL/dz_k = sum_j p_k p_j (g_k - g_j)    softmax; no difference of nearly equal numbers where p_k is almost 1
    dL/dz_k = g_k e_k (1 - e_k)            sigmoid

with g_k the gradient by p_k and e_k the error. Kernels release the interpreter lock, so that parts of a batch, and then
classes, are computed at the same time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit

from thinline.losses.lovasz_kernel import bits_of, class_slopes
from thinline.system.numba_kernels import at_once, call, vector_kernel
from thinline.vocabulary import Float32, Float64, UInt8

_BLOCK = 1024  # pixels whose intermediate results stay in the first-level cache
_LARGEST = np.iinfo(np.int64).max  # also all bits but the sign


class Slopes(NamedTuple):
    """Terms [c] float64; `errors` [c,P]; `slopes` [c,P], dL/dp. P = B N, sheet by sheet."""

    terms: Float64
    errors: Float64
    slopes: Float32


def slopes(logits: Float32, inside: Float32, valid: UInt8 | None, *, softmax: bool, threads: int = 1) -> Slopes:
    """Terms, errors and slopes; a class without truth has term and slopes 0, one with a NaN has NaN.

    Args:
        logits: [B,c,N], C-contiguous; N pixels of a sheet, B N below 2^31.
        inside: [B,c,N], C-contiguous, above one half where a pixel is inside the truth.
        valid: [B,N], C-contiguous, 0 where a pixel is ignored: its errors are 0, outside. None for none ignored.
        softmax: whether the classes exclude each other; otherwise each channel is a sigmoid.
        threads: parts and classes that are computed at the same time; the results are the same for every number.
    """
    sheets, channels, pixels = logits.shape
    errors = np.empty((channels, sheets * pixels))
    result = Slopes(np.zeros(channels), errors, np.empty((channels, sheets * pixels), np.float32))
    parts = _parts(sheets * -(-pixels // _BLOCK), threads)
    ends = np.zeros((len(parts), channels, 4), np.int64)
    ends[:, :, 1:3] = _LARGEST
    mask = np.empty((0, 0), np.uint8) if valid is None else valid

    def part(number: int) -> None:
        call(_softmax if softmax else _sigmoid, logits, inside, mask, errors, ends[number], *parts[number])

    def term(channel: int) -> None:
        own = ends[:, channel]
        bits = (int(own[:, 0].max()), int(own[:, 1].min()), int(own[:, 2].min()))
        result.terms[channel] = class_slopes(errors[channel], result.slopes[channel], bits, int(own[:, 3].sum()))

    at_once(part, len(parts), threads)
    if parts:
        at_once(term, channels, threads)
    return result


def gradients(result: Slopes, grads: Float64, out: Float32, *, softmax: bool, threads: int = 1) -> None:
    """Write the gradient by the logits to `out` [B,c,N], from the gradients `grads` [c] of the terms."""
    kernel = _softmax_gradients if softmax else _sigmoid_gradients
    parts = _parts(out.shape[0] * -(-out.shape[2] // _BLOCK), threads)

    def part(number: int) -> None:
        call(kernel, result.errors, result.slopes, grads, out, *parts[number])

    at_once(part, len(parts), threads)


def _parts(blocks: int, threads: int) -> list[tuple[int, int]]:
    """First and last block, exclusive, of each of at most `threads` parts."""
    edges = np.linspace(0, blocks, min(threads, blocks) + 1).astype(int).tolist()
    return list(pairwise(edges))


@njit(fastmath={"contract"})
def _exp(x):  # type: ignore[no-untyped-def]
    """exp(x), x at most 0, relative error 1e-14; in arithmetic that the compiler vectorises, as `math.exp` is not."""
    x = -708.0 if x < -708.0 else x
    shifted = x * 1.4426950408889634 + 6755399441055744.0  # 1.5 * 2^52: the last bits are the rounded x / log 2
    power = shifted - 6755399441055744.0
    r = (x - power * 0.6931471803691238) - power * 1.9082149292705877e-10  # log 2 in two parts
    y = r * 2.505210838544172e-08 + 2.755731922398589e-07
    y = y * r + 2.7557319223985893e-06
    y = y * r + 2.48015873015873e-05
    y = y * r + 0.0001984126984126984
    y = y * r + 0.001388888888888889
    y = y * r + 0.008333333333333333
    y = y * r + 0.041666666666666664
    y = y * r + 0.16666666666666666
    y = y * r + 0.5
    y = y * r + 1.0
    y = y * r + 1.0 + 0.0 * x  # keeps a NaN
    return np.int64(bits_of(y) + (bits_of(shifted) << np.int64(52))).view(np.float64)


@njit
def _store(probability, wrong, truth, errors, ends):  # type: ignore[no-untyped-def]
    """Store the errors of a block and update `ends`: bits of the largest, the least inside and outside; G."""
    largest, least_in, least_out, count = np.int64(0), _LARGEST, _LARGEST, 0
    for i in range(len(errors)):
        within = truth[i] > 0.5
        error = wrong[i] if within else probability[i]
        bits = bits_of(error) & _LARGEST
        largest = max(largest, bits)
        least_in = min(least_in, bits if within else _LARGEST)
        least_out = min(least_out, _LARGEST if within else bits)
        count += 1 if within else 0
        errors[i] = -error if within else error
    ends[0], ends[1] = max(ends[0], largest), min(ends[1], least_in)
    ends[2], ends[3] = min(ends[2], least_out), ends[3] + count


@vector_kernel
def _softmax(logits, inside, valid, errors, ends, first, last):  # type: ignore[no-untyped-def]
    """Errors of blocks `first` to `last`."""
    channels, pixels = logits.shape[1:]
    blocks = (pixels + _BLOCK - 1) // _BLOCK
    p, wrong, total, top = np.empty((channels, _BLOCK)), np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    for block in range(first, last):
        sheet, start = block // blocks, block % blocks * _BLOCK
        end = min(start + _BLOCK, pixels)
        for i in range(end - start):
            top[i], total[i], wrong[i] = logits[sheet, 0, start + i], 0, 0
        for c in range(1, channels):
            z = logits[sheet, c, start:end]
            for i in range(len(z)):
                top[i] = top[i] if z[i] < top[i] else z[i]
        for c in range(channels):
            z, truth, power = logits[sheet, c, start:end], inside[sheet, c, start:end], p[c]
            for i in range(len(z)):
                power[i] = _exp(z[i] - top[i])
                total[i] += power[i]
            for i in range(len(z)):  # a loop of its own: with more arrays in one the compiler vectorises neither
                wrong[i] += 0.0 if truth[i] > 0.5 else power[i]
        for i in range(end - start):
            total[i] = 1 / total[i]
        base = sheet * pixels
        if len(valid):
            for i in range(end - start):
                total[i] = total[i] if valid[sheet, start + i] else 0.0
        for i in range(end - start):
            wrong[i] *= total[i]
        for c in range(channels):
            power = p[c]
            for i in range(end - start):
                power[i] *= total[i]
            _store(power, wrong, inside[sheet, c, start:end], errors[c, base + start : base + end], ends[c])


@vector_kernel
def _sigmoid(logits, inside, valid, errors, ends, first, last):  # type: ignore[no-untyped-def]
    """Errors of blocks `first` to `last`."""
    channels, pixels = logits.shape[1:]
    blocks = (pixels + _BLOCK - 1) // _BLOCK
    p = np.empty(_BLOCK)
    for block in range(first, last):
        sheet, start = block // blocks, block % blocks * _BLOCK
        end = min(start + _BLOCK, pixels)
        base = sheet * pixels
        for c in range(channels):
            z, truth = logits[sheet, c, start:end], inside[sheet, c, start:end]
            for i in range(len(z)):
                toward = -np.float64(z[i]) if truth[i] > 0.5 else np.float64(z[i])  # the error is sigmoid(toward)
                power = _exp(-abs(toward))
                p[i] = (power if toward < 0 else 1.0) / (1 + power)
            if len(valid):
                for i in range(len(z)):
                    p[i] = p[i] if valid[sheet, start + i] else 0.0
            _store(p, p, truth, errors[c, base + start : base + end], ends[c])


@vector_kernel
def _softmax_gradients(errors, slopes, grads, out, first, last):  # type: ignore[no-untyped-def]
    """The gradient by the logits of blocks `first` to `last`."""
    channels, pixels = out.shape[1:]
    blocks = (pixels + _BLOCK - 1) // _BLOCK
    p, g = np.empty((channels, _BLOCK), np.float32), np.empty((channels, _BLOCK), np.float32)
    for block in range(first, last):
        sheet, start = block // blocks, block % blocks * _BLOCK
        end = min(start + _BLOCK, pixels)
        for c in range(channels):
            at, scale, own, gradient = sheet * pixels + start, np.float32(grads[c]), p[c], g[c]
            error, slope = errors[c, at:], slopes[c, at:]
            for i in range(end - start):
                gradient[i] = slope[i] * scale
                own[i] = 1 + error[i] if bits_of(error[i]) < 0 else error[i]
        for c in range(channels):
            total, own, gradient = out[sheet, c, start:end], p[c], g[c]
            for i in range(len(total)):
                total[i] = 0
            for j in range(channels):
                other, theirs = p[j], g[j]
                for i in range(len(total)):
                    total[i] += own[i] * other[i] * (gradient[i] - theirs[i])


@vector_kernel
def _sigmoid_gradients(errors, slopes, grads, out, first, last):  # type: ignore[no-untyped-def]
    """The gradient by the logits of blocks `first` to `last`."""
    channels, pixels = out.shape[1:]
    blocks = (pixels + _BLOCK - 1) // _BLOCK
    for block in range(first, last):
        sheet, start = block // blocks, block % blocks * _BLOCK
        for c in range(channels):
            at, total = sheet * pixels + start, out[sheet, c, start : min(start + _BLOCK, pixels)]
            error, slope = errors[c, at:], slopes[c, at:]
            for i in range(len(total)):
                e = abs(error[i])
                total[i] = grads[c] * slope[i] * (e * (1 - e))
