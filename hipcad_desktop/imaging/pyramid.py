"""A film's values halved again and again, for drawing: every pixel is the rounded mean of the four above it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALLEST_LEVEL_PX = 256
_STRIP_ROWS = 64  # so much stays in the processor's cache
_SUMS_FIT = 16383  # four of these and the rounding fit into 16 bits


def pyramid(values: NDArray[Any]) -> list[NDArray[Any]]:
    """The values (H x W, finite) themselves and every halving of them down to 256 pixels on the shorter side."""
    levels = [values]
    while min(levels[-1].shape) >= 2 * SMALLEST_LEVEL_PX:
        levels.append(halved(levels[-1]))
    return levels


def finite(values: NDArray[Any]) -> NDArray[Any]:
    """Floating point values whose NaN and infinities became the lowest and highest number there is."""
    known = np.isfinite(values)
    if known.all():
        return values
    low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 0.0)
    told: NDArray[Any] = np.nan_to_num(values, nan=low, neginf=low, posinf=high)
    return told


def halved(values: NDArray[Any]) -> NDArray[Any]:
    """Half the height and half the width, an odd last row or column left out; the type stays."""
    height, width = values.shape[0] // 2 * 2, values.shape[1] // 2 * 2
    if values.dtype == np.uint8:
        return _halved_in_pairs(values[:height, :width], np.uint16, 8)
    if values.dtype == np.uint16 and int(values.max()) <= _SUMS_FIT:
        return _halved_in_pairs(values[:height, :width], np.uint32, 16)
    wide: Any = np.float32 if values.dtype.kind == "f" else np.int32
    total = values[0:height:2, 0:width:2].astype(wide)
    total += values[1:height:2, 0:width:2]
    total += values[0:height:2, 1:width:2]
    total += values[1:height:2, 1:width:2]
    return (total / 4).astype(values.dtype) if wide is np.float32 else ((total + 2) >> 2).astype(values.dtype)


def _halved_in_pairs(values: NDArray[Any], pair: Any, bits: int) -> NDArray[Any]:
    """The same, four times faster: two neighbours are read as one number of twice the width and added in it."""
    height, width = values.shape
    half = np.empty((height // 2, width // 2), values.dtype)
    mask = (1 << bits) - 1
    for row in range(0, height, _STRIP_ROWS):
        strip = np.ascontiguousarray(values[row : row + _STRIP_ROWS])
        if bits == 16:  # neighbouring rows first: their sums fit
            both = (strip[0::2] + strip[1::2]).view(pair)
            total = (both & mask) + (both >> bits)
        else:
            pairs = strip.view(pair)
            sums = (pairs & mask) + (pairs >> bits)
            total = sums[0::2] + sums[1::2]
        total += 2
        np.right_shift(total, 2, out=half[row // 2 : row // 2 + len(total)], casting="unsafe")
    return half
