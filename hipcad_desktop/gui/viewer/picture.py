"""A film's values ready for drawing: halved again and again, and mapped to grey by a window that only the eye sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALLEST_LEVEL_PX = 256
TABLE_MOST = 1 << 16


@dataclass(frozen=True, slots=True)
class GreyWindow:
    """Values low..high become black..white; inverted turns that round. Display only: no hip image ever sees it."""

    low: float
    high: float
    inverted: bool = False

    def dragged(self, dx: float, dy: float, *, span: float) -> GreyWindow:
        """Right widens (less contrast), down darkens; span is the film's range of values over 512 screen pixels."""
        step = span / 512.0
        centre = (self.low + self.high) / 2 + dy * step
        width = max(self.high - self.low + dx * step, span / 255.0)
        return replace(self, low=centre - width / 2, high=centre + width / 2)


class Picture:
    """The values of a film at full size and at half, quarter... size. Build it off the UI thread (50 ms at 20 Mpx)."""

    def __init__(self, values: NDArray[Any]) -> None:
        if values.ndim != 2:
            raise ValueError(f"a film has height and width, not shape {values.shape}")
        if values.dtype.kind == "f":
            values = _finite(values)
        self.levels: list[NDArray[Any]] = [values]
        while min(self.levels[-1].shape) >= 2 * SMALLEST_LEVEL_PX:
            self.levels.append(_halved(self.levels[-1]))
        smallest = self.levels[-1]
        self.least, self.most = float(smallest.min()), float(smallest.max())

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in film pixels."""
        height, width = self.levels[0].shape
        return width, height

    @property
    def nbytes(self) -> int:
        """Memory of all levels."""
        return sum(level.nbytes for level in self.levels)

    @property
    def span(self) -> float:
        """The range of values that occurs (of the smallest level, so single hot pixels do not count)."""
        return max(self.most - self.least, 1.0)

    def default_window(self) -> GreyWindow:
        """8-bit values as they are; anything else from its half to its 99.5th percentile."""
        if self.levels[0].dtype == np.uint8:
            return GreyWindow(0.0, 255.0)
        low, high = np.percentile(self.levels[-1], (0.5, 99.5))
        return GreyWindow(float(low), float(max(high, low + 1e-6)))

    def level_for(self, device_scale: float) -> int:
        """The level whose pixels are no larger than a screen pixel at device_scale screen pixels a film pixel."""
        level = 0
        while level + 1 < len(self.levels) and device_scale * 2 ** (level + 1) <= 1.0:
            level += 1
        return level

    def value_at(self, x: float, y: float) -> float | None:
        """The value under a point of the film; None outside."""
        width, height = self.size
        if not (0 <= x < width and 0 <= y < height):
            return None
        return float(self.levels[0][int(y), int(x)])

    def grey(self, level: int, region: tuple[int, int, int, int], window: GreyWindow) -> NDArray[np.uint8]:
        """The region x0, y0, x1, y1 (pixels of the level) in grey, contiguous."""
        x0, y0, x1, y1 = region
        return _mapped(self.levels[level][y0:y1, x0:x1], window)


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    known = np.isfinite(values)
    if known.all():
        return values
    low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 0.0)
    told: NDArray[Any] = np.nan_to_num(values, nan=low, neginf=low, posinf=high)
    return told


def _halved(values: NDArray[Any]) -> NDArray[Any]:
    height, width = values.shape[0] // 2 * 2, values.shape[1] // 2 * 2
    wide: Any = np.float32 if values.dtype.kind == "f" else np.int32
    total = values[0:height:2, 0:width:2].astype(wide)
    total += values[1:height:2, 0:width:2]
    total += values[0:height:2, 1:width:2]
    total += values[1:height:2, 1:width:2]
    return (total / 4).astype(values.dtype) if wide is np.float32 else ((total + 2) >> 2).astype(values.dtype)


def _mapped(values: NDArray[Any], window: GreyWindow) -> NDArray[np.uint8]:
    if values.dtype == np.uint8 and (window.low, window.high, window.inverted) == (0.0, 255.0, False):
        return np.ascontiguousarray(values)
    if values.dtype.kind in "iu" and values.size:
        low, high = int(values.min()), int(values.max())
        if high - low < min(TABLE_MOST, values.size):
            table = _ramp(np.arange(low, high + 1, dtype=np.float64), window)
            return table[values.astype(np.int64) - low if low else values]
    return _ramp(values, window)


def _ramp(values: NDArray[Any], window: GreyWindow) -> NDArray[np.uint8]:
    scaled = (values - window.low) * (255.0 / max(window.high - window.low, 1e-9))
    grey = np.clip(scaled + 0.5, 0, 255).astype(np.uint8)
    return 255 - grey if window.inverted else grey
