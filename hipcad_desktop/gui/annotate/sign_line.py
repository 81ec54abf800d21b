"""The end of a reading: signed or not, and the way on to the next film."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from PySide6.QtCore import QSize
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.annotation import Reading
from hipcad_desktop.gui.actions import key_text


class SignLine(QFrame):
    """Says what is signed, by whom and when."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "panel")
        self._sign, self._next = actions["sign"], actions["next_unread"]
        self._words = QLabel()
        self.sign, self.next = QPushButton(), QPushButton()
        self.sign.setIconSize(QSize(16, 16))
        self.sign.clicked.connect(self._sign.trigger)
        self.next.setProperty("look", "primary")
        self.next.setToolTip("Go on with the next film that has no answer yet")
        self.next.clicked.connect(self._next.trigger)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.sign, 2)
        row.addWidget(self.next, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 9)
        column.setSpacing(4)
        column.addWidget(self._words)
        column.addLayout(row)
        for action in (self._sign, self._next):
            action.changed.connect(self._follow)
        self._follow()

    @property
    def words(self) -> str:
        """What is said of the signature."""
        return self._words.text()

    def show_reading(self, reading: Reading | None, *, answered: bool, waiting: bool = False) -> None:
        """The reading as saved. waiting: it was changed on the screen, and the reason is still to come."""
        signed = reading is not None and reading.signed_utc is not None
        if waiting:
            words, look = "Changed; not saved before its reason is given", "warning"
        elif signed and reading is not None:
            words, look = f"✓ Signed by {reading.reader}, {_local(reading.signed_utc or '')}", "ok"
        elif answered and reading is not None and reading.reason:
            words, look = f"Changed after signing: {reading.reason}", "muted"
        else:
            words, look = ("Not signed yet" if answered else "", "muted")
        self._words.setText(words)
        self._words.setToolTip(words)
        self._words.setVisible(bool(words))
        self._words.setProperty("look", look)
        self._words.style().unpolish(self._words)
        self._words.style().polish(self._words)
        self.sign.setEnabled(answered and not signed and not waiting)

    def _follow(self) -> None:
        self.sign.setText(f"Sign   {key_text(self._sign)}")
        self.sign.setToolTip(self._sign.toolTip())
        key = key_text(self._next)
        self.next.setText("Next unread   " + ("↵" if key == "Return" else key))


def _local(utc: str) -> str:
    """A UTC time as the clock on the wall shows it."""
    try:
        return datetime.fromisoformat(utc).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return utc
