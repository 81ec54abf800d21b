"""The two 380 x 380 hip images that a film gives, as the network will see them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from hipcad_desktop.domain.anatomy import ImageHalf, SideMap
from hipcad_desktop.domain.halving import Halving
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.annotate.answers import hip_words


def grey_image(pixels: NDArray[np.uint8]) -> QImage:
    """uint8 [h, w] as a picture of its own."""
    data: Any = np.ascontiguousarray(pixels)
    height, width = data.shape
    return QImage(data.data, width, height, width, QImage.Format.Format_Grayscale8).copy()


class HipPicture(QWidget):
    """One hip image, square, with a frame in the colour of its class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._fracture: bool | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumSize(96, 96)

    def show_hip(self, pixels: NDArray[np.uint8] | None, fracture: bool | None) -> None:
        """uint8 [380, 380], or None for an empty frame."""
        self._fracture = fracture
        if pixels is None:
            self._image = None
        else:
            self._image = grey_image(pixels)
        self.update()

    def has_picture(self) -> bool:
        """Whether a hip is shown."""
        return self._image is not None

    def heightForWidth(self, width: int) -> int:
        return width

    def sizeHint(self) -> QSize:
        return QSize(140, 140)

    def paintEvent(self, event: QPaintEvent) -> None:
        palette = theme.current()
        side = min(self.width(), self.height()) - 4
        box = QRectF((self.width() - side) / 2, 2, side, side)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.fillRect(box, QColor(theme.FILM_GROUND))
            if self._image is None:
                painter.setPen(QPen(QColor(palette.border), 1, Qt.PenStyle.DashLine))
            else:
                painter.drawImage(box, self._image)
                colour = palette.fracture if self._fracture else palette.no_fracture
                painter.setPen(QPen(QColor(colour), 2))
            painter.drawRect(box)


class HipPreviews(QWidget):
    """Both hips in the order of the picture, each with its side and class in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = {half: HipPicture() for half in ImageHalf}
        self._words = {half: QLabel() for half in ImageHalf}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for half in (ImageHalf.LEFT, ImageHalf.RIGHT):
            column = QVBoxLayout()
            column.setSpacing(2)
            self._words[half].setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(self._pictures[half])
            column.addWidget(self._words[half])
            column.addStretch(1)
            layout.addLayout(column, 1)

    def picture(self, half: ImageHalf) -> HipPicture:
        """The picture of one half."""
        return self._pictures[half]

    def show_hips(self, halving: Halving, hips: tuple[NDArray[np.uint8], NDArray[np.uint8]], sides: SideMap) -> None:
        """The hips of the picture's left and right half."""
        for half, pixels in zip((ImageHalf.LEFT, ImageHalf.RIGHT), hips, strict=True):
            hip = halving.of(half)
            self._pictures[half].show_hip(pixels, hip.fracture)
            self._words[half].setText(f"{sides.side_of(half).value}: {hip_words(hip)}")

    def clear(self) -> None:
        """No hips."""
        for half in ImageHalf:
            self._pictures[half].show_hip(None, None)
            self._words[half].setText("")
