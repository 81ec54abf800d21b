"""The outline of what lies above a level, by marching squares: straight pieces, each across one cell of the grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# For each case of the four corners (1 top left, 2 top right, 4 bottom right, 8 bottom left), the edges that a piece
# joins (0 top, 1 right, 2 bottom, 3 left). Of the two saddles, 5 and 10, both corners above the level stay apart.
_PIECES: tuple[tuple[tuple[int, int], ...], ...] = (
    (),
    ((3, 0),),
    ((0, 1),),
    ((3, 1),),
    ((1, 2),),
    ((3, 0), (1, 2)),
    ((0, 2),),
    ((3, 2),),
    ((2, 3),),
    ((2, 0),),
    ((0, 1), (2, 3)),
    ((2, 1),),
    ((1, 3),),
    ((1, 0),),
    ((0, 3),),
    (),
)


def outline(values: NDArray[Any], level: float) -> NDArray[np.float64]:
    """Pieces x0 y0 x1 y1, float64 [n, 4], of values [h, w], in shares of the picture's width and height.

    What reaches the picture's edge is closed along it.
    """
    grid = np.pad(np.nan_to_num(np.asarray(values, np.float64)), 1, constant_values=min(level - 1.0, 0.0))
    corners = (grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1])
    case = np.zeros(corners[0].shape, np.int64)
    for bit, corner in enumerate(corners):
        case |= (corner >= level).astype(np.int64) << bit
    pieces = []
    for number, joined in enumerate(_PIECES):
        rows, columns = np.nonzero(case == number)
        if joined and rows.size:
            edges = _edges(rows, columns, [corner[rows, columns] for corner in corners], level)
            pieces += [np.concatenate([edges[a], edges[b]], axis=1) for a, b in joined]
    height, width = values.shape
    if not pieces:
        return np.zeros((0, 4))
    shares: NDArray[np.float64] = np.concatenate(pieces) / (width, height, width, height)
    return np.clip(shares, 0.0, 1.0)


def _edges(
    rows: NDArray[Any], columns: NDArray[Any], corners: list[NDArray[np.float64]], level: float
) -> list[NDArray[np.float64]]:
    """Where the level crosses each edge of the cells, [n, 2] in pixels: a grid point is the middle of its pixel."""
    top_left, top_right, bottom_right, bottom_left = corners
    x, y = columns - 0.5, rows - 0.5

    def share(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        step = np.where(b == a, 1.0, b - a)
        found: NDArray[np.float64] = np.clip((level - a) / step, 0.0, 1.0)
        return found

    return [
        np.stack([x + share(top_left, top_right), y], axis=1),
        np.stack([x + 1, y + share(top_right, bottom_right)], axis=1),
        np.stack([x + share(bottom_left, bottom_right), y + 1], axis=1),
        np.stack([x, y + share(top_left, bottom_left)], axis=1),
    ]
