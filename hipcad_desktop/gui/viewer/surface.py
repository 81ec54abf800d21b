"""The surface: draws the part of the film that is seen, fits and zooms it, and maps values to grey for the eye only."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from hipcad_desktop.gui import theme
from hipcad_desktop.gui.viewer.camera import Camera
from hipcad_desktop.gui.viewer.picture import GreyWindow, Picture

NEAREST_FROM = 6.0  # screen pixels a film pixel from which single pixels are shown as squares


class Surface(QWidget):
    """A picture under a camera. No hands: canvas.Canvas adds mouse and keys."""

    window_changed = Signal(object)  # GreyWindow
    view_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture: Picture | None = None
        self._window = GreyWindow(0, 255)
        self._camera = Camera()
        self._fitted = True
        self._seen: tuple[tuple[object, ...], QImage, QRectF] | None = None  # key, grey image, its place in the film
        self._local_contrast = False
        self._margin = 3  # a third more than is seen is mapped to grey on every side; 0: nothing more
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 160)

    # what is shown

    def set_picture(self, picture: Picture | None, window: GreyWindow | None = None) -> None:
        """Show values, fitted; window None takes the picture's own."""
        self._picture = picture
        self._seen = None
        if picture is not None:
            self._window = window or picture.default_window()
        self.fit()

    @property
    def picture(self) -> Picture | None:
        """What is shown."""
        return self._picture

    @property
    def camera(self) -> Camera:
        """Where it is shown."""
        return self._camera

    @property
    def grey_window(self) -> GreyWindow:
        """How values become grey on the screen."""
        return self._window

    def set_grey_window(self, window: GreyWindow) -> None:
        """Change how values become grey on the screen; nothing else changes."""
        self._window = window
        self.window_changed.emit(window)
        self.update()

    def invert(self) -> None:
        """Turn black and white on the screen only."""
        self.set_grey_window(replace(self._window, inverted=not self._window.inverted))

    def reset_grey_window(self) -> None:
        """Back to the film's own window."""
        if self._picture is not None:
            self.set_grey_window(self._picture.default_window())

    @property
    def local_contrast(self) -> bool:
        """Whether contrast is raised place by place, on the screen only."""
        return self._local_contrast

    def set_local_contrast(self, on: bool) -> None:
        """Raise contrast place by place, on the screen only."""
        self._local_contrast = on
        self.update()

    def refine(self, picture: Picture, *, keep_window: bool) -> None:
        """The same film with more pixels: it stays where it is. keep_window: its values mean the same as before."""
        self._picture = picture
        self._seen = None
        if not keep_window:
            self._window = picture.default_window()
        self.update()

    def fit(self) -> None:
        """The whole film, as large as there is room."""
        self._fitted = True
        if self._picture is not None:
            self.look(Camera.fitting(self._picture.size, (self.width(), self.height())))
        self.update()

    def actual_size(self) -> None:
        """One film pixel on one screen pixel, about the middle of the view."""
        self.zoom_at(1 / (self._camera.scale * self.devicePixelRatioF()), QPointF(self.rect().center()))

    def zoom(self, factor: float) -> None:
        """Zoom about the middle of the view."""
        self.zoom_at(factor, QPointF(self.rect().center()))

    def shown(self) -> QRectF:
        """The part of the film's rectangle that is on the screen, in widget pixels; empty without a film."""
        if self._picture is None:
            return QRectF()
        width, height = self._picture.size
        x, y = self._camera.to_screen(0, 0)
        whole = QRectF(x, y, width * self._camera.scale, height * self._camera.scale)
        return whole.intersected(QRectF(self.rect()))

    def zoom_at(self, factor: float, at: QPointF) -> None:
        """Zoom about a point of the view."""
        if self._picture is None:
            return
        fitting = Camera.fitting(self._picture.size, (self.width(), self.height()))
        self._fitted = False
        self.look(self._camera.zoomed(factor, (at.x(), at.y()), least=min(fitting.scale, 1.0) / 4))

    def look(self, camera: Camera) -> None:
        """Look at the picture from elsewhere; some of it always stays in view."""
        if self._picture is not None:
            camera = camera.kept_visible(self._picture.size, (self.width(), self.height()))
        self._camera = camera
        self.view_changed.emit()
        self.update()

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        # A painter that outlives an exception takes the process down; `with` ends it.
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.FILM_GROUND))
            if self._picture is not None:
                self._paint_film(painter, self._picture)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                self.paint_marks(painter)
                self.paint_tool(painter)

    def paint_marks(self, painter: QPainter) -> None:
        """Draw between the film and the tool; the film view does."""

    def paint_tool(self, painter: QPainter) -> None:
        """Draw above everything; the canvas does."""

    def _paint_film(self, painter: QPainter, picture: Picture) -> None:
        seen = self._camera
        device_scale = seen.scale * self.devicePixelRatioF()
        level = picture.level_for(device_scale)
        factor = picture.factor(level)
        rows, columns = picture.levels[level].shape
        x0, y0 = (int(v / factor) for v in seen.to_film(0, 0))
        x1, y1 = (int(v / factor) + 2 for v in seen.to_film(self.width(), self.height()))
        need = (max(x0, 0), max(y0, 0), min(x1, columns), min(y1, rows))
        if need[0] >= need[2] or need[1] >= need[3]:
            return
        image, place = self._grey(picture, level, need)
        left, top = seen.to_screen(place.left(), place.top())
        target = QRectF(left, top, place.width() * seen.scale, place.height() * seen.scale)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, device_scale < NEAREST_FROM)
        painter.drawImage(target, image)

    def _grey(self, picture: Picture, level: int, need: tuple[int, int, int, int]) -> tuple[QImage, QRectF]:
        if self._seen is not None:
            (*kept_how, kept), image, place = self._seen
            if kept_how == [picture, level, self._window, self._local_contrast] and _inside(need, kept):
                return image, place
        rows, columns = picture.levels[level].shape
        # More than is seen, so that a short pan maps nothing anew; not while every frame has another window.
        dx, dy = ((need[2] - need[0]) // self._margin, (need[3] - need[1]) // self._margin) if self._margin else (0, 0)
        region = (max(need[0] - dx, 0), max(need[1] - dy, 0), min(need[2] + dx, columns), min(need[3] + dy, rows))
        grey = picture.grey(level, region, self._window, local_contrast=self._local_contrast)
        height, width = grey.shape
        lent = QImage(grey.data, width, height, width, QImage.Format.Format_Grayscale8)
        image = lent.convertToFormat(QImage.Format.Format_RGB32)  # a copy, and drawn twice as fast as grey
        factor = float(picture.factor(level))
        place = QRectF(region[0] * factor, region[1] * factor, width * factor, height * factor)
        self._seen = ((picture, level, self._window, self._local_contrast, region), image, place)
        return image, place

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._picture is None:
            return
        if self._fitted:
            self.fit()
        else:
            old = event.oldSize()
            self.look(self._camera.moved((self.width() - old.width()) / 2, (self.height() - old.height()) / 2))


def _inside(need: tuple[int, int, int, int], kept: object) -> bool:
    return (
        isinstance(kept, tuple)
        and need[0] >= kept[0]
        and need[1] >= kept[1]
        and need[2] <= kept[2]
        and need[3] <= kept[3]
    )
