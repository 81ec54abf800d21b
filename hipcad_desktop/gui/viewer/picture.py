"""A film's values ready for drawing: halved again and again, and mapped to grey by a window that only the eye sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.workflows.view_film import DisplayWindow, LocalContrast, Preview, finite, pyramid

TABLE_MOST = 1 << 16


@dataclass(frozen=True, slots=True)
class GreyWindow:
    """Values low..high become black..white, or the 256 greys of curve; inverted turns that round.

    Display only: no hip image ever sees it.
    """

    low: float
    high: float
    inverted: bool = False
    curve: bytes = b""

    def dragged(self, dx: float, dy: float, *, span: float) -> GreyWindow:
        """Right widens (less contrast), down darkens; span is the film's range of values over 512 screen pixels."""
        step = span / 512.0
        centre = (self.low + self.high) / 2 + dy * step
        width = max(self.high - self.low + dx * step, span / 255.0)
        return replace(self, low=centre - width / 2, high=centre + width / 2)


class Picture:
    """The values of a film at full size and at half, quarter... size. Build it off the UI thread (20 ms at 20 Mpx).

    levels: the values and their halvings where they are known already. A first look has only small levels: then the
    first of them is halved `halvings` times already, and size is the film's.
    """

    def __init__(
        self,
        values: NDArray[Any] | None = None,
        *,
        levels: Sequence[NDArray[Any]] = (),
        halvings: int = 0,
        size: tuple[int, int] | None = None,
        windows: Sequence[DisplayWindow] = (),
    ) -> None:
        if values is not None:
            if values.ndim != 2:
                raise ValueError(f"a film has height and width, not shape {values.shape}")
            levels = pyramid(finite(values) if values.dtype.kind == "f" else values)
        self.levels: list[NDArray[Any]] = list(levels)
        self.halvings = halvings
        height, width = self.levels[0].shape
        self.size = size or (width, height)  # in film pixels
        smallest = self.levels[-1]
        self.least, self.most = float(smallest.min()), float(smallest.max())
        self.windows = tuple(windows)  # that the film's file proposes
        self._default: GreyWindow | None = None
        self._contrast: tuple[GreyWindow, LocalContrast] | None = None

    @classmethod
    def first_look(cls, preview: Preview) -> Picture:
        """What can be shown while the film is still being decoded."""
        return cls(levels=preview.levels, halvings=preview.halvings, size=(preview.size.width, preview.size.height))

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
        if self._default is None:
            eight = self.levels[0].dtype == np.uint8
            self._default = GreyWindow(0.0, 255.0) if eight else self.percentile_window(0.5, 99.5)
        return self._default

    def percentile_window(self, low: float, high: float, *, middle: float = 1.0) -> GreyWindow:
        """Between two percentiles of the values in the film's middle (a share of its height and width)."""
        height, width = self.levels[-1].shape
        dy, dx = (int(n * (1 - middle) / 2) for n in (height, width))
        least, most = np.percentile(self.levels[-1][dy : height - dy, dx : width - dx], (low, high))
        return GreyWindow(float(least), float(max(most, least + 1e-6)))

    def level_for(self, device_scale: float) -> int:
        """The level whose pixels are no larger than a screen pixel at device_scale screen pixels a film pixel."""
        level = 0
        while level + 1 < len(self.levels) and device_scale * self.factor(level + 1) <= 1.0:
            level += 1
        return level

    def factor(self, level: int) -> int:
        """Film pixels along one side of a level's pixel."""
        return 1 << (level + self.halvings)

    def value_at(self, x: float, y: float) -> float | None:
        """The value under a point of the film; None outside, and while only a first look is there."""
        width, height = self.size
        if self.halvings or not (0 <= x < width and 0 <= y < height):
            return None
        return float(self.levels[0][int(y), int(x)])

    def grey(
        self, level: int, region: tuple[int, int, int, int], window: GreyWindow, *, local_contrast: bool = False
    ) -> NDArray[np.uint8]:
        """The region x0, y0, x1, y1 (pixels of the level) in grey, contiguous."""
        x0, y0, x1, y1 = region
        grey = _mapped(self.levels[level][y0:y1, x0:x1], window)
        if not local_contrast:
            return grey
        if self._contrast is None or self._contrast[0] != window:
            self._contrast = window, LocalContrast(_mapped(self.levels[-1], window))
        rows, columns = self.levels[level].shape
        return self._contrast[1].applied(grey, origin=(x0, y0), whole=(columns, rows))


def _mapped(values: NDArray[Any], window: GreyWindow) -> NDArray[np.uint8]:
    if values.dtype == np.uint8 and window == GreyWindow(0.0, 255.0):
        return np.ascontiguousarray(values)
    if values.dtype.kind in "iu" and values.size:
        low, high = int(values.min()), int(values.max())
        if high - low < min(TABLE_MOST, values.size):
            unsigned = values.dtype.kind == "u"
            table = _ramp(np.arange(0 if unsigned else low, high + 1, dtype=np.float64), window)
            grey: NDArray[np.uint8] = table.take(values if unsigned else values.astype(np.int64) - low, mode="clip")
            return grey
    return _ramp(values, window)


def _ramp(values: NDArray[Any], window: GreyWindow) -> NDArray[np.uint8]:
    scaled = (values - window.low) * (255.0 / max(window.high - window.low, 1e-9))
    grey = np.clip(scaled + 0.5, 0, 255).astype(np.uint8)
    if window.curve:
        grey = np.frombuffer(window.curve, np.uint8).take(grey)
    return 255 - grey if window.inverted else grey
