"""Local contrast for the eye: contrast-limited adaptive histogram equalisation (Zuiderveld 1994). Display only.

The tables come from a small picture of the whole film, so that a place looks the same however far one zooms in; hip
images are made from Film.eight_bit, which never passes here.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

TILES = 8  # along each side
CLIP = 2.5  # a grey may be that many times as frequent as if all were equally frequent


class LocalContrast:
    """Made from the whole film in grey, small (some 300 pixels a side are enough); applied to any part of any level."""

    def __init__(self, whole: NDArray[np.uint8], *, tiles: int = TILES, clip: float = CLIP) -> None:
        self._tiles = tiles
        height, width = whole.shape
        rows = np.linspace(0, height, tiles + 1).round().astype(int)
        columns = np.linspace(0, width, tiles + 1).round().astype(int)
        self._tables = np.empty((tiles, tiles, 256), np.uint16)
        for j in range(tiles):
            for i in range(tiles):
                tile = whole[rows[j] : max(rows[j + 1], rows[j] + 1), columns[i] : max(columns[i + 1], columns[i] + 1)]
                self._tables[j, i] = _table(tile, clip)

    def applied(self, grey: NDArray[np.uint8], *, origin: tuple[int, int], whole: tuple[int, int]) -> NDArray[np.uint8]:
        """grey is the part of a level that starts at origin (x, y); whole is the level's width and height."""
        across, down = (
            _places(origin[k], grey.shape[1 - k], whole[k], self._tiles) for k in (0, 1)
        )  # between which two tile centres each column and each row lies, and how near to the second
        result = np.empty(grey.shape, np.uint8)
        for j, rows, wy in down:
            wy = wy[:, None]
            for i, columns, wx in across:
                part = grey[rows, columns]
                tables = self._tables[j][:, i]  # (2, 2, 256): upper and lower row, left and right column
                upper = (tables[0, 0].take(part) * (256 - wx) + tables[0, 1].take(part) * wx) >> 8
                lower = (tables[1, 0].take(part) * (256 - wx) + tables[1, 1].take(part) * wx) >> 8
                result[rows, columns] = (upper * (256 - wy) + lower * wy + 128) >> 8
        return result


_Place = tuple[NDArray[np.intp], slice, NDArray[np.uint16]]


def _places(start: int, length: int, whole: int, tiles: int) -> list[_Place]:
    """Runs of pixels between the same two tile centres: the two tiles, the pixels, the second one's weight in 256."""
    position = (start + np.arange(length) + 0.5) / whole * tiles - 0.5
    before = np.clip(np.floor(position), 0, tiles - 1).astype(np.intp)
    weight = np.rint(np.clip(position - before, 0, 1) * 256).astype(np.uint16)
    found = []
    edges = [0, *(np.flatnonzero(np.diff(before)) + 1), length]
    for first, last in itertools.pairwise(edges):
        if last > first:
            k = before[first]
            found.append((np.array([k, min(k + 1, tiles - 1)]), slice(first, last), weight[first:last]))
    return found


def _table(tile: NDArray[np.uint8], clip: float) -> NDArray[np.uint16]:
    counts = np.bincount(tile.ravel(), minlength=256).astype(np.float64)
    limit = max(clip * tile.size / 256, 1.0)
    excess = np.maximum(counts - limit, 0).sum()
    counts = np.minimum(counts, limit) + excess / 256
    shares = np.cumsum(counts)
    table: NDArray[np.uint16] = np.rint(255 * shares / shares[-1]).astype(np.uint16)
    return table
