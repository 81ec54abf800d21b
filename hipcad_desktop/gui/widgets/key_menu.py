"""A menu whose own keys come first: its digits are also commands of the window behind it."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QMenu


class KeyMenu(QMenu):
    """Takes every key while it is open; else "2" would set a type behind the menu instead of picking its entry."""

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)
