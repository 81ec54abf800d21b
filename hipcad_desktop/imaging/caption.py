"""Words under a picture: the canvas grows, the picture itself stays free of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

_PAPER = (16, 18, 22)
_INK = (236, 238, 240)
_FAINT = (170, 176, 184)


def captioned(picture: npt.NDArray[np.uint8], lines: Sequence[str]) -> npt.NDArray[np.uint8]:
    """The picture, uint8 [h, w, 3], on a canvas that is taller by a strip with the lines, the first one largest.

    Type shrinks until the longest line fits the picture's width.
    """
    height, width = picture.shape[:2]
    largest = max(11, round(width / 22))
    fonts = [_fitting(line, width, largest if i == 0 else round(largest * 0.72)) for i, line in enumerate(lines)]
    pad = max(4, largest // 3)
    steps = [round(font.size * 1.3) for font in fonts]
    canvas = Image.new("RGB", (width, height + 2 * pad + sum(steps)), _PAPER)
    canvas.paste(Image.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(canvas)
    y = height + pad
    for i, (line, font, step) in enumerate(zip(lines, fonts, steps, strict=True)):
        draw.text((pad, y), line, font=font, fill=_INK if i == 0 else _FAINT)
        y += step
    return np.asarray(canvas)


def _fitting(line: str, width: int, size: int) -> ImageFont.FreeTypeFont:
    # Pillow carries this typeface inside its wheel, so a frozen build has it on every system.
    while True:
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont)
        if size <= 7 or font.getlength(line) <= width * 0.96:
            return font
        size -= 1
