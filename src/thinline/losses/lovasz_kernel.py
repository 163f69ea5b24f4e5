"""Kernel of lovasz.py: gradients of the Lovasz extension of the Jaccard loss, compiled for the CPU.

One class at a time, with G pixels inside its truth. In the order of errors, largest first, after f inside and b outside
pixels, the next pixel adds to the Jaccard loss

    1 / (G + b)                            if the pixel is inside
    (G - f) / ((G + b) (G + b + 1))        if it is outside

After the last inside pixel f = G, so outside pixels whose error is not above the smallest inside error have gradient
zero and are not sorted. A sort item is one 64-bit integer (the bits of a positive float ascend with its value):

    key      bits of the largest error minus bits of the error: small for a large error
    outside  one bit, 1 if the pixel is outside
    position where the gradient of the pixel is written, in as many bits as needed

The radix sort moves all items once for each 11 bits of the key and keeps the order of equal keys: inside before
outside, then by position. It needs no vector instructions. A key has 28 bits of mantissa or more (errors are equal if
their relative difference is below 4e-9); only in a batch of over 33 million slopes whose errors span 150 powers of ten
it has fewer. Kernels release the interpreter lock, so that several classes can be computed at the same time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float32, Float64

_LEAST_POSITION_BITS = 20
_DIGIT_BITS = 11
_KEY_BITS = 33  # three digits; a longer key is cut to this, or to 28 bits of mantissa if that is longer
_ROUNDED_BITS = 24  # the 52 bits of a mantissa less 28
MOST_PLACES = 1 << 40
"""More slopes than this would leave a key 12 bits of mantissa or fewer."""


class Layout(NamedTuple):
    """The smallest inside error; bits of the largest error; bits cut from a key; bits of a key and of a position."""

    lowest: float
    top: np.uint64
    cut: np.uint64
    key: int
    position: np.uint64


def slopes(probabilities: Float64, inside: Float32, out: Float64, *, threads: int = 1) -> Float64:
    """The terms [c]; their slopes by probability are written to `out`.

    Args:
        probabilities: [B,c,N] in 0..1, C-contiguous; N pixels of a sheet, B c N at most `MOST_PLACES`.
        inside: [B,c,N], C-contiguous, above one half where a pixel is inside the truth.
        out: [B,c,N], C-contiguous, overwritten: 0 for a class without truth, NaN for one with a NaN probability.
        threads: classes that are computed at the same time; the results are the same for every number.
    """
    sheets, channels, pixels = probabilities.shape
    terms = np.zeros(channels)
    workers = max(1, min(threads, channels))

    def every(first: int) -> None:
        items = np.empty((2, sheets * pixels), np.uint64)  # once for all classes: allocating memory costs time
        for channel in range(first, channels, workers):
            terms[channel] = _term(probabilities, inside, channel, out, items)

    if workers == 1:
        every(0)
        return terms
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(every, range(workers)))
    return terms


def _term(probabilities: Float64, inside: Float32, channel: int, out: Float64, items: NDArray[np.uint64]) -> float:
    """The term of one class; `items` [2,P] is overwritten."""
    position_bits = max(_LEAST_POSITION_BITS, (probabilities.size - 1).bit_length())
    count, lowest, highest, total = call(_survey, probabilities, inside, channel)
    if count == 0 or np.isnan(total):
        out[:, channel] = 0 * total
        return float(0 * total)
    layout, flat = _layout(lowest, highest, position_bits), out.reshape(-1)
    end = call(_collect, probabilities, inside, channel, count, layout, flat, items[0])
    ranked = call(_sorted, items[0, :end], items[1, :end], layout)
    return float(call(_scan, ranked, count, layout, flat))


def _layout(lowest: float, highest: float, position_bits: int) -> Layout:
    """The layout for errors between `lowest` and `highest`."""
    top, bottom = (int(np.float64(error).view(np.uint64)) for error in (highest, lowest))
    span = (top - bottom).bit_length()
    cut = max(0, min(_ROUNDED_BITS, span - _KEY_BITS), span - (63 - position_bits))
    return Layout(lowest, np.uint64(top), np.uint64(cut), span - cut, np.uint64(position_bits))


@kernel
def _survey(probabilities, inside, channel):  # type: ignore[no-untyped-def]
    """G, the smallest inside error, the largest error, and a sum that is NaN if any probability is."""
    count, lowest, highest, total = 0, 1.0, 0.0, 0.0
    for sheet in range(probabilities.shape[0]):
        for pixel in range(probabilities.shape[2]):
            p = probabilities[sheet, channel, pixel]
            total += p
            if inside[sheet, channel, pixel] > 0.5:
                count += 1
                error = min(abs(1 - p), 1.0)
                lowest = min(lowest, error)
                highest = max(highest, error)
            else:
                highest = max(highest, min(p, 1.0))
    return count, lowest, highest, total


@kernel
def _collect(probabilities, inside, channel, count, layout, flat, items):  # type: ignore[no-untyped-def]
    """Fill `items` with the pixels that have a gradient, inside first; return their number; write 0 for the others."""
    sheets, channels, pixels = probabilities.shape
    one, inner, outer = np.uint64(1), 0, count
    for sheet in range(sheets):
        start = (sheet * channels + channel) * pixels
        for pixel in range(pixels):
            p = probabilities[sheet, channel, pixel]
            outside = not inside[sheet, channel, pixel] > 0.5
            error = p if outside else abs(1 - p)
            if outside and not error > layout.lowest:
                flat[start + pixel] = 0
                continue
            key = (layout.top - np.float64(min(error, 1.0)).view(np.uint64)) >> layout.cut
            item = (key << one | np.uint64(outside)) << layout.position | np.uint64(start + pixel)
            if outside:
                items[outer] = item
                outer += 1
            else:
                items[inner] = item
                inner += 1
    return outer


@kernel
def _sorted(items, spare, layout):  # type: ignore[no-untyped-def]
    """The items in the order of their keys, in one of the two arrays; both are overwritten."""
    starts = np.empty(1 << _DIGIT_BITS, np.uint32)
    one, mask = np.uint32(1), np.uint64((1 << _DIGIT_BITS) - 1)
    for low in range(0, layout.key, _DIGIT_BITS):
        shift = layout.position + np.uint64(1 + low)
        starts[:] = 0
        for item in items:
            starts[item >> shift & mask] += one
        start = np.uint32(0)
        for digit in range(len(starts)):
            size = starts[digit]
            starts[digit] = start
            start += size
        for item in items:
            digit = item >> shift & mask
            spare[starts[digit]] = item
            starts[digit] += one
        items, spare = spare, items
    return items


@kernel
def _scan(items, count, layout, flat):  # type: ignore[no-untyped-def]
    """Write the gradients in the order of errors; return the sum of errors times gradients."""
    left, union, term = float(count), float(count), 0.0
    mask = (np.uint64(1) << layout.position) - np.uint64(1)
    for item in items:
        key = item >> (layout.position + np.uint64(1)) << layout.cut
        position = item & mask
        if item >> layout.position & np.uint64(1):
            step = left / (union * (union + 1))
            union += 1
            flat[position] = step
        else:
            step = 1 / union
            left -= 1
            flat[position] = -step
        term += np.uint64(layout.top - key).view(np.float64) * step
    return term
