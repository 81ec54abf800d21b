"""Both hips of a film side by side, the picture's right one mirrored, so that like lies beside like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QWidget

from hipcad_desktop.domain.anatomy import ImageHalf, Side, SideSource
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.diagnose.answers import FilmAnswer
from hipcad_desktop.gui.viewer import marks
from hipcad_desktop.gui.viewer.canvas import Canvas
from hipcad_desktop.gui.viewer.heat import DEFAULT_COLOURS, HeatLayer, heat_layer
from hipcad_desktop.gui.viewer.picture import Picture

if TYPE_CHECKING:
    from hipcad_desktop.workflows.load_film import Film


class HipView(Canvas):
    """One hip's window of the film with its letter and its heat map."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._letter = ""
        self._words = ""
        self._colour = theme.FILM_TEXT
        self._layer: HeatLayer | None = None
        self._heat_visible = True
        self._contour = False

    def show_hip(
        self, values: NDArray[Any], *, letter: str, mirrored: bool, assumed: bool, layer: HeatLayer | None
    ) -> None:
        """Show the window's values, fitted."""
        self._letter, self._layer = letter, layer
        self._words = ", ".join(w for w, on in (("assumed", assumed), ("shown mirrored", mirrored)) if on)
        self._colour = theme.FILM_AMBER if assumed else theme.FILM_TEXT
        self.set_picture(Picture(values))

    def set_layer(self, opacity: float, visible: bool, *, contour: bool) -> None:
        """How much of the heat map is seen."""
        if self._layer is not None:
            self._layer = replace(self._layer, opacity=opacity)
        self._heat_visible, self._contour = visible, contour
        self.update()

    def paint_marks(self, painter: QPainter) -> None:
        if self.picture is None:
            return
        if self._layer is not None and self._heat_visible:
            marks.draw_heat(painter, self.camera, self.picture.size, [self._layer], contour=self._contour)
        corner = self.shown().topLeft() + QPointF(marks.EDGE_PX, marks.EDGE_PX + 24)
        marks.draw_text(painter, corner, self._letter, colour=self._colour, px=30)
        if self._words:
            marks.draw_text(painter, corner + QPointF(0, 18), self._words, colour=theme.FILM_AMBER, px=12)


class HipPair(QWidget):
    """Two HipViews that belong to one answer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.views = (HipView(), HipView())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for view in self.views:
            view.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            layout.addWidget(view, 1)

    def show_answer(
        self, film: Film, answer: FilmAnswer, heat: Mapping[Side, NDArray[np.uint8]], colours: str = DEFAULT_COLOURS
    ) -> None:
        """Cut both windows out of the film; heat by side, opacity by set_heat."""
        assumed = film.radiograph.sides.source is SideSource.ASSUMED
        for view, hip in zip(self.views, answer.hips, strict=False):
            seen, hot = window_values(film.values, hip.window), heat.get(hip.side)
            mirrored = hip.half is ImageHalf.RIGHT
            if mirrored:
                seen, hot = seen[:, ::-1], None if hot is None else hot[:, ::-1]
            whole = Window(0.0, float(seen.shape[1]))
            layer = None if hot is None else heat_layer(hot, whole, 0.45, colours)
            seen = np.ascontiguousarray(seen)
            view.show_hip(seen, letter=hip.side.value, mirrored=mirrored, assumed=assumed, layer=layer)

    def set_heat(self, opacity: float, visible: bool, *, contour: bool) -> None:
        """How much of the heat maps is seen."""
        for view in self.views:
            view.set_layer(opacity, visible, contour=contour)


def window_values(values: NDArray[Any], window: Window) -> NDArray[Any]:
    """A film's values, H x W, in a window; what lies outside the film is as dark as its darkest place."""
    height, width = values.shape
    x0, x1 = round(window.x0), round(window.x1)
    y0, y1 = (round(y) for y in window.rows(height))
    seen = values[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    around = ((max(-y0, 0), max(y1 - height, 0)), (max(-x0, 0), max(x1 - width, 0)))
    return np.pad(seen, around, constant_values=values.min()) if any(map(any, around)) else seen
