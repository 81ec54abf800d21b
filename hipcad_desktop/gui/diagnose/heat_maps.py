"""The heat maps of an answer: read from their pictures, and laid where their windows are on the film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.gui.diagnose.answers import FilmAnswer

Heat = dict[Side, NDArray[np.uint8]]


def read_heat(answer: FilmAnswer) -> Heat:
    """For the pool: the 8-bit heat maps by side. Raises OSError where a picture is not there."""
    heat: Heat = {}
    for hip in answer.hips:
        if not hip.heat:
            continue
        image = QImage(hip.heat).convertToFormat(QImage.Format.Format_Grayscale8)
        if image.isNull():
            raise OSError("no heat map")
        rows: Any = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        heat[hip.side] = rows[:, : image.width()].copy()
    return heat


def heat_layers(answer: FilmAnswer, heat: Heat) -> Mapping[str, tuple[NDArray[np.uint8], Window]]:
    """What lies over the film: strips overlap and become one map, squares do not and stay two."""
    hips = [hip for hip in answer.hips if hip.side in heat]
    if all(hip.window.is_strip for hip in hips):
        whole = whole_heat(answer, heat)
        return {} if whole is None else {"": whole}
    return {hip.side.value: (heat[hip.side], hip.window) for hip in hips}


def whole_heat(answer: FilmAnswer, heat: Heat) -> tuple[NDArray[np.uint8], Window] | None:
    """The maps of both strips as one; where these overlap, the larger value. None where there is no map."""
    hips = [hip for hip in answer.hips if hip.side in heat]
    if not hips:
        return None
    x0, x1 = min(hip.window.x0 for hip in hips), max(hip.window.x1 for hip in hips)
    rows, columns = heat[hips[0].side].shape
    wide = round(columns * (x1 - x0) / hips[0].window.width)
    whole = np.zeros((rows, wide), np.uint8)
    centres = x0 + (np.arange(wide) + 0.5) * (x1 - x0) / wide
    for hip in hips:
        inside = (centres >= hip.window.x0) & (centres < hip.window.x1)
        source = ((centres[inside] - hip.window.x0) / hip.window.width * columns).astype(int)
        whole[:, inside] = np.maximum(whole[:, inside], heat[hip.side][:, source])
    return whole, Window(x0, x1)
