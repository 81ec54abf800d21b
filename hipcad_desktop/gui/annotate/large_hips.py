"""Both hips large over the film, on one key, as strips and as squares; they follow a drag that goes on below them."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, eq=False)
class _Hip:
    """A hip image and what becomes of it."""

    image: QImage
    words: str
    fracture: bool


class LargeHips(QWidget):
    """Covers its parent while it is shown; mouse and keys go through it to the film."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._below = parent
        self._hips: list[_Hip] = []
        self._squares: list[_Hip] = []
        self._words = ""
        self._no_squares = ""
        parent.installEventFilter(self)
        self.hide()

    def show_hips(self, halving: Halving, hips: tuple[NDArray[np.uint8], NDArray[np.uint8]], sides: SideMap) -> None:
        """The hips of the picture's left and right half."""
        self._words = ""
        self._hips = _hips(halving, hips, sides)
        self.update()

    def show_squares(
        self,
        halving: Halving | None,
        hips: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None,
        why_not: str,
        sides: SideMap,
    ) -> None:
        """The squares about both hips, or why the film has none."""
        self._squares = _hips(halving, hips, sides) if halving is not None and hips is not None else []
        self._no_squares = f"No squares: {why_not}" if why_not else ""
        self.update()

    def say(self, words: str) -> None:
        """There are no hip images, and why."""
        self._hips, self._squares = [], []
        self._words, self._no_squares = words, ""
        self.update()

    @property
    def pictures(self) -> int:
        """How many hips are shown as strips."""
        return len(self._hips)

    @property
    def squares(self) -> int:
        """How many hips are shown as squares."""
        return len(self._squares)

    @property
    def no_squares(self) -> str:
        """Why there are no squares; empty where nobody has looked for them yet."""
        return self._no_squares

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
        """Strips and squares in a row where the window is wide, else the squares below."""
        shown = [self._hips, *([self._squares] if self._squares else [])]
        width, height = self.width() - GAP, self.height() - FOOT
        beside = min((width / (2 * len(shown))) - GAP, height - HEAD)
        below = min(width / 2 - GAP, height / len(shown) - HEAD)
        columns = 2 * len(shown) if beside > below else 2
        side = max(beside, below)
        left = (self.width() - columns * (side + GAP) + GAP) / 2
        rows = 2 * len(shown) // columns
        top = HEAD + max((height - rows * (side + HEAD)) / 2, 0.0)
        for number, hip in enumerate(hip for hips in shown for hip in hips):
            x, y = left + number % columns * (side + GAP), top + number // columns * (side + HEAD)
            _paint_hip(painter, QRectF(x, y, side, side), hip)
        words = "380 × 380 pixels each, exactly as exported"
        words += " · strips and squares about the hips" if self._squares else ""
        words += f" · {self._no_squares}" if self._no_squares else ""
        x = max((self.width() - text_width(painter, words, 12)) / 2, 4.0)
        y = top + rows * (side + HEAD) - HEAD + 22
        draw_text(painter, QPointF(x, y), words, colour=theme.FILM_TEXT, px=12, bold=False)


def _hips(halving: Halving, hips: tuple[NDArray[np.uint8], NDArray[np.uint8]], sides: SideMap) -> list[_Hip]:
    found = []
    for half, pixels in zip((ImageHalf.LEFT, ImageHalf.RIGHT), hips, strict=True):
        hip = halving.of(half)
        words = f"{sides.side_of(half).value}   {hip_words(hip)}"
        found.append(_Hip(grey_image(pixels), words, bool(hip.fracture)))
    return found


def _paint_hip(painter: QPainter, box: QRectF, hip: _Hip) -> None:
    colour = theme.FILM_BAND_FRACTURE if hip.fracture else theme.FILM_BAND_OTHER
    painter.drawImage(box, hip.image)
    painter.setPen(QPen(QColor(colour), 2.5, Qt.PenStyle.SolidLine if hip.fracture else Qt.PenStyle.DashLine))
    painter.drawRect(box)
    px = min(20, max(11, round(box.width() / 13)))
    draw_text(painter, QPointF(box.left() + 2, box.top() - 12), hip.words, colour=colour, px=px)
