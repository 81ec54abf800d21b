"""Who reads? The readers that the project knows, each with how far he or she is, or a new name. No password."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.gui.widgets.icons import icon

if TYPE_CHECKING:
    from hipcad_desktop.workflows.open_project import Project
    from hipcad_desktop.workflows.reader_study import ReaderProgress

RESERVED = "consensus"  # the name of the readings agreed together (store.readings)


def known_readers(project: Project) -> tuple[ReaderProgress, ...]:
    """For the project's thread: every reader's first round."""
    from hipcad_desktop.workflows.reader_study import progress

    return tuple(p for p in progress(project) if p.round == 1)


def readers_in(path: Path) -> Callable[[], tuple[ReaderProgress, ...]]:
    """A call that looks into a project which is not open; empty for one that is still to be made."""

    def call() -> tuple[ReaderProgress, ...]:
        from hipcad_desktop.domain.errors import UserError
        from hipcad_desktop.workflows.open_project import open_project

        try:
            with open_project(path) as project:
                return known_readers(project)
        except UserError:  # opening it in earnest, next, says why
            return ()

    return call


class SignIn(QDialog):
    """One click, or a name and Return."""

    signed_in = Signal(str)

    def __init__(
        self, readers: Sequence[ReaderProgress], *, now: str = "", default: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Reader")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._names = [r.reader for r in readers]
        self.list = QListWidget()
        self.list.setIconSize(QSize(20, 20))
        self.list.setAccessibleName("Readers of this project")
        for reader in readers:
            words = f"{reader.reader}\n{reader.answered} of {reader.films} read, {reader.signed} signed"
            item = QListWidgetItem(icon("reader"), words)
            item.setSizeHint(QSize(0, 46))
            self.list.addItem(item)
        self.list.setVisible(bool(readers))
        self.list.setMinimumHeight(min(52 * len(readers), 260))
        self.field = QLineEdit()
        self.field.setPlaceholderText("Another name")
        self.trouble = QLabel()
        self.trouble.setProperty("look", "error")
        self.trouble.hide()
        self.go = QPushButton("Sign in")
        self.go.setProperty("look", "primary")
        self.go.setDefault(True)
        cancel = QPushButton("Cancel")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.go.clicked.connect(self._go)
        self.list.itemActivated.connect(lambda _item: self._go())
        self.list.currentRowChanged.connect(self._picked)
        self.field.textEdited.connect(self._typed)
        self._build(cancel)
        if now in self._names:
            self.list.setCurrentRow(self._names.index(now))
        elif readers:
            self.list.setCurrentRow(0)
        else:
            self.field.setText(default)
            self.field.selectAll()
            self.field.setFocus()
        self._enable()

    def _build(self, cancel: QPushButton) -> None:
        head = QLabel("Who reads the films?")
        head.setProperty("look", "title")
        words = QLabel("Every answer carries this name. You see your own answers only, until the blinded phase ends.")
        words.setProperty("look", "muted")
        words.setWordWrap(True)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self.go)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 18, 22, 16)
        layout.setSpacing(10)
        for part in (head, words, self.list, self.field, self.trouble):
            layout.addWidget(part)
        layout.addLayout(row)
        self.setMinimumWidth(440)

    @property
    def name(self) -> str:
        """The name typed, else the one chosen."""
        typed = self.field.text().strip()
        row = self.list.currentRow()
        return typed or (self._names[row] if 0 <= row < len(self._names) else "")

    def _picked(self, _row: int) -> None:
        self.field.clear()
        self._enable()

    def _typed(self, text: str) -> None:
        self.list.blockSignals(True)
        self.list.setCurrentRow(-1)
        self.list.blockSignals(False)
        self._enable()

    def _enable(self) -> None:
        reserved = self.name.casefold() == RESERVED
        self.trouble.setText(f"“{RESERVED}” is the name of the readings agreed together.")
        self.trouble.setVisible(reserved)
        self.go.setEnabled(bool(self.name) and not reserved)

    def _go(self) -> None:
        if self.go.isEnabled():
            self.signed_in.emit(self.name)
            self.accept()
