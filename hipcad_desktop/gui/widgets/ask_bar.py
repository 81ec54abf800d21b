"""A question in one line, in its place instead of in a dialog: words, a field, yes and no by Return and Escape."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

ANSWERS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Space)


class AskBar(QFrame):
    """Hidden until it asks. A second question takes the place of the first, which then counts as not answered."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "warning")
        self._answered: Callable[[str], None] | None = None
        self._dropped: Callable[[], None] | None = None
        self._words = QLabel()
        self._words.setWordWrap(True)
        self.field = QLineEdit()
        self.field.setMinimumWidth(150)
        self.field.textChanged.connect(self._typed)
        self.field.returnPressed.connect(self.accept)
        self.yes, self.no = QPushButton(), QPushButton("Cancel")
        self.yes.setProperty("look", "primary")
        self.yes.clicked.connect(self.accept)
        self.no.clicked.connect(self.drop)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.field, 1)
        row.addWidget(self.yes)
        row.addWidget(self.no)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 8, 7)
        layout.setSpacing(5)
        layout.addWidget(self._words)
        layout.addLayout(row)
        self.hide()

    def ask(
        self,
        words: str,
        *,
        yes: str,
        hint: str,
        answered: Callable[[str], None],
        dropped: Callable[[], None] | None = None,
    ) -> None:
        """Ask for a text that is not empty; one of the two callbacks is called, once."""
        self.drop()
        self._answered, self._dropped = answered, dropped
        self._words.setText(words)
        self.yes.setText(yes)
        self.field.clear()
        self.field.setPlaceholderText(hint)
        self.field.setAccessibleName(words)
        self._typed()
        self.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def instead(self, answered: Callable[[str], None]) -> None:
        """The question stays, with what was typed so far; its answer leads elsewhere."""
        self._answered = answered

    @property
    def asking(self) -> bool:
        """Whether it waits for an answer."""
        return self._answered is not None

    @property
    def words(self) -> str:
        """The question."""
        return self._words.text()

    def accept(self) -> None:
        """Return, or the button."""
        text, call = self.field.text().strip(), self._answered
        if call is not None and text:
            self._end()
            call(text)

    def drop(self) -> None:
        """Escape, or Cancel."""
        call = self._dropped
        self._end()
        if call is not None:
            call()

    def event(self, event: QEvent) -> bool:
        # Return and Escape answer here; as keys of commands they would turn the page under the question.
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in ANSWERS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.drop()
        else:
            super().keyPressEvent(event)

    def _end(self) -> None:
        self._answered = self._dropped = None
        self.hide()

    def _typed(self) -> None:
        self.yes.setEnabled(bool(self.field.text().strip()))
