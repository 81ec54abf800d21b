"""Charts of an evaluation: curves in the unit square, and rows of figures with their intervals. Words and colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from hipcad_desktop.gui import theme

Point = tuple[float, float]
Sign = Literal["circle", "square", "triangle"]
_LEFT, _TOP, _RIGHT, _BOTTOM = 44.0, 12.0, 14.0, 40.0
_MOST_PX = 400.0  # of the square
_KEY_PX = 20.0  # a line of the legend
ROW_PX, HEAD_PX, AXIS_PX = 26, 30, 26


@dataclass(frozen=True, slots=True)
class Line:
    """A curve and what it is. colour is the name of a colour of the palette."""

    words: str
    points: tuple[Point, ...]
    colour: str = "accent"
    dash: Qt.PenStyle = Qt.PenStyle.SolidLine


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with, if given, a vertical interval."""

    words: str
    at: Point
    colour: str
    sign: Sign = "circle"
    interval: Point | None = None


class SquareChart(QWidget):
    """Curves and marks between 0 and 1 on both axes, with a legend below."""

    def __init__(self, name: str, x_words: str, y_words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._x_words, self._y_words = x_words, y_words
        self._lines: Sequence[Line] = ()
        self._marks: Sequence[Mark] = ()
        self._diagonal = False
        self._empty = ""
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(250)

    def show_curves(
        self, lines: Sequence[Line], marks: Sequence[Mark] = (), *, diagonal: bool = False, empty: str = ""
    ) -> None:
        """Draw these; `empty` stands where there is nothing to draw."""
        self._lines, self._marks, self._diagonal, self._empty = lines, marks, diagonal, empty
        self.setAccessibleDescription("; ".join(words for words, *_ in self._keys()) or empty)
        self.setFixedHeight(self._height(self.width()))
        self.update()

    def _keys(self) -> list[tuple[str, str, Line | Mark]]:
        """The legend: words, colour and what they belong to; marks of the same words once."""
        found: dict[str, tuple[str, str, Line | Mark]] = {}
        entries: list[Line | Mark] = [*self._lines, *self._marks]
        for entry in entries:
            if entry.words:
                found.setdefault(entry.words, (entry.words, entry.colour, entry))
        return list(found.values())

    def sizeHint(self) -> QSize:
        return QSize(330, self._height(330))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setFixedHeight(self._height(self.width()))

    def _height(self, width: int) -> int:
        """The square as wide as there is room, and the legend below."""
        side = min(width - _LEFT - _RIGHT, _MOST_PX)
        return round(side + _TOP + _BOTTOM + _KEY_PX * len(self._keys()))

    def paintEvent(self, event: QPaintEvent) -> None:
        palette = theme.current()
        keys = self._keys()
        side = min(self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM - _KEY_PX * len(keys))
        plot = QRectF(_LEFT, _TOP, max(side, 60), max(side, 60))

        def at(point: Point) -> QPointF:
            return QPointF(plot.left() + point[0] * plot.width(), plot.bottom() - point[1] * plot.height())

        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._axes(painter, plot, at)
            if self._empty and not self._lines and not self._marks:
                write(painter, plot.adjusted(16, 16, -16, -16), self._empty, palette.muted, middle=True)
            painter.setClipRect(plot.adjusted(-6, -6, 6, 6))
            for line in self._lines:
                painter.setPen(QPen(QColor(getattr(palette, line.colour)), 2, line.dash))
                painter.drawPolyline(QPolygonF([at(p) for p in line.points]))
            for mark in self._marks:
                colour = QColor(getattr(palette, mark.colour))
                if mark.interval is not None:
                    painter.setPen(QPen(colour, 1.5))
                    painter.drawLine(at((mark.at[0], mark.interval[0])), at((mark.at[0], mark.interval[1])))
                draw_sign(painter, at(mark.at), mark.sign, colour, palette.surface)
            painter.setClipping(False)
            for number, (words, name, entry) in enumerate(keys):
                y = plot.bottom() + _BOTTOM + _KEY_PX * (number + 0.5)
                colour = QColor(getattr(palette, name))
                if isinstance(entry, Line):
                    painter.setPen(QPen(colour, 2, entry.dash))
                    painter.drawLine(QPointF(6, y), QPointF(30, y))
                else:
                    draw_sign(painter, QPointF(18, y), entry.sign, colour, palette.surface)
                write(painter, QRectF(38, y - 10, self.width() - 40, 20), words, palette.text)

    def _axes(self, painter: QPainter, plot: QRectF, at: object) -> None:
        palette = theme.current()
        if not callable(at):
            return
        for step in range(6):
            value = step / 5
            painter.setPen(QPen(QColor(palette.border), 1))
            painter.drawLine(at((value, 0.0)), at((value, 1.0)))
            painter.drawLine(at((0.0, value)), at((1.0, value)))
            words = f"{value:.1f}"
            below = QRectF(at((value, 0)).x() - 20, plot.bottom() + 3, 40, 16)
            write(painter, below, words, palette.muted, middle=True)
            write(painter, QRectF(12, at((0, value)).y() - 8, _LEFT - 18, 16), words, palette.muted, right=True)
        if self._diagonal:
            painter.setPen(QPen(QColor(palette.muted), 1, Qt.PenStyle.DashLine))
            painter.drawLine(at((0.0, 0.0)), at((1.0, 1.0)))
        box = QRectF(plot.left(), plot.bottom() + 18, plot.width(), 18)
        write(painter, box, self._x_words, palette.muted, middle=True)
        painter.save()
        painter.translate(8, plot.center().y())
        painter.rotate(-90)
        write(painter, QRectF(-plot.height() / 2, -9, plot.height(), 18), self._y_words, palette.muted, middle=True)
        painter.restore()


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a RowChart; a heading where it has no numbers."""

    name: str
    numbers: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    heading: bool = False
    colour: str = "accent"


class RowChart(QWidget):
    """Figures with their intervals, one below the other (a forest plot), over one axis from `least` to `most`."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[Row] = ()
        self._least, self._most = 0.0, 1.0
        self._reference: tuple[float, str] | None = None
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(420)

    def show_rows(
        self,
        rows: Sequence[Row],
        *,
        least: float = 0.0,
        most: float = 1.0,
        reference: tuple[float, str] | None = None,
    ) -> None:
        """Draw these; reference is a dashed line with its words."""
        self._rows, self._least, self._most, self._reference = rows, least, most, reference
        self.setAccessibleDescription("; ".join(f"{r.name}: {r.numbers}" for r in rows if not r.heading))
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    @property
    def rows(self) -> Sequence[Row]:
        """What is drawn."""
        return self._rows

    def sizeHint(self) -> QSize:
        return QSize(700, 20 + AXIS_PX + sum(HEAD_PX if r.heading else ROW_PX for r in self._rows))

    def paintEvent(self, event: QPaintEvent) -> None:
        palette = theme.current()
        font = QFont(self.font())
        font.setPixelSize(12)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(font)
            metrics = painter.fontMetrics()
            name_px = min(max((metrics.horizontalAdvance(r.name) for r in self._rows), default=0) + 34, 260)
            numbers_px = max((metrics.horizontalAdvance(r.numbers) for r in self._rows), default=0) + 22
            height = sum(HEAD_PX if r.heading else ROW_PX for r in self._rows)
            plot = QRectF(name_px, 20, max(self.width() - name_px - numbers_px - 8, 90), height)

            def x_of(value: float) -> float:
                return plot.left() + (value - self._least) / (self._most - self._least) * plot.width()

            parts = 4 if self._least < 0 else 5  # so that 0 is one of them
            for step in range(parts + 1):
                value = self._least + (self._most - self._least) * step / parts
                painter.setPen(QPen(QColor(palette.border), 1))
                painter.drawLine(QPointF(x_of(value), plot.top()), QPointF(x_of(value), plot.bottom()))
                box = QRectF(x_of(value) - 25, plot.bottom() + 4, 50, 16)
                write(painter, box, f"{value:.2f}".rstrip("0").rstrip(".") or "0", palette.muted, middle=True)
            if self._reference is not None:
                value, words = self._reference
                painter.setPen(QPen(QColor(palette.muted), 1.5, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(x_of(value), plot.top()), QPointF(x_of(value), plot.bottom()))
                write(painter, QRectF(x_of(value) - 110, 0, 220, 18), words, palette.muted, middle=True)
            y = plot.top()
            for row in self._rows:
                tall = HEAD_PX if row.heading else ROW_PX
                self._row(painter, row, QRectF(0, y, self.width(), tall), x_of, plot)
                y += tall

    def _row(self, painter: QPainter, row: Row, box: QRectF, x_of: object, plot: QRectF) -> None:
        palette = theme.current()
        middle = box.center().y()
        if row.heading:
            write(painter, QRectF(2, box.top() + 8, self.width() - 4, 20), row.name, palette.muted, bold=True)
            return
        name = painter.fontMetrics().elidedText(row.name, Qt.TextElideMode.ElideRight, round(plot.left() - 30))
        write(painter, QRectF(14, middle - 10, plot.left() - 24, 20), name, palette.text)
        known = row.value is not None
        numbers = QRectF(plot.right() + 16, middle - 10, self.width() - plot.right() - 18, 20)
        write(painter, numbers, row.numbers, palette.text if known else palette.muted)
        if row.value is None or not callable(x_of):
            return
        colour = QColor(getattr(palette, row.colour))
        if row.low is not None and row.high is not None:
            low, high = max(row.low, self._least), min(row.high, self._most)
            painter.setPen(QPen(colour, 2))
            painter.drawLine(QPointF(x_of(low), middle), QPointF(x_of(high), middle))
            for end in (low, high):
                painter.drawLine(QPointF(x_of(end), middle - 4), QPointF(x_of(end), middle + 4))
        draw_sign(painter, QPointF(x_of(min(max(row.value, self._least), self._most)), middle), "circle", colour, None)


def draw_sign(painter: QPainter, at: QPointF, sign: Sign, colour: QColor, edge: str | None) -> None:
    """A mark of a form of its own, so that it is never known by colour alone."""
    painter.setPen(QPen(QColor(edge), 1.5) if edge else Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    match sign:
        case "circle":
            painter.drawEllipse(at, 5.5, 5.5)
        case "square":
            painter.drawRect(QRectF(at.x() - 5, at.y() - 5, 10, 10))
        case "triangle":
            painter.drawPolygon(QPolygonF([at + QPointF(0, -7), at + QPointF(6.5, 5), at + QPointF(-6.5, 5)]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def write(
    painter: QPainter,
    box: QRectF,
    text: str,
    colour: str,
    *,
    middle: bool = False,
    right: bool = False,
    bold: bool = False,
) -> None:
    """12 px text in a box."""
    font = QFont(painter.font())
    font.setPixelSize(12)
    font.setBold(bold)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    across = Qt.AlignmentFlag.AlignLeft
    if middle or right:
        across = Qt.AlignmentFlag.AlignHCenter if middle else Qt.AlignmentFlag.AlignRight
    painter.drawText(box, across | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap, text)
    font.setBold(False)
    painter.setFont(font)
