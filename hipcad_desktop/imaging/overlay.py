"""Where the network looked, laid over the hip: in colours that the colour-blind can read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# "inferno" of matplotlib (van der Walt and Smith, CC0) at nine equal steps: lightness rises evenly, so it also reads in
# grey and with any colour vision.
_INFERNO = (
    (0, 0, 4),
    (31, 12, 72),
    (85, 15, 109),
    (136, 34, 106),
    (186, 54, 85),
    (227, 89, 51),
    (249, 140, 10),
    (249, 201, 50),
    (252, 255, 164),
)


def colour_table() -> NDArray[np.uint8]:
    """The colours of heat 0..255, uint8 [256, 3]."""
    anchors = np.asarray(_INFERNO, np.float64)
    at = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, c]) for c in range(3)]
    table: NDArray[np.uint8] = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    return table


def heat_overlay(hip: NDArray[np.uint8], heat: NDArray[Any], *, opacity: float = 0.45) -> NDArray[np.uint8]:
    """Grey hip [h, w] under heat [hh, ww] in 0..1 -> uint8 [h, w, 3]. Where there is no heat the hip is untouched."""
    height, width = hip.shape
    level = np.clip(_enlarged(heat, (width, height)), 0, 1)
    colour = colour_table()[np.rint(level * 255).astype(np.uint8)].astype(np.float32)
    # The square root lets medium heat be seen; alpha is still zero where heat is.
    alpha = (np.clip(opacity, 0, 1) * np.sqrt(level))[..., None]
    mixed = hip[..., None] * (1 - alpha) + colour * alpha
    laid: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
    return laid


def heat_image(heat: NDArray[Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Heat [hh, ww] of any scale -> uint8 [height, width] for size (width, height), its maximum at 255."""
    level = np.maximum(_enlarged(heat, size), 0)
    peak = float(level.max())
    if not peak > 0:
        return np.zeros(level.shape, np.uint8)
    grey: NDArray[np.uint8] = np.rint(level * (255 / peak)).astype(np.uint8)
    return grey


def _enlarged(heat: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32]:
    finite = np.nan_to_num(np.asarray(heat, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    enlarged: NDArray[np.float32] = np.asarray(Image.fromarray(finite).resize(size, Image.Resampling.BILINEAR))
    return enlarged
