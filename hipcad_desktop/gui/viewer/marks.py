"""What is drawn over the film: side letters, lines, the windows of the two hips. Pure painting, no state."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen

from hipcad_desktop.domain.anatomy import ImageHalf, SideMap, SideSource
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.halving import Halving, HipWindow
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.viewer.camera import Camera
from hipcad_desktop.gui.viewer.heat import HeatLayer

EDGE_PX = 12.0
BRACKET_PX = 4.0
BAND_ALPHA = 10
EDGE_ALPHA = 90
CORNER_SHARE = 0.14  # of a square's side
OUTLINE_PX = 1.8
FRACTURE_WORDS = {True: "hip with fracture", False: "hip without fracture", None: "hip"}


def draw_text(painter: QPainter, at: QPointF, text: str, *, colour: str, px: int, bold: bool = True) -> None:
    """Text with a dark halo, readable on bone and on air; `at` is the left end of its baseline."""
    font = QFont(painter.font())
    font.setPixelSize(px)
    font.setBold(bold)
    path = QPainterPath()
    path.addText(at, font, text)
    halo = QPen(QColor(0, 0, 0, 190), max(3.0, px / 7))
    halo.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, halo)
    painter.fillPath(path, QColor(colour))


def text_width(painter: QPainter, text: str, px: int) -> float:
    """Width in logical pixels of draw_text."""
    font = QFont(painter.font())
    font.setPixelSize(px)
    font.setBold(True)
    path = QPainterPath()
    path.addText(QPointF(0, 0), font, text)
    return path.boundingRect().right()


def draw_heat(
    painter: QPainter,
    camera: Camera,
    film: tuple[int, int],
    layers: Sequence[HeatLayer],
    *,
    contour: bool = False,
) -> None:
    """Heat maps over their windows, as far as these lie in the film; contour: with their hottest regions outlined."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipRect(_place(camera, film, Window(0.0, float(film[0]))))
    for layer in layers:
        painter.setOpacity(layer.opacity)
        painter.drawImage(_place(camera, film, layer.window), layer.image)
    painter.setOpacity(1.0)
    for layer in layers if contour else ():
        _draw_outline(painter, _place(camera, film, layer.window), layer)
    painter.restore()


def _draw_outline(painter: QPainter, place: QRectF, layer: HeatLayer) -> None:
    scale = (place.width(), place.height(), place.width(), place.height())
    start = (place.left(), place.top(), place.left(), place.top())
    lines = [QLineF(*piece) for piece in (layer.outline * scale + start).tolist()]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, width in ((QColor(0, 0, 0, 200), OUTLINE_PX + 2.2), (QColor(theme.FILM_TEXT), OUTLINE_PX)):
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLines(lines)


def draw_sides(painter: QPainter, shown: QRectF, sides: SideMap) -> None:
    """R and L at the edges of what is shown of the film: white where known, amber and "assumed" where not."""
    assumed = sides.source is SideSource.ASSUMED
    colour = theme.FILM_AMBER if assumed else theme.FILM_TEXT
    for half in ImageHalf:
        letter = sides.side_of(half).value
        words = "assumed" if assumed else ("mirrored" if sides.mirrored else "")
        y = shown.top() + EDGE_PX + 24
        at_left = half is ImageHalf.LEFT
        x = shown.left() + EDGE_PX if at_left else shown.right() - EDGE_PX - text_width(painter, letter, 30)
        draw_text(painter, QPointF(x, y), letter, colour=colour, px=30)
        if words:
            x = shown.left() + EDGE_PX if at_left else shown.right() - EDGE_PX - text_width(painter, words, 12)
            draw_text(painter, QPointF(x, y + 18), words, colour=colour, px=12)


def draw_note(painter: QPainter, shown: QRectF, words: str) -> None:
    """What changes the look of the film, at its top: nobody shall take it for the film itself."""
    if not words:
        return
    x = shown.center().x() - text_width(painter, words, 12) / 2
    draw_text(painter, QPointF(x, shown.top() + EDGE_PX + 12), words, colour=theme.FILM_AMBER, px=12)


