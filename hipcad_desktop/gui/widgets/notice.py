"""A framed sentence: a failure, a warning or something to know; a sign before it, so never by colour alone."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

Kind = Literal["error", "warning", "info"]
_SIGNS: dict[Kind, str] = {"error": "✕", "warning": "!", "info": "i"}


class Notice(QFrame):
    """Hidden until it is told something."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sign = QLabel()
        self._sign.setProperty("look", "heading")
        self._sign.setFixedWidth(14)
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._words, 1)
        self.hide()

    def say(self, words: str, kind: Kind = "info") -> None:
        """Show the words; nothing hides it."""
        self.setProperty("look", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self._sign.setText(_SIGNS[kind])
        self._words.setText(words)
        self.setVisible(bool(words))

    def add_button(self, button: QWidget) -> None:
        """Something to do about it, beside the words."""
        layout = self.layout()
        assert layout is not None
        layout.addWidget(button)

    @property
    def words(self) -> str:
        """What is said; empty where it is hidden."""
        return self._words.text()
