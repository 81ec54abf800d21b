"""Both readers' rectangles below the hand that agrees: each reader has a colour, a dash and a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from hipcad_desktop.domain.annotation import Finding
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.annotate.rectangle_tool import RectangleTool
from hipcad_desktop.gui.viewer.camera import Camera
from hipcad_desktop.gui.viewer.marks import draw_text

LOOKS: tuple[tuple[str, Qt.PenStyle], ...] = (
    ("#5fd0ff", Qt.PenStyle.DashLine),
    ("#ff8fd8", Qt.PenStyle.DotLine),
)
LINE_PX = 2.5


@dataclass(frozen=True, slots=True)
class ReaderMarks:
    """What one reader drew."""

    reader: str
    findings: tuple[Finding, ...]


class DisputeTool(RectangleTool):
    """Draws as in annotation; the readers' own rectangles below cannot be moved."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._readers: Sequence[ReaderMarks] = ()

    def show_readers(self, readers: Sequence[ReaderMarks]) -> None:
        """Whose rectangles lie below."""
        self._readers = readers
        self.repaint_asked.emit()

    def paint(self, painter: QPainter, camera: Camera, pointer: QPointF | None) -> None:
        for number, marks in enumerate(self._readers):
            for finding in marks.findings:
                _draw(painter, camera, marks.reader, finding, number)
        super().paint(painter, camera, pointer)


def swatch(number: int, ratio: float) -> QPixmap:
    """A reader's line, for a button."""
    picture = QPixmap(round(30 * ratio), round(14 * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(theme.FILM_GROUND))
    colour, dash = LOOKS[number % len(LOOKS)]
    with QPainter(picture) as painter:
        painter.setPen(QPen(QColor(colour), LINE_PX, dash))
        painter.drawLine(QPointF(2, 7), QPointF(28, 7))
    return picture


def _draw(painter: QPainter, camera: Camera, reader: str, finding: Finding, number: int) -> None:
    colour, dash = LOOKS[number % len(LOOKS)]
    r = finding.rectangle
    x0, y0 = camera.to_screen(r.x, r.y)
    x1, y1 = camera.to_screen(r.x1, r.y1)
    box = QRectF(x0, y0, x1 - x0, y1 - y0)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 170), LINE_PX + 2))
    painter.drawRect(box)
    painter.setPen(QPen(QColor(colour), LINE_PX, dash))
    painter.drawRect(box)
    words = reader + (f"  {finding.fracture_type.value}" if finding.fracture_type else "")
    # The first reader's name stands above, the second one's below: names do not cover each other, nor the agreed one's.
    y = y0 - 24 if number == 0 else y1 + 18
    draw_text(painter, QPointF(x0, y), words, colour=colour, px=13)