def draw_midline(
    painter: QPainter, camera: Camera, film: tuple[int, int], x_px: float, *, handle: bool, hot: bool
) -> None:
    """The midline, dashed; with a grip where it can be dragged."""
    x, top = camera.to_screen(x_px, 0)
    _, bottom = camera.to_screen(x_px, film[1])
    width = 2.5 if hot else 1.5
    painter.setPen(QPen(QColor(0, 0, 0, 140), width + 1.5))
    painter.drawLine(QPointF(x, top), QPointF(x, bottom))
    painter.setPen(QPen(QColor(theme.FILM_LINE), width, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(x, top), QPointF(x, bottom))
    if handle:
        middle = min(max((top + bottom) / 2, 24.0), painter.viewport().height() - 24.0)
        painter.setPen(QPen(QColor(0, 0, 0, 190), 1))
        painter.setBrush(QColor(theme.FILM_LINE))
        painter.drawRoundedRect(QRectF(x - 5, middle - 16, 10, 32), 5, 5)
        painter.setPen(QPen(QColor(0, 0, 0, 190), 1.4))
        for dx in (-1.7, 1.7):
            painter.drawLine(QPointF(x + dx, middle - 7), QPointF(x + dx, middle + 7))
        painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_halving(painter: QPainter, camera: Camera, film: tuple[int, int], halving: Halving) -> None:
    """A translucent band with brackets for each hip's strip and the line that divides them; or a square about each."""
    hips = (halving.left, halving.right)
    if not halving.left.window.is_strip:
        for hip in hips:
            _draw_square(painter, camera, film, hip)
        return
    for row, hip in enumerate(hips):
        _draw_strip(painter, camera, film, hip, row=row)
    x, top = camera.to_screen(halving.line_px, 0)
    _, bottom = camera.to_screen(halving.line_px, film[1])
    painter.setPen(QPen(QColor(0, 0, 0, 150), 3.5))
    painter.drawLine(QPointF(x, top), QPointF(x, bottom))
    painter.setPen(QPen(QColor(theme.FILM_TEXT), 1.5))
    painter.drawLine(QPointF(x, top), QPointF(x, bottom))


def _draw_square(painter: QPainter, camera: Camera, film: tuple[int, int], hip: HipWindow) -> None:
    """The corners of a hip's square, its edges faint, and where a reader said so whether it is broken."""
    colour = QColor(theme.FILM_BAND_FRACTURE if hip.fracture else theme.FILM_BAND_OTHER)
    place = _place(camera, film, hip.window)
    arm = min(place.width(), place.height()) * CORNER_SHARE
    corners = [
        QLineF(corner, corner + step)
        for corner, x, y in (
            (place.topLeft(), arm, arm),
            (place.topRight(), -arm, arm),
            (place.bottomRight(), -arm, -arm),
            (place.bottomLeft(), arm, -arm),
        )
        for step in (QPointF(x, 0.0), QPointF(0.0, y))
    ]
    faint = QColor(colour)
    faint.setAlpha(EDGE_ALPHA)
    painter.setPen(QPen(faint, 1.0))
    painter.drawRect(place)
    for pen, width in ((QColor(0, 0, 0, 170), 4.0), (colour, 2.0)):
        painter.setPen(QPen(pen, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLines(corners)
    if hip.fracture is not None:
        at = place.bottomLeft() + QPointF(8, -8)
        draw_text(painter, at, FRACTURE_WORDS[hip.fracture], colour=colour.name(), px=12)


def _draw_strip(painter: QPainter, camera: Camera, film: tuple[int, int], hip: HipWindow, *, row: int) -> None:
    colour = QColor(theme.FILM_BAND_FRACTURE if hip.fracture else theme.FILM_BAND_OTHER)
    strip = _place(camera, film, hip.window)
    fill = QColor(colour)
    fill.setAlpha(BAND_ALPHA)
    painter.fillRect(strip, fill)
    # Brackets of overlapping windows lie one above the other, so that both can be told apart.
    shown_bottom = min(strip.bottom(), float(painter.viewport().height()))
    y = shown_bottom - EDGE_PX - row * 18
    painter.setPen(QPen(QColor(0, 0, 0, 170), BRACKET_PX + 2))
    painter.drawLine(QPointF(strip.left() + 3, y), QPointF(strip.right() - 3, y))
    painter.setPen(QPen(colour, BRACKET_PX))
    painter.drawLine(QPointF(strip.left() + 3, y), QPointF(strip.right() - 3, y))
    words = FRACTURE_WORDS[hip.fracture]
    width = text_width(painter, words, 12)
    if strip.width() > width + 24:
        at_left = hip.half is ImageHalf.LEFT
        x = strip.left() + 10 if at_left else strip.right() - 10 - width
        draw_text(painter, QPointF(x, y - 6), words, colour=colour.name(), px=12)


def _place(camera: Camera, film: tuple[int, int], window: Window) -> QRectF:
    y0, y1 = window.rows(film[1])
    left, top = camera.to_screen(window.x0, y0)
    right, bottom = camera.to_screen(window.x1, y1)
    return QRectF(left, top, right - left, bottom - top)
