"""The pictures of an answer: the hip under its heat map with words below, and the heat map alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.anatomy import SideSource
from hipcad_desktop.domain.diagnosis import Prediction
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.imaging.caption import captioned
from hipcad_desktop.imaging.hip_image import encode_png
from hipcad_desktop.imaging.overlay import heat_image, heat_overlay

if TYPE_CHECKING:
    from hipcad_desktop.domain.geometry import Window
    from hipcad_desktop.domain.radiograph import Radiograph

_PICTURE_PX = 1000  # longest edge of an overlay picture
_MOST_ENLARGED = 2.0
_HEAT_PX = 380


def window_picture(eight_bit: npt.NDArray[np.uint8], window: Window) -> npt.NDArray[np.uint8]:
    """The window of a film, H x W, in its true proportions, at most 1000 px long; black where it leaves the film.

    The eye reads a squashed hip badly. Small films grow, for the words' sake.
    """
    from PIL import Image

    y0, y1 = (round(y) for y in window.rows(eight_bit.shape[0]))
    x0, x1 = round(window.x0), max(round(window.x1), round(window.x0) + 1)
    y1 = max(y1, y0 + 1)
    seen = eight_bit[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    factor = min(_PICTURE_PX / max(x1 - x0, y1 - y0), _MOST_ENLARGED)
    picture = np.zeros((max(1, round((y1 - y0) * factor)), max(1, round((x1 - x0) * factor))), np.uint8)
    if not seen.size:
        return picture
    top, left = math.floor(max(-y0, 0) * factor), math.floor(max(-x0, 0) * factor)
    size = (
        min(max(1, round(seen.shape[1] * factor)), picture.shape[1] - left),
        min(max(1, round(seen.shape[0] * factor)), picture.shape[0] - top),
    )
    small = Image.fromarray(seen).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    picture[top : top + size[1], left : left + size[0]] = np.asarray(small)
    return picture


def answer_pictures(
    picture: npt.NDArray[np.uint8] | None, prediction: Prediction, heat: npt.NDArray[np.float32], radiograph: Radiograph
) -> dict[Path, bytes]:
    """PNGs of one hip by their paths: the heat [h, w] alone, and over window_picture with words if asked for."""
    peak = float(heat.max())
    relative = heat / peak if peak > 0 else np.zeros_like(heat)
    pictures = {Path(prediction.heat_path): encode_png(heat_image(relative, (_HEAT_PX, _HEAT_PX)))}
    if picture is None:
        return pictures
    assumed = " (side assumed)" if radiograph.sides.source is SideSource.ASSUMED else ""
    said = f"{prediction.side.value}{assumed}   {prediction.state.words}   p = {prediction.p_fracture:.3f}"
    overlay = captioned(heat_overlay(picture, relative), (said, RESEARCH_USE))
    return pictures | {Path(prediction.overlay_path): encode_png(overlay)}
