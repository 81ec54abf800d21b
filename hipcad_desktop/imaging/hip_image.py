"""One hip of a film becomes its 380 x 380 image: the same function for export, training and diagnosis (METHOD 3.5)."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.halving import FRAME_PX

RENDERING = 1  # raised whenever the same film and window would give other pixels; what was kept is then made anew
PNG_LEVEL = 3  # a tenth larger than 6, five times as fast
_TOLERANCE_PX = 1e-6


def hip_image(eight_bit: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """The window of a film's 8-bit pixels (H x W) -> uint8 [380, 380], resized once, antialiased.

    The window's edges may lie between pixels. Raises ValueError where a strip leaves the film; what of a box lies
    outside is black.
    """
    return hip_images(eight_bit, [window])[0]


def hip_images(eight_bit: NDArray[np.uint8], windows: Sequence[Window]) -> list[NDArray[np.uint8]]:
    """hip_image of several windows of one film, for little more than the price of one."""
    low = lowered(eight_bit) if any(window.is_strip for window in windows) else None
    return [hip_of(low, w) if w.is_strip and low is not None else boxed(eight_bit, w) for w in windows]


def boxed(eight_bit: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """A box of the film (H x W), uint8 [380, 380], black where it lies outside the film."""
    height, width = eight_bit.shape
    y0, y1 = window.rows(height)
    left, top = math.floor(window.x0), math.floor(y0)
    right, bottom = math.ceil(window.x1), math.ceil(y1)
    seen = eight_bit[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    around = ((max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0)))
    part = np.pad(seen, around) if any(map(any, around)) else np.ascontiguousarray(seen)
    box = (window.x0 - left, y0 - top, window.x1 - left, y1 - top)
    return np.array(Image.fromarray(part).resize((FRAME_PX, FRAME_PX), Image.Resampling.LANCZOS, box=box))


def lowered(eight_bit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The film (H x W) at the height of a hip image, uint8 [380, W]: the part of the resize that all windows share.

    A Lanczos resize is one pass in each direction. Upright first, the costly pass is done once for a film; a window
    that is dragged costs the level pass alone.
    """
    film = Image.fromarray(np.ascontiguousarray(eight_bit))
    return np.array(film.resize((film.width, FRAME_PX), Image.Resampling.LANCZOS))


def hip_of(low: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """The window of a lowered film, uint8 [380, 380]: as hip_image gives it. Raises ValueError as it does."""
    height, width = low.shape
    if window.x0 < -_TOLERANCE_PX or window.x1 > width + _TOLERANCE_PX:
        raise ValueError(f"window [{window.x0}, {window.x1}] leaves a film {width} pixels wide")
    box = (max(0.0, window.x0), 0.0, min(float(width), window.x1), float(height))
    film = Image.fromarray(np.ascontiguousarray(low))
    return np.array(film.resize((FRAME_PX, FRAME_PX), Image.Resampling.LANCZOS, box=box))


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """H x W grey or H x W x 3 colour -> a PNG's bytes without metadata; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()


def decode_png(data: bytes) -> NDArray[np.uint8]:
    """The hip image in a PNG's bytes, uint8 [380, 380]. Raises ValueError where it is anything else."""
    image: Any
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.mode != "L" or image.size != (FRAME_PX, FRAME_PX):
                raise ValueError(f"no hip image: {image.size[0]} x {image.size[1]}, {image.mode}")
            return np.array(image)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("no hip image: the PNG is damaged") from error
