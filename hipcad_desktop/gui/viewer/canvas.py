"""The hands on the surface: wheel, pan, window and level, and one plugged-in tool."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QWidget

from hipcad_desktop.gui.viewer.picture import GreyWindow, Picture
from hipcad_desktop.gui.viewer.surface import Surface
from hipcad_desktop.gui.viewer.tool import Tool

WHEEL_STEP = 1.0015  # to the power of the wheel's eighths of a degree: 1.2 a notch


class Canvas(Surface):
    """Zoom at the cursor, pan, window and level, and one plugged-in tool. Knows pixels, not films."""

    pointer_moved = Signal(object)  # (x, y, value) in film pixels, or None outside the film
    space_tapped = Signal(bool)  # with Shift: Space went down and up without a drag between

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tool: Tool | None = None
        self._grab: str | None = None  # "pan", "window", "tool"
        self._last = QPointF()
        self._space: str | None = None  # None, "down", "used"
        self._pointer: QPointF | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Single-letter keys must reach the canvas with a Japanese input method switched on (PEERS 10).
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)

    def set_picture(self, picture: Picture | None, window: GreyWindow | None = None) -> None:
        """Show values, fitted; a drag under way is forgotten."""
        self._grab = None
        super().set_picture(picture, window)

    def set_tool(self, tool: Tool | None) -> None:
        """Plug in what takes the left button and the keys first."""
        self._tool = tool
        self.update()

    def paint_tool(self, painter: QPainter) -> None:
        if self._tool is not None:
            self._tool.paint(painter, self.camera, self._pointer)

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta().y() or event.angleDelta().x()
        self.zoom_at(WHEEL_STEP**delta, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._picture is None or self._grab is not None:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._last = event.position()
        button = event.button()
        if button is Qt.MouseButton.RightButton:
            self._grab, self._margin = "window", 0
        elif button is Qt.MouseButton.MiddleButton or self._space is not None:
            self._grab = "pan"
            self._space = self._space and "used"
        elif button is Qt.MouseButton.LeftButton:
            self._grab = "tool" if self.take(event.position()) else "pan"
        if self._grab == "pan":
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        self._pointer = at
        moved = at - self._last
        self._last = at
        if self._grab == "pan":
            self._fitted = False
            self.look(self._camera.moved(moved.x(), moved.y()))
        elif self._grab == "window" and self._picture is not None:
            self.set_grey_window(self._window.dragged(moved.x(), moved.y(), span=self._picture.span))
        elif self._grab == "tool":
            self.drag(at)
            self.update()
        elif self._picture is not None:
            self.setCursor(Qt.CursorShape.OpenHandCursor if self._space else self.cursor_at(at))
            self.update()
        self._tell_pointer(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        grab, self._grab, self._margin = self._grab, None, 3
        if grab == "tool":
            self.drop(event.position())
        if self._picture is not None:
            self.setCursor(self.cursor_at(event.position()))
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer = None
        self.pointer_moved.emit(None)
        self.update()

    def event(self, event: QEvent) -> bool:
        # Space is a pan key here and "next film" elsewhere: held with a drag it pans, tapped it is told.
        if event.type() == QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Space:  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._space = "down"
        elif self._tool is None or not self._tool.key(event):
            super().keyPressEvent(event)
        self.update()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            tapped, self._space = self._space == "down", None
            if tapped:
                self.space_tapped.emit(bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif self._tool is None or not self._tool.key_released(event):
            super().keyReleaseEvent(event)

    # the left button, for the film view to override

    def take(self, at: QPointF) -> bool:
        """The left button went down: True where the tool takes it (else the film pans)."""
        return self._tool is not None and self._tool.press(*self._camera.to_film(at.x(), at.y()), self._camera)

    def drag(self, at: QPointF) -> None:
        """The tool's drag goes on."""
        if self._tool is not None:
            self._tool.drag(*self._camera.to_film(at.x(), at.y()), self._camera)

    def drop(self, at: QPointF) -> None:
        """The tool's drag ends."""
        if self._tool is not None:
            self._tool.release(*self._camera.to_film(at.x(), at.y()), self._camera)

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        """The cursor over a point."""
        if self._tool is None:
            return Qt.CursorShape.ArrowCursor
        return self._tool.hover(*self._camera.to_film(at.x(), at.y()), self._camera)

    def _tell_pointer(self, at: QPointF) -> None:
        if self._picture is None:
            return
        x, y = self._camera.to_film(at.x(), at.y())
        value = self._picture.value_at(x, y)
        self.pointer_moved.emit(None if value is None else (x, y, value))
