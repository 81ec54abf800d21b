"""The bar above the modes and the rail of the modes."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from hipcad_desktop.gui import theme
from hipcad_desktop.gui.actions import spec
from hipcad_desktop.gui.widgets.elided import ElidedLabel
from hipcad_desktop.gui.widgets.icons import icon

MODES = ("mode_annotate", "mode_train", "mode_evaluate", "mode_diagnose", "mode_review")
TOOLS = ("import_folder", "import_files", "export_dataset")


class TopBar(QFrame):
    """Project, reader, and what is done most with a project."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "bar")
        self._project = ElidedLabel()
        self._project.setProperty("look", "heading")
        self.reader = QPushButton()
        self.reader.setProperty("look", "flat")
        self.reader.setIconSize(QSize(16, 16))
        self.reader.setToolTip("Who reads: click to change")
        self.reader.clicked.connect(actions["change_reader"].trigger)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 5, 8, 5)
        layout.setSpacing(6)
        layout.addWidget(self._project, 1)
        layout.addWidget(self.reader)
        layout.addSpacing(8)
        for name in TOOLS:
            layout.addWidget(_button(actions[name], text=True))
        layout.addSpacing(8)
        for name in ("light_theme", "cheat_sheet"):
            layout.addWidget(_button(actions[name], text=False))
        self.show_project("", "")

    def show_project(self, name: str, reader: str) -> None:
        """The open project and who reads it."""
        self._project.setText(name or "No project open")
        self.reader.setText(reader)
        self.reader.setVisible(bool(reader))
        self.recolour()

    def recolour(self) -> None:
        """The theme has changed."""
        self.reader.setIcon(icon("reader", theme.current().muted))


class ModeRail(QFrame):
    """Annotate, Train, Evaluate, Diagnose, Review."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "rail")
        self.setFixedWidth(82)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 6)
        layout.setSpacing(2)
        for name in MODES:
            button = QToolButton()
            button.setDefaultAction(actions[name])
            button.setProperty("look", "mode")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(QSize(26, 26))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            layout.addWidget(button)
        layout.addStretch(1)


def _button(action: QAction, *, text: bool) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setProperty("look", "flat")
    style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if text else Qt.ToolButtonStyle.ToolButtonIconOnly
    button.setToolButtonStyle(style)
    button.setIconSize(QSize(18, 18))
    button.setAccessibleName(spec(action.objectName()).text)
    return button
