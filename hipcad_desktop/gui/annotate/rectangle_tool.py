"""The hand that draws: rectangles by drag, moved, resized, nudged, deleted. Every finished gesture is told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen

from hipcad_desktop.domain.annotation import Finding
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.annotate import editing
from hipcad_desktop.gui.annotate.editing import Handle, Hit
from hipcad_desktop.gui.viewer.camera import Camera
from hipcad_desktop.gui.viewer.marks import draw_text

GRAB_PX = 8.0  # screen pixels
CLICK_PX = 4.0  # a shorter drag is a click
HANDLE_PX = 8.0
LEAST_PX = 2.0  # film pixels: no rectangle is narrower
CURSORS = {
    Handle.NW: Qt.CursorShape.SizeFDiagCursor,
    Handle.SE: Qt.CursorShape.SizeFDiagCursor,
    Handle.NE: Qt.CursorShape.SizeBDiagCursor,
    Handle.SW: Qt.CursorShape.SizeBDiagCursor,
    Handle.N: Qt.CursorShape.SizeVerCursor,
    Handle.S: Qt.CursorShape.SizeVerCursor,
    Handle.W: Qt.CursorShape.SizeHorCursor,
    Handle.E: Qt.CursorShape.SizeHorCursor,
    Handle.INSIDE: Qt.CursorShape.SizeAllCursor,
}
ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}


class RectangleTool(QObject):
    """Plugs into a FilmView (viewer.tool.Tool). Findings keep their fracture type while their rectangle changes."""

    edited = Signal(object)  # tuple[Finding, ...] while a gesture goes on
    committed = Signal(object)  # tuple[Finding, ...] once, when it is finished and something changed
    selection_changed = Signal(object)  # index or None
    repaint_asked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._film: Size | None = None
        self._findings: tuple[Finding, ...] = ()
        self._selected: int | None = None
        self._before: tuple[Finding, ...] | None = None  # as they were when the gesture began
        self._hit: Hit | None = None
        self._start = (0.0, 0.0)
        self._drawing: Rectangle | None = None
        self._nudging = False
        self._visible = True

    def set_film(self, film: Size | None, findings: Sequence[Finding] = ()) -> None:
        """Another film, with its findings; a gesture under way is forgotten."""
        self._film = film
        self._selected = None
        self.set_findings(findings)

    def set_findings(self, findings: Sequence[Finding]) -> None:
        """Findings from outside (undo, a type chosen in the panel); a gesture under way is forgotten."""
        self._findings = tuple(findings)
        self._before = self._drawing = self._hit = None
        self._nudging = False
        if self._selected is not None and self._selected >= len(self._findings):
            self.select(None)
        self.repaint_asked.emit()

    def set_visible(self, visible: bool) -> None:
        """Hide the rectangles, to see the bone."""
        self._visible = visible
        self.repaint_asked.emit()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is drawn."""
        return self._findings

    @property
    def selected(self) -> int | None:
        """The index of the selected finding."""
        return self._selected

    @property
    def busy(self) -> bool:
        """Whether a gesture is under way."""
        return self._before is not None

    def select(self, index: int | None) -> None:
        """Select a finding."""
        if index != self._selected:
            self._selected = index
            self.selection_changed.emit(index)
            self.repaint_asked.emit()

    def delete_selected(self) -> bool:
        """Take the selected rectangle away; False where none is selected."""
        index = self._selected
        if index is None or self.busy:
            return False
        self._findings = self._findings[:index] + self._findings[index + 1 :]
        self.select(None)
        self.edited.emit(self._findings)
        self.committed.emit(self._findings)
        return True

    # viewer.tool.Tool

    def press(self, x: float, y: float, camera: Camera) -> bool:
        """Grab a rectangle, or begin a new one on the film."""
        if self._film is None or not self._visible:
            return False
        self._finish_nudge()
        self._start = (x, y)
        self._before = self._findings
        self._drawing = None
        self._hit = self._grabbed(x, y, camera)
        if self._hit is not None:
            self.select(self._hit.index)
        return True

    def drag(self, x: float, y: float, camera: Camera) -> None:
        """Move, resize or draw; live."""
        if self._before is None or self._film is None:
            return
        dx, dy = x - self._start[0], y - self._start[1]
        if self._hit is None:
            self._drawing = editing.drawn(*self._start, x, y, self._film, least=self._least(camera))
            new = () if self._drawing is None else (Finding(self._drawing),)
            self.edited.emit(self._before + new)
            return
        if max(abs(dx), abs(dy)) * camera.scale < CLICK_PX and self._findings == self._before:
            return
        held = self._before[self._hit.index]
        if self._hit.handle is Handle.INSIDE:
            rectangle = editing.moved(held.rectangle, dx, dy, self._film)
        else:
            rectangle = editing.resized(held.rectangle, self._hit.handle, dx, dy, self._film, least=LEAST_PX)
        self._replace(self._hit.index, rectangle)

    def release(self, x: float, y: float, camera: Camera) -> None:
        """The gesture is finished: told once where something changed; a click beside everything selects nothing."""
        before, self._before = self._before, None
        if before is None:
            return
        if self._hit is None:
            if self._drawing is not None:
                self._findings = (*before, Finding(self._drawing))
                self._drawing = None
                self.select(len(self._findings) - 1)
            else:
                self.select(None)
                self.edited.emit(self._findings)
        if self._findings != before:
            self.committed.emit(self._findings)

    def hover(self, x: float, y: float, camera: Camera) -> Qt.CursorShape:
        """A cross on the film, arrows on rectangles."""
        if self._film is None or not self._visible:
            return Qt.CursorShape.ArrowCursor
        grabbed = self._grabbed(x, y, camera)
        if grabbed is not None:
            return CURSORS[grabbed.handle]
        on_film = 0 <= x <= self._film.width and 0 <= y <= self._film.height
        return Qt.CursorShape.CrossCursor if on_film else Qt.CursorShape.ArrowCursor

    def key(self, event: QKeyEvent) -> bool:
        """Arrows nudge the selected rectangle by 1 film pixel, with Shift by 10; Escape takes a gesture back."""
        key = Qt.Key(event.key())
        if key is Qt.Key.Key_Escape:
            return self._escape()
        index = self._selected
        if key not in ARROWS or index is None or self._film is None or (self.busy and not self._nudging):
            return False
        step = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        dx, dy = ARROWS[key]
        if not self._nudging:
            self._nudging, self._before = True, self._findings
        self._replace(index, editing.moved(self._findings[index].rectangle, dx * step, dy * step, self._film))
        return True

    def key_released(self, event: QKeyEvent) -> bool:
        """The nudge is finished when its key goes up: one revision, however long it was held."""
        if event.isAutoRepeat() or Qt.Key(event.key()) not in ARROWS or not self._nudging:
            return False
        self._finish_nudge()
        return True

    def paint(self, painter: QPainter, camera: Camera, pointer: QPointF | None) -> None:
        """Rectangles with their number and type; eight handles on the selected one."""
        if not self._visible:
            return
        for index, finding in enumerate(self._findings):
            name = str(index + 1) + (f"  {finding.fracture_type.value}" if finding.fracture_type else "")
            _draw(painter, camera, finding.rectangle, name, selected=index == self._selected)
        if self._drawing is not None:
            _draw(painter, camera, self._drawing, "", selected=True)

    def finish(self) -> None:
        """End what is under way as if the button or key were let go: before another film is shown."""
        self._finish_nudge()
        if self._before is not None:
            self.release(*self._start, Camera())

    # parts

    def _finish_nudge(self) -> None:
        if self._nudging:
            before, self._before, self._nudging = self._before, None, False
            if self._findings != before:
                self.committed.emit(self._findings)

    def _escape(self) -> bool:
        if self._before is not None:
            self._findings, self._before = self._before, None
            self._drawing = self._hit = None
            self._nudging = False
            self.edited.emit(self._findings)
            self.repaint_asked.emit()
            return True
        if self._selected is not None:
            self.select(None)
            return True
        return False

    def _replace(self, index: int, rectangle: Rectangle) -> None:
        changed = replace(self._findings[index], rectangle=rectangle)
        self._findings = (*self._findings[:index], changed, *self._findings[index + 1 :])
        self.edited.emit(self._findings)
        self.repaint_asked.emit()

    def _grabbed(self, x: float, y: float, camera: Camera) -> Hit | None:
        rectangles = [f.rectangle for f in self._findings]
        return editing.hit(rectangles, x, y, tolerance=GRAB_PX / camera.scale, selected=self._selected)

    def _least(self, camera: Camera) -> float:
        return max(LEAST_PX, CLICK_PX / camera.scale)


def _draw(painter: QPainter, camera: Camera, rectangle: Rectangle, name: str, *, selected: bool) -> None:
    x0, y0 = camera.to_screen(rectangle.x, rectangle.y)
    x1, y1 = camera.to_screen(rectangle.x1, rectangle.y1)
    box = QRectF(x0, y0, x1 - x0, y1 - y0)
    colour = theme.FILM_SELECTED if selected else theme.FILM_FINDING
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 170), 4.0))
    painter.drawRect(box)
    painter.setPen(QPen(QColor(colour), 2.0))
    painter.drawRect(box)
    if name:
        draw_text(painter, QPointF(x0, y0 - 7 if y0 > 24 else y1 + 16), name, colour=colour, px=13)
    if not selected:
        return
    painter.setPen(QPen(QColor(0, 0, 0, 220), 1.2))
    painter.setBrush(QColor(theme.FILM_SELECTED))
    for x, y in editing.handle_points(rectangle).values():
        sx, sy = camera.to_screen(x, y)
        painter.drawRect(QRectF(sx - HANDLE_PX / 2, sy - HANDLE_PX / 2, HANDLE_PX, HANDLE_PX))
    painter.setBrush(Qt.BrushStyle.NoBrush)
