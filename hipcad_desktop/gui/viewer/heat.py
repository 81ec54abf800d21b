"""A heat map as colours over the film: more heat, more colour and less film showing through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from hipcad_desktop.domain.geometry import Window

# Heat 0..1 at these points becomes red, green, blue and the share of the opacity; ordered also in lightness.
_ANCHORS = np.array(
    [
        (0.00, 60, 0, 110, 0.00),
        (0.20, 110, 10, 130, 0.25),
        (0.45, 205, 40, 90, 0.70),
        (0.70, 250, 120, 40, 0.90),
        (1.00, 255, 240, 120, 1.00),
    ]
)


@dataclass(frozen=True, slots=True)
class HeatLayer:
    """Colours (RGBA) stretched over a window of the film, full height."""

    image: QImage
    window: Window
    opacity: float


def heat_layer(values: NDArray[Any], window: Window, opacity: float) -> HeatLayer:
    """A layer of a heat map (h x w: uint8, or float in 0..1) or of ready colours (h x w x 3 or 4, uint8)."""
    return HeatLayer(_image(values), window, min(max(opacity, 0.0), 1.0))


def _image(values: NDArray[Any]) -> QImage:
    rgba = _coloured(values) if values.ndim == 2 else _with_alpha(values)
    height, width = rgba.shape[:2]
    return QImage(rgba.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


def _coloured(heat: NDArray[Any]) -> NDArray[np.uint8]:
    share = heat / 255.0 if heat.dtype == np.uint8 else np.clip(np.nan_to_num(heat), 0.0, 1.0)
    channels = [np.interp(share, _ANCHORS[:, 0], _ANCHORS[:, i]) for i in (1, 2, 3)]
    alpha = 255.0 * np.interp(share, _ANCHORS[:, 0], _ANCHORS[:, 4])
    return np.stack([*channels, alpha], axis=-1).round().astype(np.uint8)


def _with_alpha(colours: NDArray[Any]) -> NDArray[np.uint8]:
    if colours.ndim != 3 or colours.shape[2] not in (3, 4) or colours.dtype != np.uint8:
        raise ValueError(f"an overlay is h x w, or h x w x 3 or 4 in 8 bits, not {colours.shape} {colours.dtype}")
    if colours.shape[2] == 4:
        return np.ascontiguousarray(colours)
    return np.dstack([colours, np.full(colours.shape[:2], 255, np.uint8)])
