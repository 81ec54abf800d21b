"""A probability from 0 to 1 with both thresholds and the three zones between them."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.diagnose.state_mark import state_colour

_TRACK_TOP, _TRACK_PX, _SIDE_PX = 14.0, 10.0, 8.0


class ProbabilityBar(QWidget):
    """Zones from the card's thresholds, a pointer at the probability, the thresholds written below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._p: float | None = None
        self._thresholds = Thresholds(0.0, 1.0)
        self._old = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_probability(self, p_fracture: float | None, thresholds: Thresholds, *, old: bool = False) -> None:
        """Draw a probability; None draws nothing."""
        self._p, self._thresholds, self._old = p_fracture, thresholds, old
        said = "" if p_fracture is None else f"{p_fracture:.3f}"
        self.setAccessibleName(
            f"Probability of a fracture {said}; no fracture below {thresholds.no_fracture:.3f}, "
            f"fracture from {thresholds.fracture:.3f}"
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 46)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._p is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(_SIDE_PX, _TRACK_TOP, self.width() - 2 * _SIDE_PX, _TRACK_PX)
        self._draw_zones(painter, track)
        self._draw_thresholds(painter, track)
        self._draw_pointer(painter, track, self._p)
        painter.end()

    def _draw_zones(self, painter: QPainter, track: QRectF) -> None:
        low, high = self._thresholds.no_fracture, self._thresholds.fracture
        zones = ((0.0, low, HipState.NO_FRACTURE), (low, high, HipState.DOUBT), (high, 1.0, HipState.FRACTURE))
        for start, end, state in zones:
            colour = QColor(theme.current().disabled if self._old else state_colour(state))
            colour.setAlphaF(0.55)
            x0, x1 = track.left() + start * track.width(), track.left() + end * track.width()
            if x1 - x0 > 0.5:
                painter.fillRect(QRectF(x0 + 0.75, track.top(), max(x1 - x0 - 1.5, 1.0), track.height()), colour)

    def _draw_thresholds(self, painter: QPainter, track: QRectF) -> None:
        palette = theme.current()
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        measure = QFontMetricsF(font)
        end = -1e9
        for value in dict.fromkeys((self._thresholds.no_fracture, self._thresholds.fracture)):
            x = track.left() + value * track.width()
            painter.setPen(QPen(QColor(palette.muted), 1.2))
            painter.drawLine(QPointF(x, track.top() - 2), QPointF(x, track.bottom() + 4))
            text = f"{value:.3f}"
            width = measure.horizontalAdvance(text)
            left = min(max(x - width / 2, 0.0), self.width() - width)
            left = max(left, end + 5)  # thresholds close together: the second number moves aside
            painter.drawText(QPointF(left, track.bottom() + 4 + measure.ascent()), text)
            end = left + width

    def _draw_pointer(self, painter: QPainter, track: QRectF, p: float) -> None:
        palette = theme.current()
        x = track.left() + p * track.width()
        colour = QColor(palette.disabled if self._old else palette.text)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(
            QPolygonF([QPointF(x - 6, track.top() - 11), QPointF(x + 6, track.top() - 11), QPointF(x, track.top() - 2)])
        )
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(x, track.top() - 4), QPointF(x, track.bottom()))
