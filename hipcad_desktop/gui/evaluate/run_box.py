"""The foot of the form: what is missing, start, the question about the seal, and the evaluation as it goes."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.gui.widgets.notice import Notice


class RunBox(QWidget):
    """Emits started once what has to be asked is answered with yes."""

    start_asked = Signal()
    confirmed = Signal()
    cancel_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.problem = Notice()
        self.start = QPushButton("Evaluate")
        self.start.setProperty("look", "primary")
        self.start.setMinimumHeight(40)
        self.start.clicked.connect(self.start_asked)
        self._question = QLabel()
        self._question.setWordWrap(True)
        self.yes, self.no = QPushButton("Open it and evaluate"), QPushButton("Not now")
        self.yes.setProperty("look", "primary")
        self.yes.clicked.connect(self._on_yes)
        self.no.clicked.connect(self.rest)
        self.stage, self.bar, self.cancel = QLabel(), QProgressBar(), QPushButton("Cancel")
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the evaluation")
        self.cancel.clicked.connect(self.cancel_asked)
        self._stack = QStackedWidget()
        for page in (self._rest_page(), self._question_page(), self._busy_page()):
            self._stack.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.problem)
        layout.addWidget(self._stack)

    @property
    def asking(self) -> bool:
        """Whether the question about the seal waits."""
        return self._stack.currentIndex() == 1

    def rest(self) -> None:
        """Nothing runs, nothing is asked."""
        self._stack.setCurrentIndex(0)

    def ask(self, words: str) -> None:
        """Ask before the seal is broken."""
        self._question.setText(words)
        self._stack.setCurrentIndex(1)
        self.yes.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_progress(self, words: str, done: int = 0, total: int = 0) -> None:
        """It runs."""
        self.stage.setText(words)
        self.bar.setRange(0, max(total, 0))
        self.bar.setValue(done)
        self.cancel.setEnabled(True)
        self._stack.setCurrentIndex(2)

    def show_cancelling(self) -> None:
        """At once, before the worker answers."""
        self.stage.setText("Stopping …")
        self.cancel.setEnabled(False)

    def _on_yes(self) -> None:
        self.rest()
        self.confirmed.emit()

    def _rest_page(self) -> QWidget:
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.start, 1)
        return page

    def _question_page(self) -> QWidget:
        page = QFrame()
        page.setProperty("look", "warning")
        column = QVBoxLayout(page)
        column.setContentsMargins(12, 8, 12, 10)
        column.addWidget(self._question)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.no)
        row.addWidget(self.yes)
        column.addLayout(row)
        return page

    def _busy_page(self) -> QWidget:
        page = QFrame()
        page.setProperty("look", "card")
        column = QVBoxLayout(page)
        column.setContentsMargins(12, 8, 12, 10)
        row = QHBoxLayout()
        row.addWidget(self.stage, 1)
        row.addWidget(self.cancel)
        column.addLayout(row)
        column.addWidget(self.bar)
        return page
