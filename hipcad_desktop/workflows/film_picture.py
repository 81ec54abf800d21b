"""The whole film as a picture: heat maps in their windows, and R and L where the patient's right and left are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.imaging.overlay import heat_overlay

Hip = tuple[str, Window]  # the side's letter, and the window in film pixels
_LONGEST_PX = 1600
_INK, _EDGE = (255, 214, 102), (0, 0, 0)


def film_picture(eight_bit: npt.NDArray[np.uint8], hips: Sequence[tuple[Hip, Path]]) -> npt.NDArray[np.uint8]:
    """A film, H x W, at most 1600 pixels long, with the heat maps in these PNG files -> uint8 [h, w, 3].

    A heat map that is not there is left out. Where two windows overlap the greater heat is shown.
    """
    from PIL import Image

    height, width = eight_bit.shape
    scale = min(1.0, _LONGEST_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(Image.fromarray(eight_bit).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0))
    heat = np.zeros(small.shape, np.float32)
    for (_, window), path in hips:
        if path.is_file():
            with Image.open(path, formats=("PNG",)) as image:
                of_hip = np.asarray(image.convert("L"), np.float32) / np.float32(255)
            _put(heat, of_hip, window, scale, height)
    return _lettered(heat_overlay(small, heat), [hip for hip, _ in hips], scale)


def _put(
    heat: npt.NDArray[np.float32], of_hip: npt.NDArray[np.float32], window: Window, scale: float, film_height: int
) -> None:
    """The hip's map into the film's, in place; what of the window lies outside the film falls away."""
    from PIL import Image

    rows = window.rows(film_height)
    x0, x1, y0, y1 = (round(edge * scale) for edge in (window.x0, window.x1, *rows))
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    whole = np.asarray(Image.fromarray(of_hip).resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR))
    height, width = heat.shape
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if right > left and bottom > top:
        part = whole[top - y0 : bottom - y0, left - x0 : right - x0]
        heat[top:bottom, left:right] = np.maximum(heat[top:bottom, left:right], part)


def _lettered(picture: npt.NDArray[np.uint8], hips: Sequence[Hip], scale: float) -> npt.NDArray[np.uint8]:
    from PIL import Image, ImageDraw, ImageFont

    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    size = max(14, round(canvas.width / 22))
    font = ImageFont.load_default(size)
    middles = sorted((window.x0 + window.x1) / 2 * scale for _, window in hips)
    for letter, window in hips:
        on_left = (window.x0 + window.x1) / 2 * scale <= middles[0]
        x = size * 0.5 if on_left and len(hips) == 2 else canvas.width - size * 1.2
        if len(hips) == 1:  # one hip alone: beside its own window
            x = min(max(window.x0 * scale + size * 0.5, size * 0.5), canvas.width - size * 1.2)
        draw.text((x, size * 0.4), letter, font=font, fill=_INK, stroke_width=max(1, size // 14), stroke_fill=_EDGE)
    return np.asarray(canvas)
