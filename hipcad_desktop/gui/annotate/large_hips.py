"""Both hip images large over the film, on one key; they follow a drag that goes on below them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from hipcad_desktop.domain.anatomy import ImageHalf, SideMap
from hipcad_desktop.domain.halving import Halving
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.annotate.answers import hip_words
from hipcad_desktop.gui.annotate.previews import grey_image
from hipcad_desktop.gui.viewer.marks import draw_text, text_width

GAP = 18.0
HEAD, FOOT = 46.0, 34.0
VEIL_ALPHA = 222  # the film shimmers through, so that nobody takes this for another film


class LargeHips(QWidget):
    """Covers its parent while it is shown; mouse and keys go through it to the film."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._below = parent
        self._hips: list[tuple[QImage, str, bool]] = []
        self._words = ""
        parent.installEventFilter(self)
        self.hide()

    def show_hips(self, halving: Halving, hips: tuple[NDArray[np.uint8], NDArray[np.uint8]], sides: SideMap) -> None:
        """The hips of the picture's left and right half."""
        self._words = ""
        self._hips = []
        for half, pixels in zip((ImageHalf.LEFT, ImageHalf.RIGHT), hips, strict=True):
            hip = halving.of(half)
            self._hips.append(
                (grey_image(pixels), f"{sides.side_of(half).value}   {hip_words(hip)}", bool(hip.fracture))
            )
        self.update()

    def say(self, words: str) -> None:
        """There are no hip images, and why."""
        self._hips = []
        self._words = words
        self.update()

    @property
    def pictures(self) -> int:
        """How many hips are shown."""
        return len(self._hips)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._below and event.type() is QEvent.Type.Resize:
            self.resize(self._below.size())
        return False

    def showEvent(self, event: QEvent) -> None:
        self.resize(self._below.size())
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            ground = QColor(theme.FILM_GROUND)
            ground.setAlpha(VEIL_ALPHA)
            painter.fillRect(self.rect(), ground)
            if not self._hips:
                words = self._words or "No hip images yet: draw a rectangle or say “no fracture”."
                painter.setPen(QColor(theme.FILM_TEXT))
                painter.drawText(
                    self.rect().adjusted(40, 0, -40, 0),
                    Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                    words,
                )
                return
            self._paint_hips(painter)

    def _paint_hips(self, painter: QPainter) -> None:
        side = min((self.width() - 3 * GAP) / 2, self.height() - HEAD - FOOT - GAP)
        left = (self.width() - 2 * side - GAP) / 2
        top = HEAD + max((self.height() - HEAD - FOOT - side) / 2, 0.0)
        for column, (image, words, fracture) in enumerate(self._hips):
            box = QRectF(left + column * (side + GAP), top, side, side)
            colour = theme.FILM_BAND_FRACTURE if fracture else theme.FILM_BAND_OTHER
            painter.drawImage(box, image)
            style = Qt.PenStyle.SolidLine if fracture else Qt.PenStyle.DashLine
            painter.setPen(QPen(QColor(colour), 2.5, style))
            painter.drawRect(box)
            px = min(20, max(11, round(side / 13)))
            draw_text(painter, QPointF(box.left() + 2, box.top() - 12), words, colour=colour, px=px)
        words = "380 × 380 pixels each, exactly as exported"
        x = (self.width() - text_width(painter, words, 12)) / 2
        draw_text(painter, QPointF(x, top + side + 22), words, colour=theme.FILM_TEXT, px=12, bold=False)
