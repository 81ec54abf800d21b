"""Two small charts: kappa with its interval, and how well rectangles overlap. Numbers stand beside the marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from hipcad_desktop.domain.agreement import SAME_RECTANGLE, Kappa
from hipcad_desktop.gui import theme

PAPER_KAPPA = 0.91  # METHOD 1: two orthopaedic surgeons
ROW_PX, AXIS_PX = 44, 26
NAME_PX, NUMBERS_PX = 150, 210
BINS = 10


@dataclass(frozen=True, slots=True)
class KappaRow:
    """One line of the chart."""

    name: str
    kappa: Kappa


def kappa_words(kappa: Kappa) -> str:
    """Value, 95 % interval and number, or why there is none."""
    if kappa.value is None or kappa.low is None or kappa.high is None:
        return f"none (n = {kappa.n}): {kappa.reason}"
    return f"κ {kappa.value:.2f}  ({kappa.low:.2f} to {kappa.high:.2f})   n = {kappa.n}"


class KappaChart(QWidget):
    """Kappa from -1 or 0 to 1, each with its 95 % interval; the paper's value as a dashed line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[KappaRow] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Cohen's kappa")

    def show_rows(self, rows: Sequence[KappaRow]) -> None:
        """Draw these."""
        self._rows = rows
        self.setAccessibleDescription("; ".join(f"{r.name}: {kappa_words(r.kappa)}" for r in rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(620, 18 + ROW_PX * len(self._rows) + AXIS_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        palette = theme.current()
        lows = [r.kappa.low for r in self._rows if r.kappa.low is not None]
        least = -1.0 if min(lows, default=0.0) < -0.2 else (-0.2 if min(lows, default=0.0) < 0 else 0.0)
        plot = QRectF(NAME_PX, 18, max(self.width() - NAME_PX - NUMBERS_PX, 80), ROW_PX * len(self._rows))

        def x_of(value: float) -> float:
            return plot.left() + (value - least) / (1 - least) * plot.width()

        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            ticks = [n / 5 for n in range(round(least * 5), 6)]
            for tick in ticks:
                painter.setPen(QPen(QColor(palette.border), 1))
                painter.drawLine(QPointF(x_of(tick), plot.top()), QPointF(x_of(tick), plot.bottom()))
                _text(
                    painter,
                    QRectF(x_of(tick) - 20, plot.bottom() + 4, 40, 16),
                    f"{tick:.1f}",
                    palette.muted,
                    middle=True,
                )
            painter.setPen(QPen(QColor(palette.doubt), 1.5, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x_of(PAPER_KAPPA), plot.top()), QPointF(x_of(PAPER_KAPPA), plot.bottom()))
            _text(
                painter, QRectF(x_of(PAPER_KAPPA) - 90, 0, 100, 16), f"paper {PAPER_KAPPA}", palette.doubt, right=True
            )
            for number, row in enumerate(self._rows):
                y = plot.top() + ROW_PX * (number + 0.5)
                _text(painter, QRectF(0, y - 10, NAME_PX - 12, 20), row.name, palette.text)
                numbers = QRectF(plot.right() + 16, y - 18, NUMBERS_PX - 16, 36)
                _text(
                    painter,
                    numbers,
                    kappa_words(row.kappa),
                    palette.text if row.kappa.value is not None else palette.muted,
                )
                self._mark(painter, row.kappa, x_of, y)

    def _mark(self, painter: QPainter, kappa: Kappa, x_of: object, y: float) -> None:
        if kappa.value is None or kappa.low is None or kappa.high is None or not callable(x_of):
            return
        colour = QColor(theme.current().accent)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(x_of(kappa.low), y), QPointF(x_of(kappa.high), y))
        for end in (kappa.low, kappa.high):
            painter.drawLine(QPointF(x_of(end), y - 6), QPointF(x_of(end), y + 6))
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(x_of(kappa.value), y), 5.5, 5.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)


class OverlapChart(QWidget):
    """A histogram of IoU in ten bins; bins from 0.5 on, where two rectangles count as the same, are filled."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts = [0] * BINS
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Overlap of rectangles (IoU)")

    def show_values(self, values: Sequence[float]) -> None:
        """IoU of every matched pair of rectangles."""
        self._counts = [0] * BINS
        for value in values:
            self._counts[min(int(value * BINS), BINS - 1)] += 1
        self.setAccessibleDescription(", ".join(f"{i / BINS:.1f}: {n}" for i, n in enumerate(self._counts)))
        self.update()

    @property
    def counts(self) -> list[int]:
        """Rectangles a bin."""
        return list(self._counts)

    def sizeHint(self) -> QSize:
        return QSize(420, 170)

    def paintEvent(self, event: QPaintEvent) -> None:
        palette = theme.current()
        plot = QRectF(8, 22, min(self.width() - 16, 560), self.height() - 22 - AXIS_PX)
        highest = max(*self._counts, 1)
        width = plot.width() / BINS
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for number, count in enumerate(self._counts):
                height = plot.height() * count / highest
                bar = QRectF(plot.left() + number * width + 2, plot.bottom() - height, width - 4, height)
                same = number / BINS >= SAME_RECTANGLE
                painter.setPen(QPen(QColor(palette.accent if same else palette.doubt), 1.5))
                painter.setBrush(QColor(palette.accent) if same else Qt.BrushStyle.Dense6Pattern)
                if count:
                    painter.drawRect(bar)
                    _text(
                        painter,
                        QRectF(bar.left(), bar.top() - 18, bar.width(), 16),
                        str(count),
                        palette.text,
                        middle=True,
                    )
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(palette.border), 1))
            painter.drawLine(plot.bottomLeft(), plot.bottomRight())
            for tick in range(0, BINS + 1, 2):
                at = QRectF(plot.left() + tick * width - 20, plot.bottom() + 4, 40, 16)
                _text(painter, at, f"{tick / BINS:.1f}", palette.muted, middle=True)


def _text(painter: QPainter, box: QRectF, text: str, colour: str, *, middle: bool = False, right: bool = False) -> None:
    font = QFont(painter.font())
    font.setPixelSize(12)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    where = (
        Qt.AlignmentFlag.AlignHCenter
        if middle
        else (Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft)
    )
    painter.drawText(box, where | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap, text)
