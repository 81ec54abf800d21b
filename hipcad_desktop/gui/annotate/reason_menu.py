"""The reasons to exclude a film, in a menu whose numbers are keys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QMenu, QWidget

from hipcad_desktop.domain.annotation import ExclusionReason


class ReasonMenu(QMenu):
    """While it is open its numbers are its own, though elsewhere they are fracture types."""

    def __init__(self, chosen: Callable[[ExclusionReason], None], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("exclusion_menu")
        for number, reason in enumerate(ExclusionReason, 1):
            words = f"&{number}  {reason.value}" + ("…" if reason is ExclusionReason.OTHER else "")
            self.addAction(words).triggered.connect(lambda _checked=False, r=reason: chosen(r))
        self.aboutToHide.connect(self.deleteLater)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)
