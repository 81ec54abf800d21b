"""Pictures of hips: one that fills its place in its true shape, and small ones with their words below."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from hipcad_desktop.gui import theme

SMALL_PX = 200


class HipPane(QWidget):
    """One picture on black, as large as the place allows, width to height as on the film."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._image = QImage()
        self._aspect = 1.0
        self._gone = ""
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 160)

    def show_image(self, image: QImage | None, aspect: float = 1.0, *, gone: str = "") -> None:
        """A picture, or None for black; `gone` is said where there should be one."""
        self._image, self._aspect = image or QImage(), max(aspect, 0.1)
        self._gone = gone if self._image.isNull() else ""
        self.update()

    @property
    def has_picture(self) -> bool:
        """Whether a picture is shown."""
        return not self._image.isNull()

    def sizeHint(self) -> QSize:
        return QSize(420, 480)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.FILM_GROUND))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            if self._image.isNull():
                painter.setPen(QColor(theme.FILM_TEXT))
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._gone)
                return
            painter.drawImage(fitted(QRectF(self.rect()), self._aspect), self._image)
            painter.setPen(QColor(theme.FILM_TEXT))
            painter.drawText(self.rect().adjusted(10, 8, -10, -8), Qt.AlignmentFlag.AlignTop, self._name)


class SmallHip(QFrame):
    """A picture of the gallery."""

    def __init__(self, image: QImage, aspect: float, head: str, words: str, *, colour: str) -> None:
        super().__init__()
        self.setProperty("look", "card")
        self.setToolTip(f"{head}\n{words}")
        self.picture = _Framed(image, aspect, colour)
        head_label, word_label = QLabel(head), QLabel(words)
        word_label.setProperty("look", "muted")
        word_label.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(3)
        layout.addWidget(self.picture)
        layout.addWidget(head_label)
        layout.addWidget(word_label)
        layout.addStretch(1)
        self.setFixedWidth(SMALL_PX + 18)


class _Framed(QWidget):
    def __init__(self, image: QImage, aspect: float, colour: str) -> None:
        super().__init__()
        self._image, self._aspect, self._colour = image, max(aspect, 0.1), colour
        self.setFixedSize(SMALL_PX, SMALL_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.FILM_GROUND))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            if not self._image.isNull():
                painter.drawImage(fitted(QRectF(self.rect()).adjusted(2, 2, -2, -2), self._aspect), self._image)
            painter.setPen(QPen(QColor(getattr(theme.current(), self._colour)), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))


def fitted(box: QRectF, aspect: float) -> QRectF:
    """The largest rectangle of this width / height in the middle of a box."""
    width = min(box.width(), box.height() * aspect)
    height = width / aspect
    return QRectF(box.center().x() - width / 2, box.center().y() - height / 2, width, height)
