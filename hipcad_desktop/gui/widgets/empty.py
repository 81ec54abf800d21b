"""A page with nothing on it yet: what to do next, as big buttons."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.gui import theme
from hipcad_desktop.gui.actions import spec
from hipcad_desktop.gui.widgets.icons import icon


class EmptyPage(QWidget):
    """A title, a sentence, and one big button an action; the first one is the next step."""

    def __init__(self, title: str, words: str, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: list[tuple[QPushButton, QAction]] = []
        head, text = QLabel(title), QLabel(words)
        head.setProperty("look", "title")
        text.setProperty("look", "muted")
        text.setWordWrap(True)
        column = QVBoxLayout()
        column.setSpacing(10)
        column.addStretch(2)
        column.addWidget(head)
        column.addWidget(text)
        column.addSpacing(10)
        for action in actions:
            column.addWidget(self._button(action, first=not self._buttons))
        column.addStretch(3)
        row = QHBoxLayout(self)
        row.addStretch(1)
        holder = QWidget()
        holder.setLayout(column)
        holder.setFixedWidth(560)
        row.addWidget(holder)
        row.addStretch(1)
        if self._buttons:
            self.setFocusProxy(self._buttons[0][0])
        self._colour()

    def _button(self, action: QAction, *, first: bool) -> QPushButton:
        button = QPushButton()
        button.setProperty("look", "big")
        button.setProperty("first", first)
        button.setText("  " + action.text().rstrip("…"))
        button.setIconSize(QSize(22, 22))
        button.setToolTip(action.toolTip())
        button.clicked.connect(action.trigger)
        button.setMinimumHeight(52)
        row = QHBoxLayout(button)
        row.setContentsMargins(0, 0, 16, 0)
        tip = QLabel(spec(action.objectName()).tip)
        tip.setProperty("look", "muted")
        tip.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row.addStretch(1)
        row.addWidget(tip)
        self._buttons.append((button, action))
        return button

    def changeEvent(self, event: QEvent) -> None:
        if hasattr(self, "_buttons") and theme.has_changed(self, event):
            self._colour()
        super().changeEvent(event)

    def _colour(self) -> None:
        for button, action in self._buttons:
            button.setIcon(icon(spec(action.objectName()).icon, theme.current().accent))
