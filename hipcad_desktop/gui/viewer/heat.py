"""A heat map as colours over the film: more heat, more colour and less film showing through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.gui.viewer.contour import outline

# Maps of matplotlib (CC0) at five equal steps: lightness rises evenly, so each also reads in grey and with any colour
# vision; cividis was made for it (Nunez, Anderton and Renslow, PLOS ONE 2018;13:e0199239).
COLOURS: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "Inferno": ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)),
    "Viridis": ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)),
    "Cividis": ((0, 34, 78), (67, 78, 108), (125, 124, 120), (188, 174, 108), (254, 232, 56)),
}
DEFAULT_COLOURS = "Inferno"
# The share of the opacity at a heat of 0..1: none where there is no heat, so that the film shows.
_HEAT, _ALPHA = (0.00, 0.20, 0.45, 0.70, 1.00), (0.00, 0.25, 0.70, 0.90, 1.00)
HOTTEST = 0.5  # the hottest region has at least this share of the map's largest value


@dataclass(frozen=True, slots=True)
class HeatLayer:
    """Colours (RGBA) stretched over a window of the film, and the outline of its hottest region."""

    image: QImage
    window: Window
    opacity: float
    outline: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))  # contour.outline's pieces


def heat_layer(values: NDArray[Any], window: Window, opacity: float, colours: str = DEFAULT_COLOURS) -> HeatLayer:
    """A layer of a heat map (h x w: uint8, or float in 0..1) or of ready colours (h x w x 3 or 4, uint8).

    colours is one of COLOURS; ready colours have no hottest region.
    """
    if values.ndim == 2:
        share = values / 255.0 if values.dtype == np.uint8 else np.clip(np.nan_to_num(values), 0.0, 1.0)
        peak = float(share.max()) if share.size else 0.0
        hottest = outline(share, HOTTEST * peak) if peak > 0 else np.zeros((0, 4))
        return HeatLayer(_image(coloured(share, colours)), window, min(max(opacity, 0.0), 1.0), hottest)
    return HeatLayer(_image(_with_alpha(values)), window, min(max(opacity, 0.0), 1.0))


def _image(rgba: NDArray[np.uint8]) -> QImage:
    height, width = rgba.shape[:2]
    return QImage(rgba.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


def coloured(share: NDArray[Any], colours: str) -> NDArray[np.uint8]:
    """Heat in 0..1, [h, w] -> uint8 [h, w, 4] in one of COLOURS."""
    anchors = np.asarray(COLOURS[colours], np.float64)
    steps = np.linspace(0.0, 1.0, len(anchors))
    channels = [np.interp(share, steps, anchors[:, i]) for i in range(3)]
    alpha = 255.0 * np.interp(share, _HEAT, _ALPHA)
    return np.stack([*channels, alpha], axis=-1).round().astype(np.uint8)


def _with_alpha(colours: NDArray[Any]) -> NDArray[np.uint8]:
    if colours.ndim != 3 or colours.shape[2] not in (3, 4) or colours.dtype != np.uint8:
        raise ValueError(f"an overlay is h x w, or h x w x 3 or 4 in 8 bits, not {colours.shape} {colours.dtype}")
    if colours.shape[2] == 4:
        return np.ascontiguousarray(colours)
    return np.dstack([colours, np.full(colours.shape[:2], 255, np.uint8)])
