"""A hip's state as a shape, a colour and words, so that neither has to be told apart alone."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.gui import theme

STATE_WORDS = {
    HipState.FRACTURE: "Fracture suspected",
    HipState.DOUBT: "Doubt",
    HipState.NO_FRACTURE: "No fracture found",
}


def state_colour(state: HipState) -> str:
    """The colour of a state in the palette in force."""
    palette = theme.current()
    match state:
        case HipState.FRACTURE:
            return palette.fracture
        case HipState.DOUBT:
            return palette.doubt
        case HipState.NO_FRACTURE:
            return palette.no_fracture
        case _:
            assert_never(state)


def draw_state(painter: QPainter, box: QRectF, state: HipState, colour: str) -> None:
    """Fracture: filled triangle with !. Doubt: diamond with ?. No fracture: ring with a tick."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    line = max(1.5, box.width() / 11)
    inside = box.adjusted(line, line, -line, -line)
    pen = QPen(QColor(colour), line, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    match state:
        case HipState.FRACTURE:
            painter.setBrush(QColor(colour))
            top = QPointF(inside.center().x(), inside.top())
            painter.drawPolygon(QPolygonF([top, inside.bottomRight(), inside.bottomLeft()]))
            lowered = inside.adjusted(0, inside.height() * 0.28, 0, 0)
            _draw_sign(painter, lowered, "!", theme.current().window)
        case HipState.DOUBT:
            centre = inside.center()
            points = [QPointF(centre.x(), inside.top()), QPointF(inside.right(), centre.y())]
            points += [QPointF(centre.x(), inside.bottom()), QPointF(inside.left(), centre.y())]
            painter.drawPolygon(QPolygonF(points))
            _draw_sign(painter, inside, "?", colour)
        case HipState.NO_FRACTURE:
            painter.drawEllipse(inside)
            x, y, w = inside.left(), inside.top(), inside.width()
            tick = [QPointF(x + 0.27 * w, y + 0.52 * w), QPointF(x + 0.45 * w, y + 0.69 * w)]
            painter.drawPolyline(QPolygonF([*tick, QPointF(x + 0.74 * w, y + 0.34 * w)]))
        case _:
            assert_never(state)
    painter.restore()


def _draw_sign(painter: QPainter, box: QRectF, sign: str, colour: str) -> None:
    font = QFont(painter.font())
    font.setPixelSize(max(6, round(box.height() * 0.62)))
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, sign)


class StateMark(QWidget):
    """The shape alone, beside its words."""

    def __init__(self, px: int = 26, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: HipState | None = None
        self._old = False
        self.setFixedSize(px, px)

    def show_state(self, state: HipState | None, *, old: bool = False) -> None:
        """Draw a state; grey where it is old."""
        self._state, self._old = state, old
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._state is None:
            return
        painter = QPainter(self)
        colour = theme.current().disabled if self._old else state_colour(self._state)
        draw_state(painter, QRectF(self.rect()), self._state, colour)
        painter.end()
