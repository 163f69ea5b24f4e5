"""Kernel of lovasz.py: gradients of the Lovasz extension of the Jaccard loss, compiled for the CPU.

One class at a time, with G pixels inside its truth. In the order of errors, largest first, after f inside and b outside
pixels, the next pixel adds to the Jaccard loss

    1 / (G + b)                            if the pixel is inside
    (G - f) / ((G + b) (G + b + 1))        if it is outside

After the last inside pixel f = G, so outside pixels whose error is not above the smallest inside error have gradient
zero and are not sorted. The others are sorted as one 64-bit integer each, which numpy does with vector instructions
(the bits of a positive float ascend with its value):

    key      1.0 minus the error, as the upper bits of a float64: small for a large error
    outside  one bit, 1 if the pixel is outside, so that of equal errors the inside come first
    position where the gradient of the pixel is written, in as many bits as needed

A position takes 21 bits for 8 sheets of 3 x 256 x 256 and 25 bits for one of 3 x 480 x 12,800, which leaves the key 32
and 28 bits of mantissa: errors are equal if their relative difference is below 2e-10 and 4e-9. Of equal errors the
earlier pixel comes first. The kernel releases the interpreter lock and starts no threads.
"""

from __future__ import annotations

import numpy as np

from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float32, Float64

_ONE = np.uint64(0x3FF0000000000000)  # the bits of 1.0, the largest error; keys are at most this
_LEAST_POSITION_BITS = 20
MOST_PLACES = 1 << 40
"""More slopes than this would leave a key 12 bits of mantissa or fewer."""


def slopes(probabilities: Float64, inside: Float32, out: Float64) -> Float64:
    """The terms [c]; their slopes by probability are written to `out`.

    Args:
        probabilities: [B,c,N] in 0..1, C-contiguous; N pixels of a sheet, B c N at most `MOST_PLACES`.
        inside: [B,c,N], C-contiguous, above one half where a pixel is inside the truth.
        out: [B,c,N], C-contiguous, overwritten: 0 for a class without truth, NaN for one with a NaN probability.
    """
    position_bits = np.uint64(max(_LEAST_POSITION_BITS, (probabilities.size - 1).bit_length()))
    sheets, channels, pixels = probabilities.shape
    flat, terms = out.reshape(-1), np.zeros(channels)
    items = np.empty(sheets * pixels, np.uint64)  # once for all classes: allocating memory costs as much as sorting
    for channel in range(channels):
        count, lowest, total = call(_survey, probabilities, inside, channel)
        if count == 0 or np.isnan(total):
            out[:, channel] = 0 * total
            terms[channel] = 0 * total
            continue
        kept = call(_collect, probabilities, inside, channel, lowest, position_bits, flat, items)
        items[:kept].sort()
        terms[channel] = call(_scan, items[:kept], count, position_bits, flat)
    return terms


@kernel
def _survey(probabilities, inside, channel):  # type: ignore[no-untyped-def]
    """G, the smallest inside error, and a sum that is NaN if any probability is."""
    count, lowest, total = 0, 1.0, 0.0
    for sheet in range(probabilities.shape[0]):
        for pixel in range(probabilities.shape[2]):
            p = probabilities[sheet, channel, pixel]
            total += p
            if inside[sheet, channel, pixel] > 0.5:
                count += 1
                lowest = min(lowest, abs(1 - p))
    return count, lowest, total


@kernel
def _collect(probabilities, inside, channel, lowest, position_bits, flat, items):  # type: ignore[no-untyped-def]
    """Fill `items` with all pixels that have a gradient and return their number; write 0 for the others."""
    sheets, channels, pixels = probabilities.shape
    kept = 0
    for sheet in range(sheets):
        start = (sheet * channels + channel) * pixels
        for pixel in range(pixels):
            p = probabilities[sheet, channel, pixel]
            outside = not inside[sheet, channel, pixel] > 0.5
            error = p if outside else abs(1 - p)
            if outside and not error > lowest:
                flat[start + pixel] = 0
                continue
            key = (_ONE - np.float64(min(error, 1.0)).view(np.uint64)) >> (position_bits - np.uint64(1))
            items[kept] = (key << np.uint64(1) | np.uint64(outside)) << position_bits | np.uint64(start + pixel)
            kept += 1
    return kept


@kernel
def _scan(items, count, position_bits, flat):  # type: ignore[no-untyped-def]
    """Write the gradients in the order of errors; return the sum of errors times gradients."""
    left, union, term = float(count), float(count), 0.0
    mask = (np.uint64(1) << position_bits) - np.uint64(1)
    for item in items:
        key = item >> (position_bits + np.uint64(1)) << (position_bits - np.uint64(1))
        position = item & mask
        if item >> position_bits & np.uint64(1):
            step = left / (union * (union + 1))
            union += 1
            flat[position] = step
        else:
            step = 1 / union
            left -= 1
            flat[position] = -step
        term += np.uint64(_ONE - key).view(np.float64) * step
    return term
