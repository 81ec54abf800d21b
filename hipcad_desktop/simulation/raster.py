"""Resizing, blurring and smooth noise on float pictures, with NumPy and Pillow only (SciPy is no base dependency)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.float32]  # [height, width]


def resized(picture: Picture, *, width: int, height: int, smooth: bool = False) -> Picture:
    """The picture at another size over the same area; bicubic for upright detail, bilinear where smooth is asked."""
    if picture.shape == (height, width):
        return picture
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(picture).resize((width, height), how), dtype=np.float32)


def blurred(picture: Picture, *, sigma_px: float) -> Picture:
    """Gaussian blur with mirrored edges; large blurs run on a reduced picture."""
    if sigma_px < 0.2:
        return picture
    height, width = picture.shape
    factor = max(1, min(int(sigma_px / 2), height // 4, width // 4))
    if factor > 1:
        small = np.asarray(Image.fromarray(picture).reduce(factor), dtype=np.float32)
        done = _gaussian(small, sigma_px / factor)
        return resized(done, width=width, height=height, smooth=True)
    return _gaussian(picture, sigma_px)


def _gaussian(picture: Picture, sigma_px: float) -> Picture:
    reach = max(1, math.ceil(3 * sigma_px))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    for axis in (0, 1):
        length = picture.shape[axis]
        pad = [(0, 0), (0, 0)]
        pad[axis] = (reach, reach)
        wide = np.pad(picture, pad, mode="symmetric")
        total = np.zeros_like(picture)
        for i, tap in enumerate(taps):
            total += tap * (wide[i : i + length] if axis == 0 else wide[:, i : i + length])
        picture = total
    return picture


def smooth_noise(rng: np.random.Generator, *, width: int, height: int, scale_px: float) -> Picture:
    """Noise of mean 0 and deviation about 1 whose features are scale_px wide."""
    columns = max(4, math.ceil(width / scale_px) + 3)
    rows = max(4, math.ceil(height / scale_px) + 3)
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    spread_x, spread_y = max(width, round(columns * scale_px)), max(height, round(rows * scale_px))
    wide = resized(coarse, width=spread_x, height=spread_y)[:height, :width]
    return np.asarray((wide - wide.mean()) / np.float32(wide.std() + 1e-6), dtype=np.float32)


def smoothstep(values: NDArray[np.floating[Any]]) -> Picture:
    """0 below 0, 1 above 1, smooth between."""
    t = np.clip(values, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
