"""Curves of several runs over their epochs, one chart a figure; every run has its colour, dash and sign."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from hipcad_desktop.gui import theme
from hipcad_desktop.gui.widgets.figure_charts import Sign, draw_sign, write

Curve = Sequence[tuple[int, float]]
LOOKS: tuple[tuple[str, Qt.PenStyle, Sign], ...] = (
    ("accent", Qt.PenStyle.SolidLine, "circle"),
    ("doubt", Qt.PenStyle.DashLine, "square"),
    ("fracture", Qt.PenStyle.DotLine, "triangle"),
    ("no_fracture", Qt.PenStyle.DashDotLine, "circle"),
    ("muted", Qt.PenStyle.DashDotDotLine, "square"),
)
MOST_RUNS = len(LOOKS)
_LEFT, _TOP, _RIGHT, _BOTTOM = 46.0, 26.0, 12.0, 24.0


class EpochChart(QWidget):
    """One figure of several runs."""

    def __init__(self, title: str, *, top: float | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._top = title, top
        self._curves: Sequence[Curve] = ()
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(190)

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """In the order of the runs; an empty one where a run has none."""
        self._curves = curves
        ends = [f"run {n}: {c[-1][1]:.3f}" for n, c in enumerate(curves, 1) if c]
        self.setAccessibleDescription("; ".join(ends))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(260, 190)

    def paintEvent(self, event: QPaintEvent) -> None:
        palette = theme.current()
        plot = QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)
        epochs = max([e for curve in self._curves for e, _ in curve], default=1)
        highest = self._top or max([v for curve in self._curves for _, v in curve], default=1.0) * 1.05 or 1.0
        first = 0 if epochs > 1 else 0.5

        def at(epoch: float, value: float) -> QPointF:
            x = plot.left() + (epoch - first) / max(epochs - first, 0.5) * plot.width()
            return QPointF(x, plot.bottom() - value / highest * plot.height())

        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            write(painter, QRectF(4, 2, self.width() - 8, 18), self._title, palette.text, bold=True)
            for step in range(5):
                value = highest * step / 4
                painter.setPen(QPen(QColor(palette.border), 1))
                painter.drawLine(QPointF(plot.left(), at(0, value).y()), QPointF(plot.right(), at(0, value).y()))
                words = f"{value:.2g}" if highest < 10 else f"{value:.0f}"
                write(painter, QRectF(0, at(0, value).y() - 8, _LEFT - 6, 16), words, palette.muted, right=True)
            every = max(1, round(epochs / 6))
            for epoch in range(every, epochs + 1, every):
                box = QRectF(at(epoch, 0).x() - 20, plot.bottom() + 4, 40, 16)
                write(painter, box, str(epoch), palette.muted, middle=True)
            painter.setClipRect(plot.adjusted(-7, -7, 7, 7))
            for curve, (name, dash, sign) in zip(self._curves, LOOKS, strict=False):
                colour = QColor(getattr(palette, name))
                painter.setPen(QPen(colour, 2, dash))
                painter.drawPolyline(QPolygonF([at(e, v) for e, v in curve]))
                for e, v in curve if len(curve) <= 40 else curve[-1:]:
                    draw_sign(painter, at(e, v), sign, colour, palette.surface)


class RunKey(QWidget):
    """A run's line and sign, as the charts draw it."""

    def __init__(self, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = LOOKS[number % MOST_RUNS]
        self.setFixedSize(40, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        name, dash, sign = self._look
        colour = QColor(getattr(theme.current(), name))
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(colour, 2, dash))
            painter.drawLine(QPointF(2, 10), QPointF(38, 10))
            draw_sign(painter, QPointF(20, 10), sign, colour, theme.current().surface)
