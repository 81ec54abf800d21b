"""What may be plugged into a film view: something that takes the mouse and keys before the view pans."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QPainter

from hipcad_desktop.gui.viewer.camera import Camera


class Tool(Protocol):
    """All points are film pixels (floating point, possibly outside the film); camera tells what a screen pixel is."""

    def press(self, x: float, y: float, camera: Camera) -> bool:
        """The left button went down here; True where the tool takes the drag."""

    def drag(self, x: float, y: float, camera: Camera) -> None:
        """The mouse moved with the button down."""

    def release(self, x: float, y: float, camera: Camera) -> None:
        """The button went up."""

    def hover(self, x: float, y: float, camera: Camera) -> Qt.CursorShape:
        """The mouse moved without a button; the cursor to show."""

    def key(self, event: QKeyEvent) -> bool:
        """A key went down; True where the tool took it."""

    def key_released(self, event: QKeyEvent) -> bool:
        """A key went up."""

    def paint(self, painter: QPainter, camera: Camera, pointer: QPointF | None) -> None:
        """Draw above everything else."""
