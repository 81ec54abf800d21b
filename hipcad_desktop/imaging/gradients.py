"""Oriented gradient maps of a film at several sizes: what the pelvis finder looks at instead of grey values.

Grey values differ by exposure, gradients normalised by their neighbourhood hardly do. A map has one cell for
CELL_PX x CELL_PX pixels and DIRECTIONS channels; channel k is the gradient towards angle k * 45 degrees (0 = brighter
to the right, 2 = brighter downwards), so mirroring, turning and inverting a film only permute cells and channels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CELL_PX = 8
DIRECTIONS = 8
NEIGHBOURHOOD_CELLS = 5  # over which the gradient's strength is normalised
NOISE_FLOOR = 0.25  # of the film's root mean square gradient: keeps empty background from being blown up

Floats = NDArray[np.float32]


def shrunk(eight_bit: NDArray[np.uint8], longest_px: int) -> Image.Image:
    """The film with its longer side at most longest_px, by area averaging. Never enlarged."""
    film = Image.fromarray(np.ascontiguousarray(eight_bit))
    factor = max(film.size) / longest_px
    if factor <= 1:
        return film
    size = (max(1, round(film.width / factor)), max(1, round(film.height / factor)))
    return film.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def gradient_map(film: Image.Image, size: tuple[int, int]) -> Floats:
    """Cells x cells x DIRECTIONS gradient map of the film resized to (width, height); partial cells are cut off."""
    grey = np.asarray(film.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0), dtype=np.float32)
    rows, columns = grey.shape[0] // CELL_PX, grey.shape[1] // CELL_PX
    grey = grey[: rows * CELL_PX, : columns * CELL_PX]
    gx, gy = np.zeros_like(grey), np.zeros_like(grey)
    gx[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    gy[1:-1] = grey[2:] - grey[:-2]
    strength = np.sqrt(gx * gx + gy * gy) + np.float32(1e-6)
    out = np.empty((rows, columns, DIRECTIONS), np.float32)
    for k in range(DIRECTIONS):
        angle = 2 * np.pi * k / DIRECTIONS
        towards: Floats = np.maximum(gx * np.float32(np.cos(angle)) + gy * np.float32(np.sin(angle)), np.float32(0))
        out[..., k] = _cell_means(towards * towards / strength)
    energy = _cell_means(strength * strength)
    floor = NOISE_FLOOR**2 * float(energy.mean())
    local = np.sqrt(_box_mean(energy, NEIGHBOURHOOD_CELLS) + floor) + np.float32(1e-3)
    normalised: Floats = np.sqrt(out / local[..., None])
    return normalised


def _cell_means(values: Floats) -> Floats:
    rows, columns = values.shape[0] // CELL_PX, values.shape[1] // CELL_PX
    means: Floats = values.reshape(rows, CELL_PX, columns, CELL_PX).mean(axis=(1, 3))
    return means


def _box_mean(values: Floats, width: int) -> Floats:
    """Mean over a width x width box, with the border repeated."""
    half = width // 2
    padded = np.pad(values, half, mode="edge").astype(np.float64)
    sums = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    box = sums[width:, width:] - sums[:-width, width:] - sums[width:, :-width] + sums[:-width, :-width]
    mean: Floats = (np.maximum(box, 0) / (width * width)).astype(np.float32)
    return mean
