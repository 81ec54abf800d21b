"""When something goes wrong: a sentence a person can act on, or a report of a bug that holds no patient's data."""

from __future__ import annotations

import platform
import traceback
from pathlib import Path

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop import __version__
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence


def tell(what: str, error: UserError, parent: QWidget | None) -> QMessageBox:
    """Show the sentence of a failure; does not wait."""
    box = QMessageBox(QMessageBox.Icon.Warning, what, sentence(error), QMessageBox.StandardButton.Ok, parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.open()
    return box


def bug_report(error: BaseException) -> str:
    """Versions and the places in the code. No message of the exception and no paths of films: they may hold names."""
    lines = [
        f"HipCAD Desktop {__version__}, PySide6 {pyside_version}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()} {platform.machine()}",
        "",
    ]
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or at.__context__
    for link in reversed(chain):
        lines.append(type(link).__qualname__)
        for frame in traceback.extract_tb(link.__traceback__):
            lines.append(f"  {_place(frame.filename)}:{frame.lineno} {frame.name}")
    return "\n".join(lines)


class BugDialog(QDialog):
    """Something failed that should not: the work goes on, and the report can be copied."""

    def __init__(self, error: BaseException, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something went wrong")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        head = QLabel("Something went wrong in HipCAD Desktop")
        head.setProperty("look", "title")
        words = QLabel(
            "This is a bug. Your saved readings are safe. The report below names places in the program only, no film "
            "and no patient: please send it to the maintainers with what you were doing."
        )
        words.setWordWrap(True)
        self.report = QPlainTextEdit(bug_report(error))
        self.report.setReadOnly(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy the report", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QApplication.clipboard().setText(self.report.toPlainText()))
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        for part in (head, words, self.report, buttons):
            layout.addWidget(part)
        self.resize(640, 420)


def _place(filename: str) -> str:
    parts = Path(filename).parts
    for root in ("hipcad_desktop", "site-packages"):
        if root in parts:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(root) :])
    return Path(filename).name
