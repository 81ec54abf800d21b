"""Pages of hip pairs to look over: each half in a frame of its class, the word below it, the film's code above."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

BROKEN, WHOLE = (196, 60, 44), (46, 140, 86)
INK, FAINT, PAPER = (236, 238, 240), (170, 176, 184), (22, 24, 28)
HIP_PX, FRAME_PX, GAP_PX, CAPTION_PX, WORD_PX, HEAD_PX = 190, 5, 6, 20, 20, 44
COLUMNS, ROWS = 4, 5
PAIRS_A_PAGE = COLUMNS * ROWS


@dataclass(frozen=True, slots=True, eq=False)
class Hip:
    """One half: uint8 [h, w], what its frame says, and a line below it."""

    image: NDArray[np.uint8]
    fracture: bool
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The two halves of a film as they lie in the picture, and the line above them."""

    caption: str
    left: Hip
    right: Hip


def draw_page(pairs: Sequence[Pair], *, title: str, notice: str) -> bytes:
    """Up to PAIRS_A_PAGE pairs as PNG bytes. Colour is never alone: each frame's class stands below it in words."""
    if not 1 <= len(pairs) <= PAIRS_A_PAGE:
        raise ValueError(f"a page holds 1 to {PAIRS_A_PAGE} pairs")
    cell = HIP_PX + 2 * FRAME_PX
    pair_width, pair_height = 2 * cell + GAP_PX, CAPTION_PX + cell + WORD_PX
    step_x, step_y = pair_width + 4 * GAP_PX, pair_height + 3 * GAP_PX
    columns = min(COLUMNS, len(pairs))
    rows = -(-len(pairs) // columns)
    width, height = columns * step_x + 4 * GAP_PX, HEAD_PX + rows * step_y + HEAD_PX // 2
    canvas = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((4 * GAP_PX, HEAD_PX / 2), title, font=_fitted(title, width - 8 * GAP_PX, 18), fill=INK, anchor="lm")
    for i, pair in enumerate(pairs):
        x, y = 4 * GAP_PX + (i % columns) * step_x, HEAD_PX + (i // columns) * step_y
        at = (x, y + CAPTION_PX / 2)
        draw.text(at, pair.caption, font=_fitted(pair.caption, pair_width, 13), fill=INK, anchor="lm")
        for j, hip in enumerate((pair.left, pair.right)):
            _draw_hip(canvas, draw, hip, x=x + j * (cell + GAP_PX), y=y + CAPTION_PX)
    at = (4 * GAP_PX, height - HEAD_PX / 4 - 2)
    draw.text(at, notice, font=_fitted(notice, width - 8 * GAP_PX, 12), fill=FAINT, anchor="lm")
    data = io.BytesIO()
    canvas.save(data, "PNG", compress_level=6)
    return data.getvalue()


def _draw_hip(canvas: Image.Image, draw: ImageDraw.ImageDraw, hip: Hip, *, x: int, y: int) -> None:
    colour = BROKEN if hip.fracture else WHOLE
    cell = HIP_PX + 2 * FRAME_PX
    draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=colour)
    picture = Image.fromarray(np.ascontiguousarray(hip.image)).resize((HIP_PX, HIP_PX), Image.Resampling.LANCZOS)
    canvas.paste(picture.convert("RGB"), (x + FRAME_PX, y + FRAME_PX))
    brighter = (240, 128, 112) if hip.fracture else (116, 204, 152)
    at = (x, y + cell + WORD_PX / 2)
    draw.text(at, hip.words, font=_fitted(hip.words, cell, 13), fill=brighter, anchor="lm")


def _fitted(text: str, width: float, size: float) -> ImageFont.FreeTypeFont:
    """Pillow's own typeface, smaller where the text would not fit."""
    while True:
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels are built with FreeType
        if size <= 8 or font.getlength(text) <= width:
            return font
        size -= 1
