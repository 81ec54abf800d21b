"""The cheat sheet and the page about the program; both are made from tables."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from hipcad_desktop import __version__
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.gui.actions import ACTIONS, GESTURES, MENUS

COLUMN_OF = {"Project": 0, "Review": 0, "Edit": 1, "Reading": 1, "Remarks": 1}


class CheatSheet(QDialog):
    """Every key and gesture on one page; `keys` are those in force, by command."""

    def __init__(self, parent: QWidget | None, keys: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and mouse")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        columns: list[list[tuple[str, list[tuple[str, str]]]]] = [
            [("On the film", [(g.keys, g.text) for g in GESTURES])],
            [],
            [],
        ]
        for menu in MENUS:
            lines = [(_keys(keys[a.name]), a.text.rstrip("…")) for a in ACTIONS if a.menu == menu and keys[a.name]]
            if lines:
                columns[COLUMN_OF.get(menu, 2)].append((menu, lines))
        row = QHBoxLayout()
        row.setSpacing(36)
        for column in columns:
            row.addLayout(_column(column))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 18, 24, 16)
        head = QLabel("Keys and mouse")
        head.setProperty("look", "title")
        layout.addWidget(head)
        layout.addLayout(row)
        layout.addWidget(_close(self))


class About(QDialog):
    """Version, what it is for, and what it is not for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About HipCAD Desktop")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 18, 24, 16)
        head = QLabel(f"HipCAD Desktop {__version__}")
        head.setProperty("look", "title")
        words = QLabel(
            f"<b>{RESEARCH_USE}</b><br><br>Annotate frontal pelvic films, train a network on the two hips, and let it "
            "look at new films. Nothing leaves this computer.<br><br>After “A computer-aided diagnosis system using "
            "artificial intelligence for hip fractures” (doi 10.1186/s12891-021-04260-2 for its reader study). "
            "Apache License 2.0."
        )
        words.setWordWrap(True)
        words.setMinimumWidth(420)
        layout.addWidget(head)
        layout.addWidget(words)
        layout.addWidget(_close(self))


def _keys(keys: tuple[str, ...]) -> str:
    shown = [QKeySequence(k).toString(QKeySequence.SequenceFormat.NativeText) for k in keys]
    return ", ".join(k for k in shown if k != "Enter")


def _column(groups: list[tuple[str, list[tuple[str, str]]]]) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(6)
    for title, lines in groups:
        head = QLabel(title.upper())
        head.setProperty("look", "section")
        column.addSpacing(6)
        column.addWidget(head)
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(0, 120)
        for y, (keys, text) in enumerate(lines):
            key = QLabel(keys)
            key.setProperty("look", "key")
            grid.addWidget(key, y, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(QLabel(text), y, 1)
        column.addLayout(grid)
    column.addStretch(1)
    return column


def _close(dialog: QDialog) -> QDialogButtonBox:
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
    buttons.rejected.connect(dialog.reject)
    return buttons
