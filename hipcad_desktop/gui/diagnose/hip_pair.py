"""Both hips of a film side by side, the picture's right one mirrored, so that like lies beside like."""

from __future__ import annotations

from collections.abc import Mapping
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
from hipcad_desktop.gui.viewer.heat import HeatLayer, heat_layer
from hipcad_desktop.gui.viewer.picture import Picture

if TYPE_CHECKING:
    from hipcad_desktop.workflows.load_film import Film


class HipView(Canvas):
    """One hip's strip of the film with its letter and its heat map."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._letter = ""
        self._words = ""
        self._colour = theme.FILM_TEXT
        self._layer: HeatLayer | None = None
        self._heat_visible = True

    def show_hip(
        self, values: NDArray[Any], *, letter: str, mirrored: bool, assumed: bool, layer: HeatLayer | None
    ) -> None:
        """Show a strip, fitted."""
        self._letter, self._layer = letter, layer
        self._words = ", ".join(w for w, on in (("assumed", assumed), ("shown mirrored", mirrored)) if on)
        self._colour = theme.FILM_AMBER if assumed else theme.FILM_TEXT
        self.set_picture(Picture(values))

    def set_layer(self, opacity: float, visible: bool) -> None:
        """How much of the heat map is seen."""
        if self._layer is not None:
            self._layer = HeatLayer(self._layer.image, self._layer.window, opacity)
        self._heat_visible = visible
        self.update()

    def paint_marks(self, painter: QPainter) -> None:
        if self.picture is None:
            return
        if self._layer is not None and self._heat_visible:
            marks.draw_heat(painter, self.camera, self.picture.size, [self._layer])
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

    def show_answer(self, film: Film, answer: FilmAnswer, heat: Mapping[Side, NDArray[np.uint8]]) -> None:
        """Cut both windows out of the film; heat by side, opacity by set_heat."""
        assumed = film.radiograph.sides.source is SideSource.ASSUMED
        for view, hip in zip(self.views, answer.hips, strict=False):
            x0, x1 = round(hip.window.x0), round(hip.window.x1)
            strip, hot = film.values[:, x0:x1], heat.get(hip.side)
            mirrored = hip.half is ImageHalf.RIGHT
            if mirrored:
                strip, hot = strip[:, ::-1], None if hot is None else hot[:, ::-1]
            layer = None if hot is None else heat_layer(hot, Window(0.0, float(strip.shape[1])), 0.45)
            strip = np.ascontiguousarray(strip)
            view.show_hip(strip, letter=hip.side.value, mirrored=mirrored, assumed=assumed, layer=layer)

    def set_heat(self, opacity: float, visible: bool) -> None:
        """How much of the heat maps is seen."""
        for view in self.views:
            view.set_layer(opacity, visible)
