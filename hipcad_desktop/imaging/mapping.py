"""Stored values become 8 bits by a fixed, recorded rule, never by the file's display window (METHOD 3.5)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.radiograph import Mapping8

IDENTITY = "identity8"
PERCENTILE = "percentile/v1"
# Half a percent at each end: lead markers, burnt-in text and dead pixels do not decide the contrast of bone.
LOW_PERCENT, HIGH_PERCENT = 0.5, 99.5
_STRIP = 1 << 18  # pixels at a time


def to_eight_bit(
    values: NDArray[Any], *, identity: bool, inverted: bool, padding: NDArray[np.bool_] | None = None
) -> tuple[NDArray[Any], NDArray[np.uint8], Mapping8]:
    """Values as stored (H x W, after the modality LUT) -> (values bone white, 8 bits bone white, what was done).

    identity: the values are 8-bit grey already. inverted: low values are white and get turned.
    padding marks pixels outside the picture (PS3.3 C.7.5.1.1.2): they decide nothing and become black.
    """
    if padding is not None and (padding.all() or not padding.any()):
        padding = None
    if identity:
        mapping = Mapping8(IDENTITY, 0.0, 255.0, inverted)
        eight = values.astype(np.uint8, copy=padding is not None)
    else:
        low, high = _anchors(values, padding)
        mapping = Mapping8(PERCENTILE, low, high, inverted)
        eight = _scaled(values, low, high)
        if values.dtype.kind == "f":
            values = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    if inverted:
        eight = np.subtract(255, eight, dtype=np.uint8)
        values = _turned(values)
    if padding is not None:
        eight[padding] = 0
        values = values.copy()
        values[padding] = values[~padding].min()
    return values, eight, mapping


def _anchors(values: NDArray[Any], padding: NDArray[np.bool_] | None) -> tuple[float, float]:
    """The values at the two percentiles: taken from the data itself (no interpolation), so exact for integers."""
    kept = values.ravel() if padding is None else values[~padding]
    if kept.dtype.kind == "f":
        kept = kept[np.isfinite(kept)]
        if not kept.size:
            return 0.0, 0.0
    if kept.dtype.itemsize <= 2 and kept.dtype.kind in "iu":
        return _anchors_by_counting(kept)
    low, high = np.percentile(kept, (LOW_PERCENT, HIGH_PERCENT), method="inverted_cdf")
    return float(low), float(high)


def _anchors_by_counting(kept: NDArray[Any]) -> tuple[float, float]:
    """The same two percentiles by a histogram: ten times faster than sorting on a 20 megapixel film."""
    start = min(0, int(kept.min()))
    length = int(kept.max()) - start + 1
    counted = np.zeros(length, np.int64)
    for first in range(0, kept.size, _STRIP):  # bincount widens its input to 8 bytes a pixel
        strip = kept[first : first + _STRIP]
        counted += np.bincount(strip if start == 0 else strip.astype(np.int32) - start, minlength=length)
    counts = np.cumsum(counted)
    ranks = [percent / 100 * kept.size for percent in (LOW_PERCENT, HIGH_PERCENT)]
    low, high = (start + int(np.searchsorted(counts, rank, side="left")) for rank in ranks)
    return float(low), float(high)


def _scaled(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    if values.dtype.itemsize <= 2 and values.dtype.kind in "iu":
        start = int(values.min())
        table = _scaled_float(np.arange(start, int(values.max()) + 1, dtype=np.float64), low, high)
        looked_up = np.empty(values.shape, np.uint8)
        for row in range(0, len(values), 64):  # in strips that stay in the processor's cache
            strip = values[row : row + 64]
            shifted: NDArray[Any] = strip if start == 0 else strip.astype(np.int32) - start
            np.take(table, shifted, out=looked_up[row : row + 64], mode="clip")  # clip: checks nothing, clips nothing
        return looked_up
    eight = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), 256):  # in strips: a 20 megapixel film would need 160 MB as float64
        eight[row : row + 256] = _scaled_float(values[row : row + 256].astype(np.float64), low, high)
    return eight


def _scaled_float(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    finite = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    scaled: NDArray[np.uint8] = np.rint(np.clip((finite - low) * (255.0 / (high - low)), 0, 255)).astype(np.uint8)
    return scaled


def _turned(values: NDArray[Any]) -> NDArray[Any]:
    """Low becomes high within the range that the values have; the type stays."""
    if values.dtype.kind == "f":
        mirrored: NDArray[Any] = (values.min() + values.max()) - values
        return mirrored
    total = int(values.min()) + int(values.max())
    turned: NDArray[Any] = np.subtract(total, values, dtype=np.int64).astype(values.dtype)
    return turned
