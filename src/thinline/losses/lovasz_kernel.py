"""Kernel of lovasz.py: the Lovasz extension of the Jaccard loss of one class, from errors, compiled for the CPU.

Of P pixels G are inside the truth. In the order of errors, largest first, after f inside and b outside pixels, the next
pixel adds to the Jaccard loss

    1 / (G + b)                            if the pixel is inside
    (G - f) / ((G + b) (G + b + 1))        if it is outside

Most pixels need no sorting. They are counted in bins of the error, up to 2^17; f and b at the edges of the bins are
sums of counts. In a bin of inside pixels alone all have one gradient. In a bin of n outside pixels alone the order
changes a gradient by at most 2 n (G - f) / (G + b)^3; where that is below `TOLERANCE` of the largest gradient 1 / G,
each gets the mean, (G - f) / ((G + b) (G + b + n)), so that their sum is exact. The pixels of other bins are sorted. A
sort item is one 64-bit integer (the bits of a positive float ascend with its value):

    key      bits of the largest error minus bits of the error: small for a large error; its first bits are the bin
    outside  one bit, 1 if the pixel is outside
    position of the pixel, in as many bits as needed

The radix sort moves all items once for each 11 bits and keeps the order of equal ones: inside before outside, then by
position. Items of one key are then ordered by their whole errors. A key has at least 28 bits of mantissa, so few are
equal; only in a batch of over 33 million pixels whose errors span 150 powers of ten it has fewer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from thinline.system.numba_kernels import call, kernel, vector_kernel
from thinline.vocabulary import Float32, Float64

TOLERANCE = 2e-7
"""The largest error of a gradient, in shares of the largest gradient of its class."""
_BLOCK = 1024  # pixels whose intermediate results stay in the first-level cache
_DIGIT_BITS = 11
_BIN_BITS = (8, 17)  # least and most; between them a bin for every four pixels
_KEY_BITS = 32  # with the outside bit three digits; a longer key is cut to this, or to 28 bits of mantissa if longer
_ROUNDED_BITS = 24  # the 52 bits of a mantissa less 28
_LARGEST = np.iinfo(np.int64).max  # also all bits but the sign
_INFINITY = int(np.float64(np.inf).view(np.int64))


class Layout(NamedTuple):
    """Bits of the largest error; bits cut from a key; bits of a key, of a bin within it, and of a position."""

    top: int
    cut: int
    key: int
    bin: int
    position: int


def class_slopes(errors: Float64, out: Float32, bits: tuple[int, int, int], count: int) -> float:
    """The term; writes the slopes, the gradient by the probability: 0 without truth, NaN for a NaN.

    Args:
        errors: [P] in 0..1, the sign bit set inside.
        out: [P], overwritten.
        bits: of the largest error (above those of infinity for a NaN), of the least inside and of the least outside;
            the largest integer where there is none.
        count: inside pixels.
    """
    top, bottom = bits[0], min(bits[0], max(bits[1:]))
    if count == 0 or top > _INFINITY:
        out[:] = value = np.nan if top > _INFINITY else 0.0
        return value
    layout = _layout(top, bottom, errors.size)
    counts = np.zeros((2, (1 << layout.bin) + 1), np.uint32)
    bins = out.view(np.int32)  # each is replaced by the slope of its pixel
    call(_count, errors, layout, bins, counts)
    by_bin = np.empty(counts.shape, np.float32)
    to_sort = call(_bin_slopes, counts, count, TOLERANCE, by_bin)
    items = np.empty((2, to_sort + 1), np.uint64)
    term = call(_spread, errors, layout, by_bin, bins, out, items[0])
    ranked = call(_sorted, items[0, :to_sort], items[1, :to_sort], layout)
    call(_settle, ranked, errors, layout)
    return float(term + call(_scan, ranked, counts, count, layout, out))


def _layout(top: int, bottom: int, pixels: int) -> Layout:
    """The layout for errors between those with the bits `bottom` and `top`; all below are one more bin."""
    position = (pixels - 1).bit_length()
    span = (top - bottom).bit_length()
    cut = max(0, min(_ROUNDED_BITS, span - _KEY_BITS), span - (63 - position))
    least, most = _BIN_BITS
    return Layout(top, cut, span - cut, min(span - cut, max(least, min(most, position - 2))), position)


@njit(inline="always")
def bits_of(error):  # type: ignore[no-untyped-def]
    """The 64 bits of a float as an integer."""
    return np.float64(error).view(np.int64)


@vector_kernel
def _count(errors, layout, bins, counts):  # type: ignore[no-untyped-def]
    """Write the bin of each pixel, the bins of inside pixels after all those of outside ones, and count the pixels.

    `counts` [0] has the outside pixels of each bin, [1] the inside ones.
    """
    shift, last = layout.cut + layout.key - layout.bin, counts.shape[1] - 1
    flat = counts.reshape(-1)
    for start in range(0, len(errors), _BLOCK):
        error, own = errors[start : start + _BLOCK], bins[start : start + _BLOCK]
        for i in range(len(error)):
            bits = bits_of(error[i])
            own[i] = min((layout.top - (bits & _LARGEST)) >> shift, last) + (last + 1 if bits < 0 else 0)
        for i in range(len(own)):  # a loop of its own: the one above is vectorised
            flat[np.uint64(own[i])] += np.uint32(1)


@vector_kernel
def _bin_slopes(counts, count, tolerance, by_bin):  # type: ignore[no-untyped-def]
    """Write the slope of the outside [0] and inside [1] pixels of each bin, 2 if they are sorted; return their number.

    `counts` become sums over the bins before.
    """
    b, f, g, to_sort = np.int64(0), np.int64(0), float(count), np.int64(0)
    for k in range(counts.shape[1]):
        outside, inside = np.int64(counts[0, k]), np.int64(counts[1, k])
        counts[0, k], counts[1, k] = b, f
        if outside + inside == 0:
            continue
        union = g + b
        if outside == 0:
            by_bin[1, k] = -1 / union
        elif inside == 0 and (outside == 1 or 2 * outside * g * (g - f) <= tolerance * union * union * union):
            by_bin[0, k] = (g - f) / (union * (union + outside))
        else:
            by_bin[0, k] = by_bin[1, k] = 2
            to_sort += outside + inside
        b, f = b + outside, f + inside
    return to_sort


@vector_kernel
def _spread(errors, layout, by_bin, bins, out, items):  # type: ignore[no-untyped-def]
    """Write the slope of its bin to each pixel, and `items` to sort; return the sum of errors times slopes.

    `out` may be the memory of `bins`.
    """
    flat = by_bin.reshape(-1)
    own, chosen = np.empty(_BLOCK, np.int32), np.empty(_BLOCK + 1, np.int32)
    filled, term = 0, 0.0
    for start in range(0, len(errors), _BLOCK):
        error, slope, stored = errors[start : start + _BLOCK], out[start : start + _BLOCK], bins[start : start + _BLOCK]
        for i in range(len(error)):
            own[i] = stored[i]
        for i in range(len(error)):
            slope[i] = flat[np.uint64(own[i])]
        several = 0
        for i in range(len(error)):
            chosen[several] = i
            several += int(slope[i] > 1)
        for i in range(len(error)):
            term += 0.0 if slope[i] > 1 else error[i] * slope[i]  # both are negative inside
        for i in chosen[:several]:
            bits = bits_of(error[i])
            key = (layout.top - (bits & _LARGEST)) >> layout.cut
            items[filled] = np.uint64(((key << 1) + (bits >= 0) << layout.position) + start + i)
            filled += 1
    return term


@kernel
def _sorted(items, spare, layout):  # type: ignore[no-untyped-def]
    """The items in the order of their keys, inside first, in one of the two arrays; both are overwritten."""
    starts = np.empty(1 << _DIGIT_BITS, np.uint32)
    one, mask = np.uint32(1), np.uint64((1 << _DIGIT_BITS) - 1)
    for low in range(0, layout.key + 1, _DIGIT_BITS):
        shift = np.uint64(layout.position + low)
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
def _settle(items, errors, layout):  # type: ignore[no-untyped-def]
    """Order sorted items of one key by their whole errors; equal errors stay."""
    mask, to_key = (np.uint64(1) << np.uint64(layout.position)) - np.uint64(1), np.uint64(layout.position + 1)
    for end in range(1, len(items)):
        n = end
        while n > 0 and items[n] >> to_key == items[n - 1] >> to_key:
            if not abs(errors[items[n] & mask]) > abs(errors[items[n - 1] & mask]):
                break
            items[n], items[n - 1] = items[n - 1], items[n]
            n -= 1


@vector_kernel
def _scan(items, counts, count, layout, out):  # type: ignore[no-untyped-def]
    """Write the slopes of sorted pixels; return the sum of errors times slopes."""
    left, union, term, current = 0.0, 0.0, 0.0, np.int64(-1)
    mask = (np.int64(1) << layout.position) - 1
    in_bin = layout.key - layout.bin
    for item in items:
        key = np.int64(item) >> (layout.position + 1)
        if key >> in_bin != current:
            current = key >> in_bin
            union, left = np.float64(count + counts[0, current]), np.float64(count - counts[1, current])
        outside = np.int64(item) >> layout.position & 1
        step = left / (union * (union + 1)) if outside else 1 / union
        union += outside
        left -= 1 - outside
        out[np.int64(item) & mask] = step if outside else -step
        term += np.int64(layout.top - (key << layout.cut)).view(np.float64) * step
    return term
